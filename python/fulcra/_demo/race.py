"""fulcra, scikit-learn and plain NumPy on the demo's data: same rows, same start, in turns, checked first."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fulcra
from fulcra._bench import cases, data, report
from fulcra._bench.cases import Case
from fulcra._bench.contenders import OURS, PLAIN

_OTHERS = ("scikit-learn", PLAIN)


def _digits() -> NDArray[Any]:
    from sklearn.datasets import load_digits  # noqa: PLC0415  # scikit-learn's datasets load slowly

    return load_digits().data.astype(np.float32)  # type: ignore[no-any-return]


JOBS = (
    Case("photo: 25 iterations, 64 colours", data.china_pixels, 64, n_iter=25),
    Case("photo: nearest of 64 colours", data.china_pixels, 64),
    Case("digits: 10 iterations, 10 clusters", _digits, 10, n_iter=10),
    Case("200,000 x 16: 10 iterations, 64 clusters", partial(data.mixture, 200_000, 16, 64), 64, n_iter=10),
)


def show() -> list[cases.Result]:
    """Measure and print the table.

    Returns
    -------
    results : list of Result
        One for each job.

    Raises
    ------
    WrongAnswerError
        If fulcra's answer is not right or not scikit-learn's.
    """
    threads = fulcra.get_num_threads()
    results = [cases.measure(job, threads, rounds=5, budget=2.0, among={OURS, *_OTHERS}) for job in JOBS]
    rows = []
    for result in results:
        ours = result.seconds[OURS]
        others = [result.seconds.get(name) for name in _OTHERS]
        times = [report.milliseconds(seconds) if seconds else "-" for seconds in (ours, *others)]
        rows.append(
            (result.case.name, *times, *(f"{seconds / ours:.1f} x" if seconds else "-" for seconds in others))
        )
    report.show(
        f"Milliseconds, float32, {threads} thread{'s' * (threads > 1)}; medians of turns taken",
        ("job", OURS, *_OTHERS, *(f"vs {name}" for name in _OTHERS)),
        rows,
        note="Same rows, starting centres and number of iterations; the answers agreed before the clock ran.",
    )
    return results
