"""Scores from the means of clusters, beside scikit-learn's."""

from collections.abc import Callable
from functools import partial
from typing import Any

import fulcra.metrics
import numpy as np
import sklearn.metrics
from fulcra._bench import data, report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from fulcra.cluster import KMeans

from benches import command

SKLEARN = "scikit-learn"
COLUMNS = ("case", "threads", OURS, SKLEARN, f"x {SKLEARN}")
NAMES = ("davies_bouldin_score", "calinski_harabasz_score")
CASES: dict[str, tuple[Callable[[], Any], int]] = {
    "2e5x16_k10": (partial(data.mixture, 200_000, 16, 10), 10),
    "2e5x16_k256_f64": (partial(data.mixture, 200_000, 16, 256, np.float64), 256),
}


def run(options: command.Options) -> command.Section:
    section = command.Section("Scores from the means of clusters, ms", COLUMNS)
    for case, (make, n_clusters) in CASES.items():
        if options.case not in {None, case}:
            continue
        X = make()
        labels = KMeans(n_clusters, random_state=0, max_iter=10).fit(X).labels_
        for name in NAMES:
            calls = {
                OURS: partial(getattr(fulcra.metrics, name), X, labels),
                SKLEARN: partial(getattr(sklearn.metrics, name), X, labels),
            }
            found = {who: call() for who, call in calls.items()}
            if abs(found[SKLEARN] / found[OURS] - 1) > 1e-4:
                raise WrongAnswerError(f"{case}, {name}: {found}")
            for n_threads in options.threads:
                with timing.threads(n_threads):
                    seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
                times = [report.milliseconds(seconds[who]) for who in (OURS, SKLEARN)]
                ratio = f"{seconds[SKLEARN] / seconds[OURS]:.2f}"
                section.rows.append((f"{name} {case}", str(n_threads), *times, ratio))
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
