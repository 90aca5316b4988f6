"""A table in its own columns: numbers as they are, levels of categorical columns as columns of 0 and 1."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra._base import Data

#: Levels of a categorical column that are told apart, the commonest first.
_MOST_LEVELS = 50


@dataclass(frozen=True)
class Columns:
    """The rows of a table as numbers that keep the table's names.

    Attributes
    ----------
    names : tuple of str
        One for each feature: the name of a column of numbers, or "column = level".
    values : ndarray or CSR matrix of shape (n_samples, n_features), float64 (an array's float32 is kept)
        Numbers in the table's units; 1 where a row has the level, 0 where it has another; NaN where missing.
    source : ndarray of shape (n_features,), intp
        The column of the table that each feature is from.
    levels : tuple
        For each feature its level as text; None for numbers.
    opposites : tuple
        For each feature of a column with two levels, the other one; else None.
    table : tuple of str
        The names of the table's columns.
    index : ndarray of shape (n_samples,)
        What the rows are called: the index of a pandas frame, else 0, 1, ...
    """

    names: tuple[str, ...]
    values: Any
    source: NDArray[np.intp]
    levels: tuple[str | None, ...]
    opposites: tuple[str | None, ...]
    table: tuple[str, ...]
    index: NDArray[Any]

    @property
    def is_number(self) -> NDArray[np.bool_]:
        """Which features are numbers, (n_features,)."""
        return np.array([level is None for level in self.levels], dtype=bool)


def columns(X: Data, names: Sequence[str] | None = None) -> Columns:
    """Read a table.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        Columns of numbers, of text, of booleans, or of pandas' and polars' categories. Of two levels the one
        that is last in order becomes a feature ("Yes", not "No"), of more each; beyond the 50 commonest
        levels, rows have none of them. Columns of dates, and of things that are neither, are left out.
    names : sequence of str, default=None
        The names of the columns of an X that has none itself; None: x0, x1, ...

    Returns
    -------
    Columns
        The features.

    Raises
    ------
    ValueError
        If X is not a table, or `names` are not as many as its columns.
    """
    if sp.issparse(X):
        return _of_numbers(X.tocsr().astype(np.float64), _named(X.shape[1], names))
    if not hasattr(X, "columns"):
        X = np.asarray(X)
        if X.ndim != 2:
            raise ValueError(f"X must have two dimensions, rows and columns; got {X.ndim}.")
        if X.dtype.kind in "biuf":
            kept = np.float32 if X.dtype == np.float32 else np.float64
            return _of_numbers(X.astype(kept, copy=False), _named(X.shape[1], names))
    table = _named(X.shape[1], [str(name) for name in X.columns] if hasattr(X, "columns") else names)
    found: list[tuple[str, NDArray[np.float64], int, str | None, str | None]] = []
    for place, cells in enumerate(column_cells(X)):
        found.extend((*feature, place, *level) for feature, level in _features(table[place], cells))
    index = np.asarray(X.index) if hasattr(X, "index") else np.arange(X.shape[0])
    return Columns(
        tuple(name for name, *_ in found),
        np.column_stack([values for _, values, *_ in found]) if found else np.empty((X.shape[0], 0)),
        np.array([place for _, _, place, _, _ in found], dtype=np.intp),
        tuple(level for *_, level, _ in found),
        tuple(opposite for *_, opposite in found),
        table,
        index,
    )


def known_columns(model: Any, X: Data) -> Data:
    """Return a table with the columns that a model was fitted to, in their order.

    Parameters
    ----------
    model : estimator
        Fitted; a Pipeline whose first step picks columns by name takes them in any order, and others beside.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The table, as it is given to the model's `predict`.

    Returns
    -------
    {array-like, sparse matrix, data frame}
        X itself where it is no frame, where names come twice, or where it lacks some that the model knows.
    """
    known = getattr(model, "feature_names_in_", None)
    given = list(getattr(X, "columns", ()))
    if known is None or len(set(given)) < len(given) or not set(known) <= set(given):
        return X
    return X if given == list(known) else X[list(known)]


def _of_numbers(values: Any, names: tuple[str, ...]) -> Columns:
    nothing = (None,) * len(names)
    return Columns(names, values, np.arange(len(names)), nothing, nothing, names, np.arange(values.shape[0]))


def _named(n: int, names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return tuple(f"x{place}" for place in range(n))
    if len(names) != n:
        raise ValueError(f"There are {len(names)} names; X has {n} columns.")
    return tuple(str(name) for name in names)


def column_cells(X: Any) -> Iterator[NDArray[Any]]:
    """Yield the table's columns as arrays, whatever holds them."""
    for place in range(X.shape[1]):
        if hasattr(X, "iloc"):  # by place: names may come twice
            column = X.iloc[:, place]
            yield column.to_numpy(dtype=object) if column.dtype.kind not in "biufmM" else column.to_numpy()
        elif hasattr(X, "columns"):
            yield X[X.columns[place]].to_numpy()
        else:
            yield X[:, place]


def _features(
    name: str, cells: NDArray[Any]
) -> Iterator[tuple[tuple[str, NDArray[np.float64]], tuple[str | None, str | None]]]:
    """Yield each feature of a column: its name, its values, its level and the opposite of that."""
    if cells.dtype.kind in "mM":
        return
    if cells.dtype.kind in "iuf":
        yield (name, cells.astype(np.float64)), (None, None)
        return
    missing = np.array([is_missing(cell) for cell in cells], dtype=bool)
    known = cells[~missing]
    if cells.dtype.kind == "O" and len(known) and all(is_number_cell(cell) for cell in known):
        values = np.full(len(cells), np.nan)
        values[~missing] = known.astype(np.float64)
        yield (name, values), (None, None)
        return
    texts = np.array([str(cell) for cell in known], dtype=object)
    levels, codes, counts = np.unique(texts, return_inverse=True, return_counts=True)
    shown = range(1, 2) if len(levels) == 2 else np.sort(np.argsort(-counts, kind="stable")[:_MOST_LEVELS])
    for code in shown:
        values = np.full(len(cells), np.nan)
        values[~missing] = codes == code
        opposite = levels[0] if len(levels) == 2 else None
        yield (f"{name} = {levels[code]}", values), (levels[code], opposite)


def is_missing(cell: Any) -> bool:
    same = cell == cell  # noqa: PLR0124 - not so for NaN; for pandas' NA it is neither
    return cell is None or not (isinstance(same, bool | np.bool_) and bool(same))


def is_number_cell(cell: Any) -> bool:
    return isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool | np.bool_)
