"""KMeans against hand examples, a NumPy Lloyd and scikit-learn."""

import inspect
import pickle
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from fulcra.cluster import KMeans, _seeding, k_means
from numpy.testing import assert_allclose, assert_array_equal
from oracles import best_intervals, best_partition, lloyd, means, nearest, squared_distances, wcss
from sklearn.base import clone
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.cluster import k_means as their_k_means
from sklearn.datasets import load_digits, load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

BLOBS, _ = make_blobs(500, n_features=4, centers=6, cluster_std=2.0, random_state=0)
DIGITS = load_digits().data
IRIS = load_iris().data


def starting_centers(X: np.ndarray, k: int, seed: int = 0) -> np.ndarray:
    return X[np.random.default_rng(seed).choice(len(X), k, replace=False)]


# --- by hand ---


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csr_matrix])
@pytest.mark.parametrize("algorithm", ["auto", "lloyd", "elkan"])
def test_four_weighted_points_on_paper(container: Any, algorithm: str, dtype: type[np.floating]) -> None:
    X = container(np.array([[0, 0], [0.5, 0], [0.5, 1], [1, 1]], dtype=dtype))
    model = KMeans(2, init=[[0, 0], [1, 1]], n_init=1, algorithm=algorithm).fit(X, sample_weight=[3, 1, 1, 3])
    # Each pair weighs 4 and lies half a unit apart: its centroid stands a quarter of that from the heavy
    # point.
    assert_array_equal(model.cluster_centers_, np.array([[0.125, 0], [0.875, 1]], dtype=dtype))
    assert_array_equal(model.labels_, [0, 0, 1, 1])
    assert model.inertia_ == 0.375
    assert model.n_iter_ == 2
    assert model.cluster_centers_.dtype == dtype
    assert model.labels_.dtype == np.int32
    assert type(model.inertia_) is float
    assert type(model.n_iter_) is int


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_an_empty_cluster_takes_the_farthest_content_with_all_its_copies(container: Any) -> None:
    # The second center is nobody's nearest. 9 lies farthest from the first, three times over.
    X = container(np.array([[0.0], [1.0], [2.0], [9.0], [9.0], [9.0]]))
    model = KMeans(2, init=[[1.0], [100.0]], n_init=1, max_iter=1).fit(X)
    assert_array_equal(model.cluster_centers_, [[1.0], [9.0]])


def test_an_empty_cluster_passes_over_rows_without_weight() -> None:
    X = np.array([[0.0], [1.0], [2.0], [5.0], [1000.0]])
    model = KMeans(2, init=[[1.0], [-4000.0]], n_init=1, max_iter=1).fit(X, sample_weight=[1, 1, 1, 1, 0])
    assert_array_equal(model.cluster_centers_, [[1.0], [5.0]])


def test_ties_go_to_the_lowest_index(dtype: type[np.floating]) -> None:
    X = np.array([[0.0], [1.0], [2.0], [-1.0]], dtype=dtype)
    centers = np.array([[2.0], [0.0], [0.0], [2.0]], dtype=dtype)
    assert_array_equal(KMeans.from_centers(centers).predict(X), [1, 0, 0, 1])


def test_labels_inertia_and_distances_belong_to_the_centers_that_are_returned(
    dtype: type[np.floating],
) -> None:
    # Stopped long before convergence, so that the last assignment is not the one that made the centers.
    X = BLOBS.astype(dtype)
    model = KMeans(6, random_state=1, max_iter=2).fit(X)
    assert_array_equal(model.labels_, nearest(X, model.cluster_centers_))
    assert_array_equal(model.labels_, model.predict(X))
    assert model.inertia_ == pytest.approx(wcss(X, model.cluster_centers_), rel=1e-12)
    assert -model.score(X) == pytest.approx(model.inertia_, rel=1e-12)
    assert_array_equal(
        model.transform(X), np.sqrt(squared_distances(X, model.cluster_centers_)).astype(dtype)
    )


# --- against NumPy and scikit-learn ---


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_the_iterations_are_lloyds(weighted: bool, container: Any) -> None:
    init = starting_centers(BLOBS, 8)
    weights = np.random.default_rng(0).random(len(BLOBS)) if weighted else None
    centers, n_iter = lloyd(BLOBS, init, 300, weights)
    model = KMeans(8, init=init, n_init=1, tol=0).fit(container(BLOBS), sample_weight=weights)
    assert_allclose(model.cluster_centers_, centers, rtol=1e-11)
    assert model.n_iter_ == n_iter
    assert_array_equal(model.labels_, nearest(BLOBS, centers))


@pytest.mark.parametrize(
    ("X", "k"), [(BLOBS, 2), (BLOBS, 6), (BLOBS, 40), (IRIS, 3), (DIGITS, 10), (DIGITS, 64)]
)
@pytest.mark.parametrize("tol", [0, 1e-4, 1e-2])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_matrix])
def test_inertia_equals_scikit_learns_from_the_same_start(X: Any, k: int, tol: float, container: Any) -> None:
    init = starting_centers(X, k)
    ours = KMeans(k, init=init, n_init=1, tol=tol).fit(container(X))
    theirs = TheirKMeans(k, init=init, n_init=1, tol=tol).fit(container(X))
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-12)
    assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-9, atol=1e-9)
    if X is BLOBS:  # the others have rows exactly between two centers, whose labels flip with its rounding
        assert ours.n_iter_ == theirs.n_iter_


def test_forgy_draws_scikit_learns_rows(dtype: type[np.floating]) -> None:
    X = BLOBS.astype(dtype)
    for weights in (None, np.random.default_rng(0).random(len(X))):
        parameters: dict[str, Any] = {"init": "random", "n_init": 3, "random_state": 7, "max_iter": 1}
        ours = KMeans(5, **parameters).fit(X, sample_weight=weights)
        theirs = TheirKMeans(5, **parameters).fit(X, sample_weight=weights)
        assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-4)


@pytest.mark.parametrize("init", ["k-means++", "random", "random_partition", "uniform"])
def test_every_start_finds_clusters_about_as_good_as_scikit_learns(init: str) -> None:
    theirs = TheirKMeans(10, n_init=10, random_state=0).fit(DIGITS)
    ours = KMeans(10, init=init, n_init=10, random_state=0).fit(DIGITS)
    assert ours.inertia_ < 1.005 * theirs.inertia_


@pytest.mark.parametrize("algorithm", ["auto", "elkan"])
def test_leaving_distances_out_changes_no_bit(algorithm: str, dtype: type[np.floating]) -> None:
    X = DIGITS.astype(dtype)
    every, some = (KMeans(80, algorithm=name, random_state=3, tol=0).fit(X) for name in ("lloyd", algorithm))
    assert_array_equal(every.cluster_centers_, some.cluster_centers_)
    assert_array_equal(every.labels_, some.labels_)
    assert every.inertia_ == some.inertia_
    assert (every.history_["evaluated"] == 1).all()
    assert some.history_["evaluated"][-1] < 0.5


def test_dense_and_csr_agree(dtype: type[np.floating]) -> None:
    X = np.where(BLOBS > 0, BLOBS, 0).astype(dtype)
    dense, sparse = (KMeans(6, random_state=0).fit(rows) for rows in (X, sp.csr_array(X)))
    assert_array_equal(dense.labels_, sparse.labels_)
    assert_allclose(dense.cluster_centers_, sparse.cluster_centers_, rtol=1e-7, atol=1e-7)
    assert dense.inertia_ == pytest.approx(sparse.inertia_, rel=1e-7)
    assert_allclose(dense.transform(sp.csr_array(X)), dense.transform(X), rtol=1e-7, atol=1e-7)
    assert dense.score(sp.csr_array(X)) == pytest.approx(dense.score(X), rel=1e-7)


def test_float32_finds_what_float64_finds() -> None:
    single, double = (KMeans(8, random_state=0).fit(BLOBS.astype(kind)) for kind in (np.float32, np.float64))
    assert_array_equal(single.labels_, double.labels_)
    assert single.inertia_ == pytest.approx(double.inertia_, rel=1e-6)


def test_an_offset_moves_the_centers_and_nothing_else() -> None:
    # Powers of two and whole numbers, so that adding the offset rounds nothing.
    X = np.round(BLOBS * 64) / 64
    plain, moved = (
        KMeans(6, random_state=0, tol=0, init=X[:6] + by, n_init=1).fit(X + by) for by in (0, 2.0**20)
    )
    assert_array_equal(plain.labels_, moved.labels_)
    assert plain.inertia_ == pytest.approx(moved.inertia_, rel=1e-9)


# --- weights ---


@pytest.mark.parametrize("init", ["k-means++", "array", "array that leaves clusters empty"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("seed", range(5))
def test_a_weight_is_a_repetition_in_any_order(init: str, container: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(150, 3))
    weights = rng.integers(0, 4, size=len(X))
    start: Any = "k-means++"
    if init != "k-means++":
        start = X[weights > 0][:7].copy()
        start[4:] += 1000 if "empty" in init else 0
    order = rng.permutation(int(weights.sum()))
    repeated = np.repeat(X, weights, axis=0)[order]
    model = KMeans(7, init=start, n_init=1, random_state=seed)
    weighted = clone(model).fit(container(X), sample_weight=weights)
    copied = clone(model).fit(container(repeated))
    assert_allclose(weighted.cluster_centers_, copied.cluster_centers_, rtol=1e-7, atol=1e-7)
    assert_array_equal(np.repeat(weighted.labels_, weights)[order], copied.labels_)
    assert weighted.inertia_ == pytest.approx(copied.inertia_, rel=1e-7)
    assert weighted.n_iter_ == copied.n_iter_


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("empty", [False, True])
def test_a_weight_is_a_repetition_among_exact_ties(
    empty: bool, container: Any, dtype: type[np.floating]
) -> None:
    # Whole numbers: rows lie exactly between centers, and a mean that is off by its last bit sends them
    # elsewhere.
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = rng.integers(-3, 4, size=(int(rng.integers(20, 200)), int(rng.integers(1, 4)))).astype(dtype)
        weights = rng.integers(0, 4, size=len(X))
        contents = np.unique(X[weights > 0], axis=0)
        start = contents[rng.choice(len(contents), max(2, len(contents) // 3), replace=False)]
        start[len(start) // 2 :] += 10_000 * empty
        order = rng.permutation(int(weights.sum()))
        model = KMeans(len(start), init=start, n_init=1, tol=0)
        weighted = clone(model).fit(container(X), sample_weight=weights)
        copied = clone(model).fit(container(np.repeat(X, weights, axis=0)[order]))
        assert_array_equal(np.repeat(weighted.labels_, weights)[order], copied.labels_)
        assert_allclose(weighted.cluster_centers_, copied.cluster_centers_, rtol=1e-7, atol=1e-7)


@pytest.mark.filterwarnings("ignore:Number of distinct clusters:sklearn.exceptions.ConvergenceWarning")
def test_more_clusters_than_contents_settle_at_once_and_a_weight_is_a_repetition() -> None:
    # The mean of equal rows may be off by its last bit: that is no distance for an empty cluster to make use
    # of.
    for seed in range(60):
        rng = np.random.default_rng(seed)
        contents = rng.normal(size=(int(rng.integers(3, 40)), 3))
        weights = rng.integers(1, 9, size=len(contents))
        k = len(contents) + int(rng.integers(1, len(contents)))
        start = contents[rng.integers(len(contents), size=k)]
        model = KMeans(k, init=start, n_init=1, tol=0)
        repeated = np.repeat(contents, weights, axis=0)[rng.permutation(weights.sum())]
        if len(repeated) < k:
            continue
        copied = clone(model).fit(repeated)
        halves = np.stack([weights / 2, weights / 2], axis=1).ravel()
        weighted = clone(model).fit(np.repeat(contents, 2, axis=0), sample_weight=halves)
        assert copied.n_iter_ <= 5
        assert copied.inertia_ == pytest.approx(0, abs=1e-25)
        assert_array_equal(copied.predict(contents), weighted.predict(contents))
        assert_allclose(copied.cluster_centers_, weighted.cluster_centers_, rtol=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_the_best_of_many_starts_is_the_optimum_of_all_partitions(seed: int, weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(9, 2))
    weights = rng.integers(1, 5, size=9) if weighted else None

    def loss(labels: np.ndarray) -> float:
        return wcss(X, means(X, labels, 3, weights), weights)

    model = KMeans(3, init="random", n_init=80, random_state=0, tol=0).fit(X, sample_weight=weights)
    assert model.inertia_ == pytest.approx(best_partition(9, 3, loss), rel=1e-12)


@pytest.mark.parametrize(
    "parameters", [{"init": "random", "n_init": 200}, {"refine": "breathing", "n_init": 10}]
)
@pytest.mark.parametrize("seed", range(6))
def test_the_best_of_many_starts_in_one_dimension_is_that_of_dynamic_programming(
    seed: int, parameters: dict[str, Any]
) -> None:
    x = np.random.default_rng(seed).normal(size=40)
    model = KMeans(4, random_state=0, tol=0, **parameters).fit(x[:, np.newaxis])
    optimum = best_intervals(x, 4, lambda part: float(((part - part.mean()) ** 2).sum()))
    assert model.inertia_ == pytest.approx(optimum, rel=1e-12)


@pytest.mark.parametrize("scale", [2.0**-40, 2.0**20])
def test_units_do_not_matter(scale: float) -> None:
    near, far = (KMeans(7, init=BLOBS[:7] * by, tol=0).fit(BLOBS * by) for by in (1.0, scale))
    assert_array_equal(near.labels_, far.labels_)
    assert_array_equal(near.cluster_centers_ * scale, far.cluster_centers_)


def test_the_order_of_the_rows_does_not_matter() -> None:
    order = np.random.default_rng(0).permutation(len(BLOBS))
    one, other = (KMeans(6, random_state=0).fit(X) for X in (BLOBS, BLOBS[order]))
    assert_allclose(one.cluster_centers_, other.cluster_centers_, rtol=1e-7)
    assert_array_equal(one.labels_[order], other.labels_)


def test_score_weighs_the_rows() -> None:
    weights = np.random.default_rng(0).random(len(BLOBS))
    model = KMeans(4, random_state=0).fit(BLOBS, sample_weight=weights)
    assert model.inertia_ == pytest.approx(wcss(BLOBS, model.cluster_centers_, weights), rel=1e-12)
    assert -model.score(BLOBS, sample_weight=weights) == pytest.approx(model.inertia_, rel=1e-12)


# --- starts ---


def test_a_callable_sees_the_users_data_and_every_restart_a_new_draw() -> None:
    calls = []

    def init(X: np.ndarray, n_clusters: int, random_state: np.random.RandomState) -> np.ndarray:
        assert_array_equal(X, BLOBS)
        calls.append(X[random_state.choice(len(X), n_clusters, replace=False)])
        return calls[-1]

    model = KMeans(6, init=init, n_init="auto", random_state=0, tol=0).fit(BLOBS)
    assert len(calls) == 10
    best = min(KMeans(6, init=start, n_init=1, tol=0).fit(BLOBS).inertia_ for start in calls)
    assert model.inertia_ == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize(
    ("init", "expected"),
    [("k-means++", 1), ("random", 10), ("random_partition", 10), ("uniform", 10), (BLOBS[:8], 1)],
)
def test_n_init_auto(init: Any, expected: int) -> None:
    assert KMeans(init=init, n_init="auto", random_state=0).fit(BLOBS)._n_init == expected


def test_one_draw_for_each_restart_of_the_cores_own_starts() -> None:
    for init in ("k-means++", "random_partition"):
        ours, plain = np.random.RandomState(3), np.random.RandomState(3)
        KMeans(4, init=init, n_init=3, random_state=ours).fit(BLOBS)
        plain.randint(np.iinfo(np.int32).max, size=3)
        assert ours.randint(1 << 30) == plain.randint(1 << 30)


def test_a_random_state_instance_advances() -> None:
    state = np.random.RandomState(0)
    one, other = (KMeans(9, random_state=state, max_iter=1).fit(BLOBS) for _ in range(2))
    assert not np.array_equal(one.cluster_centers_, other.cluster_centers_)


def test_more_restarts_are_never_worse() -> None:
    inertias = [
        KMeans(8, init="random", n_init=n_init, max_iter=1, random_state=0).fit(BLOBS).inertia_
        for n_init in (1, 5, 10)
    ]
    assert inertias == sorted(inertias, reverse=True)


def test_the_first_of_equally_good_restarts_wins() -> None:
    X = np.array([[0.0], [1.0], [10.0], [11.0]])
    starts = iter([[[0.0], [10.0]], [[10.0], [0.0]]])
    model = KMeans(2, init=lambda X, k, random_state: next(starts), n_init=2).fit(X)
    assert_array_equal(model.cluster_centers_, [[0.5], [10.5]])


def test_uniform_starts_lie_in_the_box_of_the_rows_that_have_weight() -> None:
    X = np.array([[1.0, -5.0], [3.0, 5.0], [2.0, 0.0], [1e6, 1e6]])
    for container in (np.asarray, sp.csr_array):
        model, weights = KMeans(3, init="uniform"), np.array([1.0, 1.0, 1.0, 0.0])
        draws = _seeding.starts(model, container(X), weights, np.random.RandomState(0), 50)
        seen = np.concatenate(draws)
        assert seen.shape == (150, 2)
        assert ((seen >= [1, -5]) & (seen <= [3, 5])).all()
        assert (seen.std(axis=0) > [0.5, 2.5]).all()  # of the uniform distribution: 0.58 and 2.9


def test_random_partition_starts_from_the_means_of_random_clusters() -> None:
    # Such means all lie near the common mean, about sqrt(k / n) standard deviations from it.
    X = np.random.default_rng(0).normal(size=(4000, 2))
    model = KMeans(4, init="random_partition", n_init=1, max_iter=1, random_state=0).fit(X)
    total = X.var(axis=0).sum() * len(X)
    assert 0.9 * total < model.history_["inertia"][0] < total


# --- warnings, as scikit-learn gives them ---


def test_several_starts_from_given_centers_warn() -> None:
    with pytest.warns(RuntimeWarning, match="performing only one init in KMeans instead of n_init=10"):
        KMeans(3, init=BLOBS[:3], n_init=10).fit(BLOBS)


def test_elkan_with_one_cluster_warns() -> None:
    with pytest.warns(RuntimeWarning, match="algorithm='elkan' doesn't make sense for a single cluster"):
        KMeans(1, algorithm="elkan").fit(BLOBS)


def test_warnings_point_at_the_users_line() -> None:
    with pytest.warns(RuntimeWarning) as caught:
        KMeans(3, init=BLOBS[:3], n_init=10).fit(BLOBS)
    assert caught[0].filename == __file__
    with pytest.warns(ConvergenceWarning) as caught:
        KMeans(3).fit(np.zeros((5, 1)))
    assert caught[0].filename == __file__


# --- stopping, and what is told ---


def test_history_has_an_entry_for_each_iteration() -> None:
    init = starting_centers(BLOBS, 8)
    model = KMeans(8, init=init, n_init=1, tol=0).fit(BLOBS)
    history = model.history_
    assert set(history) == {"inertia", "shift", "seconds", "moved", "evaluated"}
    assert all(values.shape == (model.n_iter_,) for values in history.values())
    centers = init
    before = np.full(len(BLOBS), -1)
    for i in range(model.n_iter_):
        labels = nearest(BLOBS, centers)
        assert history["inertia"][i] == pytest.approx(wcss(BLOBS, centers), rel=1e-9)
        assert history["moved"][i] == (labels != before).sum()
        updated, _ = lloyd(BLOBS, centers, 1)
        assert history["shift"][i] == pytest.approx(np.linalg.norm(updated - centers), rel=1e-6, abs=1e-12)
        centers, before = updated, labels
    assert (history["seconds"] > 0).all()
    assert history["moved"][-1] == 0


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"tol": 0}, r"Converged after \d+ iterations: no row changed its cluster\."),
        (
            {"tol": 1e-2},
            r"Converged after \d+ iterations: .* tol=0.01 times the mean variance of the features\.",
        ),
        ({"tol": 0, "shift_tol": 0.5}, r"Converged after \d+ iterations: .* shift_tol=0.5\."),
        ({"tol": 0, "inertia_tol": 1e-2}, r"Converged after \d+ iterations: .* inertia_tol=0.01 of itself\."),
        ({"tol": 0, "max_iter": 2}, r"Stopped at max_iter=2, before converging\."),
    ],
)
def test_stop_reason_is_a_sentence(parameters: dict[str, Any], sentence: str) -> None:
    model = KMeans(20, init="random", n_init=1, random_state=0, **parameters).fit(
        np.sin(np.arange(3000.0)).reshape(-1, 3)
    )
    assert re.fullmatch(sentence, model.stop_reason_)


def test_tol_scales_with_the_mean_of_the_variances() -> None:
    X = np.random.default_rng(0).normal(size=(2000, 3)) * [1, 10, 100]
    model = KMeans(10, tol=1e-3, init=starting_centers(X, 10), n_init=1).fit(X)
    limit = 1e-3 * X.var(axis=0).mean()
    assert "tol=0.001" in model.stop_reason_
    assert model.history_["shift"][-1] ** 2 <= limit
    assert (model.history_["shift"][:-1] ** 2 > limit).all()


def test_tol_knows_the_weights() -> None:
    X = np.concatenate([np.random.default_rng(0).normal(size=(500, 2)), [[1e4, 1e4]]])
    weights = np.r_[np.ones(500), 0]
    parameters: dict[str, Any] = {"init": X[:6], "n_init": 1, "tol": 1e-3}
    assert (
        KMeans(6, **parameters).fit(X, sample_weight=weights).n_iter_
        == KMeans(6, **parameters).fit(X[:500]).n_iter_
    )


def test_inertia_tol_is_relative() -> None:
    X = np.random.default_rng(0).normal(size=(2000, 3))
    model = KMeans(10, tol=0, inertia_tol=1e-3, init=starting_centers(X, 10), n_init=1).fit(X)
    change = -np.diff(model.history_["inertia"]) / model.history_["inertia"][:-1]
    assert change[-1] <= 1e-3
    assert (change[:-1] > 1e-3).all()


def test_a_zero_tolerance_stops_only_where_nothing_moves() -> None:
    X = np.random.default_rng(0).normal(size=(500, 3))
    for name in ("shift_tol", "inertia_tol"):
        model = KMeans(5, tol=0, init=starting_centers(X, 5), n_init=1, **{name: 0.0}).fit(X)
        assert model.history_["moved"][-1] == 0 or model.history_["shift"][-1] == 0


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_breathing_beats_the_best_of_ten_starts(container: Any, dtype: type[np.floating]) -> None:
    grid = np.stack(np.meshgrid(np.arange(10), np.arange(10)), axis=-1).reshape(-1, 2)
    X = make_blobs(5000, centers=3.0 * grid, cluster_std=0.6, random_state=0)[0].astype(dtype)
    best_of_ten = TheirKMeans(100, n_init=10, random_state=0).fit(X).inertia_
    for seed in range(3):
        plain = KMeans(100, random_state=seed).fit(X)
        model = KMeans(100, random_state=seed, refine="breathing").fit(container(X))
        assert model.inertia_ < 0.99 * best_of_ten
        assert model.inertia_ == pytest.approx(wcss(X, model.cluster_centers_), rel=1e-6)
        assert model.n_iter_ == len(model.history_["inertia"]) > plain.n_iter_
        assert_allclose(model.history_["inertia"][: plain.n_iter_], plain.history_["inertia"], rtol=1e-5)
        assert_array_equal(model.predict(X), model.labels_)


def test_breathing_takes_a_weight_for_a_repetition() -> None:
    weights = np.random.default_rng(0).integers(0, 4, size=len(BLOBS))
    parameters: dict[str, Any] = {"n_clusters": 9, "random_state": 0, "refine": "breathing"}
    weighted = KMeans(**parameters).fit(BLOBS, sample_weight=weights)
    repeated = KMeans(**parameters).fit(np.repeat(BLOBS, weights, axis=0))
    assert_allclose(weighted.cluster_centers_, repeated.cluster_centers_, rtol=1e-7)


def test_breathing_has_nothing_to_add_to_a_cluster_for_each_row() -> None:
    X = BLOBS[:7]
    assert KMeans(7, refine="breathing").fit(X).inertia_ == 0
    one = KMeans(1, refine="breathing").fit(X)
    assert_allclose(one.cluster_centers_, X.mean(axis=0, keepdims=True))


def test_verbose_prints_a_line_for_each_iteration(capsys: pytest.CaptureFixture[str]) -> None:
    model = KMeans(5, verbose=1, tol=0, random_state=0, n_init=2).fit(BLOBS)
    printed = capsys.readouterr().out.splitlines()
    assert printed.count("Initialization complete") == 2
    assert sum(line.startswith("Iteration ") for line in printed) >= model.n_iter_
    assert printed[1].startswith("Iteration 0, inertia ")
    assert printed[-1].startswith("Converged at iteration ")
    assert printed[-1].endswith(": strict convergence.")
    KMeans(5, verbose=1, tol=0.1, random_state=0).fit(BLOBS)
    assert "center shift " in (printed := capsys.readouterr().out)
    assert " within tolerance 0.1" in printed
    KMeans(5, random_state=0).fit(BLOBS)
    assert capsys.readouterr().out == ""


def test_verbose_tells_what_rounding_left_undecided(capsys: pytest.CaptureFixture[str]) -> None:
    # Two far blobs around a common mean: float32 products say little about which center is near.
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(4000, 16)) + np.where(rng.random((4000, 1)) < 0.5, -1000, 1000)).astype(np.float32)
    KMeans(33, verbose=1, random_state=0, max_iter=2).fit(X)
    assert "% of the rows rescored." in capsys.readouterr().out


# --- what scikit-learn expects of an estimator ---


def test_set_output_names_the_columns() -> None:
    model = KMeans(3, random_state=0).set_output(transform="pandas")
    table = model.fit_transform(pd.DataFrame(BLOBS, columns=list("abcd")))
    assert list(table.columns) == ["kmeans0", "kmeans1", "kmeans2"]
    assert_array_equal(model.get_feature_names_out(), ["kmeans0", "kmeans1", "kmeans2"])
    assert_array_equal(model.feature_names_in_, list("abcd"))


def test_fit_predict_and_fit_transform_are_fit_and_then() -> None:
    model = KMeans(4, random_state=0)
    weights = np.arange(1.0, 501.0)
    fitted = clone(model).fit(BLOBS, sample_weight=weights)
    assert_array_equal(clone(model).fit_predict(BLOBS, sample_weight=weights), fitted.labels_)
    assert_array_equal(clone(model).fit_transform(BLOBS, sample_weight=weights), fitted.transform(BLOBS))


def test_a_pickle_predicts_the_same() -> None:
    model = KMeans(4, random_state=0).fit(BLOBS)
    copied = pickle.loads(pickle.dumps(model))
    assert_array_equal(copied.predict(BLOBS), model.labels_)
    assert copied.get_params() == model.get_params()


def test_pipelines_searches_and_routed_weights() -> None:
    pipeline = make_pipeline(StandardScaler(), KMeans(random_state=0))
    search = GridSearchCV(pipeline, {"kmeans__n_clusters": [2, 6]}).fit(BLOBS)
    assert search.best_params_ == {"kmeans__n_clusters": 6}
    weights = np.arange(1.0, len(BLOBS) + 1)
    with sklearn.config_context(enable_metadata_routing=True):
        model = KMeans(6, random_state=0).set_fit_request(sample_weight=True)
        routed = make_pipeline(model).fit(BLOBS, sample_weight=weights)[-1]
    assert_array_equal(routed.cluster_centers_, clone(model).fit(BLOBS, None, weights).cluster_centers_)


def test_from_centers_predicts_scores_and_starts_a_fit() -> None:
    known = KMeans(6, random_state=0).fit(BLOBS)
    model = KMeans.from_centers(known.cluster_centers_, feature_names=list("abcd"), max_iter=50)
    table = pd.DataFrame(BLOBS, columns=list("abcd"))
    assert_array_equal(model.predict(table), known.labels_)
    assert model.score(table) == known.score(BLOBS)
    assert model.n_features_in_ == 4
    assert model.n_clusters == 6
    assert_array_equal(model.get_feature_names_out(), [f"kmeans{j}" for j in range(6)])
    assert not np.shares_memory(model.cluster_centers_, known.cluster_centers_)
    assert clone(model).fit(table).inertia_ <= known.inertia_ * (1 + 1e-12)
    framed = KMeans.from_centers(pd.DataFrame(known.cluster_centers_, columns=list("abcd")))
    assert_array_equal(framed.feature_names_in_, list("abcd"))


def test_k_means_is_the_class_as_a_function() -> None:
    model = KMeans(5, random_state=0, shift_tol=0.1, inertia_tol=1e-5, refine="breathing").fit(BLOBS)
    result = k_means(
        BLOBS, 5, random_state=0, shift_tol=0.1, inertia_tol=1e-5, refine="breathing", return_n_iter=True
    )
    assert_array_equal(result[0], model.cluster_centers_)
    assert_array_equal(result[1], model.labels_)
    assert result[2:] == (model.inertia_, model.n_iter_)
    assert len(k_means(BLOBS, 5, random_state=0)) == 3


def test_parameters_and_attributes_hold_scikit_learns() -> None:
    ours, theirs = KMeans(random_state=0).fit(BLOBS), TheirKMeans(random_state=0).fit(BLOBS)
    assert theirs.get_params().items() <= {**ours.get_params(), "algorithm": "lloyd"}.items()
    public = {name for name in dir(theirs) if not name.startswith("_")}
    assert public <= set(dir(ours))
    for one, other in ((KMeans, TheirKMeans), (k_means, their_k_means)):
        ours, theirs = (list(inspect.signature(name).parameters.values()) for name in (one, other))
        described = [[(p.name, p.kind, p.default) for p in parameters] for parameters in (ours, theirs)]
        # "auto" is fulcra's own default.
        expected = [
            (name, kind, "auto" if name == "algorithm" else default) for name, kind, default in described[1]
        ]
        assert described[0][: len(theirs)] == expected
        assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in ours[len(theirs) :])


def test_centers_are_the_means_of_their_rows_once_converged() -> None:
    model = KMeans(6, random_state=0, tol=0).fit(BLOBS)
    assert_allclose(model.cluster_centers_, means(BLOBS, model.labels_, 6), rtol=1e-12)
