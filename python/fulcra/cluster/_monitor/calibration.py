"""Cross-conformal calibration: levels that rows which a fit has not seen cross at a stated rate.

Sources: Vovk, Gammerman and Shafer (2005), "Algorithmic Learning in a Random World"; Laxhammar and Falkman
(2010), "Conformal prediction for distribution-independent anomaly detection in streaming vessel data"; Vovk
(2015), "Cross-conformal predictors".
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

#: Rows at a time.
_ROWS = 65_536
#: Weights are added up with this much rounding.
_ROUNDING = 1e-9

Part = tuple[NDArray[np.intp], NDArray[np.float64]]


def folds(values: Any, weights: NDArray[np.float64], n_folds: int) -> Iterator[tuple[Part, Part]]:
    """Deal rows out to folds by what they hold, whatever their order.

    A row of weight 2 is dealt out as two rows, which go to different folds: weights are repetitions, exactly.

    Parameters
    ----------
    values : ndarray or CSR matrix of shape (n_samples, n_features)
        What rows hold.
    weights : ndarray of shape (n_samples,)
        Not negative.
    n_folds : int
        At least 2.

    Yields
    ------
    kept, held_out : tuple of two ndarray
        Indices of rows and their weights, above 0.
    """
    order = np.argsort(_content(values), kind="stable")
    ends = np.cumsum(weights[order])
    starts = ends - weights[order]
    for fold in range(n_folds):
        held = np.empty(len(weights))
        held[order] = _dealt(ends, fold, n_folds) - _dealt(starts, fold, n_folds)
        held = np.clip(held, 0, weights)
        kept = weights - held
        yield _above_zero(kept), _above_zero(held)


def level(distances: NDArray[np.float64], weights: NDArray[np.float64], rate: float) -> tuple[float, float]:
    """Return the level that a new row is above at most at the stated rate.

    Parameters
    ----------
    distances : ndarray of shape (n_samples,)
        Of rows that the fit did not see.
    weights : ndarray of shape (n_samples,)
        How many rows each is.
    rate : float
        Above 0 and below 1.

    Returns
    -------
    level : float
        The ceil((1 - rate) (n + 1))-th smallest distance, or the largest where there are fewer than 1 / rate
        - 1 rows.
    rate : float
        With which a row is above that, were it exchangeable with the n: a multiple of 1 / (n + 1).
    """
    order = np.argsort(distances, kind="stable")
    below = np.cumsum(weights[order])
    n = below[-1]
    place = min(int(np.searchsorted(below, (1 - rate) * (n + 1) - _ROUNDING)), len(order) - 1)
    return float(distances[order[place]]), float((n + 1 - below[place]) / (n + 1))


def _above_zero(weights: NDArray[np.float64]) -> Part:
    rows = np.flatnonzero(weights > _ROUNDING)
    return rows, weights[rows]


def _dealt(places: NDArray[np.float64], fold: int, n_folds: int) -> NDArray[np.float64]:
    """Return how much of the first `places` units a fold gets when they are dealt out one by one."""
    rounds = np.floor(places / n_folds)
    dealt: NDArray[np.float64] = rounds + np.clip(places - rounds * n_folds - fold, 0, 1)
    return dealt


def _content(values: Any) -> NDArray[np.uint64]:
    """Return a number for each row that depends on nothing but the values it holds, (n_samples,)."""
    salt = _mixed(np.arange(1, values.shape[1] + 1, dtype=np.uint64))
    if sp.issparse(values):
        cells = np.concatenate([[np.uint64(0)], np.cumsum(_of_cells(values.data, salt[values.indices]))])
        sums: NDArray[np.uint64] = cells[values.indptr[1:]] - cells[values.indptr[:-1]]
        return sums
    numbers = np.empty(len(values), dtype=np.uint64)
    for start in range(0, len(values), _ROWS):
        part = slice(start, start + _ROWS)
        numbers[part] = _of_cells(values[part], salt).sum(axis=1, dtype=np.uint64)
    return numbers


def _of_cells(values: NDArray[Any], salt: NDArray[np.uint64]) -> NDArray[np.uint64]:
    cells = np.ascontiguousarray(values, dtype=np.float64)
    cells = np.where(np.isnan(cells), np.nan, cells)  # one NaN of the many
    return np.where(cells == 0, np.uint64(0), _mixed(cells.view(np.uint64) ^ salt))  # as CSR: 0 is nothing


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix 64 bits as SplitMix64 does."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
