"""What rows of each cluster were like, in the table's own columns: what later rows are held against."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra._base import Data
from fulcra._reading.columns import Columns, column_cells, columns, is_missing, is_number_cell
from fulcra._reading.profile import Moments, moments
from fulcra.cluster._monitor.own_spread import table_of


@dataclass(frozen=True)
class Reference:
    """Clusters' rows in numbers.

    Attributes
    ----------
    table : Columns
        The features, without values; its columns are those of X that they are from.
    places : ndarray of shape (n_columns,), intp
        Where X has these.
    n_columns : int
        How many columns X has.
    has_names : bool
        Whether the model knows columns by name: then X may have them in any order, and others beside.
    sizes : ndarray of shape (n_clusters,)
        Rows, or the sums of their weights.
    sums : Moments
        Of the features.
    """

    table: Columns
    places: NDArray[np.intp]
    n_columns: int
    has_names: bool
    sizes: NDArray[np.float64]
    sums: Moments

    def values(self, X: Data) -> Any:
        """Return the same features of another table.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            That the model takes.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_features)
            1 where a row has a level, 0 where it has another, known or not; NaN where a cell is missing.

        Raises
        ------
        ValueError
            If X lacks a column, has another number of columns, or one of numbers holds texts now, or the
            reverse.
        """
        X, known = self._picked(table_of(X)), self.table
        if sp.issparse(X) or (not hasattr(X, "columns") and X.dtype.kind in "biuf" and known.is_number.all()):
            return columns(X).values
        found = np.empty((X.shape[0], len(known.names)))
        for source, cells in enumerate(column_cells(X)):
            own = np.flatnonzero(known.source == source)
            if known.levels[own[0]] is None:
                found[:, own[0]] = _numbers(known.table[source], cells)
            else:
                found[:, own] = _has(known.table[source], cells, [known.levels[f] for f in own])
        return found

    def _picked(self, X: Any) -> Any:
        """Return the columns that features are from."""
        wanted, given = list(self.table.table), list(getattr(X, "columns", ()))
        if self.has_names and len(set(given)) == len(given) and set(wanted) <= set(given):
            return X[wanted]
        lacking = [name for name in wanted if name not in given]
        if self.has_names and lacking and given and all(isinstance(name, str) for name in given):
            raise ValueError(f"X lacks columns that the fit had: {', '.join(map(repr, lacking))}.")
        if X.ndim == 2 and X.shape[1] != self.n_columns:
            raise ValueError(
                f"X has {X.shape[1]} features, but CentroidMonitor is expecting {self.n_columns} features as "
                "input."
            )
        if len(wanted) == self.n_columns:
            return X
        places = self.places.tolist()
        return X.iloc[:, places] if hasattr(X, "iloc") else X[:, places]


def _numbers(name: str, cells: NDArray[Any]) -> NDArray[np.float64]:
    if cells.dtype.kind in "iuf":
        return cells.astype(np.float64)
    missing = np.array([is_missing(cell) for cell in cells], dtype=bool)
    if not all(is_number_cell(cell) for cell in cells[~missing]):
        raise ValueError(f"Column {name!r} held numbers in fit, and does not now.")
    found = np.full(len(cells), np.nan)
    found[~missing] = cells[~missing].astype(np.float64)
    return found


def _has(name: str, cells: NDArray[Any], levels: list[str | None]) -> NDArray[np.float64]:
    """Return which rows have which levels, (n_samples, n_levels)."""
    missing = np.array([is_missing(cell) for cell in cells], dtype=bool)
    held = cells[~missing]
    if len(held) and all(is_number_cell(cell) for cell in held):
        raise ValueError(f"Column {name!r} held texts in fit, and holds numbers now.")
    texts = np.array([str(cell) for cell in held], dtype=object)
    found = np.full((len(cells), len(levels)), np.nan)
    found[~missing] = np.column_stack([texts == level for level in levels])
    return found


def reference(
    table: Columns,
    labels: NDArray[np.intp],
    weights: NDArray[np.float64],
    n_clusters: int,
    *,
    has_names: bool = False,
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
    has_names : bool, default=False
        Whether the model knows columns by name.

    Returns
    -------
    Reference
        The sums.
    """
    sums = moments(table.values, weights, labels, n_clusters)
    places, source = np.unique(table.source, return_inverse=True)
    bare = replace(
        table,
        values=np.empty((0, len(table.names))),
        source=source,
        table=tuple(table.table[place] for place in places),
        index=np.empty(0),
    )
    sizes = np.bincount(labels, weights, n_clusters).astype(np.float64)
    return Reference(bare, places, len(table.table), has_names, sizes, sums)
