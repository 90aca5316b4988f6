"""Fuzzy c-means from the same centres for so many iterations, beside plain NumPy and scikit-fuzzy."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from fulcra._bench import data, report, timing
from fulcra._bench.contenders import OURS, PLAIN
from fulcra._errors import WrongAnswerError
from fulcra.cluster import FuzzyCMeans
from numpy.typing import NDArray

from benches import command

PEER = "scikit-fuzzy"
N_ITER = 50
# Everybody's memberships agree to this.
SAME = 1e-6


@dataclass(frozen=True)
class Fuzzy:
    """How many rows, columns and clusters, and how fuzzy; how many times as fast fulcra means to be."""

    name: str
    shape: tuple[int, int, int]
    m: float
    asked: str


CASES = (
    Fuzzy("1e5x16_c10", (100_000, 16, 10), 2.0, f"6 x {PLAIN} and 15 x {PEER}"),
    Fuzzy("1e5x16_c10_m1.7", (100_000, 16, 10), 1.7, "-"),
)
COLUMNS = ("case", "threads", OURS, PLAIN, PEER, f"x {PLAIN}", f"x {PEER}", "asked")


def _memberships(X: NDArray[Any], centers: NDArray[Any], m: float) -> NDArray[Any]:
    """Bezdek's memberships, (n, k), by one matrix product."""
    squares = X @ (-2 * centers.T)
    squares += np.einsum("if,if->i", X, X)[:, np.newaxis]
    squares += np.einsum("jf,jf->j", centers, centers)
    np.maximum(squares, np.finfo(X.dtype).tiny, out=squares)
    u: NDArray[Any] = np.reciprocal(squares, out=squares) if m == 2 else squares ** (-1 / (m - 1))
    u /= u.sum(axis=1, keepdims=True)
    return u


def _in_numpy(X: NDArray[Any], centers: NDArray[Any], m: float) -> NDArray[Any]:
    for _ in range(N_ITER):
        pulls = _memberships(X, centers, m)
        pulls **= m
        centers = pulls.T @ X / pulls.sum(axis=0)[:, np.newaxis]
    return _memberships(X, centers, m)


def _peer(X: NDArray[Any], centers: NDArray[Any], m: float) -> NDArray[Any]:
    from skfuzzy.cluster import cmeans  # noqa: PLC0415  # peers load when measured

    # It starts from memberships: those of the same centers. The error stops it never, maxiter always.
    start = _memberships(X, centers, m).T
    found = cmeans(X.T, len(centers), m, error=0.0, maxiter=N_ITER + 1, init=start)
    return found[1].T  # type: ignore[no-any-return]


def _measure(case: Fuzzy, n_threads: int, options: command.Options) -> tuple[str, ...]:
    n_samples, n_features, n_clusters = case.shape
    X = data.mixture(n_samples, n_features, n_clusters, np.float64)
    # Beside rows, not on them: the others divide by squared distances.
    centers = X[np.random.default_rng(1).permutation(n_samples)[:n_clusters]] + 0.1
    model = FuzzyCMeans(n_clusters, m=case.m, init=centers, max_iter=N_ITER, tol=0)
    calls: dict[str, Callable[[], NDArray[Any]]] = {
        OURS: lambda: model.fit(X).u_,
        PLAIN: partial(_in_numpy, X, centers, case.m),
    }
    if importlib.util.find_spec("skfuzzy"):
        calls[PEER] = partial(_peer, X, centers, case.m)
    with timing.threads(n_threads):
        found = {name: call() for name, call in calls.items()}
        for name, u in found.items():
            if not (apart := float(np.abs(u - found[OURS]).max())) <= SAME:  # NaN is none
                raise WrongAnswerError(f"{case.name}: memberships of fulcra and {name} are {apart} apart")
        seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
    others = (PLAIN, PEER)
    return (
        case.name,
        str(n_threads),
        *(report.milliseconds(seconds[name]) if name in seconds else "-" for name in (OURS, *others)),
        *(f"{seconds[name] / seconds[OURS]:.2f}" if name in seconds else "-" for name in others),
        case.asked,
    )


def run(options: command.Options) -> command.Section:
    section = command.Section(f"Fuzzy c-means, {N_ITER} iterations (`FuzzyCMeans`), ms", COLUMNS)
    for case in CASES:
        if options.case in {None, case.name}:
            section.rows += [_measure(case, n_threads, options) for n_threads in options.threads]
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
