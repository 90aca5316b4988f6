"""Reading a table: text in any usual form, compressed or not, or Parquet."""

import gzip
import importlib.util
import io
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._errors import MissingError
from fulcra._table.cells import MISSING, is_code, is_missing, read_number
from fulcra._table.encoding import decode
from fulcra._table.errors import TableError, listed
from fulcra._table.guesses import DELIMITERS, NO_DELIMITER
from fulcra._table.layout import Layout, Wishes, find_layout, records

_ZIP, _WORKBOOK, _PARQUET, _GZIP = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"\x1f\x8b"


@dataclass(frozen=True)
class Table:
    """A table that was read.

    Attributes
    ----------
    name : str
        What to call it.
    frame : pandas.DataFrame
        The rows that are not empty, by their line in the file (of Parquet: by number, from 1). Columns of
        plain numbers are numbers, all others as they are written; missing is missing.
    form : str
        How it is written, in words.
    notes : tuple of str
        What the user should know.
    layout : Layout or None
        None for Parquet.
    text : str
        All of it; '' for Parquet.
    encoding, newline : str
        How to write it again.
    """

    name: str
    frame: Any
    form: str
    notes: tuple[str, ...]
    layout: Layout | None = None
    text: str = ""
    encoding: str = "utf-8"
    newline: str = "\n"

    @property
    def lines(self) -> NDArray[np.int64]:
        """The line of the file, or the number, of each row of `frame`."""
        found: NDArray[np.int64] = self.frame.index.to_numpy()
        return found


def read_table(source: str, wishes: Wishes | None = None) -> Table:
    """Read a table.

    Parameters
    ----------
    source : str
        The file, or '-' for the standard input. Text (commas, semicolons, tabs or pipes) or Parquet; text may
        be compressed by gzip.
    wishes : Wishes or None, default=None
        What need not be found out.

    Returns
    -------
    Table
        What was read.

    Raises
    ------
    TableError
        If it is no table; the message says where it ceases to be one.
    MissingError
        If pandas, or what Parquet needs, is not installed.
    """
    if importlib.util.find_spec("pandas") is None:
        raise MissingError('tables need pandas: pip install "fulcra[table]"')
    name = "the standard input" if source == "-" else source
    data = _bytes(source)
    if data.startswith(_GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise TableError(f"{name} is damaged: {str(error).rstrip('.')}") from None
    if data.startswith((_ZIP, _WORKBOOK)):
        raise TableError(f"{name} is a workbook or an archive; save the sheet as CSV (UTF-8) first")
    if data.startswith(_PARQUET):
        return _read_parquet(data, name)
    return _read_text(data, name, wishes or Wishes())


def _bytes(source: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    path = Path(source)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise TableError(f"{source}: there is no such file") from None
    except IsADirectoryError:
        raise TableError(f"{source} is a folder; a table is a file") from None
    except OSError as error:
        raise TableError(f"{source} cannot be read: {error.strerror}") from None


def _read_text(data: bytes, name: str, wishes: Wishes) -> Table:
    import pandas as pd  # noqa: PLC0415 - an extra, and slow to load

    text, encoding, notes = decode(data, name, wishes.encoding)
    newline = "\r\n" if "\r\n" in text[:100_000] else "\n"
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.rstrip("\n") + "\n" if text.strip() else ""
    layout = find_layout(text, name, wishes)
    again, repeated = list(layout.again), []

    def found() -> Iterator[int]:
        for line, _, cells in records(text, layout, name):
            if cells and cells == again:
                repeated.append(line)
            else:
                yield line

    lines = np.fromiter(found(), dtype=np.int64)
    stream = io.StringIO(text)
    for _ in range(layout.skip):
        stream.readline()
    if repeated:
        rows = (written for _, written, cells in records(text, layout, name) if not cells or cells != again)
        stream = io.StringIO("\n".join([*rows, ""]))
        where = f"line{'s' * (len(repeated) > 1)} {listed(map(str, repeated), 4)}"
        notes.append(f"The header comes again in {where}: left out.")
    frame = pd.read_csv(
        stream,
        sep=layout.delimiter,
        header=None,
        names=list(layout.names),
        index_col=False,
        dtype={
            name: str
            for name, cells in zip(layout.names, layout.sample, strict=True)
            if not _plain(cells, layout)
        },
        na_values=list(MISSING),
        keep_default_na=False,
        skip_blank_lines=False,
        skipinitialspace=True,
        decimal=layout.decimal,
        low_memory=False,
    )
    if len(frame) != len(lines):
        raise TableError(
            f"{name} cannot be cut into rows: {len(lines)} by its quotes, {len(frame)} by pandas"
        )
    frame.index = pd.Index(lines, name="line")
    return _without_empty_rows(
        Table(name, frame, _form(layout, encoding), (*notes, *layout.notes), layout, text, encoding, newline)
    )


def _plain(cells: tuple[str, ...], layout: Layout) -> bool:
    """Say whether pandas may read a column as numbers: as far as was looked, it has no others."""
    digits = set("0123456789+-eE" + layout.decimal)
    return all(
        is_missing(cell) or (digits.issuperset(cell) and not is_code(cell) and read_number(cell) is not None)
        for cell in cells
    )


def _form(layout: Layout, encoding: str) -> str:
    what = [f"{DELIMITERS.get(layout.delimiter, repr(layout.delimiter))} between cells"]
    if layout.delimiter == NO_DELIMITER:
        what = ["one column"]
    if layout.decimal == ",":
        what.append("decimal commas")
    return ", ".join(
        [*what, {"utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}.get(encoding, encoding.upper())]
    )


def _read_parquet(data: bytes, name: str) -> Table:
    import pandas as pd  # noqa: PLC0415 - an extra, and slow to load

    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except ImportError:
        raise MissingError("Parquet needs pyarrow: pip install pyarrow") from None
    except (ValueError, OSError) as error:
        raise TableError(f"{name} is damaged: {str(error).splitlines()[0]}") from None
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    frame.columns = [str(column) for column in frame.columns]
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    if frame.empty:
        raise TableError(f"{name} is empty; a table has rows and columns")
    return _without_empty_rows(Table(name, frame, "Parquet", ()))


def _without_empty_rows(table: Table) -> Table:
    empty: NDArray[np.bool_] = table.frame.isna().all(axis=1).to_numpy()
    count = int(empty.sum())
    if not count:
        return table
    if count == len(empty):
        raise TableError(f"{table.name} has {count} row{'s' * (count > 1)}, all of them empty")
    notes = (*table.notes, f"{count} row{'s' * (count > 1)} without any value: left out.")
    return Table(
        table.name,
        table.frame[~empty],
        table.form,
        notes,
        table.layout,
        table.text,
        table.encoding,
        table.newline,
    )
