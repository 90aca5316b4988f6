"""Coordinates of weights in which the information about them is the identity, and so their covariance.

Rows are centred (where there is an intercept), scaled to unit columns and, unless they are well-conditioned,
triangularised by Householder's reflections, not multiplied out: standard errors then keep the digits that the
data hold.

Source: Golub and Van Loan (2013), "Matrix Computations", 4th edition, chapter 5.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra import _core

Array = NDArray[np.float64]

#: Values of a block of rows: beside X stay a few of these.
_BLOCK = 1 << 23
#: The largest triangle that is made, in values: 4 GiB.
_LARGEST = 1 << 29
#: Products of columns lose the square of their condition: of this one, six of sixteen digits.
_WELL = 1e3
#: Parts of a null vector of unit columns below this are rounding.
_NOTHING = 1e-6


@dataclass(frozen=True)
class Frame:
    """Coordinates of the weights in which weighted rows are orthonormal.

    Attributes
    ----------
    rows : {ndarray, CSR matrix} of shape (n_samples, n_columns)
        As the model sees them.
    information : ndarray of shape (n_samples,)
        What each row counts.
    centre, size : ndarray of shape (n_columns,)
        Means (0 without an intercept) and lengths of the columns less these, weighted.
    total : float
        The sum of `information`.
    triangle : ndarray of shape (rank, rank)
        R of the weighted, centred and scaled columns `picked`.
    inverse : ndarray of shape (rank, rank)
        Of the triangle.
    picked : ndarray of shape (rank,), intp
        Columns that are not made of others.
    back : ndarray of shape (n_terms, n_coordinates)
        Weights are `back` times coordinates; the intercept, if any, comes first in both.
    dependent : tuple of ndarray of shape (n_terms,), bool
        For each column that is made of others, which terms take part.
    sums : ndarray of shape (n_targets, n_coordinates)
        Over rows: information times target times the row in coordinates.
    """

    rows: Any
    information: Array
    centre: Array
    size: Array
    total: float
    triangle: Array
    inverse: Array
    picked: NDArray[np.intp]
    back: Array
    dependent: tuple[NDArray[np.bool_], ...]
    has_intercept: bool
    sums: Array

    @property
    def unsettled(self) -> NDArray[np.bool_]:
        """Which terms have no unique value, (n_terms,)."""
        found = np.zeros(len(self.back), dtype=bool)
        for terms in self.dependent:
            found |= terms
        return found

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """Yield rows in coordinates, not weighted, some at a time: (n, n_coordinates)."""
        for some in _slices(*self.rows.shape):
            turned = _dense(self.rows, some)[:, self.picked] - self.centre[self.picked]
            turned /= self.size[self.picked]
            turned = turned @ self.inverse
            if self.has_intercept:
                constant = np.full((len(turned), 1), 1 / np.sqrt(self.total))
                turned = np.hstack([constant, turned])
            yield some, turned

    def turned(self, values: Array) -> Array:
        """Return the sums over rows of a value times the row in coordinates, (n_coordinates,)."""
        ones = float(values.sum())
        return self.from_sums(np.asarray(self.rows.T @ values) - self.centre * ones, ones)

    def from_sums(self, sums: Array, ones: float) -> Array:
        """Return the same from sums of the columns less their centres, (n_columns,), and of the values."""
        turned = (sums[self.picked] / self.size[self.picked]) @ self.inverse
        return np.append(ones / np.sqrt(self.total), turned) if self.has_intercept else turned

    def _sums(self, targets: Array, cross: Array | None) -> Array:
        if cross is None or not targets.shape[1]:
            each = [self.turned(self.information * target) for target in targets.T]
            return np.array(each).reshape(targets.shape[1], self.back.shape[1])
        ones = (self.information[:, np.newaxis] * targets).sum(axis=0)
        return np.array(
            [self.from_sums(each, one) for each, one in zip(cross * self.size, ones, strict=True)]
        )

    def singular_values(self) -> Array:
        """Return those of the weighted rows as they stand, with their column of ones, largest first."""
        d = self.rows.shape[1]
        weighted = np.zeros((len(self.picked), d))
        weighted[:, self.picked] = self.triangle
        weighted *= self.size
        if self.has_intercept:
            root = np.sqrt(self.total)
            top = np.append(root, root * self.centre)
            weighted = np.vstack([top, np.hstack([np.zeros((len(weighted), 1)), weighted])])
        found: Array = np.linalg.svd(weighted, compute_uv=False)
        return found if not self.dependent else np.append(found, 0.0)


def frame(rows: Any, information: Array, *, has_intercept: bool, targets: Array | None = None) -> Frame:
    """Triangularise weighted rows.

    Parameters
    ----------
    rows : {ndarray, CSR matrix} of shape (n_samples, n_columns)
        Finite.
    information : ndarray of shape (n_samples,)
        What each row counts, not negative: the weights that minimise weighted squares have the inverse of
        ``rows.T @ diag(information) @ rows`` as their covariance.
    has_intercept : bool
        Whether a column of ones stands beside them.
    targets : ndarray of shape (n_samples, n_targets), default=None
        What `sums` are wanted of.

    Returns
    -------
    Frame
        The coordinates.

    Raises
    ------
    MemoryError
        If the triangle would not fit.
    """
    n, d = rows.shape
    if min(n, d) * d > _LARGEST:
        raise MemoryError(
            f"Standard errors of {d:,} weights need {8 * min(n, d) * d / 2**30:.0f} GiB: summarize fewer "
            "columns."
        )
    total = float(information.sum())
    values = np.empty((n, 0)) if targets is None else np.ascontiguousarray(targets)
    columns = _multiplied(rows, information, values, centred=has_intercept)
    if columns is None:
        columns = _reflected(rows, information, centred=has_intercept)
    centre, size, triangle, picked = columns.centre, columns.size, columns.triangle, columns.picked
    rank = len(picked)
    # Of a triangle this is substitution; LAPACK's own for triangles wakes all threads, however small it is.
    inverse: Array = np.linalg.solve(triangle, np.eye(rank)).astype(np.float64, copy=False)
    slopes = np.zeros((d, rank))
    slopes[picked] = inverse / size[picked, np.newaxis]
    back = slopes
    if has_intercept:
        # The intercept is the height at the centre less the way from there to 0.
        down = (centre[picked] / size[picked]) @ inverse
        back = np.vstack([np.append(1 / np.sqrt(total), -down), np.hstack([np.zeros((d, 1)), slopes])])
    others = np.setdiff1d(np.arange(d), picked)
    dependent = tuple(
        _takes_part(
            int(column), picked, -inverse @ columns.made[:, at], centre / size, has_intercept=has_intercept
        )
        for at, column in enumerate(others)
    )
    found = Frame(
        rows,
        information,
        centre,
        size,
        total,
        triangle,
        inverse,
        picked,
        back,
        dependent,
        has_intercept,
        np.empty((0, back.shape[1])),
    )
    return replace(found, sums=found._sums(values, columns.cross))


@dataclass(frozen=True)
class _Columns:
    """Centred columns of length 1, decomposed."""

    centre: Array
    size: Array
    triangle: Array
    picked: NDArray[np.intp]
    #: (rank, n_columns - rank): what the columns that are not picked are, in the triangle's coordinates.
    made: Array
    #: (n_targets, n_columns), their products with the targets; None: still to be computed.
    cross: Array | None


def _multiplied(rows: Any, information: Array, targets: Array, *, centred: bool) -> _Columns | None:
    """Decompose the columns by Cholesky, of their products; None where that loses digits."""
    if sp.issparse(rows) and not (rows.indices.dtype == np.int32 and rows.has_canonical_format):
        return None
    values = targets if targets.size else np.zeros((rows.shape[0], 1))
    try:
        found = _core.linear_moments(rows, values, information, centred=centred)
    except _core.NonFiniteError:  # squares overflow
        return None
    if found.lost:
        return None
    spread = np.linalg.eigvalsh(found.gram)
    if not spread[0] * _WELL**2 > spread[-1]:
        return None
    triangle = np.ascontiguousarray(np.linalg.cholesky(found.gram).T)
    d = rows.shape[1]
    return _Columns(found.means, found.norms, triangle, np.arange(d), np.empty((d, 0)), found.cross)


def _reflected(rows: Any, information: Array, *, centred: bool) -> _Columns:
    """Decompose the columns by Householder's reflections, in the order of their pivots."""
    from scipy.linalg import qr  # noqa: PLC0415

    n, d = rows.shape
    total, roots = float(information.sum()), np.sqrt(information)[:, np.newaxis]
    centre = np.asarray(rows.T @ information, dtype=np.float64) / total if centred else np.zeros(d)
    size, reach = _lengths(rows, centre, roots)
    # Centring leaves that much rounding in a column, as a share of its length.
    rounding = 8 * np.finfo(np.float64).eps * np.maximum(reach, np.abs(centre) * np.sqrt(total))
    flat = size <= rounding
    size = np.where(flat, np.where(reach > 0, reach, 1.0), size)
    small: Any = np.empty((0, d))
    for some in _slices(n, d):
        scaled = (_dense(rows, some) - centre) / size
        scaled *= roots[some]
        scaled[:, flat] = 0
        small = np.linalg.qr(np.vstack([small, scaled]) if len(small) else scaled, mode="r")
    small, order = qr(small, mode="r", pivoting=True, check_finite=False)
    cutoff = 4 * np.finfo(np.float64).eps * np.sqrt(max(n, d)) + (rounding / size)[~flat].max(initial=0.0)
    rank = int((np.abs(np.diagonal(small)) > cutoff).sum())
    made = small[:rank, rank:][:, np.argsort(order[rank:])]
    return _Columns(centre, size, np.ascontiguousarray(small[:rank, :rank]), order[:rank], made, None)


def _takes_part(
    column: int, others: NDArray[np.intp], shares: Array, centre: Array, *, has_intercept: bool
) -> NDArray[np.bool_]:
    """Return which terms a null vector of unit columns moves."""
    vector = np.zeros(len(centre))
    vector[others], vector[column] = shares, 1
    moved: NDArray[np.bool_] = np.abs(vector) > _NOTHING * np.abs(vector).max()
    if not has_intercept:
        return moved
    parts = vector * centre * moved
    at_zero = abs(parts.sum()) > _NOTHING * max(np.abs(parts).max(), 1e-300)
    return np.append(at_zero, moved)


def _lengths(rows: Any, centre: Array, roots: Array) -> tuple[Array, Array]:
    """Return the columns' lengths, less their centres, and those of the columns as they stand."""
    squares, whole = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    peaks = np.abs(rows).max(axis=0)
    peaks = (
        np.asarray(peaks.todense(), dtype=np.float64).ravel() if sp.issparse(peaks) else peaks.astype(float)
    )
    peaks = np.where(peaks > 0, peaks, 1.0)
    for some in _slices(*rows.shape):
        values = _dense(rows, some) / peaks  # whose squares might overflow
        values *= roots[some]
        whole += np.einsum("ij,ij->j", values, values)
        values -= centre / peaks * roots[some]
        squares += np.einsum("ij,ij->j", values, values)
    return np.sqrt(squares) * peaks, np.sqrt(whole) * peaks


def _slices(n: int, d: int) -> Iterator[slice]:
    length = max(_BLOCK // max(d, 1), 2 * d, 1)
    for first in range(0, n, length):
        yield slice(first, min(first + length, n))


def _dense(rows: Any, some: slice) -> Array:
    part = rows[some]
    return np.asarray(part.toarray() if sp.issparse(part) else part, dtype=np.float64)
