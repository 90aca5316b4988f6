"""What a weight does to the mean of y, on average over the rows, with errors by the delta method.

Source: Greene (2012), "Econometric Analysis", 7th edition, section 17.3.2.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

Array = NDArray[np.float64]


def marginal_effects(
    kind: str,
    *,
    rows: Any,
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
    rows : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Features less what `base` is the score of: their means, or, sparse, nothing.
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
    scores = np.asarray(rows @ weights.T) + base
    here = _means(kind, scores)
    sure = covariance is not None
    with_ones = np.column_stack([np.ones(len(scores)), rows]) if sure else np.empty((0, 0))
    effects[:] = np.einsum("i,ioa->oa", share, here[1]) @ weights
    for f, step in enumerate(steps):
        if step is not None:
            effects[:, f], slope = _difference(
                kind, rows, share, scores, weights=weights, step=step, with_ones=with_ones
            )
        elif sure:
            slope = _slope(kind, with_ones, share, here, weights=weights[:, f], f=f)
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


def _slope(
    kind: str, rows: Array, share: Array, here: tuple[Array, Array], *, weights: Array, f: int
) -> Array:
    """Return the derivative of a feature's average derivative by all parameters."""
    means, slopes = here
    k = means.shape[1]
    # d mean_o / d feature = slopes[o] . weights; next, its derivative by the score of each output a.
    if kind in ("logistic", "multinomial"):
        above = weights - (means @ weights)[:, np.newaxis]
        bent = slopes * above[:, :, np.newaxis] - means[:, :, np.newaxis] * (means * above)[:, np.newaxis, :]
    elif kind == "poisson":
        bent = slopes * weights
    else:
        bent = np.zeros_like(slopes)
    by_parameter: Array = np.einsum("i,ioa,ip->oap", share, bent, rows, optimize=True)
    by_parameter[:, :, 1 + f] += np.einsum("i,ioa->oa", share, slopes)
    return by_parameter.reshape(k, k, -1)


def _difference(
    kind: str,
    rows: Any,
    share: Array,
    scores: Array,
    *,
    weights: Array,
    step: tuple[Array, Array],
    with_ones: Array,
) -> tuple[Array, Array]:
    """Return the average difference between two settings of features, and its derivative."""
    sides = []
    for setting in step:
        places = np.flatnonzero(~np.isnan(setting))
        held = rows[:, places]
        moved = scores + (setting[places] - held) @ weights[:, places].T
        means, slopes = _means(kind, moved)
        by_parameter = np.zeros(1)
        if len(with_ones):
            changed = with_ones.copy()
            changed[:, 1 + places] = setting[places]
            by_parameter = np.einsum("i,ioa,ip->oap", share, slopes, changed, optimize=True)
        sides.append((share @ means, by_parameter))
    (before, slope_before), (after, slope_after) = sides
    return after - before, slope_after - slope_before
