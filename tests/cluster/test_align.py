"""align_labels: names that stay."""

import itertools

import numpy as np
import pytest
from fulcra.cluster import KMeans, align_labels
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris


def test_by_hand() -> None:
    old, new = [0, 0, 0, 1, 1, 2], [5, 5, 7, 9, 9, 7]
    assert align_labels(old, new).tolist() == [0, 0, 2, 1, 1, 2]
    assert align_labels(old, old).tolist() == old
    assert align_labels(["1"] * 0 + [3, 3, 8], ["x", "y", "z"]).tolist() in ([3, 9, 8], [9, 3, 8])
    assert align_labels([0, 1, 2, 2], [4, 4, 4, 4]).tolist() == [2, 2, 2, 2]


def test_noise_keeps_its_name_if_it_was_one() -> None:
    assert align_labels([-1, -1, 0, 0], [1, 1, 0, 0]).tolist() == [-1, -1, 0, 0]


def test_no_renaming_keeps_more_rows() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        old, new = rng.integers(0, 4, size=30), rng.integers(0, 4, size=30)
        kept = np.count_nonzero(align_labels(old, new) == old)
        best = max(
            np.count_nonzero(np.array(names)[new] == old) for names in itertools.permutations(range(4))
        )
        assert kept == best


def test_a_renaming_loses_nothing() -> None:
    rng = np.random.default_rng(1)
    old, new = rng.integers(0, 3, size=50), rng.integers(0, 9, size=50)
    names = align_labels(old, new)
    pairs = {(a, b) for a, b in zip(new.tolist(), names.tolist(), strict=True)}
    assert len(pairs) == len(np.unique(new)) == len(np.unique(names))
    assert set(names.tolist()) == set(range(len(np.unique(new))))


def test_a_second_fit_keeps_the_segments_of_the_first() -> None:
    X = load_iris().data
    old = KMeans(3, random_state=0).fit(X)
    new = KMeans(3, init=old.cluster_centers_[[2, 0, 1]], n_init=1).fit(X)
    assert_array_equal(align_labels(old.labels_, new.labels_), old.labels_)
    assert_array_equal(align_labels(old.cluster_centers_, new.cluster_centers_)[new.labels_], old.labels_)


def test_centers_beyond_the_old_ones_are_numbered_on() -> None:
    assert align_labels([[0.0], [10.0]], [[10.0], [4.0], [0.5], [30.0]]).tolist() == [1, 2, 0, 3]
    assert align_labels([[0.0], [10.0], [20.0]], [[21.0]]).tolist() == [2]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ([0, 1], [0, 1, 1], "old has 2 labels and new has 3; they must be of the same rows"),
        ([], [], "no labels"),
        (["a", "b"], [0, 1], "old labels must be whole numbers"),
        ([0.5, 1.0], [0, 1], "old labels must be whole numbers"),
        ([[0.0, 1.0]], [[0.0]], "old centers have 2 columns and new ones 1"),
        ([[0.0, 1.0]], [0, 1], "old has 2 dimensions and new 1"),
        ([[0.0, np.nan]], [[0.0, 1.0]], "NaN"),
    ],
)
def test_what_cannot_be_aligned(old: object, new: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        align_labels(old, new)
