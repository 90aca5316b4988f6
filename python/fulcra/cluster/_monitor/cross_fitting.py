"""Every row measured by a model that has not seen it."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from fulcra._reading.clustering import rows_at
from fulcra.cluster._monitor.calibration import folds, level
from fulcra.cluster._monitor.own_spread import own_spread

#: A distance that fewer rows than this are beyond is too uncertain to measure others by. Of 120 rows, 30
#: keep false alarms of 1% at 0.7 to 1.0 of that, 10 at 0.65 to 0.9, 1 at 0.6 to 0.9; of 3,000 all do.
_ROWS_BEYOND = 30.0


@dataclass(frozen=True)
class Sample:
    """The rows of a fit.

    Attributes
    ----------
    rows : {ndarray, CSR matrix, data frame} of shape (n_samples, n_features)
        As the estimator takes them.
    values : ndarray or CSR matrix of shape (n_samples, n_table_features)
        What they hold, in numbers.
    weights : ndarray of shape (n_samples,)
        How many rows each is.
    is_weighted : bool
        Whether the estimator is to be given weights.
    """

    rows: Any
    values: Any
    weights: NDArray[np.float64]
    is_weighted: bool


def fitted(estimator: Any, rows: Any, weights: NDArray[np.float64] | None) -> Any:
    """Return a clone of an estimator, fitted.

    Parameters
    ----------
    estimator : estimator
        A clusterer or a Pipeline.
    rows : {ndarray, CSR matrix, data frame} of shape (n_samples, n_features)
        What it is fitted to.
    weights : ndarray of shape (n_samples,) or None
        Every step of a Pipeline that takes weights gets them.

    Returns
    -------
    estimator
        One inside a FrozenEstimator stays as it is.

    Raises
    ------
    TypeError
        If there are weights and the clusterer takes none.
    """
    model = clone(estimator)
    if weights is None or isinstance(model, FrozenEstimator):
        return model.fit(rows, None)
    steps = model.steps if isinstance(model, Pipeline) else [("", model)]
    last = steps[-1][1]
    if not isinstance(last, FrozenEstimator) and not has_fit_parameter(last, "sample_weight"):
        raise TypeError(f"{type(last).__name__} takes no sample_weight.")
    if steps[0][1] is model:
        return model.fit(rows, None, sample_weight=weights)
    take = [name for name, step in steps if hasattr(step, "fit") and has_fit_parameter(step, "sample_weight")]
    return model.fit(rows, None, **{f"{name}__sample_weight": weights for name in take})


def measurable(rates: tuple[float, ...], n_samples: float) -> tuple[float, ...]:
    """Return the shares, or those that are thirty of the rows where they are less."""
    return tuple(max(rate, min(0.5, _ROWS_BEYOND / n_samples)) for rate in rates)


def usual(
    distances: NDArray[np.float64], weights: NDArray[np.float64], rates: tuple[float, ...]
) -> NDArray[np.float64]:
    """Return the distances that given shares of a fit's own rows exceed.

    Parameters
    ----------
    distances, weights : ndarray of shape (n_samples,)
        Of those rows.
    rates : tuple of float
        The shares.

    Returns
    -------
    ndarray of shape (n_rates,)
        Above 0.
    """
    found = np.array([level(distances, weights, rate)[0] for rate in rates])
    return np.where(found > 0, found, 1.0)


def held_out(
    estimator: Any, sample: Sample, n_folds: int, rates: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far every row is from centers that it had no part in.

    Parameters
    ----------
    estimator : estimator
        Is cloned.
    sample : Sample
        The rows.
    n_folds : int
        How many fits.
    rates : tuple of float
        See Returns.

    Returns
    -------
    relative : ndarray of shape (n_held_out, n_rates)
        Distances, divided by what is `usual` for each rate in the same fit: fits may end in different optima,
        in one of which rows are twice as far as in another.
    weights : ndarray of shape (n_held_out,)
        Of these.

    Raises
    ------
    ValueError
        If the estimator cannot be fitted without some part.
    """
    relative, weights = [], []
    for (kept, kept_weights), (held, held_weights) in folds(sample.values, sample.weights, n_folds):
        part = rows_at(sample.rows, kept)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the fit to all rows has said it
            try:
                model = fitted(estimator, part, kept_weights if sample.is_weighted else None)
            except ValueError as error:
                error.add_note(
                    f"This was a fit to {len(kept)} of the {len(sample.weights)} rows, for calibration."
                )
                raise
        spread = own_spread(model, part, kept_weights)
        unit = usual(spread.measured(part)[1], kept_weights, rates)
        relative.append(spread.measured(rows_at(sample.rows, held))[1][:, np.newaxis] / unit)
        weights.append(held_weights)
    return np.concatenate(relative), np.concatenate(weights)
