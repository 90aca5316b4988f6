"""Least squares whose weights are not negative.

Source: Lawson and Hanson (1974), "Solving Least Squares Problems", chapter 23, in SciPy's form.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import nnls

#: Rows taken into the triangle at a time: beside X stays as much as these rows take.
_ROWS_AT_A_TIME = 8192


def nonnegative(
    X: Any,
    y: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    alphas: NDArray[np.float64],
    *,
    fit_intercept: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minimise ``||y_t - X w_t - b_t||² + alpha_t ||w_t||²`` over weights that are not negative.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Finite rows.
    y : ndarray of shape (n_samples, n_targets)
        The targets.
    weights : ndarray of shape (n_samples,) or None
        Of the rows.
    alphas : ndarray of shape (n_targets,)
        Penalties, not negative.
    fit_intercept : bool
        Whether there are b_t; else they are 0.

    Returns
    -------
    coef : ndarray of shape (n_targets, n_features)
        The w_t.
    intercept : ndarray of shape (n_targets,)
        The b_t.
    """
    n_features, n_targets = X.shape[1], y.shape[1]
    middle = np.zeros(n_features + n_targets)
    if fit_intercept:
        middle = _mean(X, y, weights)
    triangle = _triangle(X, y, weights, middle)
    # What centring leaves of a column that does not vary is rounding, and says nothing.
    heavy = np.sqrt(len(y) if weights is None else weights.sum())
    rounding = 64 * np.finfo(np.float64).eps * heavy * np.abs(middle)
    triangle[:, np.abs(triangle).max(axis=0) <= rounding] = 0
    coef = np.empty((n_targets, n_features))
    for t, alpha in enumerate(alphas):
        # Penalties are further rows: sqrt(alpha) w = 0.
        penalty = np.sqrt(alpha) * np.eye(n_features) if alpha else np.empty((0, n_features))
        left = np.vstack([triangle[:, :n_features], penalty])
        right = np.append(triangle[:, n_features + t], np.zeros(len(penalty)))
        # The search stops by an absolute measure of all columns: of unit columns that is a fair one.
        left, sizes = _unit_columns(left)
        right, size = _unit_columns(right[:, np.newaxis])
        found, _ = nnls(left, right[:, 0], maxiter=30 * max(n_features, 10))
        coef[t] = found / sizes * size
    return coef, middle[n_features:] - coef @ middle[:n_features]


def _unit_columns(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return columns of length 1, and their lengths; columns of zeros stay."""
    peaks = np.abs(values).max(axis=0)  # whose squares may overflow
    peaks[peaks == 0] = 1
    sizes = np.linalg.norm(values / peaks, axis=0)
    sizes[sizes == 0] = 1
    return values / peaks / sizes, peaks * sizes


def _mean(X: Any, y: NDArray[np.float64], weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    heavy = np.full(len(y), 1 / len(y)) if weights is None else weights / weights.sum()
    total = np.zeros(X.shape[1] + y.shape[1])
    for first in range(0, len(y), _ROWS_AT_A_TIME):
        some = slice(first, first + _ROWS_AT_A_TIME)
        total += heavy[some] @ _side_by_side(X, y, some)
    return total


def _triangle(
    X: Any,
    y: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    middle: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return R of a QR decomposition of the centred, weighted rows of X and y side by side.

    As Q turns without stretching, ``||R_X w - R_y||`` is ``||X w - y||`` for any w.
    """
    found: Any = np.empty((0, len(middle)))
    for first in range(0, len(y), _ROWS_AT_A_TIME):
        some = slice(first, first + _ROWS_AT_A_TIME)
        rows = _side_by_side(X, y, some) - middle
        if weights is not None:
            rows *= np.sqrt(weights[some])[:, np.newaxis]
        found = np.linalg.qr(np.vstack([found, rows]), mode="r")
    return np.asarray(found)


def _side_by_side(X: Any, y: NDArray[np.float64], some: slice) -> NDArray[np.float64]:
    rows = X[some]
    return np.hstack([rows.toarray() if sp.issparse(rows) else rows, y[some]], dtype=np.float64)
