"""`fulcra bench`: the table's cases at sizes that take half a minute, on the user's own machine."""

from functools import partial

import numpy as np

import fulcra
from fulcra._bench import cases, contenders, data, machine, report
from fulcra._bench.cases import Case

_MIXTURE = data.mixture

SHORT = (
    Case("assign 2e5 x 2, k 8", partial(_MIXTURE, 200_000, 2, 8), 8),
    Case("assign 2e5 x 16, k 64", partial(_MIXTURE, 200_000, 16, 64), 64),
    Case("assign 2e4 x 128, k 256", partial(_MIXTURE, 20_000, 128, 256), 256),
    Case("assign 2e5 x 16, k 64, f64", partial(_MIXTURE, 200_000, 16, 64, np.float64), 64),
    Case("10 iterations 2e5 x 2, k 8", partial(_MIXTURE, 200_000, 2, 8), 8, n_iter=10),
    Case("10 iterations 1e5 x 16, k 64", partial(_MIXTURE, 100_000, 16, 64), 64, n_iter=10),
    Case("10 iterations 2e4 x 128, k 256", partial(_MIXTURE, 20_000, 128, 256), 256, n_iter=10),
)
_COLUMNS = tuple(name for name in cases.COLUMNS if name != "asked")


def run(*, full: bool = False) -> list[cases.Result]:
    """Measure, print the table, and give the results back.

    Parameters
    ----------
    full : bool
        Nine rounds instead of five, and one thread as well as all.

    Returns
    -------
    results : list of Result
        In the order of the table.

    Raises
    ------
    WrongAnswerError
        If an answer of fulcra's failed its check.
    """
    all_threads = fulcra.get_num_threads()
    facts = machine.describe()
    print(", ".join(f"{name}: {value}" for name, value in facts.items()))
    missing = [name for name in contenders.PEERS if name not in contenders.installed()]
    if missing:
        print(f'Not installed, so not measured: {", ".join(missing)} (pip install "fulcra[bench]")')
    counts = sorted({1, all_threads}) if full else [all_threads]
    results = cases.run(SHORT, counts, rounds=9 if full else 5, budget=20.0 if full else 2.5)
    skipped = cases.COLUMNS.index("asked")
    report.show(
        "k-means on this machine (milliseconds, medians of turns taken)",
        _COLUMNS,
        [row[:skipped] + row[skipped + 1 :] for row in (result.row() for result in results)],
        note="Same rows, starting centres and iterations for all; every answer checked before it was timed.\n"
        "limit: the least this machine needs, by its best matrix product or by reading the rows once a pass."
        "\n(in parentheses): takes no starting centres, so it solved another problem; in no ratio.",
    )
    for note in (note for result in results for note in result.notes):
        print(f"  {note}")
    return results
