"""Writing labels beside the rows they belong to, and files that are whole or not there."""

import csv
import gzip
import importlib.util
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._errors import MissingError
from fulcra._table.guesses import NO_DELIMITER
from fulcra._table.layout import records
from fulcra._table.read import Table


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
    text = _text(table, labels, names)
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


def require_parquet() -> None:
    """Ask for what pandas writes Parquet with, before any work is done.

    Raises
    ------
    MissingError
        If it is not installed; the message holds the line that installs it.
    """
    if not any(importlib.util.find_spec(name) for name in ("pyarrow", "fastparquet")):
        raise MissingError("Parquet needs pyarrow: pip install pyarrow")


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


def _text(table: Table, labels: NDArray[Any], names: Sequence[str]) -> str:
    layout = table.layout
    if layout is None:
        return str(_frame(table, labels, names).to_csv(index=False, lineterminator="\n"))
    delimiter, verbatim = layout.delimiter, layout.delimiter != NO_DELIMITER
    if not verbatim:
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
