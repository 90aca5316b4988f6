"""Measures from the means of clusters: sums of squares, Calinski-Harabasz and Davies-Bouldin."""

import numpy as np
from numpy.typing import NDArray

from fulcra import _core
from fulcra._base import Data, check_function_params, check_weights
from fulcra.metrics._checks import (
    Labelled,
    check_number_of_labels,
    checked,
    checked_centers,
    checked_labels,
    indices,
)

_ROWS_AND_LABELS = {"X": ["array-like", "sparse matrix"], "labels": ["array-like"]}


@check_function_params(
    {
        "X": ["array-like", "sparse matrix"],
        "labels": ["array-like", None],
        "centers": ["array-like", None],
        "sample_weight": ["array-like", None],
    }
)
def wcss(X: Data, labels: Data = None, *, centers: Data = None, sample_weight: Data = None) -> float:
    """Return the within-cluster sum of squares.

    The sum over the rows of weight times squared Euclidean distance from the center of the row's cluster, by
    direct differences in float64. With the clusters' means, ``wcss + bcss`` is the total sum of squares.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.
    labels : array-like of shape (n_samples,), default=None
        The cluster of each row: of any type that sorts, or beside `centers` whole numbers that say which.
        None: the nearest of `centers`.
    centers : array-like of shape (n_clusters, n_features), default=None
        None: the (weighted) means of the clusters.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row, not negative; None: all 1.

    Returns
    -------
    float
        In squared units of X.

    Raises
    ------
    ValueError
        If neither labels nor centers are given; if labels point to no center; if X is not finite, naming the
        first such row and column, or the weights are unusable.

    Examples
    --------
    >>> from fulcra.metrics import wcss
    >>> X = [[0.0], [2.0], [10.0], [12.0]]
    >>> wcss(X, [0, 0, 1, 1])
    4.0
    >>> wcss(X, centers=[[0.0], [12.0]])
    8.0
    """
    if centers is None:
        if labels is None:
            raise ValueError("wcss needs labels, centers, or both.")
        rows = checked_labels(X, labels)
        points = None
    else:
        found = checked(X)
        points = checked_centers(centers, found.X)
        if labels is None:
            with found.named():
                return _core.kmeans_inertia(found.X, check_weights(sample_weight, found.X), points)
        rows = Labelled(found.X, found.namesake, indices(labels, found.X, len(points)), len(points))
    weights = check_weights(sample_weight, rows.X)
    with rows.named():
        _, _, squares, _ = _core.cluster_scatter(rows.X, weights, rows.labels, rows.n_clusters, points)
    return float(squares.sum())


@check_function_params({**_ROWS_AND_LABELS, "sample_weight": ["array-like", None]})
def bcss(X: Data, labels: Data, *, sample_weight: Data = None) -> float:
    """Return the between-cluster sum of squares.

    The sum over the clusters of their weight times the squared Euclidean distance of their mean from the mean
    of all rows.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.
    labels : array-like of shape (n_samples,)
        The cluster of each row.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row, not negative; None: all 1.

    Returns
    -------
    float
        In squared units of X; 0 for a single cluster.

    Raises
    ------
    ValueError
        If X is not finite, naming the first such row and column, or the weights are unusable.

    Examples
    --------
    >>> from fulcra.metrics import bcss
    >>> bcss([[0.0], [2.0], [10.0], [12.0]], [0, 0, 1, 1])
    100.0
    """
    rows = checked_labels(X, labels)
    weights = check_weights(sample_weight, rows.X)
    with rows.named():
        means, totals, _, _ = _core.cluster_scatter(rows.X, weights, rows.labels, rows.n_clusters)
    return _between(means, totals)


@check_function_params(_ROWS_AND_LABELS)
def calinski_harabasz_score(X: Data, labels: Data) -> float:
    """Return the Calinski-Harabasz index, the ratio of the variances between and within clusters.

    ``(bcss / (k - 1)) / (wcss / (n - k))`` for k clusters of n rows. Takes the place of
    `sklearn.metrics.calinski_harabasz_score`; sums are direct differences in float64 for any dtype.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.
    labels : array-like of shape (n_samples,)
        The cluster of each row.

    Returns
    -------
    float
        Higher is better; 1 where every row is the mean of its cluster.

    Raises
    ------
    ValueError
        If there are not 2 to n_samples - 1 different labels, or X is not finite.

    References
    ----------
    Calinski and Harabasz (1974), "A dendrite method for cluster analysis", Communications in Statistics 3.

    Examples
    --------
    >>> from fulcra.metrics import calinski_harabasz_score
    >>> calinski_harabasz_score([[0.0], [2.0], [10.0], [12.0]], [0, 0, 1, 1])
    50.0
    """
    rows = checked_labels(X, labels)
    n, k = rows.X.shape[0], rows.n_clusters
    check_number_of_labels(k, n)
    with rows.named():
        means, totals, squares, _ = _core.cluster_scatter(rows.X, None, rows.labels, k)
    within = float(squares.sum())
    return 1.0 if within == 0 else _between(means, totals) * (n - k) / (within * (k - 1))


@check_function_params(_ROWS_AND_LABELS)
def davies_bouldin_score(X: Data, labels: Data) -> float:
    """Return the Davies-Bouldin index, the mean likeness of each cluster to the one most like it.

    The likeness of two clusters is the sum of their rows' mean Euclidean distances from their means, over the
    distance of those means. Takes the place of `sklearn.metrics.davies_bouldin_score`.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.
    labels : array-like of shape (n_samples,)
        The cluster of each row.

    Returns
    -------
    float
        Lower is better; 0 where all rows are the means of their clusters, or all means are equal. Means that
        differ by rounding only count as equal.

    Raises
    ------
    ValueError
        If there are not 2 to n_samples - 1 different labels, or X is not finite.

    References
    ----------
    Davies and Bouldin (1979), "A cluster separation measure", IEEE Transactions on Pattern Analysis and
    Machine Intelligence 1.

    Examples
    --------
    >>> from fulcra.metrics import davies_bouldin_score
    >>> davies_bouldin_score([[0.0], [2.0], [10.0], [12.0]], [0, 0, 1, 1])
    0.2
    """
    rows = checked_labels(X, labels)
    check_number_of_labels(rows.n_clusters, rows.X.shape[0])
    with rows.named():
        means, totals, _, distances = _core.cluster_scatter(rows.X, None, rows.labels, rows.n_clusters)
    spreads = distances / totals
    apart = _core.kmeans_distances(means, means).astype(np.float64, copy=False)
    # What rounding leaves of equal means, and of rows that are their mean.
    rounding = 16 * np.finfo(np.float64).eps * float(np.abs(means).max())
    spreads[spreads <= rounding] = 0
    apart[apart <= rounding] = np.inf
    if not spreads.any() or np.isinf(apart).all():
        return 0.0
    return float(np.mean(((spreads[:, np.newaxis] + spreads) / apart).max(axis=1)))


def _between(means: NDArray[np.float64], totals: NDArray[np.float64]) -> float:
    """Weighted sum of squared distances of the means from their own weighted mean."""
    middle = means[0] + totals @ (means - means[0]) / totals.sum()
    return float(totals @ ((means - middle) ** 2).sum(axis=1))
