"""`fulcra cluster table.csv` from beginning to end."""

import csv
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, TextIO

from fulcra._table import model, show
from fulcra._table.errors import TableError
from fulcra._table.layout import Wishes
from fulcra._table.prepare import Prepared, prepare
from fulcra._table.read import Table, read_table
from fulcra._table.write import check_out, in_place_of, write_labels


@dataclass(frozen=True)
class Call:
    """What the user asks for.

    Attributes
    ----------
    table : str
        The file; '-' is the standard input.
    k : int or None
        How many clusters; None is to be found out.
    raw : bool
        Whether numbers are used as they are.
    columns : tuple of str or None
        The columns that take part.
    id : str or None
        The column that names the rows.
    dates : {'skip', 'days'}
        What to do with dates.
    out, plot, html, json : Path or None
        Files to write. `out` None: by the table's name; '-': the standard output.
    seed : int
        Of all that is drawn.
    wishes : Wishes
        About the file.
    """

    table: str
    k: int | None = None
    raw: bool = False
    columns: tuple[str, ...] | None = None
    id: str | None = None
    dates: str = "skip"
    out: Path | None = None
    plot: Path | None = None
    html: Path | None = None
    json: Path | None = None
    seed: int = 0
    wishes: Wishes = field(default_factory=Wishes)

    def labels_to(self) -> Path | None:
        """Say where labels go.

        Returns
        -------
        Path or None
            None is the standard output.
        """
        if self.out is not None:
            return None if str(self.out) == "-" else self.out
        return None if self.table == "-" else labels_path(self.table)

    def to_dict(self) -> dict[str, Any]:
        """Return the call, for JSON.

        Returns
        -------
        dict
            The attributes as plain numbers, strings and lists.
        """
        plain: dict[str, Any] = {
            name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()
        }
        plain |= plain.pop("wishes")
        return {**plain, "k": self.k or "auto", "columns": self.columns and list(self.columns)}


def labels_path(table: str) -> Path:
    """Name the file of labels after the table, in the current folder.

    Parameters
    ----------
    table : str
        The table's file.

    Returns
    -------
    Path
        Compressed or not, Parquet or text, as the table is.

    Examples
    --------
    >>> from fulcra._table.command import labels_path
    >>> str(labels_path("data/customers.csv.gz"))
    'customers.clusters.csv.gz'
    """
    stem, endings = Path(table).name, ""
    for known in (".gz", ".csv", ".tsv", ".tab", ".txt", ".dat", ".data", ".parquet", ".pq"):
        if stem.lower().endswith(known) and len(stem) > len(known):
            stem, endings = stem[: -len(known)], stem[-len(known) :] + endings
    return Path(f"{stem}.clusters{endings or '.csv'}")


def run(call: Call) -> int:
    """Read, choose, cluster, explain and write.

    Parameters
    ----------
    call : Call
        What is asked for.

    Returns
    -------
    code : int
        0.

    Raises
    ------
    TableError, MissingError, OSError
        If it cannot work.
    """
    labels_to = call.labels_to()
    to: TextIO = sys.stderr if labels_to is None else sys.stdout
    if hasattr(to, "reconfigure"):
        to.reconfigure(errors="replace")  # a console without the letters of a column's name
    asked = {"--out": labels_to, "--plot": call.plot, "--html": call.html, "--json": call.json}
    show.check_places({option: path for option, path in asked.items() if path is not None}, call.table)
    if call.plot is not None or call.html is not None:
        show.require_matplotlib()
    if labels_to is not None:
        check_out(labels_to, named=call.out is not None)
    table = read_table(call.table, call.wishes)
    prepared = prepare(table, chosen=call.columns, id_column=call.id, dates=call.dates, raw=call.raw)
    model.check_rows(prepared, call.k, table.name)
    work = _Work(call, table, prepared, labels_to, to)
    work.say(work.heading())
    work.say("Columns", str(prepared))
    n_clusters = call.k or work.suggested()
    if n_clusters == 1:
        work.end_without()
    else:
        work.end_with(n_clusters)
    return 0


class _Work:
    """One call at work: what it says, and what it writes."""

    def __init__(
        self, call: Call, table: Table, prepared: Prepared, labels_to: Path | None, to: TextIO
    ) -> None:
        self._call, self._table, self._prepared = call, table, prepared
        self._labels_to, self._to = labels_to, to
        self._suggestion: Any = None

    def say(self, *lines: str) -> None:
        # One write: a reader that has all of a paragraph may stop.
        print("\n".join([*lines, "\n"]), end="", file=self._to, flush=True)

    def heading(self) -> str:
        n_rows, n_columns = self._table.frame.shape
        return (
            f"{self._table.name}: {n_rows:,} row{'s' * (n_rows != 1)}, {n_columns:,} "
            f"column{'s' * (n_columns != 1)} ({self._table.form})"
        )

    def suggested(self) -> int:
        """Ask how many clusters there are; 1 is none."""
        self._suggestion = model.suggest(self._prepared, self._call.seed)
        by = " (by the numbers; levels take no part in this question)" * bool(self._prepared.levels)
        self.say(f"How many clusters{by}", str(self._suggestion))
        return int(self._suggestion.n_clusters)

    def end_without(self, notes: Sequence[str] = ()) -> None:
        """Say that there are no clusters, which is an answer, and write that only."""
        said = ["No labels are written. -k with a number cuts the rows into so many pieces all the same."]
        self.say(*said, *self._figures(None, list(notes)))

    def end_with(self, n_clusters: int) -> None:
        """Cluster, explain, and write what is asked for."""
        from fulcra.inspection import explain_clusters  # noqa: PLC0415 - no wrong call needs it

        fitted, notes = model.fit(self._prepared, n_clusters, self._call.seed)
        report = explain_clusters(fitted, self._prepared.frame, random_state=self._call.seed)
        if self._call.k is None and not report.is_structured:
            headline = report.to_dict()["headline"]
            self.say("Clusters", *(f"Note: {note}" for note in notes), headline)
            self.end_without([*notes, headline])
            return
        written = [*self._pictures(fitted, report, notes), *self._figures(report, notes)]
        # Files first: whoever reads the report, as head does, may stop reading.
        if self._labels_to is not None:
            remarks = write_labels(self._table, report.labels, report.names, self._labels_to)
            written = [f"Labels: {self._labels_to}", *remarks, *written]
        self.say("Clusters", *(f"Note: {note}" for note in notes), str(report))
        if written:
            self.say(*written)
        if self._labels_to is None:
            for remark in write_labels(self._table, report.labels, report.names, None):
                self.say(remark)

    def _pictures(self, fitted: Any, report: Any, notes: list[str]) -> list[str]:
        call, written = self._call, []
        drawn = cache(partial(show.picture, fitted, self._prepared.frame, report))
        if call.plot is not None:
            with in_place_of(call.plot) as part:
                part.write_bytes(drawn(call.plot.suffix[1:].lower()))
            written.append(f"Picture: {call.plot}")
        if call.html is not None:
            title = f"Clusters of {Path(self._table.name).name}"
            said = [self.heading(), str(self._prepared), *notes]
            if self._suggestion is not None:
                said.append(" ".join(self._suggestion.reasons))
            with in_place_of(call.html) as part:
                part.write_text(show.page(report, title, said, drawn("png")), "utf-8")
            written.append(f"Page: {call.html}")
        return written

    def _figures(self, report: Any, notes: list[str]) -> list[str]:
        if self._call.json is None:
            return []
        answer = {
            "table": self._table.name,
            "rows": len(self._table.frame),
            "call": self._call.to_dict(),
            "columns": self._prepared.to_dict(),
            "suggestion": self._suggestion and self._suggestion.to_dict(),
            "clusters": report and report.to_dict(),
            "notes": notes,
        }
        show.write_json(answer, self._call.json)
        return [f"Figures: {self._call.json}"]


def split_names(text: str) -> tuple[str, ...]:
    """Cut a list of columns, where a name with a comma is quoted.

    Parameters
    ----------
    text : str
        As given to --columns.

    Returns
    -------
    tuple of str
        The names.

    Raises
    ------
    TableError
        If there are none.

    Examples
    --------
    >>> from fulcra._table.command import split_names
    >>> split_names('age, "income, net"')
    ('age', 'income, net')
    """
    names: Sequence[str] = next(csv.reader([text], skipinitialspace=True), [])
    found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not found:
        raise TableError("--columns needs the name of a column, as --columns age,income")
    return found
