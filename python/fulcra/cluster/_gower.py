"""Gower's distance between rows of numbers and categories.

Source: Gower (1971), "A general coefficient of similarity and some of its properties", Biometrics 27.
"""

from collections.abc import Hashable, Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from fulcra._base import Data


class Gower:
    """The mean over the columns of how far apart two rows are in each, from 0 to 1.

    In a column of numbers that is the difference over the column's range in the rows of `fit`, at most 1; in
    any other column 0 for equal values and 1 for different ones. A column in which either row has no value
    (None, NaN, NA) does not count; rows that have no column in common are 1 apart.

    Parameters
    ----------
    categorical : sequence of int or str, default=()
        Columns, by position or name, whose numbers stand for categories. Columns of strings, objects,
        categories and booleans are taken for categorical anyway.
    """

    def __init__(self, categorical: Sequence[int | str] = ()) -> None:
        self._categorical = categorical
        #: By column: the range of its numbers, or a code for each of its categories.
        self._columns: list[float | dict[Hashable, int]] = []

    def fit_encode(self, estimator: Any, X: Data, weights_above_zero: Any) -> NDArray[np.float64]:
        """Learn what the columns hold and return the rows as `between` takes them.

        Parameters
        ----------
        estimator : BaseEstimator
            Whose number and names of features are set.
        X : {array-like, data frame} of shape (n_samples, n_features)
            The rows.
        weights_above_zero : callable
            Given the number of rows, returns which of them count, a boolean array of shape (n_samples,).

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Numbers over their range, and codes of categories; NaN where there is no value.
        """
        columns = _columns(estimator, X, reset=True)
        counted = weights_above_zero(len(columns[0]))
        chosen = _positions(self._categorical, estimator, len(columns))
        self._columns, encoded = [], np.empty((len(counted), len(columns)))
        for f, column in enumerate(columns):
            numbers = None if f in chosen else _numbers(column)
            if numbers is None:
                values = {value for value in _values(column)[counted] if value is not None}
                # By type and text: the codes, and so the clusters, do not depend on the order of the rows.
                ordered = sorted(values, key=lambda value: (type(value).__name__, str(value)))
                self._columns.append({value: code for code, value in enumerate(ordered)})
            else:
                known = numbers[counted & ~np.isnan(numbers)]
                self._columns.append(float(np.ptp(known)) if known.size else 0.0)
            encoded[:, f] = self._encode(f, column, estimator)
        return encoded

    def encode(self, estimator: Any, X: Data) -> NDArray[np.float64]:
        """Return new rows as `between` takes them; a category that is not known differs from all that are."""
        columns = _columns(estimator, X, reset=False)
        return np.stack([self._encode(f, column, estimator) for f, column in enumerate(columns)], axis=1)

    def between(self, rows: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distances of encoded rows from others, (n_rows, n_others)."""
        total = np.zeros((len(rows), len(others)))
        counted = np.full(total.shape, float(len(self._columns)))
        for f, column in enumerate(self._columns):
            one, other = rows[:, f, np.newaxis], others[:, f]
            apart = (one != other).astype(np.float64) if isinstance(column, dict) else np.abs(one - other)
            np.minimum(apart, 1.0, out=apart)
            if np.isnan(one).any() or np.isnan(other).any():
                missing = np.isnan(one) | np.isnan(other)
                apart[missing] = 0.0
                counted -= missing
            total += apart
        nothing = counted == 0
        return np.where(nothing, 1.0, total / np.where(nothing, 1.0, counted))

    def _encode(self, f: int, column: Any, estimator: Any) -> NDArray[np.float64]:
        known = self._columns[f]
        if isinstance(known, dict):
            codes = (np.nan if value is None else known.get(value, -1) for value in _values(column))
            return np.fromiter(codes, dtype=np.float64)
        numbers = _numbers(column)
        if numbers is None:
            raise ValueError(f"Column {_name(estimator, f)} held numbers in fit; now it does not.")
        if np.isinf(numbers).any():
            first = int(np.argmax(np.isinf(numbers)))
            raise ValueError(
                f"Input X contains infinity: the first is in row {first}, column {_name(estimator, f)}. "
                "Impute such values, or leave their rows out."
            )
        return numbers / (known or 1.0)


def _columns(estimator: Any, X: Data, *, reset: bool) -> list[Any]:
    """Return the columns one by one, each as it came, and set or compare what the estimator knows of them."""
    table = check_array(X, dtype=None, ensure_all_finite=False)
    validate_data(estimator, X if hasattr(X, "shape") else table, reset=reset, skip_check_array=True)
    if hasattr(X, "columns"):
        return [X[name] for name in X.columns]
    return list((np.asarray(X, dtype=object) if isinstance(X, list | tuple) else table).T)


def _positions(categorical: Iterable[int | str], estimator: Any, n_columns: int) -> set[int]:
    names = list(getattr(estimator, "feature_names_in_", ()))
    positions = set()
    for column in categorical:
        if column in names:
            positions.add(names.index(column))
        elif isinstance(column, int | np.integer) and 0 <= column < n_columns:
            positions.add(int(column))
        else:
            raise ValueError(f"categorical column {column!r} is not a column of X, which has {n_columns}.")
    return positions


def _numbers(column: Any) -> NDArray[np.float64] | None:
    """Return a column's numbers, NaN where there are none; None if they are something else."""
    values = np.asarray(column)
    if values.dtype.kind in "iuf":
        return values.astype(np.float64)
    if values.dtype.kind in "mM":
        nanoseconds = values.astype(f"{values.dtype.kind}8[ns]").astype(np.int64)
        return np.where(np.isnat(values), np.nan, nanoseconds)
    if values.dtype.kind != "O":
        return None
    plain = _values(values)
    known = [value for value in plain if value is not None]
    numeric = all(isinstance(value, Real) and not isinstance(value, bool | np.bool_) for value in known)
    if not known or not numeric:
        return None
    return np.array([np.nan if value is None else float(value) for value in plain])


def _values(column: Any) -> NDArray[Any]:
    """Return a column's values as objects, None where there is none."""
    values = np.asarray(column).astype(object)
    values[[_is_missing(value) for value in values]] = None
    return values


def _is_missing(value: object) -> bool:
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, Real) and bool(np.isnan(float(value)))


def _name(estimator: Any, f: int) -> str:
    names = getattr(estimator, "feature_names_in_", None)
    return str(f) if names is None else repr(names[f])
