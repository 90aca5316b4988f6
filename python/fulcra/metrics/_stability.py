"""Prediction strength: whether two halves of the rows cluster alike.

Source: Tibshirani and Walther (2005), "Cluster validation by prediction strength", Journal of Computational
and Graphical Statistics 14.
"""

import numpy as np
from numpy.typing import NDArray

from fulcra._base import Floats
from fulcra.metrics._gap import quiet_k_means


def prediction_strength(
    X: Floats,
    n_clusters: int,
    *,
    n_splits: int,
    n_init: int,
    draw: np.random.RandomState,
) -> tuple[float, float]:
    """Return the mean prediction strength over random halvings of X, and its standard error.

    Both halves are clustered. Of the pairs of rows in one cluster of the second half, what share do the
    centers of the first half keep together? The strength is that of the worst cluster: 1 for one cluster,
    near 1 as long as clusters can be found again.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The rows.
    n_clusters : int
        How many clusters; with fewer rows in a half, or distinct rows, the strength is 0.
    n_splits : int
        How many halvings.
    n_init : int
        Starts of each k-means.
    draw : RandomState
        Draws halves and starts.

    Returns
    -------
    tuple of float
        The mean, and its standard error.
    """
    found = [_of_one_split(X, n_clusters, n_init, draw) for _ in range(n_splits)]
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(n_splits))


def together(labels: NDArray[np.int32], predicted: NDArray[np.int32], n_clusters: int) -> float:
    """Return the least share of a cluster's pairs that `predicted` has together; one row is no pair."""
    table = np.zeros((n_clusters, n_clusters))
    np.add.at(table, (labels, predicted), 1)
    sizes = table.sum(axis=1)
    some = sizes > 1
    if not some.any():
        return 0.0
    pairs = (table * (table - 1)).sum(axis=1)
    return float((pairs[some] / (sizes * (sizes - 1))[some]).min())


def _of_one_split(X: Floats, n_clusters: int, n_init: int, draw: np.random.RandomState) -> float:
    order = draw.permutation(len(X))
    halves = X[order[: len(X) // 2]], X[order[len(X) // 2 :]]
    if len(halves[0]) < n_clusters:
        return 0.0
    first, second = (quiet_k_means(half, n_clusters, n_init, draw) for half in halves)
    if len(np.unique(second.labels_)) < n_clusters:
        return 0.0
    return together(second.labels_, first.predict(halves[1]), n_clusters)
