"""`algorithm='auto'` beside 'lloyd', which computes every distance: the same bits, and never much later."""

from functools import partial
from typing import Any

import numpy as np
from fulcra._bench import report, timing
from fulcra._bench.cases import Case
from fulcra._bench.contenders import OURS
from fulcra._errors import MissingError, WrongAnswerError
from fulcra.cluster import KMeans
from numpy.typing import NDArray

from benches import command
from benches.cluster import bench_fit

EVERY = "every distance"
# Looking what can be left out costs something where nothing can.
ASKED = "0.91"
COLUMNS = ("case", "threads", OURS, EVERY, f"x {EVERY}", "asked", "distances computed")


def _fit(X: NDArray[Any], start: NDArray[Any], n_iter: int, algorithm: str) -> KMeans:
    k = len(start)
    return KMeans(k, init=start, n_init=1, max_iter=n_iter, tol=0, algorithm=algorithm).fit(X)


def _measure(case: Case, n_threads: int, options: command.Options) -> tuple[str, ...]:
    X = case.data()
    start = X[np.random.default_rng(1).permutation(len(X))[: case.n_clusters]]
    calls = {
        name: partial(_fit, X, start, case.n_iter, algorithm)
        for name, algorithm in ((OURS, "auto"), (EVERY, "lloyd"))
    }
    with timing.threads(n_threads):
        ours, plain = (call() for call in calls.values())
        same = ours.inertia_ == plain.inertia_ and np.array_equal(ours.labels_, plain.labels_)
        if not (same and np.array_equal(ours.cluster_centers_, plain.cluster_centers_)):
            raise WrongAnswerError(f"{case.name}: what is left out changes the clusters")
        seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
    return (
        case.name,
        str(n_threads),
        *(report.milliseconds(seconds[name]) for name in (OURS, EVERY)),
        f"{seconds[EVERY] / seconds[OURS]:.2f}",
        ASKED,
        f"{ours.history_['evaluated'].mean():.0%}",
    )


def run(options: command.Options) -> command.Section:
    section = command.Section("What 'auto' leaves out, against computing every distance, ms", COLUMNS)
    for case in (*bench_fit.CASES, *bench_fit.LONG):
        if options.case not in {None, case.name}:
            continue
        try:
            section.rows += [_measure(case, n_threads, options) for n_threads in options.threads]
        except MissingError as error:
            section.notes.append(f"{case.name}: left out. {error}")
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
