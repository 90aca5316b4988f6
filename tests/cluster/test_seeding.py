"""kmeans_plusplus: what it draws, and what it does not depend on."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from fulcra.cluster import KMeans, kmeans_plusplus
from numpy.testing import assert_array_equal
from oracles import squared_distances, wcss
from sklearn.cluster import kmeans_plusplus as their_kmeans_plusplus
from sklearn.datasets import load_digits, make_blobs

BLOBS, _ = make_blobs(600, n_features=3, centers=8, random_state=0)


def test_centers_are_the_rows_at_the_indices(dtype: type[np.floating]) -> None:
    X = BLOBS.astype(dtype)
    for rows in (X, sp.csr_array(X), sp.csr_matrix(X)):
        centers, indices = kmeans_plusplus(rows, 8, random_state=0)
        assert_array_equal(centers, X[indices])
        assert centers.dtype == dtype
        assert indices.dtype == np.int64
        assert len(set(indices)) == 8


def test_whole_numbers_stay_whole_numbers() -> None:
    X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    centers, indices = kmeans_plusplus(X, 2, random_state=0)
    assert centers.dtype == X.dtype
    assert_array_equal(centers, X[indices])
    assert_array_equal(kmeans_plusplus(X.tolist(), 2, random_state=0)[0], centers)


def test_one_seed_is_one_choice_and_others_differ() -> None:
    draws = [tuple(kmeans_plusplus(BLOBS, 8, random_state=seed)[1]) for seed in (0, 0, 1, 2, 3)]
    assert draws[0] == draws[1]
    assert len(set(draws)) == 4


@pytest.mark.parametrize("seed", range(10))
def test_the_choice_depends_on_content_only(seed: int) -> None:
    chosen = BLOBS[kmeans_plusplus(BLOBS, 8, random_state=seed)[1]]
    order = np.random.default_rng(seed).permutation(len(BLOBS))
    shuffled = BLOBS[order]
    assert_array_equal(shuffled[kmeans_plusplus(shuffled, 8, random_state=seed)[1]], chosen)
    single = BLOBS.astype(np.float32)
    assert_array_equal(BLOBS[kmeans_plusplus(single, 8, random_state=seed)[1]], chosen)
    assert_array_equal(BLOBS[kmeans_plusplus(sp.csr_array(BLOBS), 8, random_state=seed)[1]], chosen)
    assert_array_equal(BLOBS[kmeans_plusplus(np.asfortranarray(BLOBS), 8, random_state=seed)[1]], chosen)


@pytest.mark.parametrize("seed", range(10))
def test_a_weight_is_a_repetition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 4, size=len(BLOBS))
    repeated = np.repeat(BLOBS, weights, axis=0)[rng.permutation(weights.sum())]
    _, indices = kmeans_plusplus(BLOBS, 8, sample_weight=weights, random_state=seed)
    _, copies = kmeans_plusplus(repeated, 8, random_state=seed)
    assert_array_equal(BLOBS[indices], repeated[copies])
    assert (weights[indices] > 0).all()


@pytest.mark.parametrize("seed", [53, 162, 222, 338, 402, 471, 507])
def test_candidates_that_tie_are_decided_by_the_draw(seed: int) -> None:
    # Late in a draw two candidates are often each other's only customers: taking either leaves the same sum,
    # and how that sum was rounded must not matter.
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(int(rng.integers(5, 300)), 3))
    weights = rng.integers(0, 4, size=len(X))
    k = int(rng.integers(1, (weights > 0).sum() // 2 + 1))
    repeated = np.repeat(X, weights, axis=0)[rng.permutation(weights.sum())]
    chosen, _ = kmeans_plusplus(X, k, sample_weight=weights, random_state=seed)
    assert_array_equal(kmeans_plusplus(repeated, k, random_state=seed)[0], chosen)


def test_once_every_content_is_chosen_the_rest_depends_on_content_and_weight_as_well() -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        contents = rng.normal(size=(int(rng.integers(3, 20)), 3))
        weights = rng.integers(2, 9, size=len(contents))
        repeated = np.repeat(contents, weights, axis=0)[rng.permutation(weights.sum())]
        halves = np.repeat(contents, 2, axis=0)
        half_weights = np.stack([weights // 2, weights - weights // 2], axis=1).ravel()
        k = int(rng.integers(len(contents), 2 * len(contents) + 1))
        one, _ = kmeans_plusplus(repeated, k, random_state=seed)
        other, _ = kmeans_plusplus(halves, k, sample_weight=half_weights, random_state=seed)
        assert_array_equal(one, other)


def test_rows_without_weight_are_never_chosen() -> None:
    weights = np.random.default_rng(0).random(len(BLOBS))
    weights[::2] = 0
    for seed in range(20):
        _, indices = kmeans_plusplus(BLOBS, 12, sample_weight=weights, random_state=seed)
        assert (indices % 2 == 1).all()


def test_the_first_row_is_drawn_by_weight() -> None:
    X = np.array([[0.0], [1.0], [2.0]])
    firsts = [kmeans_plusplus(X, 1, sample_weight=[1, 2, 5], random_state=seed)[1][0] for seed in range(4000)]
    # Three standard errors of a share of one half among 4000 are 0.024.
    np.testing.assert_allclose(np.bincount(firsts) / 4000, [1 / 8, 2 / 8, 5 / 8], atol=0.024)


def test_one_trial_draws_in_proportion_to_the_squared_distance() -> None:
    # From either end the squared distances to the other two rows are 1 : 9 or 9 : 4, from the middle 1 : 4.
    X = np.array([[0.0], [1.0], [3.0]])
    pairs = [tuple(kmeans_plusplus(X, 2, random_state=seed, n_local_trials=1)[1]) for seed in range(6000)]
    distances = squared_distances(X, X)
    for first in range(3):
        seconds = np.array([pair[1] for pair in pairs if pair[0] == first])
        shares = np.bincount(seconds, minlength=3) / len(seconds)
        np.testing.assert_allclose(shares, distances[first] / distances[first].sum(), atol=0.035)


def test_more_trials_give_better_starts() -> None:
    X = load_digits().data
    costs = [
        np.mean(
            [
                wcss(X, kmeans_plusplus(X, 20, random_state=seed, n_local_trials=trials)[0])
                for seed in range(20)
            ]
        )
        for trials in (1, None, 30)
    ]
    assert costs[0] > costs[1] > costs[2]


def test_starts_are_as_good_as_scikit_learns() -> None:
    X = load_digits().data
    ours, theirs = (
        np.mean([wcss(X, choose(X, 20, random_state=seed)[0]) for seed in range(30)])
        for choose in (kmeans_plusplus, their_kmeans_plusplus)
    )
    assert ours < 1.02 * theirs


def test_kmeans_starts_with_the_same_rows() -> None:
    centers, _ = kmeans_plusplus(BLOBS, 8, random_state=5)
    from_choice = KMeans(8, init=centers, n_init=1).fit(BLOBS)
    by_name = KMeans(8, random_state=5).fit(BLOBS)
    assert_array_equal(from_choice.cluster_centers_, by_name.cluster_centers_)


def test_fewer_distinct_rows_than_clusters_still_gives_as_many_rows() -> None:
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 10, axis=0)
    centers, indices = kmeans_plusplus(X, 5, random_state=0)
    assert centers.shape == (5, 2)
    assert np.unique(centers, axis=0).shape == (2, 2)
    assert ((indices >= 0) & (indices < 20)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_clusters": 0}, "n_clusters"),
        ({"n_clusters": 2, "n_local_trials": 0}, "n_local_trials"),
        ({"n_clusters": 2, "x_squared_norms": np.ones(3)}, "length of x_squared_norms 3 should be equal"),
        ({"n_clusters": 601}, "n_samples=600 should be >= n_clusters=601"),
    ],
)
def test_unusable_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kmeans_plusplus(BLOBS, **arguments)


def test_what_is_not_finite_is_named() -> None:
    X = BLOBS.copy()
    X[4, 2] = np.nan
    with pytest.raises(ValueError, match="NaN: the first is in row 4, column 2"):
        kmeans_plusplus(X, 3)
