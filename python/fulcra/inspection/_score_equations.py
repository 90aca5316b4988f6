"""Whether the rows at hand are those of a fit: there, what its weights leave unexplained is in no column.

At the minimum of a smooth loss its gradient is 0, and so for each column the sum over rows of weight times
error times value, but for the penalty. Of other rows from the same source that sum is about as large as
chance makes it, which is what it is measured by.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from fulcra._reading.linear import Linear
from fulcra._reading.restraints import ancestors
from fulcra.inspection._covariance import Array, Frame
from fulcra.inspection._likelihood import Likelihood

#: What an equation may be off by, in standard deviations of chance: of a solution by a factorisation, of one
#: by iterations, which scikit-learn's default tolerances mostly end well below this, and with a penalty,
#: where they end sooner and no interval depends on it.
_DIRECT, _ITERATED, _PENALISED = 1e-3, 0.1, 0.3
#: Solvers of scikit-learn's Ridge that iterate.
_ITERATING = {"sparse_cg", "lsqr", "sag", "saga", "lbfgs"}


@dataclass(frozen=True)
class Check:
    """How far the equations are from being solved.

    Attributes
    ----------
    scores : ndarray of shape (n_outputs, n_columns + 1)
        Sums over rows of weight, error and value less the column's mean; of the ones last.
    worst : float
        The largest, in units of what it may be; above 1 the rows are others.
    place : int
        Which column that is; n_columns is the intercept.
    """

    scores: Array
    worst: float
    place: int


def check(found: Linear, seen: Likelihood, frame: Frame, weights: Array) -> Check | None:
    """Compare the score equations of a model with 0.

    Parameters
    ----------
    found : Linear
        With rows and targets.
    seen : Likelihood
        Its errors.
    frame : Frame
        Of its rows with `weights` as their information, with the sums of its errors first.
    weights : ndarray of shape (n_samples,)
        How often each row is there.

    Returns
    -------
    Check or None
        None where the model's weights solve no equation that is known.
    """
    restraint, d = found.restraint, len(found.names)
    if np.isnan(restraint.l1).any():
        return None
    coef = found.coef
    pull = weights * _class_weights(found)
    errors = pull[:, np.newaxis] * _all_errors(found, seen)
    ones = errors.sum(axis=0)
    if len(frame.picked) == d and restraint.class_weight is None:
        scores = np.zeros((seen.errors.shape[1], d))
        slopes = frame.sums[: len(scores), int(found.has_intercept) :] @ frame.triangle
        scores[:, frame.picked] = slopes * frame.size[frame.picked]
        if found.kind == "multinomial":
            scores = np.vstack([-scores.sum(axis=0), scores])
    else:
        scores = np.asarray(found.rows.T @ errors, dtype=np.float64).T - np.outer(ones, frame.centre)
    total = pull.sum() if restraint.per_weight else 1.0
    l1, l2 = (total * part[:, np.newaxis] for part in (restraint.l1, restraint.l2))
    left = scores - l2 * coef
    off = np.where(coef != 0, np.abs(left - l1 * np.sign(coef)), np.maximum(np.abs(left) - l1, 0))
    if restraint.positive:
        off = np.where(coef != 0, np.abs(left - l1), np.maximum(left - l1, 0))
    many = float(weights.sum())
    size = frame.size
    chance = np.sqrt((errors**2).sum(axis=0) / many)
    allowed = _slack(found) * np.outer(chance, size) + _by_tolerance(found, size, many)
    allowed += _rounding(found, frame, size, many)
    ratios = off / np.maximum(allowed, np.finfo(np.float64).tiny)
    if found.has_intercept and getattr(found.model, "solver", None) != "liblinear":
        # The equation of the ones: liblinear draws the intercept to 0 as well.
        root = np.full(1, np.sqrt(many))
        may = _slack(found) * np.outer(chance, root) + _by_tolerance(found, root, many)
        may += _rounding(found, frame, root, many)
        ratios = np.hstack([ratios, np.abs(ones)[:, np.newaxis] / np.maximum(may, np.finfo(np.float64).tiny)])
    place = int(np.argmax(ratios.max(axis=0)))
    return Check(np.hstack([scores, ones[:, np.newaxis]]), float(ratios.max()), min(place, d))


def refusal(found: Linear, checked: Check) -> ValueError:
    """Return the error for rows that are not those of the fit."""
    name = "intercept" if checked.place == len(found.names) else repr(found.names[checked.place])
    model = found.model
    short = ""
    if not _is_direct(found):
        iterations = np.max(getattr(model, "n_iter_", 0))
        limit = getattr(model, "max_iter", None)
        short = (
            f", or the fit stopped early, at max_iter={limit}: scale the columns, or allow more"
            if limit is not None and iterations >= limit
            else ", or the fit stopped early: a smaller tol, or scaled columns, takes it further"
        )
    elif "LinearRegression" in ancestors(model) and not type(model).__module__.startswith("fulcra"):
        short = (
            ", or its tol has cut off what columns of small values say: scale the columns, or fit "
            "fulcra.linear_model.LinearRegression"
        )
    return ValueError(
        "X and y are not the data this was fitted on (or sample_weight differs)"
        f"{short}. What {type(model).__name__} leaves unexplained still depends on {name}, "
        f"{checked.worst:.3g} times as much as it may at a fit."
    )


def _all_errors(found: Linear, seen: Likelihood) -> Array:
    """Return errors for every row of `coef`: the first class of several has those that all others leave."""
    if found.kind != "multinomial":
        return seen.errors
    return np.hstack([-seen.errors.sum(axis=1, keepdims=True), seen.errors])


def _class_weights(found: Linear) -> Any:
    given = found.restraint.class_weight
    if given is None or found.classes is None:
        return 1.0
    y: Any = found.y
    return compute_class_weight(given, classes=found.classes, y=found.classes[y])[y]


def _is_direct(found: Linear) -> bool:
    names = ancestors(found.model)
    if "Ridge" in names or "RidgeCV" in names:
        return getattr(found.model, "solver_", getattr(found.model, "solver", "auto")) not in _ITERATING
    return "LinearRegression" in names or "BayesianRidge" in names


def _slack(found: Linear) -> float:
    if _is_direct(found):
        return _DIRECT
    return _PENALISED if found.penalised else _ITERATED


def _by_tolerance(found: Linear, size: Array, many: float) -> Any:
    """Return what the model's own `tol` allows, (n_columns,) or 0."""
    tol = float(getattr(found.model, "tol", 0.0) or 0.0)
    if _is_direct(found):
        return 0.0
    if found.kind != "linear":
        return 2 * tol * many  # of the mean gradient, whatever the column's length
    y: Any = found.y
    # A duality gap of tol y·y lets predictions be off by its root; in effect by a small part of that.
    return 0.1 * np.sqrt(2 * tol) * size * float(np.std(y)) * np.sqrt(many)


def _rounding(found: Linear, frame: Frame, size: Array, many: float) -> Array:
    """Return what rounding of the weights and predictions may add, (n_outputs, n_columns)."""
    spread = (frame.size / np.sqrt(frame.total) + np.abs(frame.centre)) @ np.abs(found.coef).T
    reach = spread + np.abs(found.intercept)
    y: Any = found.y
    if found.kind == "linear":
        reach = reach + np.sqrt(np.mean(y**2, axis=0))
    elif found.kind == "poisson":
        reach = reach * np.sqrt(np.mean(y**2)) + np.sqrt(np.mean(y**2))
    unit = 64 * float(np.finfo(found.precision).eps)
    return np.asarray(unit * np.sqrt(many) * np.outer(reach, size))
