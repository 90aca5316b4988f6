"""Writing labels beside the rows they belong to, and files that are whole or not there."""

import csv
import gzip
import importlib.util
import io
import os
import re
import shutil
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._errors import MissingError
from fulcra._table.encoding import decode
from fulcra._table.errors import TableError
from fulcra._table.guesses import NO_DELIMITER
from fulcra._table.layout import records
from fulcra._table.read import Table

#: Endings that promise what is not written.
_NO_TEXT = frozenset(
    (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".zip", ".json", ".html", ".pdf", ".png", ".feather")
)
#: How the header of a file of labels ends, whatever stands between its cells.
_LABELS = re.compile(r"(?:^|[^\w])cluster( \(\d+\))?\W+cluster_name( \(\d+\))?\"?$")
#: Bytes; longer headers are not known again. Even, for UTF-16.
_HEADER = 1 << 20


@contextmanager
def in_place_of(path: Path) -> Iterator[Path]:
    """Give a name to write to; once that is done without an error, it takes the place of `path`.

    Parameters
    ----------
    path : Path
        What is to be written.

    Yields
    ------
    Path
        In the same folder, with the same suffix; `path` itself where that is no file, as /dev/null.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        yield path
        return
    part = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield part
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_labels(table: Table, labels: NDArray[Any], names: Sequence[str], out: Path | None) -> list[str]:
    """Write the table again, each row as it stands, with its cluster's number and name behind it.

    Parameters
    ----------
    table : Table
        What was read; rows without any value are left out.
    labels : ndarray of shape (n_rows,)
        Clusters; negative is none.
    names : sequence of str
        Of the clusters.
    out : Path or None
        Text, compressed for .gz; Parquet for .parquet. None: the standard output.

    Returns
    -------
    notes : list of str
        What differs from the table's own form.
    """
    if out is not None and is_parquet(out):
        with in_place_of(out) as part:
            _frame(table, labels, names).to_parquet(part, index=False)
        return []
    encoding, notes = _encoding(table, names)
    tabs = out is not None and Path(out.name.lower().removesuffix(".gz")).suffix in {".tsv", ".tab"}
    text = _text(table, labels, names, "\t" if tabs else None)
    data = text.replace("\n", table.newline).encode(encoding)
    if out is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return notes
    if out.suffix.lower() == ".gz":
        data = gzip.compress(data, 6, mtime=0)
    with in_place_of(out) as part:
        part.write_bytes(data)
    return notes


def is_parquet(path: Path) -> bool:
    """Say whether a file's name asks for Parquet.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        True for .parquet and .pq.
    """
    return path.suffix.lower() in {".parquet", ".pq"}


def check_out(path: Path, *, named: bool) -> None:
    """See that labels can be written, before any work is done.

    Parameters
    ----------
    path : Path
        Where to.
    named : bool
        Whether the user named it; if not, only labels of an earlier call are overwritten.

    Raises
    ------
    TableError
        If it is no file of text or Parquet, or holds something else.
    MissingError
        If Parquet's library is not installed; the message holds the line that installs it.
    """
    if path.suffix.lower() in _NO_TEXT:
        raise TableError(
            f"--out {path}: labels are written as text (.csv, .tsv, .txt, also .gz) or .parquet, "
            f"not {path.suffix.lower()}"
        )
    if is_parquet(path) and not any(importlib.util.find_spec(name) for name in ("pyarrow", "fastparquet")):
        raise MissingError("Parquet needs pyarrow: pip install pyarrow")
    if not named and path.is_file() and path.stat().st_size and not _holds_labels(path):
        raise TableError(f"{path} is there already and holds no labels; --out names another file")


def _holds_labels(path: Path) -> bool:
    """Say whether a file is one of ours: its last columns are cluster and cluster_name."""
    import pandas as pd  # noqa: PLC0415 - an extra, and slow to load

    try:
        if is_parquet(path):
            names = [str(name) for name in pd.read_parquet(path).columns]
            return _LABELS.search(",".join(names)) is not None
        opened = gzip.open if path.suffix.lower() == ".gz" else open
        with opened(path, "rb") as file:
            text, _, _ = decode(file.read(_HEADER), str(path))
    except (OSError, EOFError, ValueError, ImportError, zlib.error, TableError):
        return False
    header, quotes = [], 0
    for line in text.splitlines():  # a quoted name may go over several
        header.append(line)
        quotes += line.count('"')
        if quotes % 2 == 0:
            break
    return _LABELS.search("\n".join(header)) is not None


def label_columns(existing: Sequence[str]) -> tuple[str, str]:
    """Name the two columns, unlike those that there are.

    Parameters
    ----------
    existing : sequence of str
        The table's columns.

    Returns
    -------
    number, name : str
        'cluster' and 'cluster_name', numbered from the second time on.
    """
    count, ending = 1, ""
    while {f"cluster{ending}", f"cluster_name{ending}"} & set(existing):
        count += 1
        ending = f" ({count})"
    return f"cluster{ending}", f"cluster_name{ending}"


def _encoding(table: Table, names: Sequence[str]) -> tuple[str, list[str]]:
    encoding = "utf-16" if table.encoding.startswith("utf-16") else table.encoding
    try:
        "".join(names).encode(encoding)
    except UnicodeEncodeError:
        return "utf-8-sig", [f"Written in UTF-8: {encoding} lacks letters of the clusters' names."]
    return encoding, []


def _text(table: Table, labels: NDArray[Any], names: Sequence[str], wanted: str | None) -> str:
    layout = table.layout
    if layout is None:
        frame = _frame(table, labels, names)
        return str(frame.to_csv(index=False, lineterminator="\n", sep=wanted or ","))
    delimiter = wanted or layout.delimiter
    verbatim = delimiter == layout.delimiter != NO_DELIMITER
    if delimiter == NO_DELIMITER:
        delimiter = ";" if layout.decimal == "," else ","
    endings = [_row([str(j), name], delimiter) for j, name in enumerate(names)] + [_row(["", ""], delimiter)]
    header = layout.header if verbatim else _row(layout.names, delimiter)
    lines = [f"{header}{delimiter}{_row(label_columns(layout.names), delimiter)}"]
    kept = np.asarray(table.lines)
    by_line = iter(zip(kept.tolist(), labels.tolist(), strict=True))
    line, label = next(by_line, (0, 0))
    for at, written, cells in records(table.text, layout, table.name):
        if at == line:
            row = written if verbatim else _row(cells, delimiter)
            lines.append(f"{row}{delimiter}{endings[label]}")
            line, label = next(by_line, (0, 0))
    return "\n".join([*lines, ""])


def _row(cells: Sequence[str], delimiter: str) -> str:
    held = io.StringIO()
    csv.writer(held, delimiter=delimiter, lineterminator="").writerow(cells)
    return held.getvalue()


def _frame(table: Table, labels: NDArray[Any], names: Sequence[str]) -> Any:
    number, name = label_columns(list(table.frame.columns))
    texts = np.array([*names, None], dtype=object)
    return table.frame.assign(**{number: labels, name: texts[labels]})
