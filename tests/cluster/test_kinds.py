"""KMedians, SphericalKMeans and MahalanobisKMeans: what holds for every kind of center."""

from typing import Any

import fulcra
import numpy as np
import pandas as pd
import pytest
from conftest import SIMD_LEVELS, Interrupt, RunPython
from fulcra import _core
from fulcra.cluster import KMedians, MahalanobisKMeans, SphericalKMeans
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError

IRIS = load_iris().data
PLACES = np.arange(IRIS.size).reshape(IRIS.shape)
KINDS = {
    "medians": KMedians,
    "spherical": SphericalKMeans,
    "shared": MahalanobisKMeans,
    "full": lambda k=8, **parameters: MahalanobisKMeans(k, covariance="full", **parameters),
}


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Any:
    return KINDS[request.param]


def rows(seed: int, dtype: type[np.floating] = np.float64) -> np.ndarray:
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(40, 400)), int(rng.integers(2, 9))
    X = rng.normal(size=(n, d)) + 3 * rng.integers(0, 3, size=(n, 1))
    return (np.round(X, 1) if seed % 2 else X).astype(dtype)


def rounding(dtype: type[np.floating]) -> float:
    return 1e-5 if dtype == np.float32 else 1e-10


@pytest.mark.parametrize("seed", range(12))
def test_the_inertia_never_rises_and_follows_from_what_was_learned(
    kind: Any, seed: int, dtype: type[np.floating]
) -> None:
    X = rows(seed, dtype)
    weights = np.random.default_rng(seed).random(len(X)) if seed % 3 else None
    model = kind(1 + seed % 6, random_state=seed, tol=0).fit(X, sample_weight=weights)
    history = model.history_["inertia"]
    slack = rounding(dtype) * (np.abs(history).max() + len(X))
    assert (np.diff(history) <= slack).all()
    assert model.inertia_ <= history[-1] + slack
    assert len(history) == model.n_iter_ == len(model.history_["shift"])
    assert_array_equal(model.predict(X), model.labels_)
    assert_allclose(model.score(X, sample_weight=weights), -model.inertia_, rtol=1e-12, atol=1e-12)
    assert model.cluster_centers_.dtype == model.transform(X).dtype == dtype
    assert model.stop_reason_.startswith("Converged after")


@pytest.mark.parametrize("seed", range(6))
def test_a_fit_from_where_a_fit_ended_stays(kind: Any, seed: int) -> None:
    X = rows(seed)
    ended = kind(4, random_state=seed, tol=0).fit(X)
    again = kind(4, init=ended.cluster_centers_, tol=0).fit(X)
    if kind in (KMedians, SphericalKMeans):  # covariances start anew, and may lead elsewhere
        assert_array_equal(again.labels_, ended.labels_)
        assert_allclose(again.cluster_centers_, ended.cluster_centers_, rtol=1e-13)
        assert again.n_iter_ <= 2
    else:
        assert again.inertia_ == pytest.approx(again.history_["inertia"][-1], rel=1e-12)


@pytest.mark.parametrize("init", ["k-means++", "uniform"])
@pytest.mark.parametrize("seed", range(6))
def test_a_weight_is_a_repetition_in_any_order(kind: Any, init: str, seed: int) -> None:
    X = rows(seed)
    weights = np.random.default_rng(seed).integers(0, 4, size=len(X))
    order = np.random.default_rng(seed + 1).permutation(weights.sum())
    weighted = kind(3, init=init, n_init=2, random_state=seed).fit(X, sample_weight=weights)
    plain = kind(3, init=init, n_init=2, random_state=seed).fit(np.repeat(X, weights, axis=0)[order])
    assert_allclose(weighted.cluster_centers_, plain.cluster_centers_, rtol=1e-9, atol=1e-9)
    assert_allclose(weighted.inertia_, plain.inertia_, rtol=1e-9, atol=1e-9)


def test_float32_and_float64_find_the_same_clusters(kind: Any) -> None:
    X = IRIS.astype(np.float32)
    single, double = (kind(3, random_state=0).fit(X.astype(kind_of)) for kind_of in (np.float32, np.float64))
    assert_array_equal(single.labels_, double.labels_)
    assert_allclose(single.cluster_centers_, double.cluster_centers_, rtol=1e-6)


@pytest.mark.parametrize("init", ["k-means++", "random", "random_partition", "uniform"])
def test_every_kind_of_start_leads_to_a_sound_clustering(kind: Any, init: str) -> None:
    model = kind(3, init=init, n_init=3, random_state=0).fit(IRIS)
    assert len(np.unique(model.labels_)) == 3
    called = kind(3, init=lambda X, k, random_state: X[:: len(X) // k][:k]).fit(IRIS)
    assert_array_equal(called.predict(IRIS), called.labels_)


def test_more_starts_are_no_worse_and_the_best_is_kept(kind: Any) -> None:
    X = rows(5)
    singles = [kind(6, init="random", n_init=1, random_state=seed).fit(X).inertia_ for seed in range(5)]
    state = np.random.RandomState(0)
    many = kind(6, init="random", n_init=20, random_state=state).fit(X)
    assert many.inertia_ <= max(singles)
    with pytest.warns(RuntimeWarning, match="performing only one init"):
        kind(2, init=X[:2], n_init=3).fit(X)


def test_an_empty_cluster_is_given_rows(kind: Any) -> None:
    X = np.array([[0.0, 1.0], [0.1, 1.0], [1.0, 1.1], [1.0, 0.1], [1.0, 0.0], [5.0, 4.0], [0.3, 7.0]])
    start = np.array([[1.0, 1.0], [-50.0, -50.0], [-60.0, -60.0]])
    model = kind(3, init=start).fit(X)
    assert len(np.unique(model.labels_)) == 3
    assert (np.diff(model.history_["inertia"]) <= 1e-9).all()


def test_fewer_distinct_rows_than_clusters_are_warned_of(kind: Any) -> None:
    X = np.repeat([[0.0, 1.0], [2.0, 0.0], [2.0, 3.0]], 5, axis=0)
    with pytest.warns(ConvergenceWarning, match=r"Number of distinct clusters \([123]\) found smaller than"):
        kind(5, random_state=0).fit(X)


def test_one_row_one_column_one_cluster(kind: Any) -> None:
    if kind in (KMedians, SphericalKMeans):
        model = kind(1).fit([[7.5]])
        assert model.labels_.tolist() == [0]
        assert model.inertia_ == 0
    else:
        with pytest.raises(ValueError, match="n_samples=1: to estimate a covariance takes at least 2"):
            kind(1).fit([[7.5]])


@pytest.mark.parametrize("n_threads", [2, 3, 8])
def test_any_number_of_threads_gives_the_bits_of_one(
    kind: Any, n_threads: int, dtype: type[np.floating]
) -> None:
    X = (np.random.default_rng(0).normal(size=(30_000, 7)) + 0.1).astype(dtype)
    weights = np.random.default_rng(1).random(len(X))
    found = []
    for threads in (1, n_threads):
        fulcra.set_num_threads(threads)
        model = kind(9, max_iter=6, random_state=0).fit(X, sample_weight=weights)
        found.append([model.cluster_centers_.tobytes(), model.labels_.tobytes(), model.inertia_])
        found[-1] += [model.transform(X).tobytes(), model.history_["inertia"].tobytes(), model.score(X)]
    assert found[0] == found[1]


LEVELS = """
import hashlib
import numpy as np
from fulcra.cluster import KMedians, MahalanobisKMeans, SphericalKMeans
rng = np.random.default_rng(0)
for dtype in (np.float32, np.float64):
    for n, d, k in ((3000, 11, 7), (900, 130, 40), (5000, 2, 3)):
        X = (rng.normal(size=(n, d)) + 0.2).astype(dtype)
        for kind in (KMedians, SphericalKMeans, MahalanobisKMeans):
            model = kind(k, max_iter=6, random_state=0).fit(X, sample_weight=np.arange(float(n)))
            parts = model.cluster_centers_, model.labels_, model.history_["inertia"], model.transform(X)
            print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest(), model.inertia_)
"""


@pytest.mark.parametrize("level", SIMD_LEVELS)
def test_every_instruction_set_gives_the_bits_of_the_portable_code(level: str, run_python: RunPython) -> None:
    best = _core.simd_level()
    if best not in SIMD_LEVELS or SIMD_LEVELS.index(level) > SIMD_LEVELS.index(best):
        pytest.skip(f"this processor has no {level}; its best level is {best}")
    assert run_python(LEVELS, FULCRA_SIMD=level) == run_python(LEVELS, FULCRA_SIMD="portable")


def test_control_c_ends_a_fit_at_once_and_nothing_is_lost(kind: Any, ctrl_c: Interrupt) -> None:
    X = np.random.default_rng(0).normal(size=(200_000, 24)).astype(np.float32)
    model = kind(3, random_state=0).fit(IRIS)
    before = dict(vars(model))
    model.set_params(n_clusters=60, tol=0, max_iter=10_000)
    waits = [ctrl_c(lambda: model.fit(X)) for _ in range(3)]
    assert min(waits) < 0.2
    assert model.cluster_centers_ is before["cluster_centers_"]
    assert model.n_features_in_ == 4


def test_iterations_are_told_of(kind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    model = kind(3, random_state=0, verbose=1, tol=0).fit(IRIS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Initialization complete"
    assert lines[1].startswith(f"Iteration 0, inertia {model.history_['inertia'][0]}")
    assert lines[-1].endswith("strict convergence.")
    assert len(lines) == model.n_iter_ + 2


@pytest.mark.parametrize(
    ("parameters", "X", "message"),
    [
        ({"n_clusters": 0}, IRIS, "'n_clusters' parameter of"),
        ({"init": "kmeans"}, IRIS, "'init' parameter of"),
        ({"tol": -1}, IRIS, "'tol' parameter of"),
        ({"init": IRIS[:2]}, IRIS, "does not match the number of clusters 3"),
        ({"n_clusters": 151}, IRIS, "n_samples=150 should be >= n_clusters=151"),
        ({}, np.where(PLACES == 70, np.nan, IRIS), "NaN: the first is in row 17, column 2"),
        ({}, np.where(PLACES == 70, -np.inf, IRIS), "infinity: the first is in row 17, col"),
    ],
)  # fmt: skip
def test_unusable_input_is_named_and_nothing_is_lost(
    kind: Any, parameters: Any, X: Any, message: str
) -> None:
    model = kind(3, random_state=0).fit(IRIS)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.set_params(**parameters).fit(X)
    assert all(vars(model)[name] is value for name, value in before.items() if name not in parameters)


@pytest.mark.parametrize("method", ["predict", "transform", "score"])
def test_new_rows_are_checked(kind: Any, method: str) -> None:
    with pytest.raises(NotFittedError):
        getattr(kind(), method)(IRIS)
    named = pd.DataFrame(IRIS, columns=list("abcd"))
    model = kind(3, random_state=0).fit(named)
    spoilt = named.copy()
    spoilt.loc[70, "c"] = np.nan
    with pytest.raises(ValueError, match="NaN: the first is in row 70, column 'c'"):
        getattr(model, method)(spoilt)
    with pytest.raises(ValueError, match="X has 2 features"):
        getattr(kind(3, random_state=0).fit(IRIS), method)(IRIS[:, :2])


def test_values_near_1e30_in_float32_are_computed(kind: Any) -> None:
    near = kind(3, init=IRIS[[0, 60, 120]]).fit(IRIS)
    far = kind(3, init=IRIS[[0, 60, 120]] * 1e30).fit((IRIS * 1e30).astype(np.float32))
    assert_array_equal(far.labels_, near.labels_)
