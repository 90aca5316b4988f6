"""Greedy k-means++ alone, beside scikit-learn's `kmeans_plusplus` and the package fastkmeanspp.

Everybody draws other rows, so answers are checked by their quality: what the starts of several seeds leave,
on average.
"""

import importlib.util
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from fulcra._bench import data, plain, report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import MissingError, WrongAnswerError
from fulcra.cluster import kmeans_plusplus
from numpy.typing import NDArray
from sklearn.cluster import kmeans_plusplus as sklearn_kmeans_plusplus

from benches import command

SKLEARN = "scikit-learn"
FAST = "fastkmeanspp"
SEEDS = 3
# The rows that quality is judged on, and by how much the mean over the seeds may differ.
JUDGED = 4_000
TOLERANCE = 0.04

Start = Callable[[int], NDArray[Any]]


@dataclass(frozen=True)
class Seeding:
    """Rows to draw centres from; how many times as fast as each peer fulcra means to be."""

    name: str
    make: Callable[[], NDArray[Any]]
    n_clusters: int
    asked: Mapping[str, float] | None = None
    weighted: bool = False


CASES = (
    Seeding("1e6x16_k256", partial(data.mixture, 1_000_000, 16, 256), 256, {SKLEARN: 12, FAST: 4}),
    Seeding("1e6x16_k64_f64", partial(data.mixture, 1_000_000, 16, 64, np.float64), 64),
    Seeding("1e5x16_k64", partial(data.mixture, 100_000, 16, 64), 64),
    Seeding("1e5x16_k64_weights", partial(data.mixture, 100_000, 16, 64), 64, weighted=True),
    Seeding("2e5x128_k256", partial(data.mixture, 200_000, 128, 256), 256),
    Seeding("1e6x2_k8", partial(data.mixture, 1_000_000, 2, 8), 8),
    Seeding("china_k256", data.china_pixels, 256),
    Seeding("mnist_k100", data.mnist, 100),
)
COLUMNS = ("case", "threads", OURS, SKLEARN, FAST, f"x {SKLEARN}", f"x {FAST}", "asked")


def _starters(
    X: NDArray[Any], weights: NDArray[np.float64] | None, n_clusters: int, n_threads: int
) -> dict[str, Start]:
    """Give everybody who can draw centres from these rows; each takes a seed and returns the centres."""

    def chosen_by(choose: Callable[..., tuple[NDArray[Any], NDArray[Any]]], seed: int) -> NDArray[Any]:
        return choose(X, n_clusters, sample_weight=weights, random_state=seed)[0]

    calls: dict[str, Start] = {
        OURS: partial(chosen_by, kmeans_plusplus),
        SKLEARN: partial(chosen_by, sklearn_kmeans_plusplus),
    }
    if importlib.util.find_spec(FAST) and X.dtype == np.float32 and weights is None:
        from fastkmeanspp import KMeans  # noqa: PLC0415  # peers load when measured

        # Its fit would label the rows as well.
        calls[FAST] = lambda seed: KMeans(n_clusters, random_state=seed, n_jobs=n_threads)._init_centroids(X)
    return calls


def _left(X: NDArray[Any], weights: NDArray[np.float64] | None, centers: NDArray[Any]) -> float:
    """Weighted mean of the squared distances from some of the rows to their nearest centre."""
    some = np.random.default_rng(4).permutation(len(X))[:JUDGED]
    _, squares = plain.true_nearest(X[some], centers)
    return float(np.average(squares, weights=None if weights is None else weights[some]))


def _measure(case: Seeding, n_threads: int, options: command.Options) -> tuple[str, ...]:
    X = case.make()
    weights = np.random.default_rng(5).random(len(X)) if case.weighted else None
    with timing.threads(n_threads):
        calls = _starters(X, weights, case.n_clusters, n_threads)
        quality = {
            name: statistics.mean(_left(X, weights, call(seed)) for seed in range(SEEDS))
            for name, call in calls.items()
        }
        for name, left in quality.items():
            if abs(left / quality[OURS] - 1) > TOLERANCE:
                raise WrongAnswerError(f"{case.name}: fulcra's starts leave {quality[OURS]}, {name}'s {left}")
        turns = {name: partial(call, 0) for name, call in calls.items()}
        seconds = timing.interleave(turns, rounds=options.rounds, budget=options.budget)
    ratios = {name: seconds[name] / seconds[OURS] for name in (SKLEARN, FAST) if name in seconds}
    asked = " and ".join(f"{times:g} x {name}" for name, times in (case.asked or {}).items())
    return (
        case.name,
        str(n_threads),
        *(report.milliseconds(seconds[name]) if name in seconds else "-" for name in (OURS, SKLEARN, FAST)),
        *(f"{ratios[name]:.2f}" if name in ratios else "-" for name in (SKLEARN, FAST)),
        asked or "-",
    )


def run(options: command.Options) -> command.Section:
    section = command.Section("Seeding (`kmeans_plusplus`), ms", COLUMNS)
    for case in CASES:
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
