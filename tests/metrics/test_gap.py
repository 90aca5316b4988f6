"""The gap statistic: by hand, against a plain loop, and on data whose answer is known."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from fulcra.metrics import gap_statistic
from fulcra.metrics._gap import one_standard_error
from fulcra.metrics._stability import together
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils._param_validation import InvalidParameterError

RNG = np.random.default_rng(0)


def groups(rng: np.random.Generator, n: int, centers: np.ndarray) -> np.ndarray:
    return rng.normal(size=(n, centers.shape[1])) + centers[np.arange(n) % len(centers)]


def test_the_rule_takes_the_first_gap_within_an_error_of_the_next() -> None:
    error = np.array([0.1, 0.1, 0.1, 0.1])
    assert one_standard_error(np.array([0.0, 0.5, 0.55, 0.9]), error) == 1
    assert one_standard_error(np.array([0.5, 0.5, 0.55, 0.9]), error) == 0
    assert one_standard_error(np.array([0.0, 0.5, 1.0, 1.5]), error) == 3


def test_four_points_on_paper() -> None:
    X = [[0.0], [2.0], [10.0], [12.0]]
    found = gap_statistic(X, [1, 2], n_references=50, random_state=0)
    assert_allclose(found.log_wcss, np.log([104, 4]), rtol=1e-14)
    assert_array_equal(found.n_clusters_range, [1, 2])
    assert_allclose(found.gap, found.reference_log_wcss.mean(axis=0) - np.log([104, 4]), rtol=1e-14)
    assert_allclose(found.standard_error, found.reference_log_wcss.std(axis=0) * np.sqrt(1.02), rtol=1e-14)
    # One cluster of 4 uniform rows in [-6, 6]: the sum of squares is 3 * 12^2 / 12 = 36 in expectation.
    assert np.exp(found.reference_log_wcss[:, 0]).mean() == pytest.approx(36, rel=0.3)


@pytest.mark.parametrize("reference", ["principal", "box"])
def test_three_groups_are_three(reference: str) -> None:
    centers = 8 * np.array([[0, 0], [1, 0], [0, 1]])
    found = []
    for seed in range(15):
        X = groups(np.random.default_rng(seed), 150, centers)
        found.append(gap_statistic(X, range(1, 6), reference=reference, random_state=seed).n_clusters)
    # The published rule can stop at 1 where two clusters are hardly better than one.
    assert found.count(3) >= 14


def test_uniform_rows_are_one() -> None:
    # The rule errs by design: one standard error is little.
    found = [
        gap_statistic(np.random.default_rng(s).random((150, 2)), range(1, 6), random_state=s).n_clusters
        for s in range(25)
    ]
    assert np.mean(np.array(found) == 1) >= 0.75


def test_correlated_features_are_no_clusters_to_principal_axes() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)) * [5, 1, 0.3] @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    assert gap_statistic(X, range(1, 6), random_state=0).n_clusters == 1
    principal = gap_statistic(X, range(1, 6), random_state=0).excess()
    assert principal.max() < 3 < gap_statistic(X, range(1, 6), reference="box", random_state=0).excess().max()


def test_references_fill_the_box(dtype: type[np.floating]) -> None:
    X = RNG.random((400, 3)).astype(dtype) * [1, 10, 100] + 1000
    found = gap_statistic(X, [1], reference="box", n_references=40, random_state=0)
    expected = 400 * (1 + 100 + 10_000) / 12
    assert np.exp(found.reference_log_wcss).mean() == pytest.approx(expected, rel=0.03)


def test_more_features_than_rows() -> None:
    X = groups(np.random.default_rng(0), 30, 20 * np.eye(60)[:2])
    assert gap_statistic(X, range(1, 5), random_state=0).n_clusters == 2


def test_the_seed_decides() -> None:
    X = RNG.normal(size=(60, 2))
    first, second = (gap_statistic(X, range(1, 5), random_state=3) for _ in range(2))
    assert_array_equal(first.gap, second.gap)
    assert not np.array_equal(first.gap, gap_statistic(X, range(1, 5), random_state=4).gap)


def test_it_prints_as_a_table() -> None:
    lines = str(gap_statistic(RNG.random((50, 2)), range(1, 4), random_state=0)).splitlines()
    assert lines[0].split() == ["k", "gap", "standard", "error"]
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3"]
    assert sum(line.endswith("<") for line in lines) == 1


def test_distinct_rows_may_be_few() -> None:
    X = np.repeat([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]], 10, axis=0)
    found = gap_statistic(X, range(1, 6), random_state=0)
    assert np.isfinite(found.gap).all()
    assert found.n_clusters == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (range(1, 50), r"goes from 1 to 49; X with 20 rows allows 1 to 19"),
        ([0, 1], "goes from 0 to 1"),
        ([], "whole numbers, at least one"),
        ([1.5], "whole numbers"),
    ],
)
def test_unusable_ranges_are_named(given: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gap_statistic(RNG.random((20, 2)), given)


def test_unusable_input_is_named() -> None:
    X = pd.DataFrame(RNG.random((20, 2)), columns=["a", "b"])
    with pytest.raises(InvalidParameterError, match="must be an array-like"):
        gap_statistic(sp.csr_array(X))
    with pytest.raises(ValueError, match="All rows of X are equal"):
        gap_statistic(np.ones((20, 2)))
    with pytest.raises(InvalidParameterError, match="'n_references'"):
        gap_statistic(X, n_references=1)
    with pytest.raises(InvalidParameterError, match="'reference'"):
        gap_statistic(X, reference="sphere")
    X.iloc[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN: the first is in row 3, column 'b'"):
        gap_statistic(X)


def test_prediction_strength_on_paper() -> None:
    # Cluster 0: 3 of 3 pairs together; cluster 1: rows 3, 4 of 3 rows, 1 pair of 3.
    labels, predicted = np.array([0, 0, 0, 1, 1, 1]), np.array([1, 1, 1, 0, 0, 1])
    assert together(labels.astype(np.int32), predicted.astype(np.int32), 2) == pytest.approx(1 / 3)
    assert together(labels.astype(np.int32), (1 - labels).astype(np.int32), 2) == 1
    assert together(np.array([0, 1], dtype=np.int32), np.array([0, 1], dtype=np.int32), 2) == 0
