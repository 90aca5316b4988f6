"""Mini-batches of rows that lie in a file, beside scikit-learn's and faiss on a sample: time, WCSS, memory.

Everybody starts by its own means; what the centers are worth is the WCSS of all rows, held against that of
fulcra's full fit.
"""

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from fulcra._bench import data, report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from fulcra.cluster import KMeans, MiniBatchKMeans, OnlineKMeans
from numpy.typing import NDArray

from benches import command

SKLEARN, FAISS = "scikit-learn", "faiss"
# Of the full fit's WCSS; the text that fulcra grew from allows 5% more.
MOST = 1.02


@dataclass(frozen=True)
class Streamed:
    """How many rows, columns and clusters, and whether the rows are labelled at the end."""

    name: str
    shape: tuple[int, int, int]
    labels: bool
    asked: str


CASES = (
    Streamed("2e6x16_k64", (2_000_000, 16, 64), True, f"30 x {SKLEARN}, ahead of {FAISS}"),
    Streamed("2e6x16_k64_centers", (2_000_000, 16, 64), False, f"30 x {SKLEARN}, ahead of {FAISS}"),
)
COLUMNS = (
    "case", "threads", OURS, SKLEARN, FAISS, f"x {SKLEARN}", f"x {FAISS}", "asked", "WCSS over a full fit's",
    "MB beside X",
)  # fmt: skip

PEAK = """
import sys
import numpy as np
from fulcra.cluster import MiniBatchKMeans

def peak():
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

path, n, d, k, labels = sys.argv[1], *map(int, sys.argv[2:])
X = np.memmap(path, dtype=np.float32, mode="r", shape=(n, d))
model = MiniBatchKMeans(2, random_state=0, compute_labels=bool(labels)).fit(X[:100])
X.sum()  # its pages count, and are no copy
before = peak()
model.set_params(n_clusters=k).fit(X)
print(peak() - before)
"""


def _peak(path: Path, case: Streamed) -> str:
    if not sys.platform.startswith("linux"):
        return "-"
    told = [sys.executable, "-c", PEAK, str(path), *map(str, (*case.shape, int(case.labels)))]
    taken = subprocess.run(told, capture_output=True, text=True, check=True).stdout
    return f"{int(taken) / 1e6:.1f}"


def _faiss(X: NDArray[Any], k: int, labels: bool) -> NDArray[Any]:
    import faiss  # noqa: PLC0415  # peers load when measured

    engine = faiss.Kmeans(X.shape[1], k, niter=25, seed=0)  # trains on 256 rows for each center
    engine.train(X)
    if labels:
        engine.index.search(X, 1)
    return np.asarray(engine.centroids)


def _measure(case: Streamed, path: Path, n_threads: int, options: command.Options) -> tuple[str, ...]:
    from sklearn.cluster import MiniBatchKMeans as Theirs  # noqa: PLC0415  # peers load when measured

    n, d, k = case.shape
    X = np.memmap(path, dtype=np.float32, mode="r", shape=(n, d))
    given: dict[str, Any] = {"n_clusters": k, "random_state": 0, "compute_labels": case.labels}
    calls: dict[str, Callable[[], NDArray[Any]]] = {
        OURS: lambda: MiniBatchKMeans(**given).fit(X).cluster_centers_
    }
    if importlib.util.find_spec("faiss"):
        calls[FAISS] = partial(_faiss, X, k, case.labels)
    with timing.threads(n_threads):
        full = KMeans(k, random_state=0).fit(X).inertia_

        def excess(centers: NDArray[Any]) -> float:
            return float(-KMeans.from_centers(centers).score(X) / full)

        worth = {name: excess(call()) for name, call in calls.items()}
        if not worth[OURS] <= MOST:  # NaN is not
            raise WrongAnswerError(f"{case.name}: WCSS is {worth[OURS]:.3f} times that of a full fit")
        seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget, repeats=1)
        begun = time.perf_counter()  # once: half a minute
        worth[SKLEARN] = excess(Theirs(**given).fit(X).cluster_centers_)
        seconds[SKLEARN] = time.perf_counter() - begun
    peers = (SKLEARN, FAISS)
    return (
        case.name,
        str(n_threads),
        *(report.milliseconds(seconds[name]) if name in seconds else "-" for name in (OURS, *peers)),
        *(f"{seconds[name] / seconds[OURS]:.2f}" if name in seconds else "-" for name in peers),
        case.asked,
        ", ".join(f"{name} {100 * (share - 1):+.2f}%" for name, share in worth.items()),
        _peak(path, case),
    )


def run(options: command.Options) -> command.Section:
    section = command.Section("Mini-batches from a memory map (`MiniBatchKMeans`), ms", COLUMNS)
    for case in CASES:
        if options.case not in {None, case.name}:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows"
            data.mixture(*case.shape).tofile(path)
            section.rows += [_measure(case, path, n_threads, options) for n_threads in options.threads]
    return section


def run_online(options: command.Options) -> command.Section:
    """A row of a stream at a time, beside scikit-learn's `partial_fit` of one row."""
    from sklearn.cluster import MiniBatchKMeans as Theirs  # noqa: PLC0415  # peers load when measured

    columns = ("case", "threads", "one call a row", "one call for all", f"{SKLEARN}, one call a row")
    section = command.Section(
        "Rows one by one, 16 columns, k 64 (`OnlineKMeans`), microseconds a row", columns
    )
    if options.case not in {None, "online_1e4x16_k64"}:
        return section
    X = data.mixture(10_000, 16, 64, np.float64)
    rows = [X[i : i + 1] for i in range(len(X))]
    ours = OnlineKMeans(64, init=X[:64]).partial_fit(X)
    theirs = Theirs(64, init=X[:64], n_init=1, compute_labels=False).partial_fit(X)

    def one_by_one(model: Any, few: list[NDArray[Any]]) -> None:
        for row in few:
            model.partial_fit(row)

    for n_threads in options.threads:
        with timing.threads(n_threads):
            seconds = timing.interleave(
                {
                    "rows": partial(one_by_one, ours, rows),
                    "chunk": partial(ours.partial_fit, X),
                    "theirs": partial(one_by_one, theirs, rows[:100]),
                },
                rounds=options.rounds,
                budget=options.budget,
                repeats=1,
            )
        each = (seconds["rows"] / len(X), seconds["chunk"] / len(X), seconds["theirs"] / 100)
        section.rows.append(("online_1e4x16_k64", str(n_threads), *(f"{1e6 * one:.2f}" for one in each)))
    return section


BENCHES = (run, run_online)

if __name__ == "__main__":
    command.main(BENCHES)
