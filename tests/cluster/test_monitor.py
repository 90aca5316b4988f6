"""CentroidMonitor: distances by hand, rates that hold, what it says of one row, of many, and of drift."""

import importlib.util
import json
from collections.abc import Callable
from typing import Any

import fulcra
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from conftest import Interrupt
from fulcra.cluster import (
    CentroidMonitor,
    KMeans,
    KMedians,
    KMedoids,
    MahalanobisKMeans,
    MiniBatchKMeans,
    SphericalKMeans,
)
from fulcra.cluster._monitor import own_spread
from fulcra.cluster._monitor.calibration import folds, level
from fulcra.cluster._monitor.drift_significance import holm
from fulcra.datasets import load_shuttle
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.cluster import Birch
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.cluster import MiniBatchKMeans as TheirMiniBatchKMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

RNG = np.random.default_rng(0)
#: A tight state and a wide one.
ROWS = np.concatenate([RNG.normal(0, 1, (300, 3)), RNG.normal(40, 4, (200, 3))])


def monitor(**params: Any) -> CentroidMonitor:
    return CentroidMonitor(KMeans(2, random_state=0), **params)


# --- distances and levels, by hand ---


def test_distances_are_in_each_columns_own_spread() -> None:
    # Around (0, 0): 100 rows at (+-1, +-10), so the spreads are 1 and 10, of any part.
    rows = np.array([[1.0, 10.0], [1.0, -10.0], [-1.0, 10.0], [-1.0, -10.0]] * 25)
    known = FrozenEstimator(KMeans.from_centers([[0.0, 0.0]]))
    fitted = CentroidMonitor(known).fit(rows)
    assert_allclose(
        fitted.score_samples([[3.0, 0.0], [0.0, 30.0], [1.0, 10.0]]), [-(4.5**0.5), -(4.5**0.5), -1]
    )
    assert fitted.critical_level_ == fitted.warning_level_ == pytest.approx(1)
    assert_allclose(fitted.spreads_, [[1, 10]])
    assert_array_equal(fitted.zones([[1.0, 10.0], [1.1, 10.0]]), ["normal", "critical"])


def test_a_small_cluster_borrows_from_all() -> None:
    # Ten rows at +-2 around 0 and 90 at +-1 around 100: pooled (10 * 4 + 90 * 1) / 100 = 1.3.
    rows = np.concatenate([np.tile([2.0, -2.0], 5), 100 + np.tile([1.0, -1.0], 45)])[:, np.newaxis]
    fitted = CentroidMonitor(FrozenEstimator(KMeans.from_centers([[0.0], [100.0], [500.0]]))).fit(rows)
    assert_allclose(fitted.spreads_[:, 0] ** 2, [(40 + 13) / 20, (90 + 13) / 100, 1.3])
    assert_allclose(fitted.score_samples([[3.0]]), [-3 / 2.65**0.5])
    assert_array_equal(fitted.sizes_, [10, 90, 0])


def test_the_level_is_the_conformal_one() -> None:
    distances = np.array([9.0, 1, 2, 3, 4, 5, 6, 7, 8])
    assert level(distances, np.ones(9), 0.2) == (8.0, pytest.approx(0.2))  # the ceil(0.8 * 10)-th of 9
    assert level(distances, np.ones(9), 0.25) == (8.0, pytest.approx(0.2))
    assert level(distances, np.ones(9), 0.01) == (9.0, pytest.approx(0.1))  # too few rows for 0.01
    weights = np.array([1.0, 1, 1, 1, 1, 1, 1, 1, 3])  # 8 three times: the ceil(0.8 * 12)-th of 11
    assert level(distances, weights, 0.2) == (8.0, pytest.approx(2 / 12))


def test_folds_hold_out_every_row_once_by_content_and_weight() -> None:
    values, weights = RNG.normal(size=(50, 2)), RNG.integers(0, 4, 50).astype(float)
    held = np.zeros(50)
    for (kept, kept_weights), (out, out_weights) in folds(values, weights, 3):
        together = np.zeros(50)
        together[kept] += kept_weights
        together[out] += out_weights
        assert_allclose(together, weights)
        held[out] += out_weights
        assert out_weights.sum() == pytest.approx(weights.sum() / 3, abs=1)
    assert_allclose(held, weights)
    # The same rows in another order, repeated instead of weighted, sparse: the same parts.
    order = RNG.permutation(np.repeat(np.arange(50), weights.astype(int)))
    for given in (values[order], sp.csr_array(values[order])):
        pairs = zip(folds(values, weights, 3), folds(given, np.ones(len(order)), 3), strict=True)
        for (_, (out, out_weights)), (_, (again, _)) in pairs:
            assert_array_equal(np.bincount(order[again], minlength=50)[out], out_weights)


def test_p_values_are_adjusted_as_holm_does() -> None:
    assert_allclose(holm(np.array([0.04, 0.01, np.nan, 0.03])), [0.06, 0.03, np.nan, 0.06])
    assert_allclose(holm(np.array([0.9, 0.6])), [1, 1])


# --- rates ---

SHAPES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.choice([0.0, 9.0, 20.0], (n, 1)) + rng.normal(size=(n, 4)),
    "t with 2": lambda rng, n: rng.choice([0.0, 30.0], (n, 1)) + rng.standard_t(2, size=(n, 3)),
    "lognormal": lambda rng, n: np.exp(rng.normal(size=(n, 3))),
    "uniform": lambda rng, n: rng.random((n, 3)),
    "discrete": lambda rng, n: rng.poisson(1.0, (n, 4)).astype(float),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_false_alarms_come_at_the_stated_rate(shape: str) -> None:
    alarms, warnings, in_sample = [], [], []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        fitted = CentroidMonitor(KMeans(6, random_state=seed), false_alarm_rate=0.05, warning_rate=0.2)
        rows = SHAPES[shape](rng, 300)
        fitted.fit(rows)
        distances = -fitted.score_samples(SHAPES[shape](rng, 1000))
        alarms.append(np.mean(distances > fitted.critical_level_))
        warnings.append(np.mean(distances > fitted.warning_level_))
        in_sample.append(np.mean(distances > level(-fitted.score_samples(rows), np.ones(300), 0.05)[0]))
    # The rate of one fit has a standard deviation of about 1.5 sqrt(rate / n): 0.003 for the mean of 50.
    assert 0.04 < np.mean(alarms) < 0.057
    assert 0.17 < np.mean(warnings) < 0.215
    assert np.mean(in_sample) > 1.1 * np.mean(alarms)  # why levels are not found on the rows of the fit


@pytest.mark.parametrize(("n", "n_clusters"), [(100, 3), (3000, 8)])
def test_the_rate_of_one_percent_holds_for_few_rows_and_for_many(n: int, n_clusters: int) -> None:
    n_runs = 6000 // n
    alarms = 0
    for seed in range(n_runs):
        rng = np.random.default_rng(seed)
        fitted = CentroidMonitor(KMeans(n_clusters, random_state=0)).fit(SHAPES["t with 2"](rng, n))
        alarms += np.sum(fitted.predict(SHAPES["t with 2"](rng, n)) == -1)
    # Held-out rows vary as those of the test do: twice the variance of a binomial count.
    assert abs(alarms - 60) < 1.96 * (2 * 60) ** 0.5 + 0.15 * 60


def _three_groups(rng: np.random.Generator) -> np.ndarray:
    groups = ([0, 0], [1, 1], 1500), ([10, 0], [1, 3], 1500), ([5, 40], [2, 2], 150)
    return np.concatenate([rng.normal(place, spread, (n, 2)) for place, spread, n in groups])


def test_the_rate_holds_where_fits_end_in_different_optima() -> None:
    # Two clusters for three groups: which two share one differs from fit to fit. Levels from plain distances
    # give rates of up to 0.048 here.
    rates = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        fitted = CentroidMonitor(KMeans(2, n_init=1, random_state=seed)).fit(_three_groups(rng))
        rates.append(np.mean(fitted.predict(_three_groups(rng)) == -1))
    assert 0.008 < np.mean(rates) < 0.012
    assert np.max(rates) < 0.02


def test_rates_that_the_rows_allow_are_told() -> None:
    fitted = monitor(false_alarm_rate=0.02).fit(ROWS)
    assert fitted.false_alarm_rate_ == pytest.approx(10 / 501)
    assert fitted.warning_rate_ == pytest.approx(50 / 501)
    assert fitted.offset_ == -fitted.critical_level_
    assert fitted.warning_level_ < fitted.critical_level_
    with pytest.warns(UserWarning, match="needs at least 99 rows; X has 56"):
        few = monitor().fit(ROWS[::9])
    assert few.false_alarm_rate_ == pytest.approx(1 / 57)
    assert monitor(false_alarm_rate=0.5).fit(ROWS).warning_rate_ == pytest.approx(0.75, abs=0.002)


# --- detection ---


def test_detection_beside_an_isolation_forest_on_wines() -> None:
    X, y = load_wine(return_X_y=True)
    normal, other = X[y != 1], X[y == 1]
    found = []
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(normal)
        known, held = shuffled[:70], shuffled[70:]
        ours = CentroidMonitor(
            make_pipeline(StandardScaler(), KMeans(2, random_state=seed)), false_alarm_rate=0.05
        ).fit(known)
        theirs = IsolationForest(contamination=0.05, random_state=seed).fit(known)
        for model in (ours, theirs):
            found.append((np.mean(model.predict(held) == -1), np.mean(model.predict(other) == -1)))
    ours, theirs = np.mean(found[::2], axis=0), np.mean(found[1::2], axis=0)
    assert ours[0] < 0.1
    assert ours[1] > 0.65
    assert ours[1] > theirs[1] + 0.2


@pytest.mark.skipif(importlib.util.find_spec("river") is None, reason="its data are not installed")
def test_detection_beside_an_isolation_forest_on_a_shuttle() -> None:
    X, y = load_shuttle(return_X_y=True)
    normal, other = np.random.default_rng(0).permutation(X[y == 0]), X[y == 1]
    known, held = np.split(normal, 2)
    ours = CentroidMonitor(make_pipeline(StandardScaler(), KMeans(16, n_init=3, random_state=0))).fit(known)
    theirs = IsolationForest(contamination=0.01, random_state=0).fit(known)
    truth = np.r_[np.ones(len(held)), np.zeros(len(other))]
    rows = np.concatenate([held, other])
    assert 0.0075 < np.mean(ours.predict(held) == -1) < 0.0135
    assert np.mean(ours.predict(other) == -1) > max(0.985, np.mean(theirs.predict(other) == -1) + 0.01)
    auc = roc_auc_score(truth, ours.score_samples(rows))
    assert auc > max(0.997, roc_auc_score(truth, theirs.score_samples(rows)))


@pytest.mark.skipif(importlib.util.find_spec("river") is None, reason="its data are not installed")
def test_alarms_on_held_out_normal_readings_lie_in_the_binomial_band() -> None:
    X, y = load_shuttle(return_X_y=True)
    band = stats.binom.interval(0.95, 5000, 0.01)
    inside = 0
    for seed in range(12):
        held, known = np.split(np.random.default_rng(seed).permutation(X[y == 0]), [5000])
        states = make_pipeline(StandardScaler(), KMeans(8, random_state=0))
        alarms = np.sum(CentroidMonitor(states).fit(known).predict(held) == -1)
        inside += band[0] <= alarms <= band[1]
    assert inside >= 11


# --- what it takes ---


@pytest.mark.parametrize(
    "estimator",
    [
        KMeans(2, random_state=0),
        TheirKMeans(2, random_state=0, n_init=1),
        TheirMiniBatchKMeans(2, random_state=0, n_init=1),
        MiniBatchKMeans(2, random_state=0),
        KMedians(2, random_state=0),
        KMedoids(2, random_state=0),
        MahalanobisKMeans(2, random_state=0),
        SphericalKMeans(2, random_state=0),
        make_pipeline(StandardScaler(), TheirKMeans(2, random_state=0, n_init=1)),
        make_pipeline(StandardScaler(), KMeans(2, random_state=0)),
    ],
    ids=lambda model: f"{type(model).__module__.split('.')[0]} {type(model).__name__}",
)
def test_any_clusterer_with_centers(estimator: Any) -> None:
    spherical = isinstance(estimator, SphericalKMeans)
    rows = np.concatenate([ROWS[:, :2] + [30, 0], ROWS[:, :2] * [0.1, 1] + [0, 30]]) if spherical else ROWS
    fitted = CentroidMonitor(estimator).fit(rows)
    far = [[-5.0, -5.0]] if spherical else [[20.0, 20.0, 20.0]]
    assert fitted.predict(far).tolist() == [-1]
    distances = -fitted.score_samples(rows)
    # By construction, but for the part of the spread that clusters share.
    assert 0.5 < np.mean(distances**2) < 1.01
    assert np.mean(distances > fitted.critical_level_) < 0.015


def test_an_estimator_keeps_its_own_metric() -> None:
    fitted = CentroidMonitor(KMedians(2, random_state=0)).fit(ROWS)
    labels = fitted.estimator_.predict(ROWS)
    own = np.abs(ROWS - fitted.estimator_.cluster_centers_[labels]).sum(axis=1)
    ratio = -fitted.score_samples(ROWS) / own
    for j in range(2):
        assert_allclose(ratio[labels == j], ratio[labels == j][0])
        squares = [np.sum(own[labels == i] ** 2) for i in range(2)]
        pooled = 10 * sum(squares) / 500
        spread = ((squares[j] + pooled) / (np.sum(labels == j) + 10)) ** 0.5
        assert ratio[labels == j][0] == pytest.approx(1 / spread)


def test_known_centers_are_only_calibrated() -> None:
    known = KMeans.from_centers([[0.0, 0.0, 0.0], [40.0, 40.0, 40.0]])
    fitted = CentroidMonitor(FrozenEstimator(known)).fit(ROWS)
    assert_array_equal(fitted.centers_, known.cluster_centers_)
    assert_array_equal(fitted.estimator_.predict(ROWS), known.predict(ROWS))
    assert np.mean(fitted.predict(ROWS) == -1) == pytest.approx(0.01, abs=0.005)
    piped = make_pipeline(StandardScaler(), FrozenEstimator(KMeans.from_centers([[-1.0] * 3, [1.0] * 3])))
    assert CentroidMonitor(piped).fit(ROWS, sample_weight=np.full(500, 2.0)).sizes_.sum() == 1000


def test_tables_of_every_kind_give_the_same(dtype: type[np.floating]) -> None:
    rows = ROWS.astype(dtype)
    want = monitor().fit(rows).score_samples(rows)
    tolerance = {"rtol": 1e-4} if dtype is np.float32 else {"rtol": 1e-9}
    assert_allclose(want, monitor().fit(ROWS).score_samples(ROWS), **tolerance)
    names = ["a", "b", "c"]
    for table in (pd.DataFrame(rows, columns=names), pl.DataFrame(rows, schema=names), rows.tolist()):
        fitted = monitor().fit(table)
        assert_allclose(fitted.score_samples(table), want, **tolerance)
        assert fitted.features_ == (("a", "b", "c") if hasattr(table, "columns") else ("x0", "x1", "x2"))
    frame = monitor().fit(pd.DataFrame(rows, columns=names))
    assert frame.feature_names_in_.tolist() == names
    frame.fit(rows)
    assert not hasattr(frame, "feature_names_in_")


def test_sparse_rows_are_measured_as_dense_ones() -> None:
    rows = np.where(RNG.random((400, 6)) < 0.6, 0, RNG.normal(3, 1, (400, 6)))
    rows[:, 5] = 0
    dense, sparse = (CentroidMonitor(KMeans(3, random_state=0)).fit(X) for X in (rows, sp.csr_array(rows)))
    assert_allclose(sparse.score_samples(sp.csr_array(rows)), dense.score_samples(rows), rtol=1e-9)
    assert_allclose(sparse.critical_level_, dense.critical_level_, rtol=1e-9)
    assert_allclose(sparse.deviations(sp.csc_matrix(rows)), dense.deviations(rows), rtol=1e-8, atol=1e-8)
    assert dense.drift(rows).calm
    assert sparse.drift(sp.csr_array(rows)).calm
    assert sparse.explain(sp.csr_array(rows[:1])).zone == dense.explain(rows[0]).zone


def test_a_weight_is_a_repetition_and_order_is_nothing() -> None:
    weights = RNG.integers(0, 3, 500)
    repeated = np.repeat(ROWS, weights, axis=0)
    want = monitor().fit(repeated)
    for got in (
        monitor().fit(ROWS, sample_weight=weights),
        monitor().fit(RNG.permutation(repeated)),
        CentroidMonitor(make_pipeline(KMeans(2, random_state=0))).fit(ROWS, sample_weight=weights),
    ):
        assert_allclose(got.critical_level_, want.critical_level_, rtol=1e-9)
        assert_allclose(got.warning_level_, want.warning_level_, rtol=1e-9)
        assert got.false_alarm_rate_ == want.false_alarm_rate_
        assert_allclose(np.sort(got.sizes_), np.sort(want.sizes_))


def test_threads_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    want = monitor().fit(ROWS)
    fulcra.set_num_threads(1)
    alone = monitor().fit(ROWS)
    assert alone.critical_level_ == want.critical_level_
    assert_array_equal(alone.score_samples(ROWS), want.score_samples(ROWS))
    monkeypatch.setattr(own_spread, "_BLOCK", 64)
    assert_array_equal(want.score_samples(ROWS), alone.score_samples(ROWS))


def test_rows_that_do_not_vary_are_no_alarm_and_others_are() -> None:
    rows = np.c_[RNG.normal(size=200), np.full(200, 7.0)]
    fitted = CentroidMonitor(KMeans(1)).fit(rows)
    assert fitted.predict([[0.0, 7.0], [0.0, 7.0 + 1e-9], [0.0, 8.0]]).tolist() == [1, 1, -1]
    still = CentroidMonitor(KMeans(1)).fit(np.full((200, 2), 5.0))
    assert still.predict([[5.0, 5.0], [5.0, 6.0]]).tolist() == [1, -1]


# --- one row ---


def test_what_is_wrong_with_a_row_is_told_in_the_tables_units() -> None:
    table = pd.DataFrame({"pressure": 1000 + 50 * RNG.normal(size=400), "heat": 20 + RNG.normal(size=400)})
    scaled = CentroidMonitor(make_pipeline(StandardScaler(), KMeans(1))).fit(table)
    row = pd.DataFrame({"pressure": [1010.0], "heat": [29.0]})
    report = scaled.explain(row)
    assert (report.zone, report.cluster) == ("critical", 0)
    assert report.distance == pytest.approx(-scaled.score_samples(row)[0])
    assert report.centers == pytest.approx(table.mean().to_numpy())
    assert report.spreads == pytest.approx(table.std(ddof=0).to_numpy())
    assert report.deviations == pytest.approx((row.iloc[0] - table.mean()) / table.std(ddof=0))
    assert np.mean(report.deviations**2) ** 0.5 == pytest.approx(report.distance)
    frame = report.to_frame()
    assert frame.index.tolist() == ["heat", "pressure"]
    assert frame["contribution"].sum() == pytest.approx(1)
    assert frame.loc["heat", "contribution"] > 0.99
    written = json.loads(json.dumps(report.to_dict()))
    assert list(written["features"]) == ["heat", "pressure"]
    assert written["features"]["heat"]["deviation"] == pytest.approx(frame.loc["heat", "deviation"])
    for text in (str(report), report._repr_html_()):
        assert "29.0" in text
        assert f"{report.distance:.2f}" in text
    assert scaled.explain(table.iloc[3]).values == pytest.approx(table.iloc[3].to_numpy())
    with pytest.raises(ValueError, match="takes one row; got 400"):
        scaled.explain(table)


def test_deviations_of_many_rows_add_up_to_their_distances() -> None:
    fitted = monitor().fit(ROWS)
    squares = fitted.deviations(ROWS) ** 2
    assert_allclose(np.sqrt(squares.mean(axis=1)), -fitted.score_samples(ROWS))


# --- drift ---


def test_shifts_and_shares_by_hand() -> None:
    then = np.concatenate([np.tile([1.0, -1.0], 50), 100 + np.tile([1.0, -1.0], 50)])[:, np.newaxis]
    now = np.concatenate([0.5 + np.tile([1.0, -1.0], 30), 100 + np.tile([1.0, -1.0], 10)])[:, np.newaxis]
    fitted = CentroidMonitor(FrozenEstimator(KMeans.from_centers([[0.0], [100.0]]))).fit(then)
    report = fitted.drift(now)
    assert_allclose(report.means_then, [[0], [100]])
    assert_allclose(report.means_now, [[0.5], [100]])
    assert_allclose(report.shifts, [[0.5], [0]])
    assert_allclose(report.shares_now, [0.75, 0.25])
    # Of the two variances, n / (n - 1) with n = 60 and 100, the larger; 158 degrees of freedom.
    t = 0.5 / (60 / 59 * (1 / 60 + 1 / 100)) ** 0.5
    p = 2 * stats.t.sf(t, 158)
    assert_allclose(report.p_values, [[3 * 2 * p], [1]])
    # 100 of 200 then, which count as 50 of 100; 60 of 80 now.
    tail = stats.betabinom(80, 101 / 2, 100 / 2).sf(59)
    assert_allclose(report.share_p_values, [3 * 2 * 2 * tail] * 2)
    assert report.n_alarms == 30  # 1.5 is beyond every row of the fit


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_is_flagged_where_nothing_moves(shape: str) -> None:
    flagged = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n_then, n_now = [(200, 200), (200, 1000), (400, 40)][seed % 3]
        fitted = CentroidMonitor(KMeans(5, random_state=0), n_splits=5, false_alarm_rate=0.05)
        fitted.fit(SHAPES[shape](rng, n_then))
        flagged += not fitted.drift(SHAPES[shape](rng, n_now)).calm
    assert flagged <= stats.binom.ppf(0.999, 60, 0.05)


def _with_rare_levels(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.c_[rng.choice([0.0, 9.0], (n, 1)) + rng.normal(size=(n, 2)), rng.random((n, 15)) < 0.01]


def test_rare_levels_are_no_drift() -> None:
    flagged = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        fitted = CentroidMonitor(KMeans(2, random_state=0), n_splits=5).fit(_with_rare_levels(rng, 1000))
        flagged += not fitted.drift(_with_rare_levels(rng, 150)).calm
    assert flagged <= stats.binom.ppf(0.999, 40, 0.05)


def _four_groups(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.repeat([0.0, 12.0, 24.0, 36.0], n)[:, np.newaxis] + rng.normal(size=(4 * n, 5))


def test_a_planted_shift_is_named() -> None:
    named = alone = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        fitted = CentroidMonitor(KMeans(4, random_state=0), n_splits=5).fit(_four_groups(rng, 150))
        now = _four_groups(rng, 50)
        j, f = seed % 4, seed % 5
        now[50 * j : 50 * (j + 1), f] += 1.2
        report = fitted.drift(now)
        own = int(fitted.estimator_.predict([[12.0 * j] * 5])[0])
        named += bool(report.moved[own, f])
        alone += bool(report.moved.sum() == 1)
    assert named >= 38
    assert alone >= 36


def test_new_and_vanished_clusters_are_counted() -> None:
    fitted = monitor().fit(ROWS)
    strange = RNG.normal([20, 20, -60], 0.5, (60, 3))
    gone = int(fitted.estimator_.predict([[40.0] * 3])[0])
    near = fitted.estimator_.predict(strange)
    report = fitted.drift(np.concatenate([RNG.normal(0, 1, (240, 3)), strange]))
    assert report.emptied == ((gone,) if (near != gone).all() else ())
    assert report.n_alarms >= 60
    assert report.alarms_changed
    assert report.alarm_rate == pytest.approx(report.n_alarms / 300)
    assert report.expected_alarm_rate == pytest.approx(fitted.false_alarm_rate_)
    assert not report.calm


def test_every_form_of_a_drift_report_has_the_same_numbers() -> None:
    names = ["warmth", "size", "<b>"]
    fitted = monitor().fit(pd.DataFrame(ROWS, columns=names))
    report = fitted.drift(pd.DataFrame(ROWS[::2] + np.array([0, 3, 0]), columns=names))
    frame, written = report.to_frame(), json.loads(json.dumps(report.to_dict()))
    assert frame.index.nlevels == 2
    assert frame["moved"].any()
    for (j, name), figures in frame.iterrows():
        in_dict = written["clusters"][j]["features"][name]
        assert in_dict["shift"] == pytest.approx(figures["shift"])
        assert in_dict["moved"] == figures["moved"]
        if figures["moved"]:
            for text in (str(report), report._repr_html_()):
                assert f"{figures['shift']:+.2f}" in text
    shares = report.to_frame("clusters")
    assert_allclose(shares["share_now"], [cluster["share_now"] for cluster in written["clusters"]])
    for share in shares["share_now"]:
        assert f"{share:.1%}" in str(report)
        assert f"{share:.1%}" in report._repr_html_()
    assert "<b></td>" not in report._repr_html_()
    with pytest.raises(ValueError, match="kind must be"):
        report.to_frame("rows")


def test_levels_of_texts_drift_as_shares() -> None:
    def table(n: int, share: float) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "colour": RNG.choice(["red", "green", "blue"], n, p=[share, 0.9 - share, 0.1]),
                "sold": RNG.choice(["no", "yes"], n),
                "price": RNG.normal(10, 1, n),
            }
        )

    encoded = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["colour", "sold"]), (StandardScaler(), ["price"])
    )
    fitted = CentroidMonitor(make_pipeline(encoded, KMeans(1))).fit(table(500, 0.5))
    assert fitted.features_ == ("colour = blue", "colour = green", "colour = red", "sold = yes", "price")
    assert fitted.drift(table(300, 0.5)).calm
    report = fitted.drift(table(300, 0.8))
    assert report.moved.tolist() == [[False, True, True, False, False]]
    assert report.means_now[0, 2] == pytest.approx(0.8, abs=0.06)
    # Levels that do not occur now are 0, whichever of two is left.
    one = table(300, 0.5).assign(colour="red", sold="no")
    assert_allclose(fitted.drift(one).means_now[0, :4], [0, 0, 1, 0])
    assert_allclose(fitted.drift(one.assign(sold="yes")).means_now[0, :4], [0, 0, 1, 1])
    assert fitted.explain(one.iloc[:1]).values[:4].tolist() == [0, 0, 1, 0]
    with pytest.raises(ValueError, match="'colour' held texts in fit, and holds numbers now"):
        fitted.drift(one.assign(colour=1.5))


def _picked_by_name() -> tuple[CentroidMonitor, pd.DataFrame]:
    table = pd.DataFrame(
        {
            "id": np.arange(400.0) * 1000,
            "heat": RNG.normal(20, 1, 400),
            "kind": RNG.choice(["a", "b", "c"], 400),
            "speed": RNG.normal(500, 30, 400),
        }
    )
    encoded = make_column_transformer((StandardScaler(), ["speed", "heat"]), (OneHotEncoder(), ["kind"]))
    return CentroidMonitor(make_pipeline(encoded, KMeans(2, random_state=0))).fit(table), table


@pytest.mark.parametrize("polars", [False, True])
def test_columns_are_paired_by_name_as_the_pipeline_does(polars: bool) -> None:
    fitted, table = _picked_by_name()
    # What no step hands on is no feature: ids that grow are no drift.
    assert fitted.features_ == ("heat", "kind = a", "kind = b", "kind = c", "speed")
    assert fitted.centers_.shape == fitted.spreads_.shape == (2, 5)
    later = table.assign(id=table["id"] + 1e9, note="new")
    for names in (["speed", "note", "kind", "heat", "id"], ["kind", "speed", "heat"]):
        given = pl.DataFrame(later[names].to_dict("list")) if polars else later[names]
        assert_array_equal(fitted.predict(given), fitted.predict(table))
        assert_allclose(fitted.deviations(given), fitted.deviations(table))
        report = fitted.drift(given)
        assert report.calm
        assert_allclose(report.means_now, report.means_then)
        row = given[7] if polars else given.iloc[7]
        want = [table["heat"][7], *(table["kind"][7] == level for level in "abc"), table["speed"][7]]
        assert_allclose(fitted.explain(row).values, want)
    with pytest.raises(ValueError, match="X lacks columns that the fit had: 'heat'"):
        fitted.drift(table.drop(columns="heat"))


def test_missing_cells_of_levels_are_not_levels_that_are_gone() -> None:
    table = pd.DataFrame({"s": RNG.choice(["No", "Yes"], 300), "t": RNG.choice(list("abc"), 300)})
    table["v"] = RNG.normal(size=300)
    encoded = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["s", "t"]), (StandardScaler(), ["v"])
    )
    fitted = CentroidMonitor(make_pipeline(encoded, KMeans(1))).fit(table)
    half, none = table["s"].where(np.arange(300) < 150), table["t"].where(table["t"] == "d")
    for given in (table.assign(s=None, t=none), table.assign(s=half.astype("category"), t=None)):
        report = fitted.drift(given)
        assert not report.moved.any()
        assert np.isnan(report.means_now[0, 1:4]).all()
        assert np.isnan(report.p_values[0, 1:4]).all()
    assert report.means_now[0, 0] == pytest.approx(np.mean(table["s"][:150] == "Yes"))
    assert np.isnan(fitted.explain(table.assign(s=None).iloc[0]).values[0])


def test_known_levels_are_counted_among_any_number_of_new_ones() -> None:
    table = pd.DataFrame({"city": RNG.choice(["Ulm", "Bonn", "Trier"], 300), "v": RNG.normal(size=300)})
    encoded = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]), (StandardScaler(), ["v"])
    )
    fitted = CentroidMonitor(make_pipeline(encoded, KMeans(1))).fit(table)
    # 80 towns of three rows each are more frequent than Ulm, of which there is one.
    cities = [f"town {i}" for i in np.repeat(np.arange(80), 3)] + ["Ulm"] + ["Bonn"] * 59
    report = fitted.drift(pd.DataFrame({"city": cities, "v": RNG.normal(size=300)}))
    shares = dict(zip(report.features, report.means_now[0], strict=True))
    assert shares["city = Ulm"] == pytest.approx(1 / 300)
    assert shares["city = Bonn"] == pytest.approx(59 / 300)
    assert shares["city = Trier"] == 0


# --- what it does not take ---


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (GaussianMixture(2), "with fit, predict and transform.*got GaussianMixture"),
        (StandardScaler(), "got StandardScaler"),
        (KMeans, "got the class KMeans"),
        (3, "got int"),
        (make_pipeline(StandardScaler(), GaussianMixture(2)), "got Pipeline"),
        (Birch(n_clusters=2), "distance from each center; that of Birch does not"),
    ],
)
def test_what_is_no_clusterer_with_centers(estimator: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        CentroidMonitor(estimator).fit(ROWS)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"false_alarm_rate": 0}, "false_alarm_rate"),
        ({"false_alarm_rate": 1.0}, "false_alarm_rate"),
        ({"n_splits": 1}, "n_splits"),
        ({"warning_rate": 2}, "warning_rate"),
    ],
)
def test_parameters_out_of_range(params: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        monitor(**params).fit(ROWS)


def test_bad_input_gets_a_clear_error() -> None:
    with pytest.raises(ValueError, match=r"warning_rate=0.01 must be above false_alarm_rate=0.05"):
        monitor(false_alarm_rate=0.05, warning_rate=0.01).fit(ROWS)
    with pytest.raises(ValueError, match="at least 2 rows"):
        CentroidMonitor(KMeans(1)).fit(ROWS[:1])
    with pytest.raises(ValueError, match=r"sample_weight\[0\] is -1"):
        monitor().fit(ROWS, sample_weight=-np.ones(500))
    with pytest.raises(ValueError, match="NaN") as caught:
        monitor().fit(np.where(np.arange(500)[:, np.newaxis] == 3, np.nan, ROWS))
    assert not hasattr(caught.value, "__notes__")
    with pytest.raises(ValueError, match="n_clusters=5") as caught:
        CentroidMonitor(KMeans(5)).fit(ROWS[:5])
    assert "4 of the 5 rows" in caught.value.__notes__[0]
    with pytest.raises(NotFittedError):
        monitor().predict(ROWS)
    with pytest.raises(NotFittedError):
        CentroidMonitor(FrozenEstimator(KMeans(2))).fit(ROWS)
    fitted = monitor().fit(ROWS)
    with pytest.raises(ValueError, match="2 features"):
        fitted.drift(ROWS[:, :2])
    with pytest.raises(ValueError, match="alpha must be above 0 and below 1; got 0"):
        fitted.drift(ROWS, alpha=0)

    class Unweighted(KMeans):
        def fit(self, X: Any, y: object = None) -> "Unweighted":
            super().fit(X)
            return self

    with pytest.raises(TypeError, match="Unweighted takes no sample_weight"):
        CentroidMonitor(Unweighted(2)).fit(ROWS, sample_weight=np.ones(500))


@pytest.mark.parametrize("scale", [1e100, 1e140])
@pytest.mark.parametrize("model", [KMeans(2, random_state=0), TheirKMeans(2, random_state=0, n_init=1)])
def test_values_too_large_are_named(model: Any, scale: float) -> None:
    with pytest.raises(ValueError, match=r"too large.*Scale the data"):
        CentroidMonitor(model).fit(ROWS * scale)
    with pytest.raises(ValueError, match=r"too large.*Scale the data"):
        CentroidMonitor(model).fit(ROWS).drift(ROWS * scale)


def test_an_interrupted_fit_leaves_no_trace(ctrl_c: Interrupt) -> None:
    fitted = monitor().fit(ROWS)
    before = vars(fitted).copy()
    large = np.random.default_rng(0).random((60_000, 30))
    fitted.set_params(estimator__n_clusters=200, estimator__max_iter=1000, estimator__tol=0)
    ctrl_c(lambda: fitted.fit(large))
    assert vars(fitted) == before
    assert fitted.predict([[0.0] * 3]).tolist() == [1]


def test_parameters_are_cloned_and_set_through() -> None:
    given = monitor(false_alarm_rate=0.1)
    copy = clone(given).set_params(estimator__n_clusters=5, warning_rate=0.3)
    assert copy.get_params()["estimator__n_clusters"] == 5
    assert given.estimator.n_clusters == 2
    assert len(copy.fit(ROWS).sizes_) == 5
    assert not hasattr(copy.estimator, "cluster_centers_")
    assert_array_equal(copy.fit_predict(ROWS), copy.predict(ROWS))
