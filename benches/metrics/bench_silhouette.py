"""Silhouettes of all rows, beside scikit-learn's and products in NumPy; and of a million rows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sklearn.metrics
from fulcra._bench import data, report, timing
from fulcra._bench.contenders import OURS, PLAIN
from fulcra._errors import MissingError, WrongAnswerError
from fulcra.cluster import KMeans
from fulcra.metrics import (
    silhouette_estimate,
    silhouette_samples,
    simplified_silhouette_score,
)
from numpy.typing import NDArray

from benches import command

SKLEARN = "scikit-learn"
#: By how much a silhouette may differ: products in float32 lose that much.
TOLERANCE = {"float32": 2e-3, "float64": 1e-9}


@dataclass(frozen=True)
class Rows:
    """Rows to cluster and judge; how many times as fast as scikit-learn fulcra means to be."""

    name: str
    make: Callable[[], Any]
    n_clusters: int
    asked: float | None = None
    metric: str = "euclidean"


CASES = (
    Rows("2e4x16_k10", partial(data.mixture, 20_000, 16, 10), 10, 8),
    Rows("2e4x16_k10_f64", partial(data.mixture, 20_000, 16, 10, np.float64), 10, 8),
    Rows("2e4x2_k10", partial(data.mixture, 20_000, 2, 10), 10),
    Rows("2e4x16_k1000", partial(data.mixture, 20_000, 16, 1000), 1000),
    Rows("1e4x128_k50", partial(data.mixture, 10_000, 128, 50), 50),
    Rows("2e4x16_k10_manhattan", partial(data.mixture, 20_000, 16, 10), 10, metric="manhattan"),
    Rows("2e4x16_k10_cosine", partial(data.mixture, 20_000, 16, 10), 10, metric="cosine"),
    Rows("text_2e4x5e4_k50", data.text_like, 50),
)
COLUMNS = ("case", "threads", OURS, SKLEARN, PLAIN, f"x {SKLEARN}", f"x {PLAIN}", "asked")


def in_blocks(X: NDArray[Any], labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Take Euclidean silhouettes from products of 512 rows with all, in float64."""
    wide, counts = X.astype(np.float64), np.bincount(labels)
    norms = (wide**2).sum(axis=1)
    membership = np.eye(len(counts))[labels]
    result = np.empty(len(wide))
    for start in range(0, len(wide), 512):
        block = slice(start, start + 512)
        squares = norms[block, np.newaxis] + norms - 2 * (wide[block] @ wide.T)
        sums = np.sqrt(np.maximum(squares, 0, out=squares), out=squares) @ membership
        own = labels[block]
        here = np.arange(len(own)), own
        a = sums[here] / np.maximum(counts[own] - 1, 1)
        means = sums / counts
        means[here] = np.inf
        b = means.min(axis=1)
        result[block] = np.where(counts[own] > 1, (b - a) / np.maximum(a, b), 0)
    return result


def _measure(case: Rows, n_threads: int, options: command.Options) -> tuple[str, ...]:
    X = case.make()
    labels = KMeans(case.n_clusters, random_state=0, max_iter=10).fit(X).labels_
    calls = {
        OURS: partial(silhouette_samples, X, labels, metric=case.metric),
        SKLEARN: partial(sklearn.metrics.silhouette_samples, X, labels, metric=case.metric),
    }
    if case.metric == "euclidean" and isinstance(X, np.ndarray):
        calls[PLAIN] = partial(in_blocks, X, labels)
    with timing.threads(n_threads):
        found = {name: call() for name, call in calls.items()}
        for name, silhouettes in found.items():
            if (off := np.abs(silhouettes - found[OURS]).max()) > TOLERANCE[X.dtype.name]:
                raise WrongAnswerError(f"{case.name}: {name} differs from fulcra by {off}")
        seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
    ratios = {name: seconds[name] / seconds[OURS] for name in seconds}
    return (
        case.name,
        str(n_threads),
        *(report.milliseconds(seconds[name]) if name in seconds else "-" for name in (OURS, SKLEARN, PLAIN)),
        *(f"{ratios[name]:.2f}" if name in ratios else "-" for name in (SKLEARN, PLAIN)),
        "-" if case.asked is None else f"{case.asked:g} x {SKLEARN}",
    )


def run(options: command.Options) -> command.Section:
    section = command.Section("Silhouettes of all rows (`silhouette_samples`), ms", COLUMNS)
    for case in CASES:
        if options.case not in {None, case.name}:
            continue
        try:
            section.rows += [_measure(case, n_threads, options) for n_threads in options.threads]
        except MissingError as error:
            section.notes.append(f"{case.name}: left out. {error}")
    return section


def million(options: command.Options) -> command.Section:
    """Measure what a million rows cost, of which nobody takes all pairs."""
    section = command.Section(
        "A million rows of 16 features, k 10, ms", ("call", "threads", "fulcra", "answer")
    )
    if options.case not in {None, "million"}:
        return section
    X = data.mixture(1_000_000, 16, 10)
    labels = KMeans(10, random_state=0, max_iter=10).fit(X).labels_
    calls: dict[str, Callable[[], Any]] = {
        "simplified_silhouette_score": partial(simplified_silhouette_score, X, labels),
        "silhouette_estimate, 1000 rows": partial(silhouette_estimate, X, labels, random_state=0),
    }
    exact = silhouette_samples(X[:5000], labels[:5000]).mean()
    some = silhouette_estimate(X[:5000], labels[:5000], random_state=0)
    if abs(some.score - exact) > 4 * some.standard_error:
        raise WrongAnswerError(f"the mean silhouette is {exact}, the estimate {some}")
    for n_threads in options.threads:
        with timing.threads(n_threads):
            found = {name: call() for name, call in calls.items()}
            seconds = timing.interleave(calls, rounds=min(3, options.rounds), budget=options.budget)
        for name, answer in found.items():
            told = f"{answer:.4f}" if isinstance(answer, float) else str(answer).partition(" (")[0]
            section.rows.append((name, str(n_threads), report.milliseconds(seconds[name]), told))
    return section


BENCHES = (run, million)

if __name__ == "__main__":
    command.main(BENCHES)
