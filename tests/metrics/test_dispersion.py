"""Sums of squares, Calinski-Harabasz, Davies-Bouldin and the simplified silhouette, by hand and by oracle."""

from typing import Any

import fulcra
import numpy as np
import oracles
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.metrics.cluster._unsupervised as theirs
from fulcra.cluster import KMeans
from fulcra.metrics import (
    bcss,
    calinski_harabasz_score,
    davies_bouldin_score,
    simplified_silhouette_samples,
    simplified_silhouette_score,
    wcss,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

RNG = np.random.default_rng(0)
FOUR = [[0.0], [2.0], [10.0], [12.0]]


def total(X: np.ndarray, weights: np.ndarray | None = None) -> float:
    rows = X.astype(np.float64)
    weights = np.ones(len(rows)) if weights is None else weights
    return float(weights @ ((rows - np.average(rows, axis=0, weights=weights)) ** 2).sum(axis=1))


# --- by hand ---


def test_four_points_on_paper() -> None:
    labels = ["a", "a", "b", "b"]
    assert wcss(FOUR, labels) == 4
    assert bcss(FOUR, labels) == 100
    assert calinski_harabasz_score(FOUR, labels) == (100 / 1) / (4 / 2)
    assert davies_bouldin_score(FOUR, labels) == (1 + 1) / 10
    assert wcss(FOUR, labels, sample_weight=[1, 3, 1, 0]) == 0.75 * 4
    assert_array_equal(simplified_silhouette_samples(FOUR, labels), [10 / 11, 8 / 9, 8 / 9, 10 / 11])


def test_centers_that_are_given() -> None:
    centers = [[0.0], [12.0], [100.0]]
    assert wcss(FOUR, centers=centers) == 8
    assert wcss(FOUR, [0, 0, 0, 1], centers=centers) == 104
    assert wcss(FOUR, [0, 0, 1, 1], centers=centers, sample_weight=[1, 2, 3, 4]) == 8 + 12
    assert wcss(FOUR, centers=centers, sample_weight=[1, 2, 3, 4]) == 8 + 12
    found = simplified_silhouette_samples(FOUR, [0, 0, 0, 1], centers)
    assert_array_equal(found, [1, 8 / 10, (2 - 10) / 10, 0])  # the last one is alone


def test_one_cluster_has_everything_within() -> None:
    assert wcss(FOUR, [5, 5, 5, 5]) == 104
    assert bcss(FOUR, [5, 5, 5, 5]) == 0


def test_rows_that_are_their_means() -> None:
    X, labels = np.repeat([[0.1, 0.7], [0.3, 1e6 + 0.1]], 7, axis=0), np.repeat([0, 1], 7)
    assert wcss(X, labels) == 0
    assert calinski_harabasz_score(X, labels) == 1
    assert davies_bouldin_score(X, labels) == 0
    assert_array_equal(simplified_silhouette_samples(X, labels), np.ones(14))


def test_means_that_rounding_alone_keeps_apart() -> None:
    X = np.array([[0.1], [0.3], [0.2], [0.2]])
    assert davies_bouldin_score(X, [0, 0, 1, 1]) == 0


def test_the_units_of_x_do_not_matter() -> None:
    X, labels = RNG.normal(size=(60, 3)), np.arange(60) % 3
    expected = davies_bouldin_score(X, labels)
    for scale in (1e-12, 1e12):
        assert davies_bouldin_score(X * scale, labels) == pytest.approx(expected, rel=1e-12)
        assert calinski_harabasz_score(X * scale, labels) == pytest.approx(
            calinski_harabasz_score(X, labels), rel=1e-12
        )


# --- oracles ---


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_within_and_between_add_up(drawn: Any) -> None:
    n, d = drawn.draw(st.integers(1, 60)), drawn.draw(st.integers(1, 9))
    seed = drawn.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    kind = drawn.draw(st.sampled_from([np.float32, np.float64]))
    X = (rng.normal(size=(n, d)) * 10.0 ** rng.integers(-3, 4, size=d)).astype(kind)
    X += kind(drawn.draw(st.sampled_from([0, 1e4])))
    labels = rng.integers(4, size=n)
    weights = rng.random(n) + 0.01 if drawn.draw(st.booleans()) else None
    within, between = wcss(X, labels, sample_weight=weights), bcss(X, labels, sample_weight=weights)
    assert within + between == pytest.approx(total(X, weights), rel=1e-11)
    assert wcss(sp.csr_array(X), labels, sample_weight=weights) == pytest.approx(within, rel=1e-6)
    centers = rng.normal(size=(3, d))
    assert wcss(X, centers=centers, sample_weight=weights) == pytest.approx(
        oracles.wcss(X, centers, weights), rel=1e-12
    )


def test_an_offset_costs_no_digits() -> None:
    X, labels = RNG.normal(size=(1000, 5)), RNG.integers(4, size=1000)
    near = wcss(X, labels), bcss(X, labels), davies_bouldin_score(X, labels)
    X = X + 2.0**20
    X -= 2.0**20  # the digits that an offset leaves
    far = X + 2.0**20
    expected = wcss(X, labels), bcss(X, labels), davies_bouldin_score(X, labels)
    assert_allclose(expected, near, rtol=1e-6)
    assert_allclose(
        (wcss(far, labels), bcss(far, labels), davies_bouldin_score(far, labels)), expected, rtol=1e-9
    )


def test_weight_is_repetition() -> None:
    X, labels, times = RNG.normal(size=(50, 3)), RNG.integers(3, size=50), RNG.integers(3, size=50)
    times[:3], labels[:3] = 1, range(3)
    again, repeated = np.repeat(X, times, axis=0), np.repeat(labels, times)
    assert wcss(X, labels, sample_weight=times) == pytest.approx(wcss(again, repeated), rel=1e-12)
    assert bcss(X, labels, sample_weight=times) == pytest.approx(bcss(again, repeated), rel=1e-12)


def test_inertia_is_the_wcss_of_a_fit(dtype: type[np.floating]) -> None:
    X = RNG.normal(size=(500, 6)).astype(dtype)
    model = KMeans(5, random_state=0).fit(X)
    for asked in ({"labels": model.labels_}, {}):
        assert wcss(X, centers=model.cluster_centers_, **asked) == pytest.approx(model.inertia_, rel=1e-13)
    assert wcss(X, model.labels_) == pytest.approx(model.inertia_, rel=1e-3)


@pytest.mark.parametrize(("n", "d", "k"), [(3, 1, 2), (50, 2, 3), (400, 20, 7), (300, 3, 120)])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "csr"])
def test_scores_are_scikit_learns(n: int, d: int, k: int, sparse: bool, dtype: type[np.floating]) -> None:
    labels = RNG.integers(k, size=n)
    labels[:3] = 0, 0, 1
    X = (RNG.normal(size=(n, d)) + 2 * RNG.normal(size=(k, d))[labels]).astype(dtype)
    rows = sp.csr_array(X) if sparse else X
    wide = X.astype(np.float64)
    assert calinski_harabasz_score(rows, labels) == pytest.approx(
        theirs.calinski_harabasz_score(wide, labels), rel=1e-9
    )
    assert davies_bouldin_score(rows, labels) == pytest.approx(
        theirs.davies_bouldin_score(wide, labels), rel=1e-7
    )


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "csr"])
def test_the_simplified_silhouette_compares_centers(sparse: bool, dtype: type[np.floating]) -> None:
    X, labels = RNG.normal(size=(700, 5)).astype(dtype), RNG.integers(4, size=700)
    centers = oracles.means(X, labels, 4)
    table = np.sqrt(oracles.squared_distances(X, centers))
    a = table[np.arange(700), labels]
    table[np.arange(700), labels] = np.inf
    b = table.min(axis=1)
    rows = sp.csr_array(X) if sparse else X
    assert_allclose(simplified_silhouette_samples(rows, labels), (b - a) / np.maximum(a, b), atol=1e-9)
    assert simplified_silhouette_score(rows, labels, centers) == pytest.approx(
        ((b - a) / np.maximum(a, b)).mean(), abs=1e-9
    )


def test_the_simplified_silhouette_of_a_fit_is_never_negative() -> None:
    X = RNG.normal(size=(3000, 4)).astype(np.float32)
    model = KMeans(6, random_state=0).fit(X)
    found = simplified_silhouette_samples(X, model.labels_, model.cluster_centers_)
    assert found.min() >= 0


def test_any_number_of_threads_gives_the_same_bits() -> None:
    X, labels = RNG.normal(size=(100_003, 8)), RNG.integers(9, size=100_003)
    found = set()
    for n_threads in (1, 2, 3, 8):
        fulcra.set_num_threads(n_threads)
        scores = (wcss(X, labels), bcss(X, labels), davies_bouldin_score(X, labels))
        found.add((*scores, simplified_silhouette_score(X, labels)))
    assert len(found) == 1


# --- bad input ---


def test_the_first_value_that_is_not_finite_is_named() -> None:
    X = pd.DataFrame(RNG.normal(size=(30, 3)), columns=["a", "b", "c"])
    labels = np.arange(30) % 3
    for value, kind in [(np.nan, "NaN"), (np.inf, "infinity"), (1e200, "a value too large")]:
        X.iloc[17, 1] = value
        for measure in (
            wcss,
            bcss,
            calinski_harabasz_score,
            davies_bouldin_score,
            simplified_silhouette_score,
        ):
            with pytest.raises(ValueError, match=f"{kind}.*row 17, column 'b'"):
                measure(X, labels)
        with pytest.raises(ValueError, match=f"{kind}.*row 17, column 'b'"):
            wcss(X, centers=np.zeros((2, 3)))
        with pytest.raises(ValueError, match=f"{kind}.*row 17, column 'b'"):
            simplified_silhouette_score(X, labels, np.arange(9.0).reshape(3, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wcss(FOUR), "needs labels, centers, or both"),
        (lambda: wcss(FOUR, [0, 0, 1, 2], centers=[[0], [1]]), r"lie in 0\.\.1 for 2 centers; one is 2"),
        (lambda: wcss(FOUR, [0, 0, 1, -1], centers=[[0], [1]]), "one is -1"),
        (lambda: wcss(FOUR, [0, 0, 1, 0.5], centers=[[0], [1]]), "whole numbers"),
        (lambda: wcss(FOUR, list("aabb"), centers=[[0], [1]]), "whole numbers"),
        (lambda: wcss(FOUR, [0, 0, 1], centers=[[0], [1]]), "inconsistent numbers"),
        (lambda: wcss(FOUR, centers=[[0, 1]]), "centers have 2 features, X has 1"),
        (lambda: wcss(FOUR, centers=[[np.nan]]), "centers contains NaN"),
        (lambda: wcss(FOUR, [0, 0, 1, 1], sample_weight=[1, 1, 1]), "sample_weight.shape"),
        (lambda: wcss(FOUR, [0, 0, 1, 1], sample_weight=[1, 1, 1, -1]), "must not be negative"),
        (lambda: bcss(FOUR, [0, 0, 1, 1], sample_weight=[0, 0, 0, 0]), "zero"),
        (lambda: simplified_silhouette_score(FOUR, [0, 0, 0, 0], [[1]]), "at least two centers"),
        (lambda: simplified_silhouette_score(FOUR, [0, 0, 0, 0]), "Number of labels is 1"),
        (lambda: davies_bouldin_score(FOUR, [0, 1, 2, 3]), "Number of labels is 4"),
        (lambda: calinski_harabasz_score(FOUR, [0, 0, 0, 0]), "Number of labels is 1"),
    ],
)
def test_unusable_input_gets_a_clear_error(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_million_rows() -> None:
    X = RNG.standard_normal((1_000_000, 16), dtype=np.float32)
    labels = RNG.integers(10, size=len(X)).astype(np.int32)
    assert abs(simplified_silhouette_score(X, labels)) < 0.1
    assert wcss(X, labels) + bcss(X, labels) == pytest.approx(total(X), rel=1e-11)
