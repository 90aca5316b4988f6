"""What the rows of each cluster are like, in the table's own columns and units."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra import _core
from fulcra._base import Data, check_weights
from fulcra._reading.clustering import Clustering, clustering
from fulcra._reading.columns import Columns, columns, known_columns
from fulcra._reading.large_values import large_values_named
from fulcra._reading.undoing import made_of, undone

_ROWS_AT_A_TIME = 65_536


@dataclass(frozen=True)
class Profile:
    """What the rows of each cluster are like.

    Attributes
    ----------
    features : tuple of str
        Names, one for each feature: a column of numbers, or "column = level".
    labels : ndarray of shape (n_samples,), intp
        Each row's cluster; -1 for none.
    sizes : ndarray of shape (n_clusters,), float64
        Sums of weights, which are rows where no weights are given.
    centers : ndarray of shape (n_clusters, n_features)
        The model's centers in the table's units; where there is no way back (levels, columns mixed by the
        steps of a Pipeline), the means of the clusters' rows.
    means : ndarray of shape (n_clusters, n_features)
        Means of the clusters' rows, in the table's units; NaN in a cluster without rows.
    mean, spread : ndarray of shape (n_features,)
        Mean and standard deviation of all rows, in the table's units.
    differences : ndarray of shape (n_clusters, n_features)
        Mean of the cluster less that of all other rows, in standard deviations of all rows. On the scale on
        which the model measures (after a logarithm, say) where one of its columns is this one.
    low, high : ndarray of shape (n_clusters, n_features)
        Confidence interval of each difference (Welch 1947).
    scores : ndarray of shape (n_clusters, n_features)
        Mean of the cluster less that of all rows, in standard deviations of all rows, on the same scale.
    within : ndarray of shape (n_clusters, n_features)
        Standard deviation within each cluster, in standard deviations of all rows, on the same scale.
    measured : {ndarray, CSR matrix} of shape (n_samples, n_features)
        What differences are taken of: the table's values, on that scale.
    levels : tuple of ndarray
        For each column of levels, the columns of the model that it became.
    table : Columns
        The rows in their own columns.
    found : Clustering
        The model, and what it said.
    """

    features: tuple[str, ...]
    labels: NDArray[np.intp]
    sizes: NDArray[np.float64]
    centers: NDArray[np.float64]
    means: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    differences: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    scores: NDArray[np.float64]
    within: NDArray[np.float64]
    measured: Any
    levels: tuple[NDArray[np.intp], ...]
    table: Columns
    found: Clustering


def profile(
    model: Any,
    X: Data,
    *,
    sample_weight: Data = None,
    confidence: float = 0.95,
) -> Profile:
    """Describe the clusters of a fitted model in the columns of a table.

    Parameters
    ----------
    model : estimator
        A fitted clusterer, or a Pipeline that ends in one; ours or scikit-learn's.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The table, as it is given to the model's `predict`.
    sample_weight : array-like of shape (n_samples,), default=None
        How many rows each stands for; None: one.
    confidence : float, default=0.95
        That of the intervals.

    Returns
    -------
    Profile
        The description.

    Raises
    ------
    TypeError
        If the model is not a clusterer.
    NotFittedError
        If it is not fitted.
    ValueError
        If X does not suit it, or the weights are unusable.
    """
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    found = clustering(model, X)
    weights = as_repetitions(check_weights(sample_weight, found.rows), found.rows.shape[0])
    transformers = found.transformers
    if np.ndim(X) == 1:  # texts, say: what the first step makes of them is the table
        names: Any = transformers[0].get_feature_names_out()
        table = columns(transformers[0].transform(X), names)
        transformers = transformers[1:]
        made = made_of(transformers, len(table.table))
    else:
        table, made = seen_table(model, transformers, X)
    values = table.values
    on_scale = _on_the_models_scale(found.rows, table, made) if transformers else values
    with large_values_named():
        sums = moments(values, weights, found.labels, found.n_clusters)
        scaled = sums if on_scale is values else moments(on_scale, weights, found.labels, found.n_clusters)
    mean, spread = sums.overall()
    differences, low, high = compared(scaled, confidence)
    middle, unit = scaled.overall()
    per = np.divide(1.0, unit, out=np.zeros_like(unit), where=unit > 0)
    means, inside = sums.means(), found.labels >= 0
    return Profile(
        features=table.names,
        labels=found.labels,
        sizes=np.bincount(found.labels[inside], weights[inside], found.n_clusters).astype(np.float64),
        centers=_centers(found.centers, transformers, table, means),
        means=means,
        mean=mean,
        spread=spread,
        differences=differences,
        low=low,
        high=high,
        scores=(scaled.means() - middle) * per,
        within=np.sqrt(scaled.variances()) * per,
        measured=on_scale,
        levels=_levels(table, made),
        table=table,
        found=found,
    )


def seen_table(model: Any, transformers: list[Any], X: Data) -> tuple[Columns, sp.csr_matrix]:
    """Read what a model sees of a table.

    Parameters
    ----------
    model : estimator
        Fitted.
    transformers : list of estimator
        Its steps in front of the clusterer.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The table, as it is given to the model's `predict`.

    Returns
    -------
    table : Columns
        The columns that reach the clusterer, by name where they have names.
    made : CSR matrix of shape (n_model_columns, n_columns)
        What the model's columns are made of; see `made_of`.
    """
    X = known_columns(model, X)
    names: Any = getattr(model, "feature_names_in_", None)
    table = columns(X, names if np.shape(names) == (np.shape(X)[1],) else None)
    made = made_of(transformers, len(table.table))
    return _picked(table, np.flatnonzero(made.sum(axis=0).A1[table.source] > 0)), made


def as_repetitions(weights: NDArray[np.float64] | None, n_samples: int) -> NDArray[np.float64]:
    """Return how many rows each stands for.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,) or None
        As they were given.
    n_samples : int
        Rows.

    Returns
    -------
    ndarray of shape (n_samples,)
        The weights; where they sum to less than as many rows with different weights are worth, (sum w)^2 /
        sum w^2 (Kish 1965), they are taken for shares, and sum to that.
    """
    if weights is None:
        return np.ones(n_samples)
    worth = weights.sum() ** 2 / np.square(weights).sum()
    return weights * (worth / weights.sum()) if weights.sum() < worth else weights


@dataclass(frozen=True)
class Moments:
    """Sums by cluster, of the values that are not missing, around a middle that costs them no digits.

    Attributes
    ----------
    middle : ndarray of shape (n_features,)
        What was taken off each value.
    weight, first, second : ndarray of shape (n_clusters, n_features)
        Sums of weights, of values and of their squares.
    """

    middle: NDArray[np.float64]
    weight: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]

    def means(self) -> NDArray[np.float64]:
        """Return the mean of each cluster, NaN where it has no rows."""
        return self.middle + _ratio(self.first, self.weight)

    def variances(self) -> NDArray[np.float64]:
        """Return the variance within each cluster, with n - 1; NaN below two rows."""
        return _variance(self.weight, self.first, self.second)

    def overall(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean and the standard deviation of all rows."""
        total = [part.sum(axis=0) for part in (self.weight, self.first, self.second)]
        return self.middle + _ratio(total[1], total[0]), np.sqrt(np.nan_to_num(_variance(*total)))

    def others(self) -> "Moments":
        """Return those of the rows that are not in each cluster."""
        rest = [part.sum(axis=0) - part for part in (self.weight, self.first, self.second)]
        return Moments(self.middle, *rest)


def _ratio(sums: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.divide(sums, weight, out=np.full(sums.shape, np.nan), where=weight > 0)
    return result


def _variance(
    weight: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    squares = np.maximum(second - np.nan_to_num(_ratio(first * first, weight)), 0)
    result: NDArray[np.float64] = np.divide(
        squares, weight - 1, out=np.full(squares.shape, np.nan), where=weight > 1
    )
    return result


def moments(values: Any, weights: NDArray[np.float64], labels: NDArray[np.intp], n_clusters: int) -> Moments:
    """Add up values and their squares by cluster.

    Parameters
    ----------
    values : ndarray or CSR matrix of shape (n_samples, n_features)
        NaN is left out, as is every row with a negative label.
    weights : ndarray of shape (n_samples,)
        Not negative.
    labels : ndarray of shape (n_samples,)
        Clusters.
    n_clusters : int
        How many.

    Returns
    -------
    Moments
        The sums.
    """
    n_samples, n_features = values.shape
    if sp.issparse(values):
        inside = np.flatnonzero(labels >= 0)
        member = sp.csr_matrix((weights[inside], (labels[inside], inside)), shape=(n_clusters, n_samples))
        weight = np.repeat(np.asarray(member.sum(axis=1)), n_features, axis=1)
        total = weight[:, 0].sum()
        middle = (
            np.asarray(member.sum(axis=0) @ values).ravel() / total if total > 0 else np.zeros(n_features)
        )
        # Stored values less the middle, and for those that are not stored the middle itself.
        stored = values.astype(np.float64)
        stored.data = stored.data - middle[stored.indices]
        held = member @ sp.csr_matrix(
            (np.ones(stored.nnz), stored.indices, stored.indptr), shape=stored.shape
        )
        empty = weight - held.toarray()
        first = (member @ stored).toarray() - empty * middle
        stored.data = stored.data**2
        return Moments(middle, weight, first, (member @ stored).toarray() + empty * middle**2)
    sample = values[:: max(1, n_samples // 1000)]
    middle = np.nan_to_num(_mean_of_known(sample))
    total = np.zeros((3, n_clusters, n_features))
    for start in range(0, n_samples, _ROWS_AT_A_TIME):
        part = slice(start, start + _ROWS_AT_A_TIME)
        taken = labels[part] >= 0
        block = values[part][taken] - middle
        known = ~np.isnan(block)
        block[~known] = 0
        stacked = np.hstack([known.astype(np.float64), block, block * block])
        if len(stacked) == 0:
            continue
        own = np.ascontiguousarray(labels[part][taken], dtype=np.int32)
        means, weight, _, _ = _core.cluster_scatter(stacked, weights[part][taken], own, n_clusters)
        sums = np.nan_to_num(means) * weight[:, np.newaxis]
        total += sums.reshape(n_clusters, 3, n_features).swapaxes(0, 1)
    return Moments(middle, *total)


def _mean_of_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0).sum(axis=0), known.sum(axis=0).astype(np.float64))


def compared(
    sums: Moments, confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return by how much each cluster differs from the other rows, with an interval.

    Parameters
    ----------
    sums : Moments
        By cluster.
    confidence : float
        Of each interval, 0 to 1.

    Returns
    -------
    differences, low, high : ndarray of shape (n_clusters, n_features)
        In standard deviations of all rows; 0 where those are 0; NaN where a cluster, or the rest, has no
        rows. Of one row there is no interval: NaN.

    References
    ----------
    Welch (1947), "The generalization of 'Student's' problem when several different population variances are
    involved", Biometrika 34.
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - slow to load

    rest = sums.others()
    unit = sums.overall()[1]
    per = np.divide(1.0, unit, out=np.zeros_like(unit), where=unit > 0)
    own_variance: NDArray[np.float64] = sums.variances()
    rest_variance: NDArray[np.float64] = rest.variances()
    own_variance = np.where(np.isnan(own_variance), rest_variance, own_variance)
    rest_variance = np.where(np.isnan(rest_variance), own_variance, rest_variance)
    errors = (
        _ratio(np.nan_to_num(own_variance), sums.weight),
        _ratio(np.nan_to_num(rest_variance), rest.weight),
    )
    squared = errors[0] + errors[1]
    # Welch and Satterthwaite's degrees of freedom.
    bottom = sum(
        error**2 / np.maximum(weight - 1, 1)
        for error, weight in zip(errors, (sums.weight, rest.weight), strict=True)
    )
    freedom = np.divide(squared**2, bottom, out=np.ones_like(squared), where=bottom > 0)
    differences = (sums.means() - rest.means()) * per
    half = stdtrit(np.maximum(freedom, 1.0), (1 + confidence) / 2) * np.sqrt(squared) * per
    return differences, differences - half, differences + half


def _picked(table: Columns, which: NDArray[np.intp]) -> Columns:
    if len(which) == len(table.names):
        return table

    def pick(things: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(things[place] for place in which)

    return Columns(
        pick(table.names),
        table.values[:, which],
        table.source[which],
        pick(table.levels),
        pick(table.opposites),
        table.table,
        table.index,
    )


def _on_the_models_scale(rows: Any, table: Columns, made: sp.csr_matrix) -> Any:
    """Return the values on which the model measures, where one of its columns is one of the table's."""
    if sp.issparse(rows) or sp.issparse(table.values):
        return table.values
    alone = np.diff(made.indptr) == 1
    scaled: Any = table.values
    for place in np.flatnonzero(table.is_number):
        becomes = made[:, table.source[place]].nonzero()[0]
        if len(becomes) == 1 and alone[becomes[0]]:
            if scaled is table.values:
                scaled = table.values.copy()
            column = int(becomes[0])
            scaled[:, place] = rows.iloc[:, column] if hasattr(rows, "iloc") else rows[:, column]
    return scaled


def _levels(table: Columns, made: sp.csr_matrix) -> tuple[NDArray[np.intp], ...]:
    """Return the columns of the model that are made of one column of levels each."""
    alone = np.diff(made.indptr) == 1
    found = (made[:, source].nonzero()[0] for source in np.unique(table.source[~table.is_number]))
    return tuple(columns[alone[columns]] for columns in found if alone[columns].any())


def _centers(
    centers: NDArray[np.float64] | None, transformers: list[Any], table: Columns, means: NDArray[np.float64]
) -> NDArray[np.float64]:
    if centers is None:
        return means
    back = undone(transformers, centers)
    if back.shape[1] != len(table.table):
        return means
    known = back[:, table.source]
    known[:, ~table.is_number] = np.nan
    return np.where(np.isnan(known), means, known)
