"""What happened in a fit, and what is wrong with its clusters, in words: `diagnostics_`.

The core counts and tests (see `diagnosis.rs`); the sentences are made here.
"""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra import _core

#: A fit that is stopped while its inertia falls by less than this share in as many iterations goes back and
#: forth.
_STANDSTILL, _ITERATIONS = 1e-6, 5

_GIVEN = {
    "farthest": "the farthest rows",
    "random": "rows drawn at random",
    "split": "halves of the clusters with the largest sums of squares",
}


def of_kmeans(model: Any, found: _core.KMeansFit, X: Any) -> list[str]:
    """Return the sentences of a `KMeans` with what the core `found` in X, empty where nothing is to say."""
    said = _lost(found.lost, model.empty_clusters)
    if found.n_found < model.n_clusters:
        said.append(_without_rows(found.labels, model.n_clusters))
    if found.trimmed is not None:
        said.append(_trimmed(found.trimmed, model.trim))
    if found.held:
        said.append(
            f"Centers were held short of their means in {found.held} of {_times(found.n_iter, 'iteration')} "
            f"(max_shift={model.max_shift})."
        )
    if found.stop_reason == "max_iter":
        said.append(_unconverged(model, found, X))
    return said + findings(found.findings, model.trim)


def findings(found: "_core.Findings", trim: float = 0.0) -> list[str]:
    """Return a sentence for each finding of the core in what is left of the rows after `trim`."""
    lone, outlying, hollow = found
    share = sum(share for _, _, share, _ in lone + outlying)
    # Rounded up, so that no row is left over.
    enough = ceil(1000 * (trim + (1 - trim) * share)) / 1000
    help_ = f"trim={enough:g} leaves as many out, and KMedians and KMedoids are not drawn to"
    said = []
    for cluster, rows, _, times in lone:
        one = rows == 1
        said.append(
            f"Cluster {cluster} holds {_times(rows, 'row')}, {times:.0f} times its neighbors' spread (the "
            "mean distance from their center) away from the center of any larger cluster: "
            f"{'an outlier has' if one else 'outliers have'} a cluster of {'its' if one else 'their'} own; "
            f"{help_} {'it' if one else 'them'}."
        )
    for cluster, rows, _, times in outlying:
        one = rows == 1
        said.append(
            f"Cluster {cluster} has {'an outlier' if one else f'{rows} outliers'}: {_times(rows, 'row')} at "
            f"{'' if one else 'least '}{times:.0f} times the mean distance of the others; {help_} "
            f"{'it' if one else 'them'}."
        )
    for cluster, near, looked_at in hollow:
        said.append(
            f"The center of cluster {cluster} is in a sparse region, between groups: {near} of {looked_at} "
            f"rows are near it, where one group would have {looked_at // 4} or more; a larger n_clusters, "
            "a larger n_init, refine='breathing' or init='density' may part them."
        )
    return said


def of_minibatch(model: Any, found: _core.MiniBatchFit) -> list[str]:
    """Return the sentences on the batches of a `MiniBatchKMeans`, empty where nothing is to say."""
    said = []
    by_batch = found.history["reassigned"]
    if by_batch.any():
        batches = (np.flatnonzero(by_batch) + 1).tolist()
        said.append(
            "Centers that got next to no rows were put on rows of the batch, "
            f"{_times(by_batch.sum(), 'time')}, in {_listed('batch', batches)} "
            f"(reassignment_ratio={model.reassignment_ratio:g})."
        )
    if found.held:
        said.append(
            f"Centers were held short in {found.held} of {_times(len(by_batch), 'batch')} "
            f"(max_shift={model.max_shift})."
        )
    if found.stop_reason == "max_iter" and (model.tol > 0 or model.max_no_improvement is not None):
        said.append(
            f"The fit stopped at max_iter={model.max_iter}, before converging; a larger max_iter goes on."
        )
    return said


def _lost(lost: Sequence[tuple[int, int, int]], how: str) -> list[str]:
    given = [(iteration + 1, refilled) for iteration, _, refilled in lost if refilled]
    if not given:
        return []
    n_clusters = sum(refilled for _, refilled in given)
    were = "was" if n_clusters == 1 else "were"
    return [
        f"{_times(n_clusters, 'cluster')} lost all rows in "
        f"{_listed('iteration', [iteration for iteration, _ in given])} and {were} given {_GIVEN[how]} "
        f"(empty_clusters={how!r})."
    ]


def _without_rows(labels: NDArray[np.int32], n_clusters: int) -> str:
    counts = np.bincount(labels, minlength=n_clusters)
    empty = np.flatnonzero(counts == 0).tolist()
    have = "has" if len(empty) == 1 else "have"
    return (
        f"{_listed('cluster', empty).capitalize()} {have} no rows: X has fewer distinct rows than "
        f"n_clusters={n_clusters}, or max_iter ended the fit too soon; n_clusters={n_clusters - len(empty)} "
        "would do."
    )


def _trimmed(trimmed: NDArray[np.bool_], share: float) -> str:
    rows = int(np.count_nonzero(trimmed))
    if not rows:
        return f"No rows are trimmed: trim={share:g} of the weight is less than the farthest row has."
    take = "takes" if rows == 1 else "take"
    return (
        f"{rows} of {len(trimmed)} rows, the farthest from the centers, {take} no part in the means and the "
        f"inertia (trim={share:g})."
    )


def _unconverged(model: Any, found: _core.KMeansFit, X: Any) -> str:
    moved = int(found.history["moved"][-1])
    inertia = found.history["inertia"][-_ITERATIONS - 1 :]
    # The inertia of sparse rows far from the origin is too coarse to tell.
    still = len(inertia) > _ITERATIONS and inertia[0] - inertia[-1] <= _STANDSTILL * inertia[0]
    if still and not sp.issparse(X):
        return (
            f"The fit oscillates: at max_iter={model.max_iter}, {_times(moved, 'row')} still changed "
            f"cluster, but the inertia fell by less than a millionth in the last {_ITERATIONS} iterations; "
            f"inertia_tol={_STANDSTILL:g} or a larger tol stops there."
        )
    return (
        f"The fit stopped at max_iter={model.max_iter}, before converging: {_times(moved, 'row')} changed "
        "cluster in the last iteration; a larger max_iter goes on."
    )


def _times(number: int, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("ch") else "s")
    return f"{number} {noun if number == 1 else plural}"


def _listed(noun: str, numbers: Iterable[int]) -> str:
    """Return 'iteration 3', 'iterations 3 and 5', or the first few of many."""
    most = 5
    names = [str(number) for number in numbers]
    if len(names) == 1:
        return f"{noun} {names[0]}"
    plural = noun + ("es" if noun.endswith("ch") else "s")
    if len(names) > most:
        return f"{plural} {', '.join(names[:most])} and {len(names) - most} more"
    return f"{plural} {', '.join(names[:-1])} and {names[-1]}"
