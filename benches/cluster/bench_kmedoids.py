"""FasterPAM over a given matrix of distances, from the same medoids, beside the package kmedoids.

Both take the same swaps, so the loss must be the same but for ties and rounding. On several threads kmedoids
searches in another order and ends in another, equally good, optimum.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from fulcra._bench import data, report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from fulcra.cluster import KMedoids
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances

from benches import command

PEER = "kmedoids"
N_SAMPLES = 5_000
# By how much losses may differ: on one thread, where the search is the same, and on more.
SAME, AS_GOOD = 1e-3, 1e-2


@dataclass(frozen=True)
class Medoids:
    """Distances of one dtype and so many medoids; how many times as fast as the peer fulcra means to be."""

    name: str
    n_clusters: int
    dtype: type
    asked: float = 1.3


CASES = (
    Medoids("5e3_k10", 10, np.float32),
    Medoids("5e3_k100", 100, np.float32),
    Medoids("5e3_k10_f64", 10, np.float64),
    Medoids("5e3_k100_f64", 100, np.float64),
)
COLUMNS = ("case", "threads", OURS, PEER, f"x {PEER}", "asked", "loss against theirs")


def _distances(dtype: type) -> NDArray[Any]:
    rows = data.mixture(N_SAMPLES, 16, 50, np.float64)
    return np.ascontiguousarray(pairwise_distances(rows), dtype=dtype)


def _loss(distances: NDArray[Any], medoids: NDArray[Any]) -> float:
    return float(distances[:, medoids].min(axis=1).sum(dtype=np.float64))


def _peer(distances: NDArray[Any], start: NDArray[np.int64], n_threads: int) -> NDArray[np.int64]:
    from kmedoids import fasterpam  # noqa: PLC0415  # peers load when measured

    found = fasterpam(distances, start.astype(np.uintp), max_iter=100, n_cpu=n_threads)
    return found.medoids.astype(np.int64)  # type: ignore[no-any-return]


def _measure(case: Medoids, n_threads: int, options: command.Options) -> tuple[str, ...]:
    distances = _distances(case.dtype)
    start = np.random.default_rng(1).permutation(N_SAMPLES)[: case.n_clusters]
    # With all that an estimator does besides: the matrix is looked through for what is no distance.
    model = KMedoids(case.n_clusters, metric="precomputed", init=start)
    calls: dict[str, Callable[[], NDArray[np.int64]]] = {OURS: lambda: model.fit(distances).medoid_indices_}
    if importlib.util.find_spec(PEER):
        calls[PEER] = partial(_peer, distances, start, n_threads)
    with timing.threads(n_threads):
        losses = {name: _loss(distances, call()) for name, call in calls.items()}
        apart = losses[OURS] / losses.get(PEER, losses[OURS]) - 1
        if abs(apart) > (SAME if n_threads == 1 else AS_GOOD):
            raise WrongAnswerError(f"{case.name}: fulcra's loss is {losses[OURS]}, {PEER}'s {losses[PEER]}")
        seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
    ratio = f"{seconds[PEER] / seconds[OURS]:.2f}" if PEER in seconds else "-"
    times = (report.milliseconds(seconds[name]) if name in seconds else "-" for name in (OURS, PEER))
    return case.name, str(n_threads), *times, ratio, f"{case.asked:g}", f"{apart:+.4%}"


def run(options: command.Options) -> command.Section:
    section = command.Section("FasterPAM over given distances (`KMedoids`), ms", COLUMNS)
    for case in CASES:
        if options.case in {None, case.name}:
            section.rows += [_measure(case, n_threads, options) for n_threads in options.threads]
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
