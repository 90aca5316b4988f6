"""A start by density: rows in dense places that are far from any denser row.

Source: Rodriguez and Laio (2014), "Clustering by fast search and find of density peaks", Science 344. Their
rho is `density`, their delta `apart`; a neighbourhood is half of the share that a cluster has of the rows,
and its rows count by 1 - (d / radius)^2 instead of 1, so that few densities are equal. A row does not count
itself: one that is alone has no density, however far it is from the others.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra import _core
from fulcra._base import Floats, non_finite_error, raise_non_finite

#: Rows that are looked at: this many, or so many for each center, drawn by weight where X has more.
_SAMPLE, _SAMPLE_FOR_EACH = 2000, 8
#: Rows whose distances to the others are held at a time.
_BLOCK = 256


def density_peaks(
    estimator: Any,
    X: Any,
    weights: NDArray[np.float64] | None,
    k: int,
    random_state: np.random.RandomState,
) -> Floats:
    """Return `k` rows of X at the peaks of their density, in its dtype.

    Parameters
    ----------
    estimator : BaseEstimator
        Knows the names of the columns.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Checked data.
    weights : ndarray of shape (n_samples,) or None
        Checked weights.
    k : int
        How many, at most n_samples.
    random_state : RandomState
        Draws the sample; advances only if X has more rows than it needs.

    Returns
    -------
    ndarray of shape (k, n_features)
        The highest peak first.

    Raises
    ------
    ValueError
        If fewer than `k` rows have weight, or X is not finite and that shows here.
    """
    raise_non_finite(estimator, X)
    heavy = np.arange(X.shape[0]) if weights is None else np.flatnonzero(weights)
    if len(heavy) < k:
        raise ValueError(f"init='density' needs {k} rows of weight; X has {len(heavy)}.")
    share = np.ones(len(heavy)) if weights is None else weights[heavy]
    size = max(_SAMPLE, _SAMPLE_FOR_EACH * k)
    if len(heavy) > size:
        chosen = random_state.choice(len(heavy), size=size, replace=False, p=share / share.sum())
        heavy, share = heavy[np.sort(chosen)], np.ones(size)
    rows = X[heavy]
    rows = (rows.toarray() if sp.issparse(rows) else rows).astype(np.float64)
    try:
        peaks = _peaks(rows, share * (len(share) / share.sum()), k)
    except _core.NonFiniteError:
        row, column = np.unravel_index(np.abs(rows).argmax(), rows.shape)
        error = _core.NonFiniteError(int(heavy[row]), int(column), "overflow")
        raise non_finite_error(estimator, error) from None
    centers: Floats = rows[peaks].astype(X.dtype)
    return centers


def _peaks(rows: NDArray[np.float64], share: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """Return the `k` rows with the largest product of density and distance from a denser row."""
    n = len(rows)
    radius = float(np.quantile(_distances(rows[:: max(1, n // _BLOCK)], rows), 0.5 / k))

    def weighed(distances: NDArray[np.float64]) -> NDArray[np.float64]:
        near = distances == 0 if radius == 0 else np.maximum(1 - (distances / radius) ** 2, 0)
        return (near * share).sum(axis=1)  # type: ignore[no-any-return]

    density = np.maximum(_by_blocks(rows, lambda block: weighed(_distances(rows[block], rows))) - 1, 0)
    order = np.argsort(-density, kind="stable")
    ordered = rows[order]

    def nearest_denser(block: slice) -> NDArray[np.float64]:
        distances = _distances(ordered[block], ordered)
        distances[np.arange(n) >= np.arange(n)[block, np.newaxis]] = np.inf
        return distances.min(axis=1)  # type: ignore[no-any-return]

    apart = _by_blocks(ordered, nearest_denser)
    apart[0] = 0
    apart[0] = max(apart.max(), 1.0)  # the densest row has no denser one
    # Where densities are zero, far rows come before copies of others.
    return order[np.lexsort((-apart, -density[order] * apart))[:k]]


def _distances(rows: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    return _core.kmeans_distances(np.ascontiguousarray(rows), others)  # type: ignore[return-value]


def _by_blocks(
    rows: NDArray[np.float64], each: Callable[[slice], NDArray[np.float64]]
) -> NDArray[np.float64]:
    return np.concatenate([each(slice(at, at + _BLOCK)) for at in range(0, len(rows), _BLOCK)])
