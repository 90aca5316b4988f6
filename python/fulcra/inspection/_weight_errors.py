"""How sure weights are in the table's own columns: the covariance of `summarize`, led back through steps."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fulcra._base import Data
from fulcra._reading.linear import Linear
from fulcra._reading.weights import Weights, level_groups
from fulcra.inspection._summarize import _clusters
from fulcra.inspection._summing import Summing

Array = NDArray[np.float64]

#: Columns of a model from which on errors take gigabytes.
_MOST_COLUMNS = 2_000
#: The same of models with a penalty, of which only the rows are checked.
_MOST_CHECKED = 500


@dataclass(frozen=True)
class Errors:
    """Of weights in the table's columns.

    Attributes
    ----------
    of_weights : ndarray of shape (n_outputs, n_features)
        Standard errors; of 'multinomial' those of the weights less their mean over classes.
    covariance : ndarray of shape (n_outputs, 1 + n_features, n_outputs, 1 + n_features)
        Of the score of the average row, and of the weights; of 'multinomial' less those of the first class.
    degrees : float
        Of freedom of Student's t; infinite for the normal distribution.
    """

    of_weights: Array
    covariance: Array
    degrees: float


def errors(
    found: Weights, sample_weight: Array | None, *, cov: str, groups: Data
) -> tuple[Errors | None, tuple[str, ...]]:
    """Return how sure the weights are, and what has to be said about that.

    Parameters
    ----------
    found : Weights
        With rows and targets, or there are no errors.
    sample_weight : ndarray of shape (n_samples,), or None
        As it was given to `fit`.
    cov : str
        As in `summarize`.
    groups : array-like of shape (n_samples,), or None
        As in `summarize`.

    Returns
    -------
    kept : Errors or None
        None of models with a penalty, and without targets.
    notes : tuple of str
        Sentences.

    Raises
    ------
    ValueError
        If the model was not fitted to these rows.
    """
    linear = found.linear
    if linear.rows is None or linear.y is None:
        return None, ()
    if linear.rows.shape[1] > (_MOST_CHECKED if linear.penalised else _MOST_COLUMNS):
        many = f"There are no intervals for more than {_MOST_COLUMNS:,} columns."
        return None, (linear.restraint.why or many,)
    clusters = _clusters(groups, cov, linear)
    given = sample_weight is not None
    counts = sample_weight if sample_weight is not None else np.ones(linear.rows.shape[0])
    parts, notes, degrees = [], [], np.inf
    shorter, way = (linear, _way(found, [])) if linear.penalised else _without_dependence(found)
    for single in _each_target(shorter):
        summary = Summing(single, counts, is_counted=given).summary(
            cov, clusters, 0.05, 0, check_random_state(0)
        )
        parts.append(summary.covariance)
        degrees = summary.df_inference
        notes += [note for note in summary.notes if note not in notes]
    if linear.penalised:
        return None, (linear.restraint.why,)
    covariance = _led_back(parts, way, linear.kind)
    return Errors(_of_weights(covariance, linear.kind), covariance, degrees), tuple(notes)


def _each_target(linear: Linear) -> list[Linear]:
    """Return a model for each target of several."""
    if linear.kind != "linear" or len(linear.coef) == 1:
        return [linear]
    y: Any = linear.y
    return [
        replace(
            linear,
            coef=linear.coef[[o]],
            intercept=linear.intercept[[o]],
            targets=linear.targets[o : o + 1],
            y=y[:, [o]],
            restraint=replace(linear.restraint, l1=linear.restraint.l1[[o]], l2=linear.restraint.l2[[o]]),
        )
        for o in range(len(linear.coef))
    ]


def _without_dependence(found: Weights) -> tuple[Linear, Array]:
    """Return the same model with one level of each column less, where an intercept makes all too many.

    Differences between levels have errors; the levels themselves, beside an intercept, have none.
    """
    linear, traced = found.linear, found.trace
    if not linear.has_intercept:
        return linear, _way(found, [])
    coef, intercept = linear.coef.copy(), linear.intercept.copy()
    by_feature = traced.matrix.tocsc()
    made_of = np.diff(traced.matrix.indptr)
    dropped: list[int] = []
    for column, those in level_groups(traced):
        holders = [by_feature.indices[by_feature.indptr[f] : by_feature.indptr[f + 1]] for f in those]
        alone = all(len(rows) == 1 and made_of[rows[0]] == 1 for rows in holders)
        if traced.references[column] is not None or abs(found.mean[those].sum() - 1) > 1e-9 or not alone:
            continue
        at = np.array([rows[0] for rows in holders])
        slopes = np.array([float(by_feature[row, f]) for row, f in zip(at, those, strict=True)])
        out = int(np.argmax(found.mean[those]))
        weights = linear.coef[:, at] * slopes
        moved = (weights - weights[:, [out]]) / slopes
        intercept += weights[:, out] + (linear.coef[:, at] - moved) @ traced.offset[at]
        coef[:, at] = moved
        dropped.append(int(at[out]))
    kept = np.setdiff1d(np.arange(coef.shape[1]), dropped)
    if not dropped:
        return linear, _way(found, [])
    shorter = replace(
        linear,
        coef=np.ascontiguousarray(coef[:, kept]),
        intercept=intercept,
        names=tuple(linear.names[place] for place in kept),
        rows=linear.rows[:, kept] if sp.issparse(linear.rows) else np.ascontiguousarray(linear.rows[:, kept]),
    )
    return shorter, _way(found, dropped)


def _way(found: Weights, dropped: list[int]) -> Array:
    """Return the matrix that makes the average row's score and the features' weights of a summary's terms."""
    traced = found.trace
    kept = np.setdiff1d(np.arange(traced.matrix.shape[0]), dropped)
    to_weights = traced.matrix[kept].toarray().T
    for column, those in level_groups(traced):
        if traced.references[column] is None and abs(found.mean[those].sum() - 1) < 1e-9:
            to_weights[those] -= found.mean[those] @ to_weights[those]
    average = (traced.matrix @ found.mean + traced.offset)[kept]
    way = np.vstack([average, to_weights])
    if found.linear.has_intercept:
        way = np.column_stack([np.eye(1, len(way)).ravel(), way])
    return way


def _led_back(parts: list[Array], way: Array, kind: str) -> Array:
    """Return the covariance of scores and weights of all outputs, from those of summaries."""
    size, terms = way.shape
    if kind == "multinomial":
        n = len(parts[0]) // terms + 1
        blocks = parts[0].reshape(n - 1, terms, n - 1, terms)
        whole = np.zeros((n, size, n, size))
        for a in range(n - 1):
            for b in range(n - 1):
                whole[a + 1, :, b + 1, :] = _through(way, blocks[a, :, b, :])
        return whole
    whole = np.zeros((len(parts), size, len(parts), size))
    for o, part in enumerate(parts):
        whole[o, :, o, :] = _through(way, part)
    return whole


def _through(way: Array, covariance: Array) -> Array:
    """Return ``way @ covariance @ way.T``, NaN only where an unknown term takes part."""
    unknown = np.isnan(covariance).all(axis=1)
    led = way @ np.where(np.isnan(covariance), 0.0, covariance) @ way.T
    lost = (way[:, unknown] != 0).any(axis=1)
    led[lost] = np.nan
    led[:, lost] = np.nan
    return led


def _of_weights(covariance: Array, kind: str) -> Array:
    k, size = covariance.shape[:2]
    if kind == "multinomial":
        middle = np.eye(k) - 1 / k
        squares = np.einsum("ab,bpcp,ac->ap", middle, covariance, middle, optimize=True)
    else:
        squares = np.einsum("apap->ap", covariance)
    found: Array = np.sqrt(np.maximum(squares[:, 1:], 0.0))
    return found.reshape(k, size - 1)
