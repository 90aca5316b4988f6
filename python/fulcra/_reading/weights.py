"""Weights of a linear model in the table's own columns and units: scalers undone, levels by name."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra._base import Data
from fulcra._reading.columns import known_columns
from fulcra._reading.linear import Linear, linear
from fulcra._reading.tracing import Trace, trace


@dataclass(frozen=True)
class Weights:
    """A linear model over the features of the table: ``intercept + weights @ feature``.

    Attributes
    ----------
    linear : Linear
        The model, and the table as it sees it.
    trace : Trace
        What the model's columns are made of.
    weights : ndarray of shape (n_outputs, n_features), float64
        By how much a score rises with a feature. Those of the levels of a column are against the level that
        the encoder left out; where it left none out, against the average of the rows once `mean` is known.
    intercept : ndarray of shape (n_outputs,), float64
        The score where all features are 0.
    by_feature : ndarray of shape (n_outputs, n_features), float64
        The same weights as the model has them: of a row with a level that the encoder does not know, it has
        no weight, whatever the average is.
    share : ndarray of shape (n_samples,), or None
        Each row's share of all weights; None without rows.
    mean, spread : ndarray of shape (n_features,)
        Of the rows' features; NaN without rows.
    """

    linear: Linear
    trace: Trace
    weights: NDArray[np.float64]
    intercept: NDArray[np.float64]
    by_feature: NDArray[np.float64]
    share: NDArray[np.float64] | None
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    def grouped(self, values: Any) -> NDArray[np.float64]:
        """Return how far each column moves the scores of rows from the average.

        Parameters
        ----------
        values : {ndarray, CSR matrix} of shape (n_samples, n_features)
            The features of rows.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs, n_columns)
            With the average scores of the rows that the report is about, they add up to the rows' scores.
        """
        n_columns = len(self.trace.columns)
        dense = values.toarray() if sp.issparse(values) else values
        away = dense - self.mean
        moved = np.zeros((len(away), len(self.weights), n_columns))
        for output, by_feature in enumerate(self.by_feature):
            np.add.at(moved[:, output].T, self.trace.column, (away * by_feature).T)
        return moved


def weights(model: Any, X: Data = None, y: Data = None, share: NDArray[np.float64] | None = None) -> Weights:
    """Read the weights of a fitted model.

    Parameters
    ----------
    model : estimator
        A linear, logistic or Poisson regression, or a Pipeline that ends in one.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_columns), default=None
        The table, as it is given to the model's `predict`.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        The targets.
    share : ndarray of shape (n_samples,), default=None
        Each row's share of all weights; None: the same.

    Returns
    -------
    Weights
        In the table's columns.

    Raises
    ------
    TypeError
        If the model is none of these.
    NotFittedError
        If it is not fitted.
    ValueError
        If X or y do not suit it.
    """
    found = linear(model, X, y)
    traced = traced_table(model, found, X)
    by_feature = np.asarray((traced.matrix.T @ found.coef.T).T, dtype=np.float64)
    constant = found.intercept + found.coef @ traced.offset
    p = len(traced.features)
    if found.rows is None or traced.values is None:
        nothing = np.full(p, np.nan)
        return Weights(found, traced, by_feature, constant, by_feature, None, nothing, nothing)
    n = found.rows.shape[0]
    share = np.full(n, 1 / n) if share is None else share
    mean, spread = moments(traced.values, share)
    against = _against_average(traced, by_feature, mean)
    # Of each row one level holds, so what is taken off all levels of a column is the same for every row.
    constant = constant + ((by_feature - against) * mean).sum(axis=1)
    return Weights(found, traced, against, constant, by_feature, share, mean, spread)


def traced_table(model: Any, found: Linear, X: Data) -> Trace:
    """Trace a table through the steps of a model.

    Parameters
    ----------
    model : estimator
        With the steps.
    found : Linear
        What was read of it.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_columns), or None
        The table.

    Returns
    -------
    Trace
        With `values` where there is a table.
    """
    if X is not None:
        X = known_columns(model, X)
        if not (hasattr(X, "columns") or sp.issparse(X)):
            rows = X if hasattr(X, "shape") else np.asarray(X, dtype=object if _holds_texts(X) else None)
            X = X if rows.ndim != 2 else np.asarray(rows)
        elif sp.issparse(X):
            X = X.tocsr()
    return trace(found.transformers, X, _table_names(model, found, X))


def _holds_texts(X: Any) -> bool:
    return len(X) > 0 and isinstance(X[0], str)


def _table_names(model: Any, found: Linear, X: Any) -> list[str]:
    known = getattr(model, "feature_names_in_", None)
    if known is None and hasattr(X, "columns"):
        known = X.columns
    if known is None and not found.transformers:
        known = found.names
    if known is not None:
        return [str(name) for name in known]
    shape: tuple[int, ...] = np.shape(X) if sp.issparse(X) or hasattr(X, "shape") else ()
    first: Any = found.transformers[0] if found.transformers else found.model
    d = shape[1] if len(shape) == 2 else getattr(first, "n_features_in_", 0)
    return [f"x{place}" for place in range(d)]


def moments(values: Any, share: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means and standard deviations of columns.

    Parameters
    ----------
    values : {ndarray, CSR matrix} of shape (n_samples, n_features), float64
        The columns.
    share : ndarray of shape (n_samples,)
        Of each row; they sum to 1.

    Returns
    -------
    mean, spread : ndarray of shape (n_features,)
        Of a column of one value the spread is 0.
    """
    if sp.issparse(values):
        mean = np.asarray(share @ values).ravel()
        away = values.copy()
        away.data = (away.data - mean[away.indices]) ** 2
        held = values.copy()
        held.data = np.ones_like(held.data)
        square = np.asarray(share @ away).ravel() + (1 - np.asarray(share @ held).ravel()) * mean**2
        return mean, np.sqrt(np.maximum(square, 0.0))
    # Around the first row, so that a column of one value has that mean and no spread.
    away = values - values[0]
    middle = share @ away
    spread = np.sqrt(share @ (away - middle) ** 2)
    return values[0] + middle, np.where(np.abs(away).max(axis=0, initial=0.0) > 0, spread, 0.0)


def _against_average(
    traced: Trace, by_feature: NDArray[np.float64], mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Take from the weights of all levels of a column their average over rows, where none was left out."""
    found = by_feature.copy()
    for column, those in level_groups(traced):
        if traced.references[column] is None and abs(mean[those].sum() - 1) < 1e-9:
            found[:, those] -= (by_feature[:, those] @ mean[those])[:, np.newaxis]
    return found


def level_groups(traced: Trace) -> list[tuple[int, NDArray[np.intp]]]:
    """Return the columns that became levels, and the features of each."""
    is_level = np.array([level is not None for level in traced.levels], dtype=bool)
    return [
        (int(column), np.flatnonzero(is_level & (traced.column == column)))
        for column in np.unique(traced.column[is_level])
    ]
