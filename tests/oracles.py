"""The definitions that fulcra's results are compared with, in plain NumPy and float64.

They form the whole (n, k) table of distances, one feature after the other, and are as slow as they are easy
to read.
"""

import itertools
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray


def squared_distances(X: ArrayLike, centers: ArrayLike) -> NDArray[np.float64]:
    """Direct differences: subtract, multiply, add, features in order; (n, k)."""
    rows = (X.toarray() if sp.issparse(X) else np.asarray(X)).astype(np.float64)
    centers = np.asarray(centers, dtype=np.float64)
    table = np.zeros((len(rows), len(centers)))
    for f in range(rows.shape[1]):
        difference = rows[:, f, np.newaxis] - centers[:, f]
        table += difference * difference
    return table


def nearest(X: ArrayLike, centers: ArrayLike) -> NDArray[np.intp]:
    """The definition of a label: the argmin of the direct difference, the lowest index on a tie; (n,)."""
    return squared_distances(X, centers).argmin(axis=1)


def wcss(X: ArrayLike, centers: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """The sum of weight times squared distance from the nearest center."""
    least = squared_distances(X, centers).min(axis=1)
    return float(least.sum() if sample_weight is None else np.asarray(sample_weight) @ least)


def means(
    X: ArrayLike, labels: ArrayLike, k: int, sample_weight: ArrayLike | None = None
) -> NDArray[np.float64]:
    """The weighted centroid of each cluster, none of them empty; (k, d)."""
    rows, labels = np.asarray(X, dtype=np.float64), np.asarray(labels)
    weights = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    return np.array(
        [np.average(rows[labels == j], axis=0, weights=weights[labels == j]) for j in range(k)],
        dtype=np.float64,
    )


def medoid_loss(distances: ArrayLike, medoids: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """The sum of weight times distance from the nearest medoid; distances (n, n)."""
    least = np.asarray(distances, dtype=np.float64)[:, list(medoids)].min(axis=1)
    return float(least.sum() if sample_weight is None else np.asarray(sample_weight) @ least)


def best_medoids(distances: ArrayLike, k: int, sample_weight: ArrayLike | None = None) -> float:
    """The least loss of all sets of k medoids."""
    sets = itertools.combinations(range(len(distances)), k)
    return min(medoid_loss(distances, medoids, sample_weight) for medoids in sets)


def best_swap(distances: ArrayLike, medoids: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """The least loss after one medoid was swapped for another row."""
    kept = list(medoids)
    swapped = (
        [*kept[:i], row, *kept[i + 1 :]]
        for i in range(len(kept))
        for row in range(len(distances))
        if row not in kept
    )
    return min((medoid_loss(distances, one, sample_weight) for one in swapped), default=np.inf)


def lloyd(
    X: ArrayLike, centers: ArrayLike, max_iter: int, sample_weight: ArrayLike | None = None
) -> tuple[NDArray[np.float64], int]:
    """Assign and update until no label changes; the centers and the iterations. No cluster may run empty."""
    centers, before, n_iter = np.asarray(centers, dtype=np.float64), None, 0
    while n_iter < max_iter:
        labels = nearest(X, centers)
        centers = means(X, labels, len(centers), sample_weight)
        n_iter += 1
        if before is not None and np.array_equal(labels, before):
            break
        before = labels
    return centers, n_iter


def minibatch(
    batches: Iterable[tuple[ArrayLike, ArrayLike | None]], centers: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each center becomes the mean of all that it ever got, a batch after the other; centers and counts."""
    centers = np.array(centers, dtype=np.float64)
    counts = np.zeros(len(centers))
    for X, sample_weight in batches:
        rows = (X.toarray() if sp.issparse(X) else np.asarray(X)).astype(np.float64)
        weights = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight)
        labels = nearest(rows, centers)
        for j in np.unique(labels[weights > 0]):
            own = labels == j
            total = counts[j] * centers[j] + weights[own] @ rows[own]
            counts[j] += weights[own].sum()
            centers[j] = total / counts[j]
    return centers, counts


def online(X: ArrayLike, centers: ArrayLike, eta: Callable[[float], float]) -> NDArray[np.float64]:
    """C_j += eta (x - C_j), a row after the other; eta of the count of rows that center j got."""
    centers = np.array(centers, dtype=np.float64)
    counts = np.zeros(len(centers))
    for x in np.asarray(X, dtype=np.float64):
        j = nearest(x[np.newaxis], centers)[0]
        counts[j] += 1
        centers[j] += eta(counts[j]) * (x - centers[j])
    return centers


def silhouettes(X: ArrayLike, labels: ArrayLike, metric: str = "euclidean") -> NDArray[np.float64]:
    """Rousseeuw's s(i) from the whole (n, n) table; 0 for the only row of a cluster."""
    rows = (X.toarray() if sp.issparse(X) else np.asarray(X)).astype(np.float64)
    labels = np.asarray(labels)
    if metric == "manhattan":
        table = np.abs(rows[:, np.newaxis] - rows).sum(axis=2)
    elif metric == "cosine":
        lengths = np.linalg.norm(rows, axis=1)
        table = 1 - rows @ rows.T / np.outer(lengths, lengths).clip(1e-300)
        np.fill_diagonal(table, 0)
    else:
        table = squared_distances(rows, rows)
        table = np.sqrt(table) if metric == "euclidean" else table
    result = np.zeros(len(rows))
    for i, label in enumerate(labels):
        own = labels == label
        if own.sum() > 1:
            a = table[i, own].sum() / (own.sum() - 1)
            b = min(table[i, labels == other].mean() for other in np.unique(labels[~own]))
            result[i] = (b - a) / max(a, b) if max(a, b) > 0 else 0
    return result


def fuzzy_memberships(X: ArrayLike, centers: ArrayLike, m: float) -> NDArray[np.float64]:
    """Bezdek's memberships for rows that are on no center; (n, k)."""
    distances = squared_distances(X, centers)
    ratios = distances[:, :, np.newaxis] / distances[:, np.newaxis, :]
    return 1 / (ratios ** (1 / (m - 1))).sum(axis=2)


def fuzzy_objective(
    X: ArrayLike, centers: ArrayLike, m: float, sample_weight: ArrayLike | None = None
) -> float:
    """The sum of weight times membership to the power m times squared distance."""
    parts = (fuzzy_memberships(X, centers, m) ** m * squared_distances(X, centers)).sum(axis=1)
    return float(parts.sum() if sample_weight is None else np.asarray(sample_weight) @ parts)


def fuzzy_c_means(
    X: ArrayLike, centers: ArrayLike, m: float, max_iter: int, sample_weight: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Memberships and centers in turns; the centers. No row may be on one."""
    rows = np.asarray(X, dtype=np.float64)
    centers = np.asarray(centers, dtype=np.float64)
    weights = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight)
    for _ in range(max_iter):
        distances = squared_distances(rows, centers)
        hit = distances == 0
        with np.errstate(divide="ignore", invalid="ignore"):
            u = np.where(hit.any(axis=1, keepdims=True), hit, fuzzy_memberships(rows, centers, m))
        pulls = weights[:, np.newaxis] * u**m
        centers = pulls.T @ rows / pulls.sum(axis=0)[:, np.newaxis]
    return centers


def manhattan(X: ArrayLike, centers: ArrayLike) -> NDArray[np.float64]:
    """Sums of absolute differences, features in order; (n, k)."""
    rows, centers = np.asarray(X, dtype=np.float64), np.asarray(centers, dtype=np.float64)
    table = np.zeros((len(rows), len(centers)))
    for f in range(rows.shape[1]):
        table += np.abs(rows[:, f, np.newaxis] - centers[:, f])
    return table


def lower_medians(
    X: ArrayLike, labels: ArrayLike, k: int, sample_weight: ArrayLike | None = None
) -> NDArray[np.float64]:
    """For each cluster and feature the least value that half of the weight is at or below; (k, d)."""
    rows, labels = np.asarray(X, dtype=np.float64), np.asarray(labels)
    weights = np.ones(len(rows), dtype=int) if sample_weight is None else np.asarray(sample_weight)
    centers = np.zeros((k, rows.shape[1]))
    for j in range(k):
        repeated = np.sort(np.repeat(rows[labels == j], weights[labels == j], axis=0), axis=0)
        centers[j] = repeated[(len(repeated) - 1) // 2]
    return centers


def median_loss(X: ArrayLike, labels: ArrayLike, sample_weight: ArrayLike) -> float:
    """The sum of weight times Manhattan distance from the own cluster's median."""
    rows, labels, weights = np.asarray(X), np.asarray(labels), np.asarray(sample_weight)
    centers = lower_medians(rows, labels, labels.max() + 1, weights)
    return float(weights @ np.abs(rows - centers[labels]).sum(axis=1))


def best_partition(n: int, k: int, loss: Callable[[NDArray[np.intp]], float]) -> float:
    """The least loss of all partitions of n rows into k clusters, none empty."""
    found = np.inf
    for rest in itertools.product(range(k), repeat=n - 1):
        labels = np.array([0, *rest])
        named = np.maximum.accumulate(labels)
        # Every partition once: a cluster's number is one more than those before it.
        if named[-1] == k - 1 and (labels[1:] <= named[:-1] + 1).all():
            found = min(found, loss(labels))
    return found


def best_intervals(x: ArrayLike, k: int, loss: Callable[[NDArray[np.float64]], float]) -> float:
    """Return the least total loss of values in k groups, which are intervals, by dynamic programming."""
    x = np.sort(np.asarray(x, dtype=np.float64))
    n = len(x)
    losses = {(a, b): loss(x[a:b]) for b in range(n + 1) for a in range(b)}
    # Of the first b values, in c groups.
    best = [0.0, *[np.inf] * n]
    for _ in range(k):
        best = [min([best[b], *(best[a] + losses[a, b] for a in range(b))]) for b in range(n + 1)]
    return best[-1]


def least_squares(
    X: ArrayLike, y: ArrayLike, penalty: float = 0.0, *, fit_intercept: bool = True
) -> tuple[NDArray[np.float64], float]:
    """Weights and intercept of a target that minimise squares plus penalty, by LAPACK's lstsq in float64."""
    rows, target = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    middle, level = (rows.mean(axis=0), target.mean()) if fit_intercept else (np.zeros(rows.shape[1]), 0.0)
    tall = np.vstack([rows - middle, np.sqrt(penalty) * np.eye(rows.shape[1])])
    coef = np.linalg.lstsq(tall, np.append(target - level, np.zeros(rows.shape[1])), rcond=None)[0]
    return coef, float(level - middle @ coef)


def exact_least_squares(
    X: ArrayLike, y: ArrayLike, penalty: float = 0.0, *, fit_intercept: bool = True
) -> NDArray[np.float64]:
    """The intercept (if any) and weights of float64 data, solved in fractions and rounded once."""
    rows = [[Fraction(float(value)) for value in row] for row in np.asarray(X)]
    target = [Fraction(float(value)) for value in np.asarray(y)]
    if fit_intercept:
        rows = [[Fraction(1), *row] for row in rows]
    d = len(rows[0])
    system = [
        [sum(row[i] * row[j] for row in rows) for j in range(d)]
        + [sum(row[i] * value for row, value in zip(rows, target, strict=True))]
        for i in range(d)
    ]
    for i in range(int(fit_intercept), d):
        system[i][i] += Fraction(float(penalty))
    for i in range(d):  # Gauss and Jordan; the matrix is positive definite, so no pivot is 0
        system[i] = [value / system[i][i] for value in system[i]]
        for k in range(d):
            if k != i:
                factor = system[k][i]
                system[k] = [a - factor * b for a, b in zip(system[k], system[i], strict=True)]
    return np.array([float(line[d]) for line in system])
