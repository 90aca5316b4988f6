"""The command that every bench shares: which cases, how many threads, how long, and where the tables go.

Not pytest-benchmark: it finishes one contender before it starts the next, and on a shared machine only the
ratio of contenders that took turns means something (`fulcra._bench.timing`).
"""

import argparse
import datetime
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import fulcra
from fulcra._bench import cases, machine, report
from fulcra._errors import MissingError

RESULTS = Path(__file__).parent / "RESULTS.md"
README = Path(__file__).parents[1] / "README.md"
MARKS = ("<!-- measured, by python -m benches.cluster -->", "<!-- end of measured -->")


@dataclass(frozen=True)
class Options:
    """What the caller asked for."""

    case: str | None
    threads: tuple[int, ...]
    rounds: int
    budget: float


@dataclass
class Section:
    """One table."""

    title: str
    columns: Sequence[str]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    results: list[cases.Result] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def measured(title: str, table: Sequence[cases.Case], options: Options) -> Section:
    """Measure those of the cases that were asked for; a case whose data is not installed becomes a note."""
    section = Section(title, cases.COLUMNS)
    for case in table:
        if options.case not in {None, case.name}:
            continue
        try:
            results = cases.run([case], options.threads, rounds=options.rounds, budget=options.budget)
        except MissingError as error:
            section.notes.append(f"{case.name}: left out. {error}")
            continue
        section.results += results
        section.rows += [result.row() for result in results]
        section.notes += [note for result in results for note in result.notes]
    return section


def main(
    benches: Sequence[Callable[[Options], Section]],
    argv: Sequence[str] | None = None,
    *,
    write: bool = False,
) -> None:
    """Run benches and print their tables; with `write`, and all cases run, put them into the documents."""
    parser = argparse.ArgumentParser(
        description="Measure fulcra beside its peers: same data, in turns, checked."
    )
    parser.add_argument("--case", help="run the one case of this name, e.g. 1e6x16_k64")
    both = sorted({1, fulcra.get_num_threads()})
    parser.add_argument("--threads", default=",".join(map(str, both)), help="e.g. 1,2 (default: 1 and all)")
    parser.add_argument("--rounds", type=int, default=9, help="turns each contender gets (default: 9)")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds a case at most (default: 60)")
    given = parser.parse_args(argv)
    threads = tuple(int(count) for count in given.threads.split(","))
    options = Options(given.case, threads, given.rounds, given.budget)
    sections = []
    for bench in benches:
        section = bench(options)
        if section.rows or section.notes:
            sections.append(section)
            report.show(section.title, section.columns, section.rows, "\n".join(section.notes))
    if not sections:
        parser.error(f"no case is called {given.case!r}")
    if write and not given.case:
        RESULTS.write_text(_document(sections, options), encoding="utf-8")
        README.write_text(_with_summary(README.read_text(encoding="utf-8"), sections), encoding="utf-8")
        print(f"\nWritten: {RESULTS} and the table in {README}")


READING = """\
Everybody gets the same rows, starting centres and stopping rule (so many iterations, fewer where labels
stop changing), and takes turns within one run; answers are checked before the clock runs. Times are
medians in milliseconds. `x fastest peer` and `x NumPy` are their time over fulcra's; `asked` is the aim
set before measuring. `limit` is the least that the machine needs: the multiplications at the rate of its
best matrix product (NumPy, same dtype and threads), or one reading of the rows a pass, whichever is
longer. Times in parentheses are superkmeans' fits: it takes no starting centres, so they enter no ratio."""


def _document(sections: Sequence[Section], options: Options) -> str:
    """Lay out RESULTS.md: the machine, how to read the tables, the tables."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    lines = [
        "# Measured",
        "",
        f"`python -m benches.cluster`, {datetime.date.today().isoformat()}: up to {options.rounds} turns "
        f"each, {options.budget:g} s a case; load average at the end {load:.1f}.",
        "",
        READING,
        "",
        *(f"- {name}: {value}" for name, value in machine.describe().items()),
    ]
    lines += ["", *_geometric_means(sections)]
    for section in sections:
        lines += ["", f"## {section.title}", "", report.markdown(section.columns, section.rows)]
        if section.notes:
            lines += ["", *(f"- {note}" for note in section.notes)]
    return "\n".join(lines) + "\n"


def _geometric_means(sections: Sequence[Section]) -> list[str]:
    """Say, for each number of threads, the mean of `x fastest peer` over the cases that have an aim."""
    ratios: dict[int, list[float]] = {}
    for result in (result for section in sections for result in section.results):
        if result.case.asked is not None and result.ratio is not None:
            ratios.setdefault(result.n_threads, []).append(result.ratio)
    return [
        f"- x fastest peer, {n_threads} thread{'s' if n_threads > 1 else ''}, geometric mean over the "
        f"{len(found)} cases with an aim: {statistics.geometric_mean(found):.2f}"
        for n_threads, found in sorted(ratios.items())
    ]


def _with_summary(readme: str, sections: Sequence[Section]) -> str:
    """Put the labelled cases, at the most threads measured, between the README's marks."""
    results = [result for section in sections for result in section.results if result.case.label]
    n_threads = max(result.n_threads for result in results)
    columns = (
        f"ms, {n_threads} threads",
        "fulcra",
        "scikit-learn",
        "NumPy",
        "fastest peer",
        "x fastest peer",
    )
    rows = []
    for result in (result for result in results if result.n_threads == n_threads):
        times = {name: report.milliseconds(seconds) for name, seconds in result.seconds.items()}
        peer, ratio = result.fastest_peer, result.ratio
        found = (f"{times[peer]} ({peer})", f"{ratio:.2f}") if peer and ratio else ("-", "-")
        others = (times.get(name, "-") for name in ("fulcra", "scikit-learn", "NumPy"))
        rows.append((result.case.label, *others, *found))
    facts = machine.describe()
    where = f"{facts['CPU']}, {facts['fulcra uses']} kernels, {datetime.date.today().isoformat()}."
    begin, end = MARKS
    before, _, rest = readme.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{report.markdown(columns, rows)}\n\n{where}\n{end}{after}"
