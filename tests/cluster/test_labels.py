"""Labels are the true nearest centers, on data that rounding, ties and extremes make hard.

`oracles.nearest` is the definition: the argmin of the float64 direct difference, the lowest index on a tie.
Every kernel is a filter before that, and none may change a label.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from fulcra.cluster import KMeans
from numpy.testing import assert_array_equal
from oracles import nearest, squared_distances, wcss
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.datasets import load_digits, load_sample_image

Rows = np.ndarray
Make = Callable[[np.random.Generator], tuple[Rows, int]]


def offset(rng: np.random.Generator) -> tuple[Rows, int]:
    """A spread of 50 around a million: float32 keeps steps of 1/16."""
    return 1e6 + 50 * rng.normal(size=(6000, 3)), 8


def two_far_blobs(rng: np.random.Generator) -> tuple[Rows, int]:
    """The common mean lies far from every row, so centering helps nobody."""
    return np.where(rng.random((3000, 1)) < 0.5, -1000, 1000) + rng.normal(size=(3000, 16)), 33


def duplicates(rng: np.random.Generator) -> tuple[Rows, int]:
    return np.repeat(rng.normal(size=(40, 5)), 75, axis=0)[rng.permutation(3000)], 24


def exact_ties(rng: np.random.Generator) -> tuple[Rows, int]:
    """A grid whose centers stand on the grid too: many rows lie exactly between two or four of them."""
    return rng.integers(-4, 5, size=(3000, 2)).astype(float), 20


def subnormals(rng: np.random.Generator) -> tuple[Rows, int]:
    """Below the smallest normal number of float32; differences are subnormal, their squares are not in
    float64."""
    return rng.normal(size=(3000, 4)) * 1e-41, 9


def subnormals_of_float64(rng: np.random.Generator) -> tuple[Rows, int]:
    """Every square underflows to zero, so every row ties and goes to the first center."""
    return rng.normal(size=(2000, 4)) * 1e-310, 9


def squares_that_underflow(rng: np.random.Generator) -> tuple[Rows, int]:
    """Squares around 1e-322: subnormal, with a handful of bits."""
    return rng.normal(size=(3000, 4)) * 1e-161, 9


def huge(rng: np.random.Generator) -> tuple[Rows, int]:
    """Squares overflow float32."""
    return rng.normal(size=(3000, 6)) * 1e30, 12


def integer_pixels(rng: np.random.Generator) -> tuple[Rows, int]:
    pixels = load_sample_image("china.jpg").reshape(-1, 3)
    return pixels[rng.choice(len(pixels), 5000, replace=False)].astype(float), 32


def one_huge_column(rng: np.random.Generator) -> tuple[Rows, int]:
    """Decided among the small columns wherever the huge one agrees."""
    X = rng.normal(size=(3000, 8))
    X[:, 3] = 1e7 * rng.integers(0, 3, size=3000)
    return X, 16


def constant_columns(rng: np.random.Generator) -> tuple[Rows, int]:
    X = np.full((2000, 7), 3.7e5)
    X[:, 2] += rng.normal(size=2000)
    return X, 10


def almost_the_same_centers(rng: np.random.Generator) -> tuple[Rows, int]:
    """Rows differ in the last bits only."""
    return np.nextafter(np.ones((2000, 3)), rng.choice([0.0, 2.0], size=(2000, 3))), 8


def images(rng: np.random.Generator) -> tuple[Rows, int]:
    return load_digits().data, 50


def wide(rng: np.random.Generator) -> tuple[Rows, int]:
    return rng.normal(size=(700, 517)), 37


def many_centers(rng: np.random.Generator) -> tuple[Rows, int]:
    return rng.normal(size=(3000, 11)), 700


HARD: list[Make] = [
    offset,
    two_far_blobs,
    duplicates,
    exact_ties,
    subnormals,
    subnormals_of_float64,
    squares_that_underflow,
    huge,
    integer_pixels,
    one_huge_column,
    constant_columns,
    almost_the_same_centers,
    images,
    wide,
    many_centers,
]


def hard_data(make: Make, dtype: type[np.floating]) -> tuple[Rows, Rows]:
    rng = np.random.default_rng(0)
    X, k = make(rng)
    X = X.astype(dtype)
    centers = X[rng.choice(len(X), k, replace=False)].copy()
    return X, centers


def assert_nearest(X: Any, labels: np.ndarray, centers: np.ndarray) -> None:
    expected = nearest(X, centers)
    wrong = np.flatnonzero(labels != expected)
    assert wrong.size == 0, f"{wrong.size} of {len(labels)} labels; the first is row {wrong[0]}"


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("make", HARD, ids=lambda make: make.__name__)
def test_predict_gives_the_nearest_center(make: Make, container: Any, dtype: type[np.floating]) -> None:
    X, centers = hard_data(make, dtype)
    assert_nearest(X, KMeans.from_centers(centers).predict(container(X)), centers)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("make", HARD, ids=lambda make: make.__name__)
@pytest.mark.filterwarnings("ignore:Number of distinct clusters:sklearn.exceptions.ConvergenceWarning")
def test_fit_ends_with_the_nearest_centers(make: Make, container: Any, dtype: type[np.floating]) -> None:
    X, centers = hard_data(make, dtype)
    for max_iter in (1, 30):
        model = KMeans(len(centers), init=centers, n_init=1, max_iter=max_iter, tol=0).fit(container(X))
        assert_nearest(X, model.labels_, model.cluster_centers_)
        assert_array_equal(model.predict(container(X)), model.labels_)
        accuracy = 1e-12 if container is np.asarray else 1e-7
        smallest = 5e-324 * X.size  # what sums of subnormal numbers cannot promise
        assert model.inertia_ == pytest.approx(wcss(X, model.cluster_centers_), rel=accuracy, abs=smallest)


@pytest.mark.parametrize("make", HARD, ids=lambda make: make.__name__)
def test_distances_are_direct_differences(make: Make, dtype: type[np.floating]) -> None:
    X, centers = hard_data(make, dtype)
    with np.errstate(over="ignore"):
        expected = np.sqrt(squared_distances(X, centers)).astype(dtype)
    assert_array_equal(KMeans.from_centers(centers).transform(X), expected)


@pytest.mark.parametrize("make", [two_far_blobs, images, offset], ids=lambda make: make.__name__)
def test_centers_in_float64_decide_rows_in_float32_and_the_reverse(make: Make) -> None:
    X, centers = hard_data(make, np.float64)
    moved = centers * (1 + 1e-9)  # float32 cannot hold these
    assert_nearest(X.astype(np.float32), KMeans.from_centers(moved).predict(X.astype(np.float32)), moved)
    single = centers.astype(np.float32)
    assert_nearest(X, KMeans.from_centers(single).predict(X), single)


@pytest.mark.parametrize("of_rows", [np.float32, np.float64])
@pytest.mark.parametrize("make", HARD, ids=lambda make: make.__name__)
def test_a_row_alone_gets_the_label_that_it_gets_among_many(
    make: Make, dtype: type[np.floating], of_rows: type[np.floating]
) -> None:
    X, centers = hard_data(make, dtype)
    X = X[:60].astype(of_rows)
    model = KMeans.from_centers(centers)
    together = model.predict(X)
    for size in (1, 3, 6, 7):
        alone = [model.predict(X[i : i + size]) for i in range(0, 60, size)]
        assert_array_equal(np.concatenate(alone), together[: sum(map(len, alone))])
    scattered = np.asfortranarray(centers)
    for awkward in (scattered, np.repeat(scattered, 2, axis=1)[:, ::2]):
        model.cluster_centers_ = awkward
        assert_array_equal(model.predict(X[:2]), together[:2])


@pytest.mark.parametrize("n", [1, 2, 7, 23, 24, 25, 63, 64, 65, 191, 192, 193, 1000])
@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 8, 15, 16, 17, 33])
def test_every_size_of_block(n: int, d: int, dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(n * 100 + d)
    X = rng.integers(-3, 4, size=(n, d)).astype(dtype)  # small whole numbers: ties everywhere
    for k in (1, 2, 5, 6, 7, 8, 12, 13, 31):
        centers = rng.integers(-3, 4, size=(k, d)).astype(dtype)
        assert_nearest(X, KMeans.from_centers(centers).predict(X), centers)


def test_half_of_the_rows_at_a_million() -> None:
    # 20,000 x 3 in float32, spread 50: the case where squared norms of float32 leave nothing to compare.
    rng = np.random.default_rng(0)
    X = (1e6 + 50 * rng.normal(size=(20_000, 3))).astype(np.float32)
    centers = X[:8].copy()
    right = nearest(X, centers)
    assert_array_equal(KMeans.from_centers(centers).predict(X), right)
    theirs = TheirKMeans(8, init=centers, n_init=1, max_iter=1).fit(X)
    theirs.cluster_centers_ = centers
    assert (theirs.predict(X) != right).mean() > 0.2  # else this test no longer shows anything


def test_the_fit_of_two_far_blobs_has_the_lower_inertia() -> None:
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(20_000, 16)) + np.where(rng.random((20_000, 1)) < 0.5, -1000, 1000)).astype(
        np.float32
    )
    init = X[:33].copy()
    ours, theirs = (
        estimator(33, init=init, n_init=1, max_iter=25).fit(X) for estimator in (KMeans, TheirKMeans)
    )
    assert_nearest(X, ours.labels_, ours.cluster_centers_)
    assert wcss(X, ours.cluster_centers_) < wcss(X, theirs.cluster_centers_)


@pytest.mark.parametrize(
    ("n_samples", "n_features", "n_clusters"), [(60, 40_000, 4), (300, 10_000, 20), (30_000, 3, 20_000)]
)
def test_extreme_shapes(n_samples: int, n_features: int, n_clusters: int) -> None:
    X = np.random.default_rng(0).standard_normal((n_samples, n_features)).astype(np.float32)
    model = KMeans(n_clusters, n_init=1, max_iter=3, random_state=0).fit(X)
    some = slice(None, None, max(1, n_samples // 300))
    assert_array_equal(model.labels_[some], nearest(X[some], model.cluster_centers_))
    assert_array_equal(model.predict(X[some]), model.labels_[some])
