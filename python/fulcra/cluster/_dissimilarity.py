"""How far apart rows are, by any measure that `KMedoids` takes: a whole matrix, or lines of it on demand."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra import _core
from fulcra._base import Data, Floats, check_rows, non_finite_error, raise_non_finite
from fulcra.cluster._gower import Gower

Metric: TypeAlias = str | Callable[..., float]

#: scikit-learn's names for what the core computes.
_IN_THE_CORE = {
    "euclidean": "euclidean",
    "l2": "euclidean",
    "sqeuclidean": "sqeuclidean",
    "manhattan": "manhattan",
    "cityblock": "manhattan",
    "l1": "manhattan",
    "cosine": "cosine",
}
#: What rows of truth values are compared by.
_OF_BOOLEANS = {"dice", "jaccard", "rogerstanimoto", "russellrao", "sokalsneath", "yule"}
_OTHERS = {
    "braycurtis",
    "canberra",
    "chebyshev",
    "correlation",
    "hamming",
    "haversine",
    "mahalanobis",
    "minkowski",
    "nan_euclidean",
    "seuclidean",
}
#: Every metric that has a name.
METRICS = {*_IN_THE_CORE, *_OF_BOOLEANS, *_OTHERS, "gower", "precomputed"}
#: Metrics that cope with missing values.
WITH_MISSING = {"gower", "nan_euclidean"}

#: Distances computed at a time where nothing looks for Ctrl-C in between.
_AT_A_TIME = 1_000_000
#: Distances in one block of lines: enough to keep threads busy, few enough to fit anywhere.
_BLOCK = 4_000_000

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


class Dissimilarity:
    """A metric and what it has learned from the data.

    Parameters
    ----------
    estimator : BaseEstimator
        Has `metric` and `metric_params`; is told the number and names of features.
    """

    def __init__(self, estimator: Any) -> None:
        self.metric: Metric = estimator.metric
        self._params: dict[str, Any] = dict(estimator.metric_params or {})
        self._in_the_core = _IN_THE_CORE.get(self.metric) if isinstance(self.metric, str) else None
        self._gower: Gower | None = None
        if self.metric == "gower":
            self._gower = Gower(**self._params)
        elif self._params and (self._in_the_core or self.metric == "precomputed"):
            raise ValueError(f"metric={self.metric!r} takes no metric_params; got {sorted(self._params)}.")

    def fit_rows(self, estimator: Any, X: Data, counted: Callable[[Any], NDArray[np.bool_]]) -> Any:
        """Check the rows of `fit` and return them as `between` takes them.

        Parameters
        ----------
        estimator : BaseEstimator
            Whose number and names of features are set.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            As the user gave it.
        counted : callable
            Given the number of rows, says which have weight.

        Returns
        -------
        {ndarray, CSR matrix} of shape (n_samples, n_features)
            Encoded, where the metric is 'gower'.
        """
        if self._gower is not None:
            return self._gower.fit_encode(estimator, X, counted)
        return self._checked(estimator, X, reset=True)

    def rows(self, estimator: Any, X: Data) -> Any:
        """Check new rows and return them as `between` takes them."""
        if self._gower is not None:
            return self._gower.encode(estimator, X)
        return self._checked(estimator, X, reset=False)

    def learn(self, rows: Any, weights: NDArray[np.float64]) -> None:
        """Take from the weighted rows what the metric needs of them: variances or covariances.

        A weight counts as so many rows.
        """
        wanted = {"seuclidean": "V", "mahalanobis": "VI"}.get(str(self.metric))
        if wanted is None or wanted in self._params:
            return
        if sp.issparse(rows):
            raise TypeError(f"metric={self.metric!r} does not take sparse rows.")
        share = weights / (weights.sum() - 1)
        apart = rows - np.average(rows, axis=0, weights=weights)
        if wanted == "V":
            self._params["V"] = share @ apart**2
        else:
            self._params["VI"] = np.linalg.pinv((apart * share[:, np.newaxis]).T @ apart)

    def between(self, rows: Any, others: Any) -> Floats:
        """Return the distances of rows from others, ndarray of shape (n_rows, n_others).

        For 'precomputed', `others` are indices of columns.
        """
        if self.metric == "precomputed":
            return np.ascontiguousarray(rows[:, others])
        if self._gower is not None:
            return self._gower.between(rows, others)
        if self._in_the_core and not sp.issparse(rows) and not sp.issparse(others):
            if rows.dtype == others.dtype:
                return _core.pairwise_distances(rows, others, self._in_the_core)
            wide = _core.pairwise_distances(
                rows.astype(np.float64), others.astype(np.float64), self._in_the_core
            )
            return wide.astype(rows.dtype)
        if self._in_the_core == "euclidean":
            dense = others.toarray() if sp.issparse(others) else others
            return _core.kmeans_distances(rows, dense)
        kind = rows.dtype
        if self.metric in _OF_BOOLEANS:
            rows, others = rows.astype(bool), others.astype(bool)
        from sklearn.metrics import pairwise_distances  # noqa: PLC0415 - half of scikit-learn

        found = pairwise_distances(rows, others, metric=self.metric, **self._params)
        distances: Floats = np.ascontiguousarray(found, dtype=kind)
        if not (distances >= 0).all():
            i, j = np.argwhere(~(distances >= 0))[0]
            raise ValueError(
                f"metric={self.metric!r} gives {distances[i, j]} for two rows; a distance is 0 or above."
            )
        if np.isinf(distances).any():
            raise _core.NonFiniteError(0, 0, "overflow")
        return distances

    def _checked(self, estimator: Any, X: Data, *, reset: bool) -> Any:
        rows = check_rows(estimator, X, reset=reset)
        if self.metric == "precomputed" and sp.issparse(rows):
            raise TypeError("metric='precomputed' needs a dense matrix of distances; got a sparse one.")
        # A matrix of distances is looked through once, by `check_precomputed`.
        if self.metric not in WITH_MISSING and not (self.metric == "precomputed" and reset):
            raise_non_finite(estimator, rows)
        return rows


class OnDemand:
    """Lines of a matrix of distances that is never there as a whole; the core asks for them.

    Parameters
    ----------
    dissimilarity : Dissimilarity
        The metric.
    rows : {ndarray, CSR matrix} of shape (n_rows, n_features)
        As `Dissimilarity.between` takes them.
    """

    def __init__(self, dissimilarity: Dissimilarity, rows: Any) -> None:
        self._dissimilarity, self._rows = dissimilarity, rows
        self.dtype = rows.dtype
        self.n_rows: int = rows.shape[0]
        self.block = max(1, _BLOCK // self.n_rows)

    def lines(self, start: int, stop: int) -> Floats:
        """Return the distances of rows start..stop from all rows, (stop - start, n_rows)."""
        step = max(1, _AT_A_TIME // self.n_rows)
        if stop - start <= step:
            return self._dissimilarity.between(self._rows[start:stop], self._rows)
        lines: Floats = np.empty((stop - start, self.n_rows), self.dtype)
        for first in range(start, stop, step):
            last = min(first + step, stop)
            lines[first - start : last - start] = self._dissimilarity.between(
                self._rows[first:last], self._rows
            )
        return lines

    def matrix(self) -> Floats:
        """Return all distances, (n_rows, n_rows)."""
        return self.lines(0, self.n_rows)


class Given:
    """A matrix of distances that is there; its lines as `OnDemand` has them."""

    def __init__(self, matrix: Floats) -> None:
        self.values = matrix
        self.n_rows = len(matrix)

    def lines(self, start: int, stop: int) -> Floats:
        """Return the distances of rows start..stop from all rows, (stop - start, n_rows)."""
        return self.values[start:stop]


def check_precomputed(estimator: Any, matrix: Floats) -> None:
    """Raise ValueError unless the matrix is square, finite, symmetric up to rounding, nowhere below zero."""
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(
            f"metric='precomputed' needs a square matrix of distances; X has shape {matrix.shape}."
        )
    # Matrix products, which many distances come from, lose half of the digits of small ones.
    flaw = _core.distance_flaw(matrix, float(np.sqrt(np.finfo(matrix.dtype).eps)))
    if flaw is not None:
        kind, i, j = flaw
        if kind == "not finite":
            raise_non_finite(estimator, matrix)
        if kind == "asymmetric":
            raise ValueError(
                f"X is not symmetric: X[{i}, {j}] is {matrix[i, j]} and X[{j}, {i}] is {matrix[j, i]}."
            )
        raise ValueError(f"X[{i}, {j}] is {matrix[i, j]}; distances are finite and not {kind}.")


def overflow_error(estimator: Any, X: Any) -> ValueError:
    """Return the error for distances that overflow: it names the largest value of X."""
    cells = np.abs(X.data if sp.issparse(X) else X)
    at = int(cells.argmax())
    row, column = (
        (int(part) for part in np.unravel_index(at, cells.shape))
        if cells.ndim == 2
        else (
            int(np.searchsorted(X.indptr, at, side="right")) - 1,
            int(X.indices[at]),
        )
    )
    return non_finite_error(estimator, _core.NonFiniteError(row, column, "overflow"))


def bytes_of(memory: int | str) -> int:
    """Return a number of bytes that may be written '512MB' or '1.5GiB', at most the machine's memory."""
    if isinstance(memory, str):
        written = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([kmgt]?)(i?)b?\s*", memory.lower())
        if written is None:
            raise ValueError(
                f"max_memory={memory!r} is not a number of bytes such as 10**9, '1GB' or '512MiB'."
            )
        number, unit, binary = written.groups()
        memory = int(float(number) * (_BINARY_UNITS if binary else _UNITS).get(unit, 1))
    names: Mapping[str, int] = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" in names:
        memory = min(int(memory), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return int(memory)
