"""Nearest centroids beside scikit-learn's: fit, and predict."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sklearn.neighbors
from fulcra._bench import data, report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from fulcra.neighbors import NearestCentroid

from benches import command

PEER = "scikit-learn"


@dataclass(frozen=True)
class Classes:
    """How many rows, columns and classes."""

    name: str
    shape: tuple[int, int, int]
    metric: str


CASES = (
    Classes("2e5x16_c10", (200_000, 16, 10), "euclidean"),
    Classes("2e5x16_c10_manhattan", (200_000, 16, 10), "manhattan"),
)
COLUMNS = ("case", "threads", OURS, PEER, f"x {PEER}")


def _measure(case: Classes, n_threads: int, options: command.Options) -> list[tuple[str, ...]]:
    n_samples, n_features, n_classes = case.shape
    X = data.mixture(n_samples, n_features, n_classes, np.float64)
    y = np.random.default_rng(1).integers(0, n_classes, size=n_samples)
    X[np.arange(n_samples), y] += 3
    models: dict[str, Any] = {
        OURS: NearestCentroid(case.metric),
        PEER: sklearn.neighbors.NearestCentroid(metric=case.metric),
    }
    rows = []
    with timing.threads(n_threads):
        ours, theirs = (model.fit(X, y) for model in models.values())
        if not np.allclose(ours.centroids_, theirs.centroids_, rtol=1e-9):
            raise WrongAnswerError(f"{case.name}: other centroids than those of {PEER}")
        if (same := float((ours.predict(X) == theirs.predict(X)).mean())) < 0.9999:
            raise WrongAnswerError(f"{case.name}: fulcra and {PEER} agree on {same:.4f} of the rows")
        for what in ("fit", "predict"):
            arguments = (X, y) if what == "fit" else (X,)
            calls = {name: partial(getattr(model, what), *arguments) for name, model in models.items()}
            seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
            times = (report.milliseconds(seconds[name]) for name in (OURS, PEER))
            ratio = f"{seconds[PEER] / seconds[OURS]:.2f}"
            rows.append((f"{case.name}, {what}", str(n_threads), *times, ratio))
    return rows


def run(options: command.Options) -> command.Section:
    section = command.Section("Nearest centroids (`NearestCentroid`), ms", COLUMNS)
    for case in CASES:
        if options.case in {None, case.name}:
            for n_threads in options.threads:
                section.rows += _measure(case, n_threads, options)
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
