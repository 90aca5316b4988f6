"""KMedians: by hand, against the definition in NumPy, and against optima that are known."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from fulcra.cluster import KMeans, KMedians
from numpy.testing import assert_array_equal
from oracles import best_intervals, best_partition, lower_medians, manhattan, median_loss

RNG = np.random.default_rng(0)


def test_one_cluster_has_the_median_of_each_feature_and_an_outlier_does_not_matter() -> None:
    X = np.array([[1.0, 5.0], [2.0, 3.0], [3.0, 4.0], [4.0, 1.0], [1e9, 2.0]])
    model = KMedians(1).fit(X)
    assert_array_equal(model.cluster_centers_, [[3.0, 3.0]])
    assert KMeans(1).fit(X).cluster_centers_[0, 0] > 1e8
    assert model.inertia_ == 2 + 1 + 0 + 1 + (1e9 - 3) + 2 + 0 + 1 + 2 + 1


def test_of_an_even_number_the_lower_median_is_taken() -> None:
    assert_array_equal(KMedians(1).fit([[4.0], [1.0], [3.0], [2.0]]).cluster_centers_, [[2.0]])
    # Half of the weight, 3 of 6, is at or below 1.
    fit = KMedians(1).fit([[1.0], [2.0], [9.0]], sample_weight=[3, 1, 2])
    assert_array_equal(fit.cluster_centers_, [[1.0]])


def test_one_iteration_on_paper() -> None:
    X = np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 1.0], [9.0, 9.0], [9.0, 5.0], [8.0, 9.0]])
    model = KMedians(2, init=[[0.0, 0.0], [9.0, 9.0]], max_iter=1).fit(X)
    assert_array_equal(model.cluster_centers_, [[1.0, 0.0], [9.0, 9.0]])
    assert_array_equal(model.labels_, [0, 0, 0, 1, 1, 1])
    assert model.inertia_ == 1 + 0 + 4 + 0 + 4 + 1
    assert model.history_["inertia"].tolist() == [10.0]
    assert model.stop_reason_ == "Stopped at max_iter=1, before converging."


ADVERSARIAL = {
    "ties": RNG.integers(0, 3, size=(700, 3)),
    "offset": RNG.normal(size=(700, 5)) + 1e6,
    "duplicates": np.repeat(RNG.normal(size=(9, 4)), 70, axis=0),
    "large": RNG.normal(size=(700, 5)) * 1e30,
    "tiny": RNG.normal(size=(700, 5)) * 1e-42,
    "one wild column": RNG.normal(size=(700, 6)) * [1, 1, 1e8, 1, 1, 1],
    "two far blobs": RNG.normal(size=(700, 16)) + 1e4 * RNG.integers(0, 2, size=(700, 1)),
    "wide": RNG.normal(size=(150, 300)),
}


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.parametrize("name", ADVERSARIAL)
@pytest.mark.parametrize("k", [1, 3, 9, 33])
def test_labels_are_those_of_the_definition(name: str, k: int, dtype: type[np.floating]) -> None:
    X = ADVERSARIAL[name].astype(dtype)
    model = KMedians(k, random_state=0, max_iter=9).fit(X)
    table = manhattan(X, model.cluster_centers_)
    assert_array_equal(model.labels_, table.argmin(axis=1))
    assert_array_equal(model.predict(X), model.labels_)
    assert_array_equal(model.transform(X), table.astype(dtype))
    assert model.inertia_ == pytest.approx(table.min(axis=1).sum(), rel=1e-12)
    # Centers of the other dtype, which this one cannot hold.
    other = KMedians.from_centers(X[:k].astype(np.float64) * (1 + 1e-9))
    assert_array_equal(other.predict(X), manhattan(X, other.cluster_centers_).argmin(axis=1))


@pytest.mark.parametrize("seed", range(20))
def test_every_iteration_is_that_of_the_definition(seed: int, dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(300, 3)) * 4, 1 if seed % 2 else 8).astype(dtype)
    weights = rng.integers(0, 3, size=300) if seed % 3 else None
    centers = X[rng.permutation(300)[:7]].astype(np.float64)
    start = centers.copy()
    for _ in range(6):
        labels = manhattan(X, centers).argmin(axis=1)
        counted = labels if weights is None else np.where(weights > 0, labels, -1)
        assert set(range(7)) <= set(counted)
        centers = lower_medians(X, labels, 7, weights)
    model = KMedians(7, init=start, max_iter=6, tol=0).fit(X, sample_weight=weights)
    assert_array_equal(model.cluster_centers_, centers)
    assert_array_equal(model.labels_, manhattan(X, centers).argmin(axis=1))


@pytest.mark.parametrize("seed", range(8))
def test_the_best_of_many_starts_is_the_optimum_of_all_partitions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 12, size=(9, 2)).astype(float)
    weights = rng.integers(1, 4, size=9)
    best = best_partition(9, 3, lambda labels: median_loss(X, labels, weights))
    model = KMedians(3, init="random", n_init=60, random_state=0, tol=0).fit(X, sample_weight=weights)
    assert model.inertia_ == best


@pytest.mark.parametrize("seed", range(6))
def test_the_best_of_many_starts_in_one_dimension_is_that_of_dynamic_programming(seed: int) -> None:
    x = np.random.default_rng(seed).integers(0, 200, size=40).astype(float)
    want = best_intervals(x, 4, lambda part: float(np.abs(part - part[(len(part) - 1) // 2]).sum()))
    model = KMedians(4, init="random", n_init=200, random_state=0, tol=0).fit(x[:, np.newaxis])
    assert model.inertia_ == want


@pytest.mark.parametrize("scale", [2.0**-40, 2.0**20])
def test_units_do_not_matter(scale: float) -> None:
    X = RNG.normal(size=(200, 3))
    near, far = (KMedians(4, init=X[:4] * by, tol=0).fit(X * by) for by in (1.0, scale))
    assert_array_equal(near.cluster_centers_ * scale, far.cluster_centers_)
    assert near.inertia_ * scale == far.inertia_


def test_bounds_change_nothing(dtype: type[np.floating]) -> None:
    # Predicting computes every distance, fitting few of them.
    X = (RNG.normal(size=(4000, 8)) + 4 * RNG.integers(0, 5, size=(4000, 1))).astype(dtype)
    model = KMedians(40, random_state=0, tol=0).fit(X)
    assert model.history_["evaluated"][-1] < 0.3
    assert_array_equal(model.labels_, manhattan(X, model.cluster_centers_).argmin(axis=1))
    for n_iter in (2, 5, 9):
        part = KMedians(40, random_state=0, tol=0, max_iter=n_iter).fit(X)
        assert_array_equal(part.labels_, part.predict(X))


def test_greedy_kmeans_plusplus_takes_rows_that_lie_apart() -> None:
    blobs = np.repeat(np.eye(6) * 100, 50, axis=0) + RNG.normal(size=(300, 6))
    for seed in range(20):
        assert KMedians(6, random_state=seed).fit(blobs).inertia_ < 300 * 6 * 1.2


@pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix, sp.coo_array])
def test_sparse_rows_are_refused(container: Any) -> None:
    with pytest.raises(TypeError, match="Sparse data was passed, but dense data is required"):
        KMedians(2).fit(container(np.eye(5)))
