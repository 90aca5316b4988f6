"""What rows of each cluster were like, in the table's own columns: what later rows are held against."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra._base import Data
from fulcra._reading.columns import Columns, columns
from fulcra._reading.profile import Moments, moments


@dataclass(frozen=True)
class Reference:
    """Clusters' rows in numbers.

    Attributes
    ----------
    table : Columns
        The features, without values.
    sizes : ndarray of shape (n_clusters,)
        Rows, or the sums of their weights.
    sums : Moments
        Of the features.
    """

    table: Columns
    sizes: NDArray[np.float64]
    sums: Moments

    def values(self, X: Data) -> Any:
        """Return the same features of another table.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            With the same columns.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_features)
            Levels that X does not have are 0 throughout.

        Raises
        ------
        ValueError
            If X has another number of columns, or one of numbers holds texts now, or the reverse.
        """
        wanted = len(self.table.table)
        if np.ndim(X) == 2 and np.shape(X)[1] != wanted:
            raise ValueError(
                f"X has {np.shape(X)[1]} features, but CentroidMonitor is expecting {wanted} features as "
                "input."
            )
        known, new = self.table, read(X, self.table.table)
        if new.names == known.names:
            return new.values
        cells = np.zeros((new.values.shape[0], len(known.names)))
        for f, (name, source, level) in enumerate(zip(known.names, known.source, known.levels, strict=True)):
            own = [place for place in range(len(new.names)) if new.source[place] == source]
            if any((new.levels[place] is None) != (level is None) for place in own):
                was, now = ("numbers", "texts") if level is None else ("texts", "numbers")
                raise ValueError(f"Column {known.table[source]!r} held {was} in fit, and holds {now} now.")
            for place in own:
                if new.levels[place] == level:
                    cells[:, f] = new.values[:, place]
                elif new.opposites[place] == level:
                    cells[:, f] = 1 - new.values[:, place]
                elif level is not None:
                    cells[np.isnan(new.values[:, place]), f] = np.nan
            if not own and level is None:
                raise ValueError(f"Column {name!r} held numbers in fit, and does not now.")
        return cells


def read(X: Data, names: Any = None) -> Columns:
    """Read a table; an array of numbers is not copied."""
    if sp.issparse(X) or hasattr(X, "columns"):
        return columns(X, names)
    X = np.asarray(X)
    if X.ndim == 2 and X.dtype.kind == "f" and len(X):
        return replace(columns(X[:1], names), values=X)
    return columns(X, names)


def reference(
    table: Columns, labels: NDArray[np.intp], weights: NDArray[np.float64], n_clusters: int
) -> Reference:
    """Add up rows by cluster.

    Parameters
    ----------
    table : Columns
        The rows' features.
    labels : ndarray of shape (n_samples,)
        Their clusters.
    weights : ndarray of shape (n_samples,)
        Their weights.
    n_clusters : int
        How many clusters there are.

    Returns
    -------
    Reference
        The sums.
    """
    sums = moments(table.values, weights, labels, n_clusters)
    bare = replace(table, values=np.empty((0, len(table.names))), index=np.empty(0))
    return Reference(bare, np.bincount(labels, weights, n_clusters).astype(np.float64), sums)
