"""How weights would differ with other rows from the same source: refits to rows drawn again with replacement.

Of penalised models this says how far a weight can be trusted, not where the true one lies: all refits are
drawn to 0 as the model is. Source: Efron (1979), "Bootstrap methods: another look at the jackknife".
"""

import importlib
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import has_fit_parameter

from fulcra._reading.linear import Linear

Array = NDArray[np.float64]


def stability(
    found: Linear, weights: Array | None, n_resamples: int, draw: np.random.RandomState
) -> tuple[Array, Array]:
    """Return the share of refits in which each weight keeps its sign, and its standard deviation among them.

    Parameters
    ----------
    found : Linear
        With rows and targets.
    weights : ndarray of shape (n_samples,) or None
        How often each row is there.
    n_resamples : int
        Refits.
    draw : RandomState
        Draws rows.

    Returns
    -------
    signs, sd : ndarray of shape (n_outputs, n_columns + 1)
        The intercept first; of multinomial models differences from the first class. NaN without refits. A
        resample that lacks a class does not count.
    """
    refitted = _plain_form(found.model)
    y: Any = found.y
    targets = y if found.classes is None else found.classes[y]
    if found.classes is None:
        targets = targets[:, 0]
    here, drawn = _compared(found.coef, found.intercept, found.kind), []
    for _ in range(n_resamples):
        times = np.bincount(draw.randint(len(y), size=len(y)), minlength=len(y))
        if found.classes is not None and len(np.unique(y[times > 0])) < len(found.classes):
            continue
        model = _refit(clone(refitted), found.rows, targets, times, weights)
        coef = np.atleast_2d(
            np.asarray(model.coef_.toarray() if hasattr(model.coef_, "toarray") else model.coef_)
        )
        intercept = np.broadcast_to(np.asarray(model.intercept_, dtype=np.float64), len(coef))
        drawn.append(_compared(coef.astype(np.float64), intercept, found.kind))
    if len(drawn) < 2:
        return np.full(here.shape, np.nan), np.full(here.shape, np.nan)
    refits = np.array(drawn)
    return (np.sign(refits) == np.sign(here)).mean(axis=0), refits.std(axis=0, ddof=1)


def _compared(coef: Array, intercept: Array, kind: str) -> Array:
    whole = np.hstack([np.asarray(intercept)[:, np.newaxis], coef])
    if kind == "multinomial" or (kind == "logistic" and len(whole) == 2):
        return np.asarray(whole[1:] - whole[:1])
    return whole


def _refit(model: Any, X: Any, y: Any, times: NDArray[np.intp], weights: Array | None) -> Any:
    with warnings.catch_warnings():
        # Refits stop where the fit stopped.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if has_fit_parameter(model, "sample_weight"):
            return model.fit(X, y, sample_weight=times * (1.0 if weights is None else weights))
        if weights is not None:
            raise ValueError(f"{type(model).__name__} takes no sample_weight.")
        again = np.repeat(np.arange(len(y)), times)
        return model.fit(X[again], y[again])


def _plain_form(model: Any) -> Any:
    """Return the model with the penalty that a search has chosen, so that refits do not search again."""
    name = type(model).__name__
    if not name.endswith("CV"):
        return model
    room = importlib.import_module(".".join(type(model).__module__.split(".")[:2]))
    plain = getattr(room, name.removesuffix("CV"), None)
    if plain is None:
        return model
    known = model.get_params(deep=False)
    # precompute="auto" is for searches only, and changes no weight.
    params = {
        key: known[key] for key in plain().get_params(deep=False) if key in known and key != "precompute"
    }
    for key in ("alpha", "l1_ratio", "C"):
        chosen = np.unique(getattr(model, f"{key}_", np.nan))
        if not np.isnan(chosen).any():
            if len(chosen) > 1:
                return model
            params[key] = float(chosen[0])
    return plain(**params)
