"""SphericalKMeans: by hand, against the definition in NumPy, and against optima that are known."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from fulcra import _core
from fulcra.cluster import SphericalKMeans
from numpy.testing import assert_allclose, assert_array_equal
from oracles import best_partition, nearest

RNG = np.random.default_rng(0)


def unit(X: Any) -> np.ndarray:
    X = np.asarray(X, dtype=np.float64)
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def test_distances_on_paper() -> None:
    model = SphericalKMeans.from_centers([[1.0, 0.0], [1.0, 1.0]])
    root = np.sqrt(0.5)
    # cos of 3 4: 0.6 and 7 / (5 sqrt 2). Opposite: 2. At right angles: 1.
    want = [[0.4, 1 - 1.4 * root], [2, 1 + root], [1, 1 - root], [1, 1]]
    assert_allclose(model.transform([[3, 4], [-9, 0], [0, 1e-200], [0, 0]]), want, rtol=1e-14)
    assert_array_equal(model.predict([[3, 4], [1, 0.1], [0, 0]]), [1, 0, 0])


def test_a_center_is_the_direction_of_the_mean_of_directions() -> None:
    model = SphericalKMeans(1).fit([[5.0, 0.0], [0.0, 0.1]])
    assert_allclose(model.cluster_centers_, [[np.sqrt(0.5)] * 2], rtol=1e-15)
    assert model.inertia_ == pytest.approx(2 * (1 - np.sqrt(0.5)), rel=1e-14)
    weighted = SphericalKMeans(1).fit([[5.0, 0.0], [0.0, 0.1]], sample_weight=[4, 3])
    assert_allclose(weighted.cluster_centers_, [[0.8, 0.6]], rtol=1e-15)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csr_matrix])
def test_labels_and_inertia_are_those_of_cosines(container: Any, dtype: type[np.floating]) -> None:
    X = np.where(RNG.random((400, 30)) < 0.3, RNG.normal(size=(400, 30)), 0).astype(dtype)
    X[:, 0] += dtype(0.01)
    weights = RNG.random(400)
    model = SphericalKMeans(7, random_state=0).fit(container(X), sample_weight=weights)
    cosines = unit(X) @ unit(model.cluster_centers_).T
    tolerance = 1e-6 if dtype == np.float32 else 1e-13
    own = cosines[np.arange(400), model.labels_]
    assert (own >= cosines.max(axis=1) - tolerance).all()
    assert_allclose(model.inertia_, weights @ (1 - own), rtol=10 * tolerance)
    assert_allclose(model.transform(container(X)), 1 - cosines, atol=tolerance)
    assert_allclose(np.linalg.norm(model.cluster_centers_, axis=1), 1, atol=tolerance)
    for rows in (container(X), X):
        assert_array_equal(model.predict(rows), model.labels_)


def test_dense_and_sparse_rows_find_the_same_clusters() -> None:
    X = np.where(RNG.random((500, 40)) < 0.2, RNG.random((500, 40)), 0)
    dense, sparse = (SphericalKMeans(5, random_state=3).fit(rows) for rows in (X, sp.csr_array(X)))
    assert_array_equal(dense.labels_, sparse.labels_)
    assert_allclose(dense.cluster_centers_, sparse.cluster_centers_, atol=1e-12)


ADVERSARIAL = {
    "one direction": np.linspace(1, 2, 300)[:, np.newaxis] * RNG.random(5),
    "nearly one direction": RNG.normal(size=(300, 5)) + 1e6,
    "opposite": RNG.normal(size=(300, 4)) * RNG.choice([-1e9, 1e-9], size=(300, 1)),
    "large": RNG.normal(size=(300, 6)) * 1e30,
    "tiny": RNG.normal(size=(300, 6)) * 1e-38,
    "ties": RNG.integers(-1, 2, size=(300, 3)) + np.array([0, 0, 1e-3]),
}


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_labels_are_the_nearest_centers_of_the_unit_vectors(name: str, dtype: type[np.floating]) -> None:
    X = ADVERSARIAL[name].astype(dtype)
    model = SphericalKMeans(9, random_state=0, max_iter=8).fit(X)
    cells, zeros = _core.unit_rows(X)
    assert not zeros.size
    assert_array_equal(model.labels_, nearest(cells, model.cluster_centers_))
    assert_array_equal(model.predict(X), model.labels_)
    assert_allclose(cells, unit(X), rtol=2e-7 if dtype == np.float32 else 1e-14, atol=1e-12)


def test_squares_beyond_both_ends_of_float64_are_normalized() -> None:
    X = np.array([[3e200, 4e200], [3e-200, 4e-200], [3e-310, 4e-310]])
    assert_allclose(_core.unit_rows(X)[0], [[0.6, 0.8]] * 3, rtol=1e-10)
    assert SphericalKMeans(1).fit(X).inertia_ == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("seed", range(5))
def test_the_length_of_rows_does_not_matter(seed: int) -> None:
    X = np.random.default_rng(seed).normal(size=(200, 4))
    lengths = 2.0 ** np.random.default_rng(seed).integers(-30, 30, size=(200, 1))
    short, long = (SphericalKMeans(4, random_state=0).fit(rows) for rows in (X, X * lengths))
    assert_array_equal(short.labels_, long.labels_)
    assert_array_equal(short.cluster_centers_, long.cluster_centers_)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_rows_of_zeros_change_nothing(container: Any) -> None:
    X = RNG.normal(size=(60, 3)) + 1
    with_zeros = np.insert(X, [0, 7, 60], 0.0, axis=0)
    zeros = np.flatnonzero(~with_zeros.any(axis=1))
    for weights in (None, np.ones(63)):
        bare = SphericalKMeans(3, random_state=0).fit(container(X))
        model = SphericalKMeans(3, random_state=0).fit(container(with_zeros), sample_weight=weights)
        assert_array_equal(model.labels_[zeros], 0)
        assert_array_equal(np.delete(model.labels_, zeros), bare.labels_)
        assert_allclose(model.cluster_centers_, bare.cluster_centers_, rtol=1e-12)
        assert_allclose(model.inertia_, bare.inertia_, rtol=1e-12)
        assert_allclose(model.score(container(with_zeros)), -bare.inertia_, rtol=1e-12)
        assert_array_equal(model.predict(container(with_zeros)), model.labels_)
        assert_array_equal(model.transform(container(with_zeros))[zeros], 1.0)
    with pytest.raises(ValueError, match="Every row of X that has weight is zero"):
        SphericalKMeans(1).fit(container(with_zeros), sample_weight=(~with_zeros.any(axis=1)).astype(float))
    for start in (np.zeros((1, 3)), lambda X, k, random_state: np.zeros((1, 3))):
        with pytest.raises(ValueError, match="Center 0 is zero"):
            SphericalKMeans(1, init=start).fit(container(X))
    with pytest.raises(ValueError, match="Center 1 is zero"):
        SphericalKMeans.from_centers([[1, 2], [0, 0]])


def test_unit_vectors_are_used_where_they_are(dtype: type[np.floating]) -> None:
    X = _core.unit_rows(RNG.normal(size=(500, 9)).astype(dtype))[0]
    assert _core.unit_rows(X)[0] is None
    assert _core.unit_rows(sp.csr_array(X))[0] is None
    by_numpy = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert _core.unit_rows(by_numpy)[0] is None


@pytest.mark.parametrize("seed", range(5))
def test_the_best_of_many_starts_is_the_optimum_of_all_partitions(seed: int) -> None:
    X = unit(np.random.default_rng(seed).normal(size=(9, 2)))

    def loss(labels: np.ndarray) -> float:
        return 9 - sum(float(np.linalg.norm(X[labels == j].sum(axis=0))) for j in range(3))

    model = SphericalKMeans(3, init="random", n_init=60, random_state=0, tol=0).fit(X)
    assert model.inertia_ == pytest.approx(best_partition(9, 3, loss), rel=1e-12)


def test_rows_that_cancel_leave_their_center_where_it_was() -> None:
    model = SphericalKMeans(1, init=[[0.0, 2.0]]).fit([[1.0, 0.0], [-1.0, 0.0]])
    assert_array_equal(model.cluster_centers_, [[0.0, 1.0]])
    assert model.inertia_ == 2.0


def test_documents_of_two_topics_are_told_apart_by_their_words() -> None:
    topics = np.zeros((2, 100))
    topics[0, :50], topics[1, 50:] = 0.02, 0.02
    topic = np.arange(200) % 2
    lengths = RNG.integers(20, 2000, size=200)
    counts = np.array([RNG.multinomial(n, topics[t]) for n, t in zip(lengths, topic, strict=True)])
    labels = SphericalKMeans(2, random_state=0).fit_predict(sp.csr_array(counts.astype(np.float32)))
    assert len(set(zip(topic.tolist(), labels.tolist(), strict=True))) == 2
