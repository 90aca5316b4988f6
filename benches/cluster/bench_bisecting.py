"""Bisecting k-means beside scikit-learn's: the same draws, until no row changes its cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn.cluster
from fulcra._bench import data, report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from fulcra.cluster import BisectingKMeans

from benches import command

PEER = "scikit-learn"
# Sums of squares of float64 rows agree to this. float32 leaves scikit-learn in doubt about some rows of a
# bisection, and the next ones then draw others: local optima lie within the second.
SAME, OPTIMA = 1e-9, 0.1


@dataclass(frozen=True)
class Bisecting:
    """How many rows, columns and clusters; how many times as fast fulcra means to be."""

    name: str
    shape: tuple[int, int, int]
    kind: type[np.floating]
    asked: str


CASES = (
    Bisecting("1e6x16_k64", (1_000_000, 16, 64), np.float64, "4"),
    Bisecting("1e6x16_k64_f32", (1_000_000, 16, 64), np.float32, "4"),
    Bisecting("2e4x64_k32", (20_000, 64, 32), np.float64, "-"),
)
COLUMNS = ("case", "threads", OURS, PEER, f"x {PEER}", "asked")


def _measure(case: Bisecting, n_threads: int, options: command.Options) -> tuple[str, ...]:
    n_samples, n_features, n_clusters = case.shape
    X = data.mixture(n_samples, n_features, n_clusters, case.kind)
    # With the tolerance, which is relative here and absolute there, they would stop at different times.
    parameters: dict[str, Any] = {"n_clusters": n_clusters, "random_state": 0, "tol": 0, "max_iter": 30}
    calls: dict[str, Callable[[], Any]] = {
        OURS: lambda: BisectingKMeans(**parameters).fit(X),
        PEER: lambda: sklearn.cluster.BisectingKMeans(**parameters).fit(X),
    }
    with timing.threads(n_threads):
        ours, theirs = (call() for call in calls.values())
        apart = abs(ours.inertia_ - theirs.inertia_) / theirs.inertia_
        if not apart <= (SAME if case.kind is np.float64 else OPTIMA):  # NaN is none
            raise WrongAnswerError(f"{case.name}: inertias of fulcra and {PEER} are {apart:.1e} apart")
        seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
    return (
        case.name,
        str(n_threads),
        *(report.milliseconds(seconds[name]) for name in (OURS, PEER)),
        f"{seconds[PEER] / seconds[OURS]:.2f}",
        case.asked,
    )


def run(options: command.Options) -> command.Section:
    section = command.Section("Bisecting k-means (`BisectingKMeans`), ms", COLUMNS)
    for case in CASES:
        if options.case in {None, case.name}:
            section.rows += [_measure(case, n_threads, options) for n_threads in options.threads]
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
