"""init='density': peaks on paper, what outliers do to it, and the usual."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from fulcra.cluster import KMeans, k_means
from fulcra.cluster._density import density_peaks
from numpy.testing import assert_array_equal
from oracles import squared_distances

RNG = np.random.default_rng(0)
SPOTS = np.array([[0.0, 0], [20, 0], [0, 20], [20, 20], [40, 10]])


def peaks(X: Any, k: int, weights: Any = None, seed: int = 0) -> np.ndarray:
    return density_peaks(KMeans(), X, weights, k, np.random.RandomState(seed))


def blobs(seed: int, n_outliers: int) -> np.ndarray:
    """Five round clusters of 60 rows, shuffled, with rows far out of them."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(SPOTS, 60, axis=0) + rng.normal(size=(300, 2))
    angles = rng.random(n_outliers) * 2 * np.pi
    far = 20 + 300 * np.stack([np.cos(angles), np.sin(angles)], axis=1) * (1 + rng.random((n_outliers, 1)))
    return rng.permutation(np.concatenate([rows, far]))


def test_peaks_on_paper(dtype: type[np.floating]) -> None:
    # Two groups and a row alone. A quarter of all distances are at most 1: so wide is the neighbourhood. In
    # the middle of a group there are two rows at 1 / 2, which count 3 / 4 each; nobody else has as many.
    X = np.array([[0], [1], [1.5], [2], [3], [10], [11], [11.5], [12], [13], [1000]], dtype=dtype)
    found = peaks(X, 2)
    assert sorted(found[:, 0]) == [1.5, 11.5]
    assert found.dtype == dtype


@pytest.mark.parametrize("n_outliers", [0, 5])
def test_each_cluster_gets_one_start_whatever_lies_far_out(n_outliers: int) -> None:
    found = {"density": 0, "k-means++": 0}
    for seed in range(40):
        X = blobs(seed, n_outliers)
        starts = peaks(X, 5)
        found["density"] += (
            len(set(squared_distances(starts, SPOTS).argmin(axis=1))) == 5 and (np.abs(starts) < 60).all()
        )
        centers = KMeans(5, max_iter=1, random_state=seed).fit(X).cluster_centers_
        found["k-means++"] += bool((squared_distances(SPOTS, centers).min(axis=1) < 9).all())
    assert found["density"] >= 39
    assert n_outliers == 0 or found["k-means++"] <= 10


def test_a_fit_finds_the_clusters_and_is_the_same_each_time() -> None:
    X = np.repeat(SPOTS, 2000, axis=0) + RNG.normal(size=(10_000, 2))  # more than the sample
    fits = [KMeans(5, init="density", random_state=3).fit(X) for _ in range(2)]
    assert fits[0].cluster_centers_.tobytes() == fits[1].cluster_centers_.tobytes()
    assert_array_equal(np.sort(np.bincount(fits[0].labels_)), [2000] * 5)
    assert k_means(X, 5, init="density", random_state=4)[2] == pytest.approx(fits[0].inertia_)


def test_sparse_rows_are_the_same_rows() -> None:
    X = blobs(0, 3)
    assert_array_equal(peaks(sp.csr_array(X), 5), peaks(X, 5))


def test_weights_make_density_and_rows_without_are_never_chosen() -> None:
    X = np.array([[0.0], [1], [2], [10], [11], [12], [30], [31]])
    assert sorted(peaks(X, 2, np.array([1.0, 1, 1, 1, 0, 1, 5, 5]))[:, 0])[1] >= 30
    rng = np.random.default_rng(0)
    rows, weights = rng.normal(size=(5000, 2)), (rng.random(5000) < 0.3) * 1.0
    chosen = peaks(rows, 40, weights)
    assert (squared_distances(chosen, rows[weights > 0]).min(axis=1) == 0).all()
    with pytest.raises(ValueError, match="needs 3 rows of weight; X has 2"):
        KMeans(3, init="density").fit(rows[:9], sample_weight=[0, 0, 1, 0, 0, 0, 1, 0, 0])


def test_copies_and_few_rows() -> None:
    X = np.repeat([[0.0, 0], [5, 5], [9, 0]], [50, 3, 1], axis=0)
    assert len(np.unique(peaks(X, 3), axis=0)) == 3
    assert_array_equal(np.unique(peaks(X[[0, 50, 53]], 3), axis=0), np.unique(X, axis=0))
    assert peaks(X[:1], 1).tolist() == [[0, 0]]
    assert len(peaks(X[:50], 7)) == 7


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_what_is_not_finite_is_named(container: Any) -> None:
    X = blobs(0, 0)
    for value, message in ((np.nan, "NaN"), (np.inf, "infinity"), (1e200, "a value too large to be squared")):
        X[117, 1] = value
        with pytest.raises(ValueError, match=f"contains {message}.*: the first is in row 117, column 1"):
            KMeans(3, init="density").fit(container(X))
