"""Two halves of the rows: whether they cluster alike, and whether there are gaps between the clusters.

Source: Tibshirani and Walther (2005), "Cluster validation by prediction strength", Journal of Computational
and Graphical Statistics 14.
"""

import numpy as np
from numpy.typing import NDArray

from fulcra._base import Floats
from fulcra.metrics._gap import is_coarse, quiet_k_means

#: The p-value from which a gap is one.
_SURE = 1e-3


def prediction_strength(
    X: Floats,
    n_clusters: int,
    *,
    n_splits: int,
    n_init: int,
    draw: np.random.RandomState,
) -> tuple[float, float, float]:
    """Return the prediction strength over random halvings of X, its standard error, and how often gaps are.

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
        The mean, its standard error, and the share of halvings in which a cluster of one half has, in the
        other, a gap between itself and its nearest neighbour (`gaps`, in columns that are not coarse).
    """
    fine = np.array([not is_coarse(column) for column in X.T], dtype=bool)
    found, parted = np.array([_of_one_split(X, fine, n_clusters, n_init, draw) for _ in range(n_splits)]).T
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(n_splits)), float(np.mean(parted))


def gaps(
    rows: Floats, labels: NDArray[np.int64] | NDArray[np.int32], centers: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Say which clusters have a gap between themselves and their nearest neighbour.

    Of the rows of both, projected on the line between the two centers, the middle third is held against the
    thirds around either center. Where the density has one peak along this line, the middle has at least as
    many as the smaller of these. That is what a binomial test denies; it needs no other assumption.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features)
        Rows that the centers were not made of.
    labels : ndarray of shape (n_samples,)
        Their clusters by those centers; negative ones take no part.
    centers : ndarray of shape (n_clusters, n_features)
        NaN where there is none.

    Returns
    -------
    ndarray of shape (n_clusters,), bool
        Whether the test's p-value is below 0.001.
    """
    from scipy.special import bdtr  # noqa: PLC0415 - slow to load

    found = np.zeros(len(centers), dtype=bool)
    for j, center in enumerate(centers):
        ways = centers - center
        squares = np.square(ways).sum(axis=1)
        squares[~(squares > 0)] = np.inf
        nearest = int(np.argmin(squares))
        if not np.isfinite(squares[nearest]):
            continue
        both = (labels == j) | (labels == nearest)
        place = (rows[both] - center) @ ways[nearest] / squares[nearest]
        middle = np.count_nonzero(np.abs(place - 1 / 2) < 1 / 6)
        ends = min(np.count_nonzero(np.abs(place - end) < 1 / 6) for end in (0, 1))
        found[j] = ends > 0 and bdtr(middle, middle + ends, 0.5) < _SURE
    return found


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


def _of_one_split(
    X: Floats, fine: NDArray[np.bool_], n_clusters: int, n_init: int, draw: np.random.RandomState
) -> tuple[float, float]:
    order = draw.permutation(len(X))
    halves = X[order[: len(X) // 2]], X[order[len(X) // 2 :]]
    if len(halves[0]) < n_clusters:
        return 0.0, 0.0
    first, second = (quiet_k_means(half, n_clusters, n_init, draw) for half in halves)
    predicted = first.predict(halves[1])
    centers = first.cluster_centers_[:, fine].astype(np.float64)
    parted = float(gaps(halves[1][:, fine], predicted, centers).any())
    if len(np.unique(second.labels_)) < n_clusters:
        return 0.0, parted
    return together(second.labels_, predicted, n_clusters), parted
