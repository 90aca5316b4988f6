"""What a weight does to the mean of y, on average over the rows, with errors by the delta method.

Source: Greene (2012), "Econometric Analysis", 7th edition, section 17.3.2.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

Array = NDArray[np.float64]


def marginal_effects(
    kind: str,
    *,
    rows: Array,
    share: Array,
    weights: Array,
    base: Array,
    steps: list[tuple[Array, Array] | None],
    covariance: Array | None,
) -> tuple[Array, Array]:
    """Return average marginal effects.

    Parameters
    ----------
    kind : {'linear', 'logistic', 'multinomial', 'poisson'}
        How scores become means.
    rows : ndarray of shape (n_samples, n_features)
        Features less their means.
    share : ndarray of shape (n_samples,)
        Each row's share of all weights.
    weights : ndarray of shape (n_outputs, n_features)
        Of the features.
    base : ndarray of shape (n_outputs,)
        Scores where all of `rows` is 0.
    steps : list
        For each feature the two rows of changes, from and to, (n_features,) each, that a step of it is: what
        is NaN in them stays as it is. None: a derivative.
    covariance : ndarray of shape (n_outputs, 1 + n_features, n_outputs, 1 + n_features), or None
        Of `base` and `weights`.

    Returns
    -------
    effects, errors : ndarray of shape (n_outputs, n_features)
        Changes of the mean of y (a number, a probability or a count) and their standard errors; NaN without
        a covariance.
    """
    k, p = weights.shape
    effects, errors = np.empty((k, p)), np.full((k, p), np.nan)
    with_ones = np.column_stack([np.ones(len(rows)), rows])
    here = _means(kind, rows @ weights.T + base)
    for f, step in enumerate(steps):
        if step is None:
            effects[:, f], slope = _derivative(kind, with_ones, share, here, weights=weights[:, f], f=f)
        else:
            effects[:, f], slope = _difference(kind, rows, share, weights=weights, base=base, step=step)
        if covariance is not None:
            variances = np.einsum("oap,apbq,obq->o", slope, covariance, slope, optimize=True)
            errors[:, f] = np.sqrt(np.maximum(variances, 0.0))
    return effects, errors


def _means(kind: str, scores: Array) -> tuple[Array, Array]:
    """Return means and their derivatives by the scores, (n, n_outputs) and (n, n_outputs, n_outputs)."""
    k = scores.shape[1]
    if kind in ("logistic", "multinomial"):
        P = _probabilities(kind, scores)
        return P, P[:, :, np.newaxis] * (np.eye(k) - P[:, np.newaxis, :])
    means = np.exp(np.minimum(scores, 700.0)) if kind == "poisson" else scores
    slopes = means if kind == "poisson" else np.ones_like(scores)
    return means, slopes[:, :, np.newaxis] * np.eye(k)


def _probabilities(kind: str, scores: Array) -> Array:
    if kind == "multinomial":
        found: Array = softmax(scores, axis=1)
        return found
    both: Array = softmax(np.column_stack([np.zeros(len(scores)), scores]), axis=1)
    return both[:, 1:]


def _derivative(
    kind: str, rows: Array, share: Array, here: tuple[Array, Array], *, weights: Array, f: int
) -> tuple[Array, Array]:
    """Return the average derivative by a feature, (n_outputs,), and its own by all parameters."""
    means, slopes = here
    k = means.shape[1]
    own = np.einsum("i,ioa->oa", share, slopes)
    # d mean_o / d feature = slopes[o] . weights; next, its derivative by the score of each output a.
    if kind in ("logistic", "multinomial"):
        above = weights - (means @ weights)[:, np.newaxis]
        bent = slopes * above[:, :, np.newaxis] - means[:, :, np.newaxis] * (means * above)[:, np.newaxis, :]
    elif kind == "poisson":
        bent = slopes * weights
    else:
        bent = np.zeros_like(slopes)
    by_parameter = np.einsum("i,ioa,ip->oap", share, bent, rows, optimize=True)
    by_parameter[:, :, 1 + f] += own
    effect: Array = own @ weights
    return effect, by_parameter.reshape(k, k, -1)


def _difference(
    kind: str, rows: Array, share: Array, *, weights: Array, base: Array, step: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Return the average difference between two settings of features, and its derivative."""
    sides = []
    for setting in step:
        moved = np.where(np.isnan(setting), rows, setting)
        means, slopes = _means(kind, moved @ weights.T + base)
        with_ones = np.column_stack([np.ones(len(moved)), moved])
        sides.append((share @ means, np.einsum("i,ioa,ip->oap", share, slopes, with_ones, optimize=True)))
    (before, slope_before), (after, slope_after) = sides
    return after - before, slope_after - slope_before
