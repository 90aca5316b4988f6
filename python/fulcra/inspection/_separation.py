"""Weights that have no finite best value: classes, or rows without counts, that columns tell apart entirely.

Sources: Albert and Anderson (1984), "On the existence of maximum likelihood estimates in logistic regression
models"; Konis (2007), "Linear programming algorithms for detecting separated data in binary logistic
regression models", for the linear program.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra._reading.linear import Linear
from fulcra.inspection._likelihood import Likelihood

Array = NDArray[np.float64]

#: Standard errors, per range of a column, from which on a linear program is worth its time: of weights that
#: run away they grow without end.
_UNSURE = 10.0
#: Values in the largest linear program that is solved.
_PROGRAM = 4_000_000


@dataclass(frozen=True)
class Separation:
    """What separates.

    Attributes
    ----------
    columns : tuple of int
        Those whose weights run away.
    complete : bool
        Whether every row is told apart, so that no weight has a best value.
    """

    columns: tuple[int, ...]
    complete: bool


def separation(found: Linear, seen: Likelihood, weights: Array, errors: Array) -> Separation | None:
    """Look for columns whose weights have no finite best value.

    Parameters
    ----------
    found : Linear
        A logistic or Poisson model, with rows and targets.
    seen : Likelihood
        Its scores.
    weights : ndarray of shape (n_samples,)
        How often each row is there; those of 0 say nothing.
    errors : ndarray of shape (n_columns,)
        Standard errors of the columns' weights, as they are for now.

    Returns
    -------
    Separation or None
        None where there are none, as far as could be looked.
    """
    there = np.flatnonzero(weights > 0)
    rows, y, scores = found.rows, np.asarray(found.y), seen.scores
    if len(there) < len(y):
        rows, y, scores = rows[there], y[there], scores[there]
    far = bool((errors * _spread(rows) > _UNSURE).any())
    if found.kind == "poisson":
        return _of_counts(rows, y[:, 0], found, is_far=far)
    if found.kind == "logistic":
        margins = (2 * y - 1) * scores[:, 0]
    else:
        whole = np.hstack([np.zeros((len(y), 1)), scores])
        own = whole[np.arange(len(y)), y]
        whole[np.arange(len(y)), y] = -np.inf
        margins = own - whole.max(axis=1)
    if margins.min(initial=np.inf) > 0:
        size = np.abs(found.coef - found.coef.mean(axis=0) * (found.kind == "multinomial")).max(axis=0)
        spread = np.asarray(_spread(rows)) * size
        return Separation(tuple(int(f) for f in np.flatnonzero(spread > 0.1 * spread.max())), complete=True)
    classes: Any = found.classes
    columns: set[int] = set()
    for label in range(len(classes)) if found.kind == "multinomial" else [1]:
        one, rest = rows[y == label], rows[y != label]
        for low, high in ((one, rest), (rest, one)):
            columns |= set(np.flatnonzero(_edge(low, "max") <= _edge(high, "min")).tolist())
    if far and not columns:
        for label in range(len(classes)) if found.kind == "multinomial" else [1]:
            sign = np.where(y == label, 1.0, -1.0)
            columns |= _program(rows, sign, np.zeros(len(y), dtype=bool), has_intercept=found.has_intercept)
    moving = {f for f in columns if np.ptp([_edge(rows, "min")[f], _edge(rows, "max")[f]]) > 0}
    return Separation(tuple(sorted(moving)), complete=False) if moving else None


def _of_counts(rows: Any, y: Array, found: Linear, *, is_far: bool) -> Separation | None:
    counted, none = rows[y > 0], rows[y == 0]
    low, high = _edge(counted, "min"), _edge(counted, "max")
    fixed = low == high
    outside = (_edge(none, "min") >= high) | (_edge(none, "max") <= low)
    moves = _edge(none, "min") != _edge(none, "max")
    columns = set(np.flatnonzero(fixed & outside & moves).tolist())
    if is_far and not columns:
        columns = _program(rows, np.where(y > 0, 1.0, -1.0), y > 0, has_intercept=found.has_intercept)
    return Separation(tuple(sorted(columns)), complete=False) if columns else None


def _program(rows: Any, sign: Array, still: NDArray[np.bool_], *, has_intercept: bool) -> set[int]:
    """Return the columns of a direction in which no score turns against its sign and some turn towards it.

    Scores of rows that are `still` must not change at all.
    """
    from scipy.optimize import linprog  # noqa: PLC0415 - rarely needed, and not small

    n, d = rows.shape
    if n * d > _PROGRAM:
        return set()
    values = rows.toarray() if sp.issparse(rows) else np.asarray(rows, dtype=np.float64)
    size = _spread(rows)
    middle = values.mean(axis=0) if has_intercept else np.zeros(d)
    scaled = (values - middle) / np.where(size > 0, size, 1)
    scaled = np.hstack([scaled, np.ones((n, int(has_intercept)))]) * sign[:, np.newaxis]
    found = linprog(
        -scaled[~still].sum(axis=0),
        A_ub=-scaled[~still],
        b_ub=np.zeros(int((~still).sum())),
        A_eq=scaled[still] if still.any() else None,
        b_eq=np.zeros(int(still.sum())) if still.any() else None,
        bounds=(-1, 1),
        method="highs",
    )
    if found.status != 0 or -found.fun < 1e-6:
        return set()
    return {f for f in range(d) if abs(found.x[f]) > 1e-6}


def _spread(rows: Any) -> Array:
    return _edge(rows, "max") - _edge(rows, "min")


def _edge(rows: Any, which: str) -> Array:
    """Return the largest or smallest value of each column; of no rows what no comparison holds for."""
    if not rows.shape[0]:
        return np.full(rows.shape[1], np.nan)
    found = getattr(rows, which)(axis=0)
    return np.asarray(found.toarray() if sp.issparse(found) else found, dtype=np.float64).ravel()
