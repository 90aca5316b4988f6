"""How far rows are from their nearest center, in the own spread of that center's cluster."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra._base import Data
from fulcra._reading.clustering import Clustering, clustering, rows_at
from fulcra._reading.profile import Moments, moments

#: Rows of the pooled spread that each cluster's own is mixed with: a cluster of so many rows is half its own.
_POOLED_ROWS = 10.0
#: What the mean variance is divided by for a column that does not vary. Not the number of rows: what was
#: never seen would be stranger in the fit to all of them than in the fits that levels are found with.
_TIMES_LESS = 100.0
#: Numbers in a block of rows.
_BLOCK = 1 << 22
#: Squared deviations below this share of squared centers are rounding.
_ROUNDING = 1e-14


@dataclass(frozen=True)
class OwnSpread:
    """A fitted clusterer and the spread of each of its clusters.

    Attributes
    ----------
    model : estimator
        A clusterer, or a Pipeline that ends in one.
    spreads : ndarray of shape (n_clusters, n_model_columns) or (n_clusters,)
        Around the centers: by column where the clusterer measures Euclidean distances, else of its distances.
    """

    model: Any
    spreads: NDArray[np.float64]

    def measured(self, X: Data) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return each row's cluster and distance.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            What the model predicts.
        distances : ndarray of shape (n_samples,)
            1 is the root mean square of the cluster's rows.
        """
        rows = table_of(X)
        n_samples = np.shape(rows)[0]
        width = max(self.spreads.size // len(self.spreads), len(self.spreads))
        length = max(1, _BLOCK // width)
        parts = []
        for start in range(0, max(n_samples, 1), length):
            found = clustering(self.model, rows_at(rows, slice(start, start + length)))
            parts.append((found.labels, self._distances(found)))
        labels, distances = (np.concatenate(part) for part in zip(*parts, strict=True))
        return labels, distances

    def _distances(self, found: Clustering) -> NDArray[np.float64]:
        labels = found.labels
        if self.spreads.ndim == 1:
            own: NDArray[np.float64] = found.nearest_two()[0] / self.spreads[labels]
            return own
        rows, centers = _numbers(found.rows), found.centers
        assert centers is not None
        if not sp.issparse(rows):
            scaled = np.ascontiguousarray((rows - centers[labels]) / self.spreads[labels])
            far: NDArray[np.float64] = np.sqrt(np.square(scaled).mean(axis=1))
            return far
        # sum ((x - c) / s)^2 is that of an empty row, and x (x - 2c) / s^2 for each value that is stored.
        empty = np.square(centers / self.spreads).sum(axis=1)
        owner = np.repeat(labels, np.diff(rows.indptr))
        stored = rows.data.astype(np.float64)
        center, spread = centers[owner, rows.indices], self.spreads[owner, rows.indices]
        more = stored * (stored - 2 * center) / spread**2
        number = np.repeat(np.arange(len(labels)), np.diff(rows.indptr))
        squares = empty[labels] + np.bincount(number, more, minlength=len(labels))
        away: NDArray[np.float64] = np.sqrt(np.maximum(squares, 0) / rows.shape[1])
        return away


def own_spread(model: Any, X: Data, weights: NDArray[np.float64]) -> OwnSpread:
    """Measure the spread of a model's clusters.

    Parameters
    ----------
    model : estimator
        A fitted clusterer with `predict` and `transform`, or a Pipeline that ends in one.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        Rows.
    weights : ndarray of shape (n_samples,)
        Their weights.

    Returns
    -------
    OwnSpread
        The model with its spreads.

    Raises
    ------
    TypeError
        If `transform` does not return a distance from each center.
    """
    found = clustering(model, X)
    if measures_euclidean(found):
        sums = moments(_numbers(found.rows), weights, found.labels, found.n_clusters)
        return OwnSpread(model, spread_around(sums, found.centers))
    own = found.nearest_two()[0] if _has_distances(found) else np.array([np.nan])
    if np.isnan(own).any():
        raise TypeError(
            f"estimator must have a transform that returns the distance from each center; that of "
            f"{type(found.clusterer).__name__} does not."
        )
    sums = moments(own[:, np.newaxis], weights, found.labels, found.n_clusters)
    return OwnSpread(model, spread_around(sums, np.zeros((found.n_clusters, 1)))[:, 0])


def measures_euclidean(found: Clustering) -> bool:
    """Whether the model's `transform` returns Euclidean distances from its `cluster_centers_`.

    Parameters
    ----------
    found : Clustering
        The model, and a row at least.

    Returns
    -------
    bool
        As its first rows say.
    """
    if found.centers is None or not _has_distances(found):
        return False
    probe = rows_at(found.rows, slice(0, 8))
    cells = _numbers(probe)
    cells = cells.toarray() if sp.issparse(cells) else cells
    apart = cells[:, np.newaxis, :].astype(np.float64) - found.centers
    by_hand = np.sqrt(np.square(apart).sum(axis=2))
    atol = 1e-5 * by_hand.max(initial=0.0)
    return bool(np.allclose(found.clusterer.transform(probe), by_hand, rtol=1e-4, atol=atol))


def spread_around(sums: Moments, centers: Any) -> NDArray[np.float64]:
    """Return how far members are from their centers, by column.

    Parameters
    ----------
    sums : Moments
        Of the members.
    centers : ndarray of shape (n_clusters, n_columns)
        Where they should be; NaN where there is nothing to say, and no member.

    Returns
    -------
    ndarray of shape (n_clusters, n_columns)
        Root mean squares, each mixed with that of all clusters as if ten more members had it: few rows, or
        none, still give a spread. A column that never varies within a cluster is given the mean variance of
        the others, divided by 100.
    """
    shift = np.nan_to_num(centers - sums.middle)
    squares = np.maximum(sums.second - 2 * shift * sums.first + sums.weight * shift**2, 0)
    rows = np.maximum(sums.weight.sum(axis=0), 1)
    pooled = squares.sum(axis=0) / rows
    still = pooled <= _ROUNDING * np.square(shift).max(axis=0)
    pooled[still] = pooled[~still].mean() / _TIMES_LESS if not still.all() else 1.0
    squares[:, still] = 0
    spreads: NDArray[np.float64] = np.sqrt((squares + _POOLED_ROWS * pooled) / (sums.weight + _POOLED_ROWS))
    return spreads


def table_of(X: Data) -> Any:
    """Return what rows can be taken from: a frame or an array as it is, CSR, or an array of anything else."""
    if sp.issparse(X):
        return X.tocsr()
    return X if hasattr(X, "columns") else np.asarray(X)


def _has_distances(found: Clustering) -> bool:
    shape = np.shape(found.clusterer.transform(rows_at(found.rows, slice(1))))
    return bool(shape == (1, found.n_clusters))


def _numbers(rows: Any) -> Any:
    if sp.issparse(rows):
        return rows.tocsr()
    rows = np.asarray(rows)
    return rows if rows.dtype.kind == "f" else rows.astype(np.float64)
