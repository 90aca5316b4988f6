"""KMedoids: by hand, against enumeration, and what must hold for any data."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from fulcra.cluster import KMedoids
from numpy.testing import assert_allclose, assert_array_equal
from oracles import best_medoids, best_swap, medoid_loss, squared_distances
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import pairwise_distances

METHODS = ("fasterpam", "alternate", "clara")
INITS = ("k-medoids++", "build", "random")
IRIS = load_iris().data
RNG = np.random.default_rng(0)
ROWS = np.concatenate([RNG.normal(size=(40, 3)) + 8 * side for side in (0, 1, 3)])


# --- by hand ---


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("init", INITS)
def test_the_medoid_of_1_2_3_4_100_is_3(method: str, init: str, dtype: type[np.floating]) -> None:
    X = np.array([[1], [2], [3], [4], [100]], dtype=dtype)
    model = KMedoids(1, method=method, init=init, random_state=0).fit(X)
    assert model.medoid_indices_.tolist() == [2]
    assert model.cluster_centers_.tolist() == [[3.0]]
    assert model.cluster_centers_.dtype == dtype
    assert model.inertia_ == 2 + 1 + 0 + 1 + 97
    assert model.labels_.tolist() == [0] * 5


def test_two_pairs_on_paper() -> None:
    X = np.array([[0.0, 0.0], [0.0, 1.0], [9.0, 0.0], [9.0, 3.0], [9.0, 4.0]])
    model = KMedoids(2, init=[0, 1]).fit(X)
    assert sorted(model.medoid_indices_.tolist()) == [0, 3] or sorted(model.medoid_indices_.tolist()) == [
        1,
        3,
    ]
    assert model.inertia_ == 1 + 3 + 1
    assert_array_equal(model.transform([[9.0, 0.0]]).min(), 3.0)
    assert model.score([[9.0, 0.0], [9.0, 5.0]]) == -(3 + 2)
    assert model.stop_reason_.startswith("Converged after")


def test_weights_move_the_medoid() -> None:
    X = np.array([[0.0], [1.0], [5.0]])
    assert KMedoids(1).fit(X).cluster_centers_.tolist() == [[1.0]]
    model = KMedoids(1).fit(X, sample_weight=[1, 1, 3])
    assert model.cluster_centers_.tolist() == [[5.0]]
    assert model.inertia_ == 5 + 4


def test_alternate_moves_a_medoid_within_its_cluster_only() -> None:
    X = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
    stuck = KMedoids(2, method="alternate", init=[3, 5], max_iter=50).fit(X)
    assert sorted(KMedoids(2, init=[3, 5]).fit(X).cluster_centers_.ravel()) == [1.0, 11.0]
    # 0, 1, 2, 10 and 11 (a tie) are in the first cluster, whose middle is 2; then 10 and 11 change sides.
    assert sorted(stuck.cluster_centers_.ravel()) == [1.0, 11.0]
    assert stuck.stop_reason_ == f"Converged after {stuck.n_iter_} iterations: no medoid moved."


# --- against enumeration ---


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine", "chebyshev"])
def test_no_swap_improves_and_the_best_of_several_starts_is_the_optimum(metric: str, weighted: bool) -> None:
    hits = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(int(rng.integers(4, 13)), 2))
        k = int(rng.integers(1, len(X)))
        weights = rng.random(len(X)) + 0.1 if weighted else None
        distances = pairwise_distances(X, metric=metric)
        optimum = best_medoids(distances, k, weights)
        losses = []
        for init in (*INITS, *INITS, "random", "random", "random"):
            model = KMedoids(k, metric=metric, init=init, random_state=len(losses)).fit(
                X, sample_weight=weights
            )
            loss = medoid_loss(distances, model.medoid_indices_, weights)
            assert_allclose(model.inertia_, loss, rtol=1e-12)
            assert loss <= best_swap(distances, model.medoid_indices_, weights) * (1 + 1e-12)
            losses.append(loss)
        assert min(losses) >= optimum * (1 - 1e-12)
        hits += min(losses) <= optimum * (1 + 1e-12)
    assert hits >= 24


@pytest.mark.parametrize("method", ["fasterpam", "alternate"])
@pytest.mark.parametrize("metric", ["euclidean", "precomputed"])
def test_the_loss_never_rises(method: str, metric: str, dtype: type[np.floating]) -> None:
    digits = load_digits().data[:700].astype(dtype)
    X = pairwise_distances(digits).astype(dtype) if metric == "precomputed" else digits
    model = KMedoids(25, metric=metric, method=method, init="random", random_state=3).fit(X)
    assert (np.diff(model.history_["inertia"]) <= 0).all()
    assert_allclose(model.history_["inertia"][-1], model.inertia_, rtol=1e-12)
    assert len(model.history_["swaps"]) == len(model.history_["seconds"]) == model.n_iter_ > 1
    assert model.history_["swaps"][-1] == 0 or method == "fasterpam"


def test_build_takes_the_row_that_lowers_the_loss_most_each_time() -> None:
    distances = pairwise_distances(IRIS)
    chosen: list[int] = []
    for _ in range(6):
        losses = [
            medoid_loss(distances, [*chosen, row]) if row not in chosen else np.inf for row in range(150)
        ]
        chosen.append(int(np.argmin(losses)))
    started = KMedoids(6, metric="precomputed", init="build", max_iter=1).fit(distances)
    assert medoid_loss(distances, started.medoid_indices_) <= medoid_loss(distances, chosen)
    same = KMedoids(6, metric="precomputed", init=chosen, max_iter=1).fit(distances)
    assert_array_equal(same.medoid_indices_, started.medoid_indices_)


def eager_swaps(distances: np.ndarray, start: list[int], weights: np.ndarray) -> list[int]:
    """FasterPAM by its definition: every candidate in turn, its best medoid to leave, at once."""
    medoids, calm, row = list(start), 0, 0
    n = len(distances)
    while calm < n:
        calm += 1
        if row not in medoids:
            before = medoid_loss(distances, medoids, weights)
            after = [
                medoid_loss(distances, [*medoids[:i], row, *medoids[i + 1 :]], weights)
                for i in range(len(medoids))
            ]
            if min(after) < before:
                medoids[int(np.argmin(after))] = row
                calm = 0
        row = (row + 1) % n
    return medoids


@pytest.mark.parametrize("k", [2, 3, 11])
@pytest.mark.parametrize("weighted", [False, True])
def test_swaps_are_those_of_fasterpam_one_by_one(k: int, weighted: bool) -> None:
    rng = np.random.default_rng(k)
    X = rng.normal(size=(130, 4))
    weights = rng.random(130) + 0.1 if weighted else np.ones(130)
    distances = pairwise_distances(X)
    start = rng.permutation(130)[:k].tolist()
    model = KMedoids(k, metric="precomputed", init=start).fit(distances, sample_weight=weights)
    assert model.medoid_indices_.tolist() == eager_swaps(distances, start, weights)


# --- what must not matter ---


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine", "gower", "correlation"])
@pytest.mark.parametrize("init", INITS)
def test_the_order_of_the_rows_does_not_matter(metric: str, init: str) -> None:
    X = np.random.default_rng(1).normal(size=(200, 4))
    order = np.random.default_rng(2).permutation(200)
    one = KMedoids(7, metric=metric, init=init, random_state=0).fit(X)
    other = KMedoids(7, metric=metric, init=init, random_state=0).fit(X[order])
    assert_array_equal(one.medoid_indices_, order[other.medoid_indices_])
    assert_array_equal(one.labels_[order], other.labels_)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "seuclidean", "mahalanobis"])
def test_a_weight_is_a_repetition(method: str, metric: str) -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 3))
    weights = rng.integers(0, 4, size=300)
    repeated = np.repeat(X, weights, axis=0)[rng.permutation(weights.sum())]
    model = KMedoids(5, metric=metric, method=method, random_state=1, sample_size=90)
    weighted, plain = clone(model).fit(X, sample_weight=weights), model.fit(repeated)
    assert_array_equal(weighted.cluster_centers_, plain.cluster_centers_)
    assert_allclose(weighted.inertia_, plain.inertia_, rtol=1e-12)
    assert (weights[weighted.medoid_indices_] > 0).all()


def test_weights_count_for_given_distances_too() -> None:
    distances = pairwise_distances(ROWS)
    weights = np.random.default_rng(0).integers(0, 3, size=len(ROWS)).astype(float)
    model = KMedoids(3, metric="precomputed", random_state=0).fit(distances, sample_weight=weights)
    assert (weights[model.medoid_indices_] > 0).all()
    assert_allclose(model.inertia_, medoid_loss(distances, model.medoid_indices_, weights), rtol=1e-12)


@pytest.mark.parametrize(
    "metric", ["euclidean", "manhattan", "cosine", "sqeuclidean", "correlation", "gower"]
)
@pytest.mark.parametrize("method", ["fasterpam", "alternate"])
@pytest.mark.parametrize("init", ["k-medoids++", "build"])
def test_distances_on_demand_give_the_same_bits(
    metric: str, method: str, init: str, dtype: type[np.floating]
) -> None:
    X = np.random.default_rng(5).normal(size=(333, 5)).astype(dtype)
    model = KMedoids(9, metric=metric, method=method, init=init, random_state=0)
    whole, asked = clone(model).fit(X), model.set_params(max_memory="10kB").fit(X)
    assert_array_equal(whole.medoid_indices_, asked.medoid_indices_)
    assert whole.inertia_ == asked.inertia_
    assert_array_equal(whole.history_["inertia"], asked.history_["inertia"])


def test_given_distances_are_as_good_as_rows() -> None:
    distances = pairwise_distances(ROWS)
    start = [0, 50, 100]
    of_rows, given = (
        KMedoids(3, init=start).fit(ROWS),
        KMedoids(3, init=start, metric="precomputed").fit(distances),
    )
    assert_allclose(of_rows.inertia_, given.inertia_, rtol=1e-12)
    assert given.cluster_centers_ is None
    assert_array_equal(given.predict(distances), given.labels_)
    assert_array_equal(given.transform(distances), distances[:, given.medoid_indices_])
    assert given.score(distances) == -given.inertia_


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
def test_sparse_rows_give_the_clusters_of_dense_ones(metric: str, dtype: type[np.floating]) -> None:
    X = np.where(RNG.random((120, 30)) < 0.2, RNG.random((120, 30)), 0).astype(dtype)
    X[:, 0] += 0.1
    dense = KMedoids(4, metric=metric, random_state=0).fit(X)
    sparse = KMedoids(4, metric=metric, random_state=0).fit(sp.csr_array(X))
    assert_array_equal(dense.labels_, sparse.labels_)
    assert_array_equal(dense.cluster_centers_, sparse.cluster_centers_)
    assert_allclose(dense.transform(X), sparse.transform(sp.csr_matrix(X)), rtol=1e-4, atol=1e-6)


# --- distances ---


@pytest.mark.parametrize(
    "metric", ["euclidean", "l2", "sqeuclidean", "manhattan", "l1", "cityblock", "cosine"]
)
def test_our_distances_are_scikit_learns(metric: str, dtype: type[np.floating]) -> None:
    X = np.random.default_rng(0).normal(size=(70, 37)).astype(dtype)
    model = KMedoids(40, metric=metric, random_state=0).fit(X)
    rows, centers = X.astype(np.float64), model.cluster_centers_.astype(np.float64)
    want = pairwise_distances(rows, centers, metric=metric)
    if metric in {"euclidean", "l2"}:  # products of rows cost scikit-learn half of the digits of small ones
        want = np.sqrt(squared_distances(rows, centers))
    rounding = 1e-6 if dtype == np.float32 else 1e-12
    assert_allclose(model.transform(X), want, rtol=rounding, atol=1e-15)
    assert model.transform(X).dtype == dtype


OF_BOOLEANS = ("jaccard", "dice", "yule", "rogerstanimoto", "russellrao", "sokalsneath")


@pytest.mark.parametrize(
    ("metric", "params"),
    [
        ("chebyshev", None),
        ("minkowski", {"p": 3}),
        ("canberra", None),
        ("braycurtis", None),
        ("correlation", None),
        ("hamming", None),
        ("jaccard", None),
        ("dice", None),
        ("yule", None),
        ("rogerstanimoto", None),
        ("russellrao", None),
        ("sokalsneath", None),
        ("nan_euclidean", None),
        ("seuclidean", None),
        ("mahalanobis", None),
        (lambda x, y: np.abs(x - y).max(), None),
    ],
)
def test_every_other_metric_of_scikit_learn_is_taken(
    metric: Any, params: Any, dtype: type[np.floating]
) -> None:
    X = (np.random.default_rng(0).random((50, 6)) < 0.5).astype(dtype)
    X[:, 0] = 1  # some of these have no value for two rows without anything
    if metric not in OF_BOOLEANS:
        X += np.linspace(0, 0.1, 300).reshape(50, 6).astype(dtype)
    model = KMedoids(4, metric=metric, metric_params=params, random_state=0).fit(X)
    rows = X.astype(bool) if metric in OF_BOOLEANS else X
    learned = {"V": X.var(axis=0, ddof=1)} if metric == "seuclidean" else params or {}
    learned = {"VI": np.linalg.inv(np.cov(X.T))} if metric == "mahalanobis" else learned
    want = pairwise_distances(rows, rows[model.medoid_indices_], metric=metric, **learned)
    assert_allclose(model.transform(X), want, rtol=2e-5, atol=1e-6)
    assert_array_equal(model.labels_, model.predict(X))


def test_haversine_takes_latitude_and_longitude() -> None:
    X = np.random.default_rng(0).uniform(-1, 1, size=(60, 2))
    model = KMedoids(3, metric="haversine", random_state=0).fit(X)
    assert_allclose(
        model.inertia_, medoid_loss(pairwise_distances(X, metric="haversine"), model.medoid_indices_)
    )


def test_cosine_of_nearly_parallel_rows_keeps_its_digits() -> None:
    X = np.array([[1.0, 0.0], [1.0, 1e-9], [0.0, 1.0], [0.0, 0.0]])
    model = KMedoids.from_centers(X[:1], metric="cosine")
    assert_allclose(model.transform(X).ravel(), [0.0, 0.5e-18, 1.0, 1.0], rtol=1e-12)


def test_missing_values_are_left_out_by_nan_euclidean() -> None:
    X = ROWS.copy()
    X[::7, 1] = np.nan
    model = KMedoids(3, metric="nan_euclidean", random_state=0).fit(X)
    want = pairwise_distances(X, metric="nan_euclidean")
    assert_allclose(model.inertia_, medoid_loss(want, model.medoid_indices_))


# --- Gower ---


def test_gower_by_hand() -> None:
    X = pd.DataFrame(
        {
            "age": [20.0, 40.0, 60.0, None],
            "city": ["Ulm", "Ulm", "Bonn", "Bonn"],
            "member": [True, False, True, True],
        }
    )
    model = KMedoids(1, metric="gower").fit(X)
    # Ranges: age 40. 0-1: (0.5 + 0 + 1) / 3; 0-2: (1 + 1 + 0) / 3; 0-3: age unknown, (1 + 0) / 2; 1-2:
    # (0.5 + 1 + 1) / 3; 1-3: (1 + 1) / 2; 2-3: (0 + 0) / 2.
    table = np.array([[0, 0.5, 2 / 3, 0.5], [0.5, 0, 2.5 / 3, 1], [2 / 3, 2.5 / 3, 0, 0], [0.5, 1, 0, 0]])
    assert_allclose(model.transform(X).ravel(), table[model.medoid_indices_[0]], rtol=1e-15)
    assert_allclose(model.inertia_, table.sum(axis=1).min(), rtol=1e-15)
    assert model.cluster_centers_.shape == (1, 3)
    assert model.feature_names_in_.tolist() == ["age", "city", "member"]


MIXED = {
    "size": np.r_[RNG.normal(size=30), RNG.normal(size=30) + 9],
    "kind": ["a", "b"] * 15 + ["c"] * 30,
    "code": [1, 2, 3] * 10 + [4, 5, 6] * 10,
}


@pytest.mark.parametrize(
    "make",
    [
        pd.DataFrame,
        pl.DataFrame,
        lambda table: pd.DataFrame(table).astype({"kind": "category"}),
        lambda table: pd.DataFrame(table).astype({"code": "Int64", "kind": "string"}),
        lambda table: pd.DataFrame(table).to_numpy(),
        lambda table: pd.DataFrame(table).to_numpy().tolist(),
    ],
)
def test_gower_takes_tables_of_any_kind(make: Any) -> None:
    params = {"categorical": [2]}
    want = KMedoids(2, metric="gower", metric_params=params, random_state=0).fit(pd.DataFrame(MIXED))
    X = make(MIXED)
    model = KMedoids(2, metric="gower", metric_params=params, random_state=0).fit(X)
    assert_array_equal(model.labels_, want.labels_)
    assert_array_equal(model.labels_, np.repeat([model.labels_[0], model.labels_[-1]], 30))
    assert_array_equal(model.predict(X), want.labels_)
    assert_allclose(model.transform(X), want.transform(pd.DataFrame(MIXED)))


def test_gower_names_columns_by_name_and_meets_unknown_categories() -> None:
    X = pd.DataFrame(MIXED)
    model = KMedoids(2, metric="gower", metric_params={"categorical": ["code"]}, random_state=0).fit(X)
    new = X.iloc[[0]].assign(kind="never seen", code=99)
    apart = (np.abs(X["size"].iloc[0] - X["size"].iloc[model.medoid_indices_]) / np.ptp(X["size"]) + 2) / 3
    assert_allclose(model.transform(new).ravel(), apart)
    with pytest.raises(ValueError, match="categorical column 'colour' is not a column of X, which has 3"):
        KMedoids(2, metric="gower", metric_params={"categorical": ["colour"]}).fit(X)
    with pytest.raises(ValueError, match="Column 'size' held numbers in fit; now it does not"):
        model.predict(X.assign(size="large"))
    with pytest.raises(ValueError, match="Input X contains infinity: the first is in row 3, column 'size'"):
        KMedoids(2, metric="gower").fit(X.assign(size=np.where(np.arange(60) == 3, np.inf, 0.0)))


def test_gower_ranges_leave_rows_without_weight_out() -> None:
    X = np.array([[0.0, 1.0], [2.0, 3.0], [1.0, 9.0], [500.0, 7.0]])
    model = KMedoids(1, metric="gower").fit(X, sample_weight=[1, 1, 1, 0])
    assert_allclose(KMedoids(1, metric="gower").fit(X[:3]).inertia_, model.inertia_)


# --- CLARA ---


def test_clara_is_nearly_as_good_as_fasterpam_on_all_rows() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 4)) + 6 * rng.normal(size=(8, 4))[rng.integers(8, size=6000)]
    all_rows, sampled = KMedoids(8, random_state=0).fit(X), KMedoids(8, method="clara", random_state=0).fit(X)
    assert all_rows.inertia_ <= sampled.inertia_ <= 1.1 * all_rows.inertia_
    assert sampled.stop_reason_ == "Took the best of 10 samples of 112 rows."
    assert sampled.n_iter_ == 10
    assert_allclose(sampled.history_["inertia"].min(), sampled.inertia_, rtol=1e-12)
    more = KMedoids(8, method="clara", sample_size=1000, random_state=0).fit(X)
    assert more.inertia_ <= 1.02 * all_rows.inertia_


def test_clara_of_a_sample_as_large_as_the_data_is_fasterpam() -> None:
    for metric, X in (("euclidean", ROWS), ("precomputed", pairwise_distances(ROWS))):
        whole = KMedoids(5, metric=metric, random_state=0).fit(X)
        sampled = KMedoids(5, metric=metric, method="clara", sample_size=500, random_state=0).fit(X)
        assert_array_equal(whole.medoid_indices_, sampled.medoid_indices_)


def test_clara_takes_given_distances_and_tiny_samples() -> None:
    distances = pairwise_distances(ROWS)
    model = KMedoids(9, metric="precomputed", method="clara", sample_size=1, random_state=0).fit(distances)
    assert np.unique(model.medoid_indices_).size == 9
    assert_allclose(model.inertia_, medoid_loss(distances, model.medoid_indices_))


# --- known medoids, few rows, bad input ---


def test_from_centers_predicts_transforms_and_scores() -> None:
    model = KMedoids.from_centers([[0, 0], [9, 9]], metric="manhattan", feature_names=["a", "b"])
    assert_array_equal(model.predict(pd.DataFrame([[1, 2], [8, 5]], columns=["a", "b"])), [0, 1])
    model = KMedoids.from_centers(np.array([[0, 0], [9, 9]], dtype=np.float32), metric="manhattan")
    assert model.transform([[1.0, 2.0]]).tolist() == [[3.0, 15.0]]
    assert model.score([[1.0, 2.0]]) == -3.0
    assert model.get_feature_names_out().tolist() == ["kmedoids0", "kmedoids1"]
    for metric in ("gower", "precomputed", "mahalanobis", "seuclidean"):
        with pytest.raises(ValueError, match="takes what it needs from the data of fit"):
            KMedoids.from_centers([[0.0, 1.0]], metric=metric)
    with pytest.raises(ValueError, match="feature_names has 1 names; the centers have 2 columns"):
        KMedoids.from_centers([[0.0, 1.0]], feature_names=["a"])


def test_fewer_distinct_rows_than_clusters_warn() -> None:
    X = np.repeat([[0.0], [5.0]], 4, axis=0)
    with pytest.warns(ConvergenceWarning, match=r"distinct rows \(2\) found smaller than n_clusters \(3\)"):
        model = KMedoids(3, random_state=0).fit(X)
    assert model.inertia_ == 0.0
    assert model.cluster_centers_.shape == (3, 1)
    assert np.unique(model.labels_).size == 2
    full = KMedoids(2, random_state=0).fit(X)
    assert full.inertia_ == 0.0
    assert full.stop_reason_ == "Converged after 1 iteration: every distinct row is a medoid."


def test_max_iter_stops_and_says_so() -> None:
    model = KMedoids(20, init="random", max_iter=1, random_state=0).fit(load_digits().data[:500])
    assert model.n_iter_ == 1
    assert model.stop_reason_ == "Stopped at max_iter=1, before converging."


SQUARE = pairwise_distances(ROWS)


def spoilt(i: int, j: int, value: float, *, both: bool = True) -> np.ndarray:
    matrix = SQUARE.copy()
    matrix[i, j] = value
    if both:
        matrix[j, i] = value
    return matrix


NOT_FINITE = {
    value: np.where(np.arange(360).reshape(120, 3) == 52, value, ROWS) for value in (np.nan, -np.inf, 1e200)
}
GIVEN = {"metric": "precomputed"}


@pytest.mark.parametrize(
    ("parameters", "X", "error", "message"),
    [
        (GIVEN, ROWS, ValueError, r"needs a square matrix of distances; X has shape \(120, 3\)"),
        (GIVEN, spoilt(2, 5, -1.0), ValueError, r"X\[2, 5\] is -1.0; distances are finite and not negative"),
        (GIVEN, spoilt(70, 2, 9e9, both=False), ValueError, r"not symmetric: X\[2, 70\] is"),
        (GIVEN, spoilt(3, 4, np.nan), ValueError, "Input X contains NaN: the first is in row 3, column 4"),
        (GIVEN, sp.csr_array(SQUARE), TypeError, "needs a dense matrix of distances"),
        ({"metric_params": {"p": 3}}, ROWS, ValueError, r"'euclidean' takes no metric_params; got \['p'\]"),
        ({"metric": "seuclidean"}, sp.csr_array(ROWS), TypeError, "does not take sparse rows"),
        ({"metric": "gower"}, sp.csr_array(ROWS), TypeError, "[Ss]parse"),
        ({"metric": lambda x, y: -1.0}, ROWS, ValueError, "gives -1.0 for two rows; a distance is 0 or"),
        ({"init": [0, 1]}, ROWS, ValueError, r"indices of n_clusters=3 rows; got int64 of shape \(2,\)"),
        ({"init": [0.0, 1.0, 2.0]}, ROWS, ValueError, "indices of n_clusters=3 rows; got float64"),
        ({"init": [0, 1, 120]}, ROWS, ValueError, "init names row 120; X has 120 rows"),
        ({"init": [0, 1, -1]}, ROWS, ValueError, "init names row -1; X has 120 rows"),
        ({"init": [0, 7, 7]}, ROWS, ValueError, "init names rows 7 and 7, which are the same"),
        ({"init": [0, 1, 2], "method": "clara"}, ROWS, ValueError, "init cannot be an array with method"),
        ({"max_memory": "much"}, ROWS, ValueError, "max_memory='much' is not a number of bytes"),
        ({"n_clusters": 121}, ROWS, ValueError, "n_samples=120 should be >= n_clusters=121"),
        ({}, NOT_FINITE[np.nan], ValueError, "NaN: the first is in row 17, column 1"),
        ({}, NOT_FINITE[1e200], ValueError, "too large .* row 17, column 1"),
        ({"metric": "chebyshev"}, NOT_FINITE[-np.inf], ValueError, "infinity: the first is in row 17"),
    ],
)
def test_unusable_input_is_named_and_nothing_is_lost(
    parameters: Any, X: Any, error: Any, message: str
) -> None:
    model = KMedoids(3, random_state=0).fit(ROWS)
    before = dict(vars(model))
    with pytest.raises(error, match=message):
        model.set_params(**parameters).fit(X)
    after = vars(model)
    assert all(after[name] is value for name, value in before.items() if name not in parameters)


def test_init_names_no_row_without_weight_and_no_row_twice() -> None:
    weights = np.ones(len(ROWS))
    weights[7] = 0
    with pytest.raises(ValueError, match="init names row 7, whose weight is 0"):
        KMedoids(2, init=[0, 7]).fit(ROWS, sample_weight=weights)
    with pytest.raises(ValueError, match="init names rows 0 and 120, which are the same"):
        KMedoids(2, init=[0, 120]).fit(np.r_[ROWS, ROWS])
    twice = KMedoids(2, init=[119, 121]).fit(np.r_[ROWS, ROWS])
    assert (twice.medoid_indices_ < 120).all()


@pytest.mark.parametrize(
    ("memory", "size"), [(5, 5), ("12B", 12), ("1.5kB", 1500), ("2 MiB", 2**21), ("7", 7)]
)
def test_memory_is_written_in_bytes_or_with_a_unit(memory: Any, size: int) -> None:
    from fulcra.cluster._dissimilarity import bytes_of  # noqa: PLC0415

    assert bytes_of(memory) == size
    assert bytes_of("900TB") < 900e12  # never more than the machine has


def test_nothing_works_before_fit() -> None:
    for name in ("predict", "transform", "score"):
        with pytest.raises(NotFittedError):
            getattr(KMedoids(), name)(ROWS)


def test_values_near_1e30_in_float32_are_computed() -> None:
    X = (ROWS * 1e30).astype(np.float32)
    model = KMedoids(3, random_state=0).fit(X)
    assert_array_equal(np.unique(model.labels_[:40]).size, 1)
    assert np.isfinite(model.inertia_)


@pytest.mark.parametrize("n_threads", [2, 3, 8])
def test_any_number_of_threads_gives_the_bits_of_one(n_threads: int, dtype: type[np.floating]) -> None:
    import fulcra  # noqa: PLC0415

    X = np.random.default_rng(0).normal(size=(1500, 6)).astype(dtype)
    weights = np.random.default_rng(1).random(1500)
    for parameters in (
        {},
        {"init": "build"},
        {"method": "alternate"},
        {"method": "clara"},
        {"max_memory": 1},
    ):
        found = []
        for threads in (1, n_threads):
            fulcra.set_num_threads(threads)
            model = KMedoids(12, random_state=0, **parameters).fit(X, sample_weight=weights)
            found.append((model.medoid_indices_.tolist(), model.inertia_, model.history_["inertia"].tolist()))
        assert found[0] == found[1]


def test_warnings_come_from_nowhere_else() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        KMedoids(3, metric="jaccard", random_state=0).fit(ROWS > 1)
