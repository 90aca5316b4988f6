"""What a linear model says of each row beside what was observed, and how likely that makes the observations.

Source: McCullagh and Nelder (1989), "Generalized Linear Models", 2nd edition, chapter 2.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln, logsumexp, xlogy

from fulcra._reading.linear import Linear

Array = NDArray[np.float64]

#: Terms of a prediction, in residuals, of which twelve digits are left.
_OFFSET = 1e4
#: Rows whose terms are looked at.
_PILOTS = 256
#: Rows that are centred at a time.
_ROWS = 65_536


@dataclass(frozen=True)
class Likelihood:
    """Means, errors, and sums over rows, each row counted as often as its weight says.

    Attributes
    ----------
    scores : ndarray of shape (n_samples, n_outputs)
        ``X coef + intercept``; of 'multinomial' less that of the first class, which is left out.
    errors : ndarray of shape (n_samples, n_outputs)
        What was observed less its mean.
    information : ndarray of shape (n_samples,)
        The rows' weights, times the variance of a row where it follows from the mean (not of 'multinomial').
    chances : ndarray of shape (n_samples, n_classes - 1), or None
        Probabilities of all classes but the first, of 'multinomial'.
    log_likelihood, null : float
        Of the model, and of the mean alone.
    deviance, null_deviance : float
        Twice what they lack of the most that any means reach; of 'linear' the sums of squares.
    pearson : float
        The sum of squared errors over variances; of 'linear' the sum of squared errors.
    """

    scores: Array
    errors: Array
    information: Array
    chances: Array | None
    log_likelihood: float
    null: float
    deviance: float
    null_deviance: float
    pearson: float


def likelihood(found: Linear, weights: Array) -> Likelihood:
    """Compare a model with its rows.

    Parameters
    ----------
    found : Linear
        With rows and targets.
    weights : ndarray of shape (n_samples,)
        How often each row is there.

    Returns
    -------
    Likelihood
        Figures at the model's own weights.
    """
    y: Any = found.y
    if found.kind == "linear":
        return _normal(found, y, weights)
    if found.kind == "poisson":
        return _poisson(found, y, weights)
    return _binary(found, y, weights) if found.kind == "logistic" else _softmax(found, y, weights)


def _normal(found: Linear, y: Array, weights: Array) -> Likelihood:
    errors = residuals(found, y, weights)
    squares = summed(weights, errors[:, 0] ** 2)
    middle = summed(weights, y[:, 0]) / weights.sum() if found.has_intercept else 0.0
    around = summed(weights, (y[:, 0] - middle) ** 2)
    scores = y - errors

    def of(total: float) -> float:
        many = float(weights.sum())
        return -many / 2 * (np.log(2 * np.pi * total / many) + 1) if total > 0 else np.inf

    return Likelihood(scores, errors, weights, None, of(squares), of(around), squares, around, squares)


def residuals(found: Linear, y: Array, weights: Array) -> Array:
    """Return y less predictions, (n_samples, 1); around the means where offsets would cost digits."""
    coef, b = found.coef[0], found.intercept[0]
    plain = y - found.scores()
    total = weights.sum()
    some = np.abs(found.rows[:: max(1, len(y) // _PILOTS)])
    terms = float((some @ np.abs(coef)).max(initial=0.0)) + abs(b)
    if terms < _OFFSET * np.sqrt(summed(weights, np.square(plain[:, 0])) / total):
        return plain
    middle = np.asarray(found.rows.T @ weights, dtype=np.float64) / total
    y_middle = summed(weights, y[:, 0]) / total
    away: Array = y[:, 0] - y_middle
    if isinstance(found.rows, np.ndarray):
        for first in range(0, len(away), _ROWS):
            some = slice(first, first + _ROWS)
            away[some] -= (found.rows[some] - middle) @ coef
    else:
        away -= found.rows @ coef - middle @ coef
    # Of a fit in float64 the rest is rounding, but not in float32, nor without an intercept.
    return np.asarray((away + (y_middle - middle @ coef - b))[:, np.newaxis])


def _binary(found: Linear, y: NDArray[np.intp], weights: Array) -> Likelihood:
    scores = found.scores()
    chance = expit(scores[:, 0])
    sign = 2.0 * y - 1
    errors = sign * expit(-sign * scores[:, 0])  # without the cancellation of 1 - chance
    variance = chance * expit(-scores[:, 0])
    known = -summed(weights, np.logaddexp(0, -sign * scores[:, 0]))
    null = _of_shares(np.array([summed(weights, y == 0), summed(weights, y == 1)]))
    # The ratio of error to deviation, in closed form: exp(-s score / 2), where a product would be 0 / 0.
    pearson = summed(weights, np.exp(np.minimum(-sign * scores[:, 0], 700)))
    return Likelihood(
        scores, errors[:, np.newaxis], weights * variance, None, known, null, -2 * known, -2 * null, pearson
    )


def _softmax(found: Linear, y: NDArray[np.intp], weights: Array) -> Likelihood:
    scores = found.scores()
    logs = scores - logsumexp(scores, axis=1, keepdims=True)
    chances = np.exp(logs)
    n, k = chances.shape
    hit = np.zeros((n, k))
    hit[np.arange(n), y] = 1
    known = summed(weights, logs[np.arange(n), y])
    null = _of_shares(np.bincount(y, weights=weights, minlength=k).astype(np.float64))
    ratios = np.divide((hit - chances) ** 2, chances, out=np.zeros_like(chances), where=chances > 0)
    return Likelihood(
        scores[:, 1:] - scores[:, :1],
        (hit - chances)[:, 1:],
        weights,
        chances[:, 1:],
        known,
        null,
        -2 * known,
        -2 * null,
        summed(weights, ratios.sum(axis=1)),
    )


def summed(weights: Array, values: NDArray[Any]) -> float:
    """Return the sum of the values, each as often as its weight says: in pairs, on one thread."""
    return float((weights * values).sum())


def _of_shares(counts: Array) -> float:
    return float(xlogy(counts, counts / counts.sum()).sum())


def _poisson(found: Linear, y: Array, weights: Array) -> Likelihood:
    scores = found.scores()
    eta, counts = scores[:, 0], y[:, 0]
    with np.errstate(over="ignore"):
        mean = np.exp(eta)
    middle = summed(weights, counts) / float(weights.sum())
    constant = summed(weights, gammaln(counts + 1))
    known = summed(weights, counts * eta - mean) - constant
    null = summed(weights, xlogy(counts, middle) - middle) - constant
    # Of the fit that has each count as its mean.
    best = summed(weights, xlogy(counts, counts) - counts) - constant
    ratios = np.divide((counts - mean) ** 2, mean, out=np.zeros_like(mean), where=mean > 0)
    return Likelihood(
        scores,
        (counts - mean)[:, np.newaxis],
        weights * mean,
        None,
        known,
        null,
        2 * (best - known),
        2 * (best - null),
        summed(weights, ratios),
    )
