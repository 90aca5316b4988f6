"""Silhouettes that need only the distances of rows to centers: O(n_samples * n_clusters)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import norm as sparse_norm

from fulcra import _core
from fulcra._base import Data, check_function_params, raise_non_finite
from fulcra.metrics._checks import (
    Labelled,
    check_number_of_labels,
    checked,
    checked_centers,
    checked_labels,
    indices,
)

#: Cells of a block of rows, or of their distances, in float64: 4 MiB.
_CELLS = 1 << 19


@check_function_params(
    {
        "X": ["array-like", "sparse matrix"],
        "labels": ["array-like"],
        "centers": ["array-like", None],
    }
)
def simplified_silhouette_samples(X: Data, labels: Data, centers: Data = None) -> NDArray[np.float64]:
    """Return the simplified silhouette of each row: distances to centers instead of to all rows.

    ``(b - a) / max(a, b)``, where a is the Euclidean distance of the row from the center of its own cluster
    and b that from the nearest other center. Takes O(n_samples * n_clusters * n_features).

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.
    labels : array-like of shape (n_samples,)
        The cluster of each row: of any type that sorts, or beside `centers` whole numbers that say which.
    centers : array-like of shape (n_clusters, n_features), default=None
        None: the means of the clusters.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        In [-1, 1]; 0 for the only row of a cluster, as in `silhouette_samples`.

    Raises
    ------
    ValueError
        If there are fewer than two centers, or without centers not 2 to n_samples - 1 different labels; if
        labels point to no center; if X is not finite, naming the first such row and column.

    References
    ----------
    Hruschka, de Castro and Campello (2004), "Evolutionary algorithms for clustering gene-expression data",
    ICDM; Vendramin, Campello and Hruschka (2010), "Relative clustering validity criteria: a comparative
    overview", Statistical Analysis and Data Mining 3.

    Examples
    --------
    >>> from fulcra.metrics import simplified_silhouette_samples
    >>> simplified_silhouette_samples([[0], [1], [10], [11]], [0, 0, 1, 1])
    array([0.95238095, 0.94736842, 0.94736842, 0.95238095])
    """
    if centers is None:
        rows = checked_labels(X, labels)
        check_number_of_labels(rows.n_clusters, rows.X.shape[0])
        with rows.named():
            points, *_ = _core.cluster_scatter(rows.X, None, rows.labels, rows.n_clusters)
    else:
        found = checked(X)
        points = checked_centers(centers, found.X)
        if len(points) < 2:
            raise ValueError("A simplified silhouette needs at least two centers; there is one.")
        rows = Labelled(found.X, found.namesake, indices(labels, found.X, len(points)), len(points))
    counts = np.bincount(rows.labels, minlength=rows.n_clusters)
    result = np.empty(len(rows.labels))
    for block, distances in _distances(rows, points):
        own = rows.labels[block]
        result[block] = _compare(distances, own, alone=counts[own] == 1)
    return result


def simplified_silhouette_score(X: Data, labels: Data, centers: Data = None) -> float:
    """Return the mean simplified silhouette; see `simplified_silhouette_samples`.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.
    labels : array-like of shape (n_samples,)
        The cluster of each row.
    centers : array-like of shape (n_clusters, n_features), default=None
        None: the means of the clusters.

    Returns
    -------
    float
        In [-1, 1]; higher is better.

    Raises
    ------
    ValueError
        As `simplified_silhouette_samples`.

    Examples
    --------
    >>> from fulcra.metrics import simplified_silhouette_score
    >>> round(simplified_silhouette_score([[0], [1], [10], [11]], [0, 0, 1, 1]), 4)
    0.9499
    """
    return float(np.mean(simplified_silhouette_samples(X, labels, centers)))


def silhouettes_from_squares(rows: Labelled, *, cosine: bool) -> NDArray[np.float64]:
    """Return the silhouettes for squared Euclidean distances, or for cosine distances.

    Over a cluster of n rows with mean m and sum of squares S around it, the squared distances of x add up to
    ``S + n ||x - m||^2``: nothing cancels. The cosine distance of rows that are not zero is half the squared
    distance of rows of length 1; a row of zeros has cosine distance 1 from every other row.
    """
    if not cosine:
        return _from_squares(rows, np.zeros(len(rows.labels), dtype=bool))
    X, zero = _of_unit_length(rows)
    return _from_squares(Labelled(X, rows.namesake, rows.labels, rows.n_clusters), zero, half=0.5)


def coefficients(
    sums: NDArray[np.float64], counts: NDArray[np.int64], own: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return the silhouettes of rows in clusters `own`, from their sums of distances (n, n_clusters)."""
    means = sums / counts
    here = np.arange(len(own)), own
    means[here] = sums[here] / np.maximum(counts[own] - 1, 1)
    return _compare(means, own, alone=counts[own] == 1)


def _compare(
    means: NDArray[np.float64], own: NDArray[np.int32], *, alone: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Hold each row's entry for its own cluster against its smallest other one; changes `means`."""
    here = np.arange(len(own)), own
    a = means[here]
    means[here] = np.inf
    b = means.min(axis=1)
    larger = np.maximum(a, b)
    undefined = alone | (larger == 0)
    result: NDArray[np.float64] = np.where(undefined, 0.0, (b - a) / np.where(undefined, 1.0, larger))
    return result


def _from_squares(rows: Labelled, zero: NDArray[np.bool_], half: float = 1.0) -> NDArray[np.float64]:
    k = rows.n_clusters
    weights = None if not zero.any() else (~zero).astype(np.float64)
    with rows.named():
        centers, sizes, squares, _ = _core.cluster_scatter(rows.X, weights, rows.labels, k)
    counts = np.bincount(rows.labels, minlength=k)
    zeros = counts - sizes
    result = np.empty(len(rows.labels))
    for block, distances in _distances(rows, centers):
        own, empty = rows.labels[block], zero[block]
        sums = half * (squares + sizes * distances**2) + zeros
        # A row of zeros has distance 1 from all rows but itself.
        sums[empty] = counts
        sums[empty, own[empty]] -= 1
        result[block] = coefficients(sums, counts, own)
    return result


def _distances(rows: Labelled, centers: NDArray[Any]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Give the Euclidean distances of all rows from all centers, a block of rows at a time."""
    step = max(1, _CELLS // max(rows.X.shape[1], len(centers)))
    for start in range(0, len(rows.labels), step):
        block = slice(start, start + step)
        # In float64: distances are rounded to the dtype of the rows.
        with rows.named():
            found = _core.kmeans_distances(rows.X[block].astype(np.float64), centers)
        yield block, found.astype(np.float64, copy=False)


def _of_unit_length(rows: Labelled) -> tuple[Any, NDArray[np.bool_]]:
    """Return the rows divided by their lengths, in float64, and which of them are zero."""
    raise_non_finite(rows.namesake, rows.X)
    X, zero = rows.X.astype(np.float64), np.zeros(len(rows.labels), dtype=bool)
    # By the largest value first, whose square may overflow.
    for length in (_largest, _length):
        lengths = length(X)
        zero |= lengths == 0
        lengths[zero] = 1
        if sp.issparse(X):
            scaled = X.data[: X.indptr[-1]] / np.repeat(lengths, np.diff(X.indptr))
            X = sp.csr_array((scaled, X.indices[: X.indptr[-1]], X.indptr), shape=X.shape)
        else:
            X = X / lengths[:, np.newaxis]
    return X, zero


def _largest(X: Any) -> NDArray[np.float64]:
    largest = abs(X).max(axis=1)
    return np.asarray(largest.toarray() if sp.issparse(largest) else largest, dtype=np.float64).ravel()


def _length(X: Any) -> NDArray[np.float64]:
    return np.asarray(
        sparse_norm(X, axis=1) if sp.issparse(X) else np.linalg.norm(X, axis=1), dtype=np.float64
    )
