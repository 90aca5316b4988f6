"""Whether clusters are real: found again in halves of the rows, and more than one cloud cut into pieces."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import has_fit_parameter

from fulcra._reading.clustering import Clustering, rows_at
from fulcra._reading.columns import columns
from fulcra._reading.profile import Profile, compared, moments
from fulcra.metrics._gap import gap_beside, is_coarse, without_clusters
from fulcra.metrics._stability import gaps

#: Directions in which rows are held against uniform ones; those in which they spread most.
_MOST_AXES = 20
_N_REFERENCES = 20
#: Starts of each k-means on a half of the rows, so that a poor start is not taken for an unstable cluster.
_N_INIT = 3
_LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Evidence:
    """What became of the clusters in halves of the rows.

    Attributes
    ----------
    excess : float
        By how many standard errors log WCSS falls further than in rows without clusters; NaN where that
        cannot be said.
    parted : float
        The share of looks in which some cluster has a gap between itself and its nearest neighbour.
    stability : ndarray of shape (n_clusters,)
        Mean Jaccard similarity, over the halvings, of each cluster with the one that is found in its place.
    confirmed : ndarray of shape (n_clusters, n_features)
        The share of halvings in which the difference is found again.
    """

    excess: float
    parted: float
    stability: NDArray[np.float64]
    confirmed: NDArray[np.float64]


def evidence(
    described: Profile,
    weights: NDArray[np.float64],
    *,
    n_resamples: int,
    max_samples: int,
    draw: np.random.RandomState,
) -> Evidence:
    """Cluster halves of the rows, and see what of the clusters is found again.

    Parameters
    ----------
    described : Profile
        The clusters, and the differences that are to be confirmed.
    weights : ndarray of shape (n_samples,)
        Of the rows.
    n_resamples : int
        Halvings; in each, both halves are clustered, and each labels the other.
    max_samples : int
        Rows, drawn at random, that are looked at.
    draw : RandomState
        Draws rows, halves and starts.

    Returns
    -------
    Evidence
        Of the clusters that have rows; 0 elsewhere.
    """
    found, values = described.found, described.measured
    signs = np.sign(np.nan_to_num(described.differences))
    k = found.n_clusters
    some = np.flatnonzero((weights > 0) & (found.labels >= 0))
    some = np.sort(draw.permutation(some)[:max_samples])
    shared, parted = np.zeros(k), 0.0
    sampled = rows_at(found.rows, some)
    fine = _fine_columns(sampled, described.levels)
    confirmed = np.zeros(signs.shape)
    # Of all differences together one is confirmed by chance in a halving with probability 0.05 (Bonferroni).
    confidence = 1 - 0.05 / max(1, signs.size)
    for _ in range(n_resamples):
        order = draw.permutation(some)
        halves = order[: len(order) // 2], order[len(order) // 2 :]
        for one, other in (halves, halves[::-1]) if len(halves[0]) else ():
            model = _refitted(found, one, weights, draw.randint(_LARGEST_SEED))
            if model is None:
                continue
            mine, again = (_labels(model, found, half) for half in (one, other))
            known, new = (fine[np.searchsorted(some, half)] for half in (one, other))
            parted += gaps(new, again, _means(known, mine, k)).any()
            again = _matched(found.labels[other], again, k)
            shared += _jaccard(found.labels[other], again, weights[other], k)
            differences, low, high = compared(moments(values[other], weights[other], again, k), confidence)
            confirmed += np.where(signs > 0, low > 0, high < 0) & (np.sign(differences) == signs)
    looks = max(1, 2 * n_resamples)
    excess = _excess(sampled, k, described.levels, draw)
    return Evidence(excess, parted / looks, shared / looks, confirmed / looks)


def _refitted(
    found: Clustering, which: NDArray[np.intp], weights: NDArray[np.float64], seed: int
) -> Any | None:
    """Cluster some rows anew; None where they have too few distinct ones."""
    model = _fresh(found.clusterer, found.n_clusters, seed)
    rows = rows_at(found.rows, which)
    weigh = not (weights[which] == 1).all() and has_fit_parameter(model, "sample_weight")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            model = model.fit(rows, sample_weight=weights[which]) if weigh else model.fit(rows)
        except ValueError:
            return None
    if hasattr(model, "predict"):
        return model
    from sklearn.neighbors import NearestCentroid  # noqa: PLC0415 - for clusterers without predict

    if len(np.unique(model.labels_)) < 2:
        return None
    return NearestCentroid().fit(rows, model.labels_)


def _labels(model: Any, found: Clustering, which: NDArray[np.intp]) -> NDArray[np.intp]:
    """Label rows by a model that was fitted to some."""
    return np.asarray(model.predict(rows_at(found.rows, which))).astype(np.intp)


def _means(rows: NDArray[np.float64], labels: NDArray[np.intp], k: int) -> NDArray[np.float64]:
    """Return the mean of each cluster, NaN where it has no rows."""
    inside = labels >= 0
    k = max(k, int(labels.max(initial=0)) + 1)
    counts = np.bincount(labels[inside], minlength=k).astype(np.float64)[:, np.newaxis]
    sums = np.zeros((k, rows.shape[1]))
    np.add.at(sums, labels[inside], rows[inside])
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _fine_columns(rows: Any, levels: Sequence[NDArray[np.intp]]) -> NDArray[np.float64]:
    """Return what gaps can be seen in, numbers of many values, (n_samples, n_columns); none of CSR rows."""
    if sp.issparse(rows):
        return np.empty((rows.shape[0], 0))
    if hasattr(rows, "columns"):
        rows, levels = _as_numbers(rows)
    numbers = np.asarray(rows, dtype=np.float64)
    kept = np.ones(numbers.shape[1], dtype=bool)
    kept[np.concatenate([np.empty(0, dtype=np.intp), *levels])] = False
    kept[kept] = [not is_coarse(numbers[:, f]) for f in np.flatnonzero(kept)]
    return numbers[:, kept]


def _fresh(clusterer: Any, n_clusters: int, seed: int) -> Any:
    """Return an unfitted model of the same kind, that knows nothing of these clusters.

    scikit-learn's k-means is replaced by ours: the same centers are sought, and found sooner.
    """
    from fulcra import cluster  # noqa: PLC0415 - the room above

    kind = type(clusterer)
    given = clusterer.get_params(deep=False)
    ours = getattr(cluster, kind.__name__, None) if kind.__module__.startswith("sklearn.cluster.") else None
    model = ours() if ours is not None else clone(clusterer)
    known = model.get_params(deep=False)
    changed = {name: value for name, value in given.items() if name in known} if ours is not None else {}
    changed |= {name: None for name in ("means_init", "weights_init", "precisions_init") if name in known}
    if "n_clusters" in known:
        changed["n_clusters"] = n_clusters
    if "random_state" in known:
        changed["random_state"] = seed
    if not isinstance(given.get("init"), str):
        changed |= {"init": kind().get_params(deep=False)["init"]} if "init" in known else {}
    if given.get("n_init") in ("auto", 1):
        changed["n_init"] = _N_INIT
    if "verbose" in known:
        changed["verbose"] = 0
    return model.set_params(**changed)


def _matched(old: NDArray[np.intp], new: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """Rename new labels after the old ones that they share most rows with, each at most once; else -1."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - slow to load

    table = np.zeros((k, max(k, int(new.max(initial=0)) + 1)))
    inside = new >= 0
    np.add.at(table, (old[inside], new[inside]), 1)
    ones, others = linear_sum_assignment(table, maximize=True)
    names = np.full(table.shape[1], -1)
    names[others] = ones
    return np.where(inside, names[np.maximum(new, 0)], -1)


def _jaccard(
    old: NDArray[np.intp], new: NDArray[np.intp], weights: NDArray[np.float64], k: int
) -> NDArray[np.float64]:
    inside = new >= 0
    both = np.bincount(old[old == new], weights[old == new], k)
    either = np.bincount(old, weights, k) + np.bincount(new[inside], weights[inside], k) - both
    shared: NDArray[np.float64] = np.divide(both, either, out=np.zeros(k), where=either > 0)
    return shared


def _excess(rows: Any, k: int, levels: Sequence[NDArray[np.intp]], draw: np.random.RandomState) -> float:
    """Return by how many standard errors k clusters are more than rows without clusters have."""
    if k < 2 or k >= rows.shape[0]:
        return float("nan")
    if hasattr(rows, "columns"):
        rows, levels = _as_numbers(rows)
    if sp.issparse(rows):
        rows, levels = _on_most_axes(rows, draw), ()
    whole, drawn = without_clusters(
        np.asarray(rows, dtype=np.float64), levels, lambda others: _on_most_axes(others, draw)
    )
    if np.ptp(whole, axis=0).max(initial=0) == 0:
        return float("nan")
    gap = gap_beside(
        whole, np.array([1, k]), lambda: drawn(draw), n_references=_N_REFERENCES, n_init=_N_INIT, draw=draw
    )
    return float(gap.excess()[-1])


def _as_numbers(frame: Any) -> tuple[NDArray[np.float64], list[NDArray[np.intp]]]:
    """Return a frame's numbers, and which are levels; where it has others, all have a deviation of one."""
    table = columns(frame)
    values: NDArray[np.float64] = table.values
    if table.is_number.all():
        return values, []
    spread = np.nanstd(values, axis=0)
    scaled = np.nan_to_num((values - np.nanmean(values, axis=0)) / np.where(spread > 0, spread, 1))
    worded = np.unique(table.source[~table.is_number])
    return scaled, [np.flatnonzero(table.source == column) for column in worded]


def _on_most_axes(rows: Any, draw: np.random.RandomState) -> NDArray[np.float64]:
    """Return the rows in the directions in which they spread most, where there are many."""
    if not sp.issparse(rows) and rows.shape[1] <= _MOST_AXES:
        return np.asarray(rows, dtype=np.float64)
    from sklearn.decomposition import PCA, TruncatedSVD  # noqa: PLC0415 - a third of scikit-learn

    n_axes = min(_MOST_AXES, min(rows.shape) - 1)
    if n_axes < 1:
        return np.asarray(rows.toarray() if sp.issparse(rows) else rows, dtype=np.float64)
    kind = TruncatedSVD if sp.issparse(rows) else PCA
    axes = kind(n_axes, random_state=draw.randint(_LARGEST_SEED))
    found: NDArray[np.float64] = axes.fit_transform(rows).astype(np.float64)
    return found
