"""What a small call costs: one row predicted, a table of 150 x 4 fitted, the import."""

import statistics
import subprocess
import sys
from functools import partial

import numpy as np
from fulcra._base import check_rows
from fulcra._bench import contenders, report, timing
from fulcra._errors import WrongAnswerError
from fulcra.cluster import KMeans
from sklearn.cluster import KMeans as SklearnKMeans
from sklearn.datasets import load_iris

from benches import command

COLUMNS = ("what", "fulcra", "scikit-learn", "fulcra's validation alone", "beyond it")
# Times the second import in a process that has paid for the first.
IMPORT = """
import time, sklearn.base, sklearn.utils.validation, sklearn.utils._param_validation, scipy.sparse
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""


def _microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} us"


def _predict_one_row(options: command.Options) -> list[tuple[str, ...]]:
    rows = []
    for n_features, n_clusters, dtype in ((4, 3, "float64"), (16, 64, "float32"), (768, 1024, "float32")):
        centers = np.random.default_rng(0).standard_normal((n_clusters, n_features)).astype(dtype)
        row = centers[:1] / 2
        ours = KMeans.from_centers(centers)
        theirs = contenders.holding(SklearnKMeans, centers)
        if ours.predict(row) != theirs.predict(row):
            raise WrongAnswerError("the two libraries disagree on one row")
        validate = partial(check_rows, ours, row, reset=False)
        with timing.threads(1):
            seconds = timing.interleave(
                {
                    "ours": partial(ours.predict, row),
                    "theirs": partial(theirs.predict, row),
                    "validate": validate,
                },
                rounds=options.rounds,
                repeats=200,
            )
        beyond = seconds["ours"] - seconds["validate"]
        name = f"predict 1 x {n_features}, k {n_clusters}, {dtype}"
        rows.append((name, *map(_microseconds, (*seconds.values(), beyond))))
    return rows


def _fit_iris(options: command.Options) -> tuple[str, ...]:
    X = load_iris().data
    with timing.threads(1):
        seconds = timing.interleave(
            {
                "ours": lambda: KMeans(3, random_state=0).fit(X),
                "theirs": lambda: SklearnKMeans(3, random_state=0).fit(X),
            },
            rounds=options.rounds,
            repeats=20,
        )
    return ("fit iris 150 x 4, k 3, defaults", *map(_microseconds, seconds.values()), "-", "-")


def _import() -> tuple[str, ...]:
    def seconds(module: str) -> float:
        command_line = [sys.executable, "-c", IMPORT.format(module=module)]
        spent = [subprocess.run(command_line, capture_output=True, text=True, check=True) for _ in range(7)]
        return statistics.median(float(done.stdout) for done in spent)

    ours, theirs = seconds("fulcra.cluster"), seconds("sklearn.cluster")
    times = (f"{report.milliseconds(spent)} ms" for spent in (ours, theirs))
    return ("import .cluster, beyond scikit-learn's bases", *times, "-", "-")


def run(options: command.Options) -> command.Section:
    section = command.Section("Small calls (1 thread)", COLUMNS)
    if options.case is None:
        section.rows += [*_predict_one_row(options), _fit_iris(options), _import()]
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
