"""Other kinds of centers from the same rows as KMeans, for as many iterations: how many times its time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from fulcra._bench import data, report, timing
from fulcra._errors import WrongAnswerError
from fulcra.cluster import KMeans, KMedians, MahalanobisKMeans, SphericalKMeans
from numpy.typing import NDArray

from benches import command

# Rows whose labels are held against plain NumPy.
SOME = 200
# Plain NumPy takes its iteration over one row in so many, or nobody could wait for it.
LESS = 200


@dataclass(frozen=True)
class Kinds:
    """How many rows, columns, clusters and iterations; which kinds beside KMeans."""

    name: str
    shape: tuple[int, int, int]
    n_iter: int
    kinds: tuple[type[Any], ...]


CASES = (
    Kinds("2e5x128_k256", (200_000, 128, 256), 25, (SphericalKMeans, KMedians)),
    Kinds("2e5x16_k64", (200_000, 16, 64), 25, (SphericalKMeans, KMedians, MahalanobisKMeans)),
)
ASKED = {("2e5x128_k256", SphericalKMeans): "1.2", ("2e5x128_k256", KMedians): "3"}
COLUMNS = (
    "case",
    "threads",
    "kind",
    "ms",
    "KMeans, ms",
    "x KMeans",
    "asked, at most",
    "x NumPy, one iteration",
)


def _distances(kind: type[Any], X: NDArray[Any], model: Any) -> NDArray[Any]:
    """Form all distances (n, k) by the definition, in float64."""
    rows, centers = X.astype(np.float64), model.cluster_centers_.astype(np.float64)
    if kind is KMedians:
        return np.abs(rows[:, np.newaxis] - centers).sum(axis=2)  # type: ignore[no-any-return]
    if kind is SphericalKMeans:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return 1 - rows @ centers.T  # type: ignore[no-any-return]
    if kind is MahalanobisKMeans:
        rows, centers = rows @ model.precisions_cholesky_, centers @ model.precisions_cholesky_
    return ((rows[:, np.newaxis] - centers) ** 2).sum(axis=2)  # type: ignore[no-any-return]


def _in_numpy(kind: type[Any], X: NDArray[Any], model: Any) -> None:
    """Take one iteration in plain NumPy, blocks of rows at a time."""
    labels = np.concatenate(
        [_distances(kind, X[at : at + 256], model).argmin(axis=1) for at in range(0, len(X), 256)]
    )
    for j in range(len(model.cluster_centers_)):
        own = X[labels == j]
        if not len(own):
            continue
        if kind is KMedians:
            np.median(own, axis=0)
        else:
            own.mean(axis=0)


def _check(kind: type[Any], X: NDArray[Any], model: Any) -> None:
    some = np.random.default_rng(3).permutation(len(X))[:SOME]
    distances = _distances(kind, X[some], model)
    own = distances[np.arange(SOME), model.labels_[some]]
    if not (own <= distances.min(axis=1) + 1e-5 * distances.max()).all():
        raise WrongAnswerError(f"{kind.__name__}: labels are not the nearest centers")
    inertia = model.history_["inertia"]
    if not (np.diff(inertia) <= 1e-9 * np.abs(inertia).max()).all():
        raise WrongAnswerError(f"{kind.__name__}: its inertia rises")


def _measure(case: Kinds, n_threads: int, options: command.Options) -> list[tuple[str, ...]]:
    n_samples, n_features, n_clusters = case.shape
    X = data.mixture(n_samples, n_features, n_clusters, np.float32)
    start = X[np.random.default_rng(1).permutation(n_samples)[:n_clusters]]
    kinds: tuple[type[Any], ...] = (KMeans, *case.kinds)
    models = {
        kind.__name__: kind(n_clusters, init=start, n_init=1, max_iter=case.n_iter, tol=0) for kind in kinds
    }
    calls: dict[str, Callable[[], Any]] = {name: partial(model.fit, X) for name, model in models.items()}
    with timing.threads(n_threads):
        for kind in kinds:
            _check(kind, X, calls[kind.__name__]())
        seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
        few = X[: n_samples // LESS]
        calls = {kind.__name__: partial(_in_numpy, kind, few, models[kind.__name__]) for kind in case.kinds}
        plain = timing.interleave(calls, rounds=1, budget=1)
    ours = seconds["KMeans"]
    return [
        (
            case.name,
            str(n_threads),
            kind.__name__,
            report.milliseconds(seconds[kind.__name__]),
            report.milliseconds(ours),
            f"{seconds[kind.__name__] / ours:.2f}",
            ASKED.get((case.name, kind), "-"),
            f"{LESS * plain[kind.__name__] / (seconds[kind.__name__] / case.n_iter):.0f}",
        )
        for kind in case.kinds
    ]


def run(options: command.Options) -> command.Section:
    section = command.Section(
        "Other kinds of centers (`KMedians`, `SphericalKMeans`, ...), 25 iterations, ms", COLUMNS
    )
    for case in CASES:
        if options.case in {None, case.name}:
            for n_threads in options.threads:
                section.rows += _measure(case, n_threads, options)
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
