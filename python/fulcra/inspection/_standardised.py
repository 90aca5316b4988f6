"""What debugging looks at: columns on a common scale, and errors of their weights."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit, ndtri, softmax, stdtrit

from fulcra._reading.weights import Weights, level_groups, moments

#: Rows that are looked at: enough for every threshold here; of more, so many at equal distances.
_MOST_ROWS = 50_000
#: Features from which on columns are not compared with each other.
MOST_FEATURES = 500
#: Below this share of the largest, a direction in which columns vary is rounding.
_NO_SPREAD = 1e-13


@dataclass(frozen=True)
class Standardised:
    """Features with mean 0 and standard deviation 1, those of one value left out.

    Attributes
    ----------
    found : Weights
        The model's weights.
    kept : ndarray of shape (n_kept,), intp
        Places of the features; of the levels of a column one is left out where the encoder left none.
    Z : ndarray of shape (n_samples, n_kept)
        The rows.
    y : ndarray of shape (n_samples, n_outputs), or None
        Targets; of classes 1 where a row is of the class.
    share : ndarray of shape (n_samples,)
        Each row's share of all weights.
    n_rows : float
        How many rows of equal weight say as much.
    effects : ndarray of shape (n_outputs, n_kept)
        By how much a score rises with one standard deviation of the feature.
    """

    found: Weights
    kept: NDArray[np.intp]
    Z: NDArray[np.float64]
    y: NDArray[np.float64] | None
    share: NDArray[np.float64]
    n_rows: float
    effects: NDArray[np.float64]

    @property
    def column(self) -> NDArray[np.intp]:
        """Of which of the trace's columns each feature is, (n_kept,)."""
        return self.found.trace.column[self.kept]

    @cached_property
    def correlation(self) -> NDArray[np.float64]:
        """Correlations of the features, (n_kept, n_kept)."""
        return (self.Z.T * self.share) @ self.Z

    @cached_property
    def precision(self) -> NDArray[np.float64]:
        """The inverse of the correlations, (n_kept, n_kept); very large where there is none."""
        return inverse(self.correlation)

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """Of the rows, (n_samples, n_outputs), but for a constant of each output."""
        return self.Z @ self.effects.T

    def quantile(self, alpha: float) -> float:
        """Return how many errors from 0 an effect is by chance only with probability alpha, either way."""
        left = self.n_rows - len(self.kept) - 1
        if self.found.linear.kind == "linear":
            return float(stdtrit(left, 1 - alpha / 2))
        return float(ndtri(1 - alpha / 2))

    def moved(self, output: int, column: int) -> NDArray[np.float64]:
        """Return how far a column moves each row's score from the average, (n_samples,)."""
        those = self.column == column
        moved: NDArray[np.float64] = self.Z[:, those] @ self.effects[output, those]
        return moved

    def means(self) -> NDArray[np.float64]:
        """Return what the model predicts for each row: a number, probability or count."""
        scores = self.scores + (self.found.intercept + self.found.weights @ self.found.mean)
        if self.found.linear.kind == "logistic":
            found: NDArray[np.float64] = expit(scores)
        elif self.found.linear.kind == "multinomial":
            found = softmax(scores, axis=1)
        else:
            found = np.exp(np.minimum(scores, 700.0)) if self.found.linear.kind == "poisson" else scores
        return found

    @cached_property
    def covariances(self) -> list[NDArray[np.float64]]:
        """Of the effects of each output, as they would be without a penalty, (n_kept, n_kept) each.

        A penalty makes weights steadier than that, so what stands out here stands out.
        """
        p = len(self.kept)
        if self.y is None:
            return []
        means = self.means()
        if self.found.linear.kind == "linear":
            left = max(self.n_rows - p - 1, 1.0) / self.n_rows
            square = (self.share @ (self.y - means) ** 2) / left
            return [one * self.precision / self.n_rows for one in square]
        found = []
        for mean in means.T:
            information = self.share * (mean if self.found.linear.kind == "poisson" else mean * (1 - mean))
            total = information.sum()
            middle = (information @ self.Z) / total if total > 0 else np.zeros(p)
            away = self.Z - middle
            found.append(inverse((away.T * information) @ away) / self.n_rows)
        return found


def inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inverse of a covariance; where there is none, with the smallest variance that can be told.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Symmetric, not negative.

    Returns
    -------
    ndarray of shape (n, n)
        Finite.
    """
    values, ways = np.linalg.eigh(matrix)
    floor = max(values.max(initial=0.0), 1e-300) * _NO_SPREAD
    inverted: NDArray[np.float64] = (ways / np.maximum(values, floor)) @ ways.T
    return inverted


def standardised(found: Weights) -> Standardised | None:
    """Put the features of a table on a common scale.

    Parameters
    ----------
    found : Weights
        With rows.

    Returns
    -------
    Standardised or None
        None without rows, or where there are too many features to compare.
    """
    traced = found.trace
    if found.share is None or len(traced.features) > MOST_FEATURES:
        return None
    n = len(found.share)
    step = -(-n // _MOST_ROWS)
    share = found.share[::step] / found.share[::step].sum()
    values = traced.values[::step]
    values = values.toarray() if sp.issparse(values) else values
    spread = found.spread
    if step > 1:
        _, spread = moments(values, share)
    left_out = {
        int(those[np.argmax(found.mean[those])])
        for column, those in level_groups(traced)
        if traced.references[column] is None and abs(found.mean[those].sum() - 1) < 1e-9
    }
    kept = np.array([f for f in np.flatnonzero(spread > 0) if f not in left_out], dtype=np.intp)
    weights = found.weights.copy()
    for place in left_out:
        same = traced.column == traced.column[place]
        weights[:, same] -= weights[:, [place]]
    scale = spread[kept]
    return Standardised(
        found,
        kept,
        (values[:, kept] - share @ values[:, kept]) / scale,
        _targets(found, step),
        share,
        float(1 / (found.share @ found.share)),
        weights[:, kept] * scale,
    )


def _targets(found: Weights, step: int) -> NDArray[np.float64] | None:
    y = found.linear.y
    if y is None:
        return None
    y = y[::step]
    if found.linear.kind == "multinomial":
        return np.asarray(y[:, np.newaxis] == np.arange(len(found.weights)), dtype=np.float64)
    return np.asarray(y.reshape(len(y), -1), dtype=np.float64)
