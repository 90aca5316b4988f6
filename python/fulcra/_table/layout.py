"""How a text is a table: its delimiter, its header, its decimal sign, and where its rows begin."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from fulcra._table import guesses
from fulcra._table.errors import TableError, clipped, listed

#: Characters and lines, both at least, by which all this is found out.
_CHARACTERS, _LINES = 1_000_000, 20


@dataclass(frozen=True)
class Wishes:
    """What the user says about the file; None is to be found out.

    Attributes
    ----------
    encoding, delimiter, decimal : str or None
        As the options have them.
    header : bool or None
        Whether the first line names the columns.
    """

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    header: bool | None = None


@dataclass(frozen=True)
class Header:
    """What the columns are called.

    Attributes
    ----------
    names : tuple of str
        Each once.
    line : str
        The line that names them, as it is to be written again.
    notes : tuple of str
        What the file does not say.
    """

    names: tuple[str, ...]
    line: str
    notes: tuple[str, ...] = ()

    @classmethod
    def none(cls, width: int, delimiter: str) -> "Header":
        """Name the columns of a table that does not."""
        names = tuple(f"c{j + 1}" for j in range(width))
        note = f"The first line is data: the columns are named {names[0]} to {names[-1]}."
        return cls(names, delimiter.join(names), (note,))

    @classmethod
    def of(cls, line: str, rows: list[list[str]], delimiter: str, width: int) -> "Header":
        """Read the names that stand above `rows`, `width` cells each."""
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
        given, notes = [" ".join(cell.split()) for cell in cells], []
        if len(given) == width - 1:
            # R leaves out the name of the column of row names; others end rows, not headers, by a delimiter.
            if all(not row[-1].strip() for row in rows):
                given, line = [*given, ""], line + delimiter
            else:
                given, line = ["row", *given], "row" + delimiter + line
                notes.append("The header has no name for the first column: it is named row.")
        names = _distinct(given)
        renamed = [name for name, was in zip(names, given, strict=True) if was and name != was]
        if renamed:
            notes.append(f"Names made different: {listed(map(clipped, renamed))}.")
        return cls(tuple(names), line, tuple(notes))


def _distinct(given: list[str]) -> list[str]:
    """Give every column a name of its own."""
    names: dict[str, None] = {}
    for j, word in enumerate(given):
        name, count = word or f"c{j + 1}", 1
        while name in names or (count > 1 and name in given):
            count += 1
            name = f"{word or f'c{j + 1}'} ({count})"
        names[name] = None
    return list(names)


@dataclass(frozen=True)
class Layout:
    """How a text is a table.

    Attributes
    ----------
    delimiter : str
        Between cells; `NO_DELIMITER` for one column.
    decimal : str
        '.' or ','.
    names : tuple of str
        Of the columns, each once.
    header : str
        The line that names the columns, as it is to be written again.
    again : tuple of str
        The cells of that line as they stand; a row that repeats them is none. () where there is no header.
    skip : int
        Lines before the first row.
    sample : tuple of tuple of str
        The cells of each column in the first rows.
    notes : tuple of str
        What the user should know.
    """

    delimiter: str
    decimal: str
    names: tuple[str, ...]
    header: str
    again: tuple[str, ...]
    skip: int
    sample: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def find_layout(text: str, name: str, wishes: Wishes) -> Layout:
    r"""Find out how a table is written, by its first rows.

    Parameters
    ----------
    text : str
        All of it; lines end by a line feed.
    name : str
        What to call it.
    wishes : Wishes
        What need not be found out.

    Returns
    -------
    Layout
        What was found.

    Raises
    ------
    TableError
        If there is nothing, or nothing but a header, or the delimiter or decimal sign asked for do not fit.

    Examples
    --------
    >>> from fulcra._table.layout import Wishes, find_layout
    >>> found = find_layout("age;income\n41;1.234,5\n28;99,9\n", "table.csv", Wishes())
    >>> found.delimiter, found.decimal, found.names
    (';', ',', ('age', 'income'))
    """
    lines = _first_lines(text)
    skip, marked = guesses.preamble(lines)
    delimiter = wishes.delimiter or marked or guesses.find_delimiter(_body(lines, skip))
    taken, hashed = guesses.hashed_rows(lines, skip, delimiter)
    skip -= taken
    notes = [f"{skip} line{'s' * (skip > 1)} before the table: not read."] if skip else []
    rows, after = guesses.first_rows("\n".join(lines[skip:]), delimiter)
    if not rows:
        raise TableError(f"{name} is empty; a table has rows")
    if wishes.delimiter:
        _check_delimiter(rows, _body(lines, skip), delimiter, name)
    first, again = "\n".join(lines[skip : skip + after]), tuple(rows[0])
    width = Counter(map(len, rows[1:] or rows)).most_common(1)[0][0]
    is_header = wishes.header
    if is_header is None and taken == 1:
        is_header = hashed
    if is_header is None:
        is_header = len(rows[0]) == width - 1 or guesses.is_header(rows)
    if not is_header:
        header, again = Header.none(len(rows[0]), delimiter), ()
    elif len(rows) == 1:
        raise TableError(f"{name} has a header and no rows")
    else:
        header = Header.of(first.removeprefix("#") if hashed else first, rows[1:], delimiter, width)
        rows, skip = [row for row in rows[1:] if tuple(row) != again], skip + after
    names = header.names
    if len(rows) > 1 and len(names) != width:
        raise TableError(
            f"{name}: its first line has {len(names)} cell{'s' * (len(names) > 1)}, those below {width}; "
            "a header, if any, comes first and names every column"
        )
    notes += header.notes
    full = [row for row in rows if len(row) == len(names)]
    sample = tuple(tuple(row[j].strip() for row in full) for j in range(len(names)))
    if wishes.decimal:
        decimal, note = wishes.decimal, guesses.check_decimal(sample, names, wishes.decimal)
    else:
        decimal, note = guesses.find_decimal(sample, names, delimiter)
    notes += [note] if note else []
    return Layout(delimiter, decimal, names, header.line, again, skip, sample, tuple(notes))


def _body(lines: list[str], skip: int) -> list[str]:
    """Return the lines of the table; where none is left, each may begin with a cell such as "#1001"."""
    return lines[skip:] if any(lines[skip:]) else [line for line in lines if line.startswith("#")]


def _check_delimiter(rows: list[list[str]], lines: list[str], delimiter: str, name: str) -> None:
    """Refuse a delimiter that makes one column, or ragged rows, where another makes a table."""
    counts = {len(row) for row in rows}
    if counts != {1} and len(counts) == 1:
        return
    better = guesses.find_delimiter(lines)
    if better in {delimiter, guesses.NO_DELIMITER}:
        return
    if len({len(row) for row in guesses.first_rows("\n".join(lines), better)[0]}) > 1:
        return
    given = guesses.DELIMITERS.get(delimiter, repr(delimiter))
    option = "tab" if better == "\t" else f'"{better}"'
    raise TableError(
        f"{name} is not cut into columns by {given}; {guesses.DELIMITERS[better]} fit: --delimiter {option}"
    )


def _first_lines(text: str) -> list[str]:
    end = 0
    for _ in range(_LINES):
        end = text.find("\n", end) + 1 or len(text)
    end = max(end, text.find("\n", _CHARACTERS) + 1 if len(text) > _CHARACTERS else len(text))
    return text[:end].split("\n")


def records(text: str, layout: Layout, name: str) -> Iterator[tuple[int, str, list[str]]]:
    """Go through the rows of a table.

    Parameters
    ----------
    text : str
        All of it.
    layout : Layout
        How it is written.
    name : str
        What to call it.

    Yields
    ------
    line : int
        The line of the file on which the row begins, from 1.
    written : str
        The row as it stands there, without its end.
    cells : list of str
        None for an empty line; the header's, where it comes again.

    Raises
    ------
    TableError
        If a row has more or fewer cells than there are columns, or a quote is not closed; names the line.
    """
    stream = io.StringIO(text)
    for _ in range(layout.skip):
        stream.readline()
    held: list[str] = []

    def lines() -> Iterator[str]:
        for line in stream:
            held.append(line)
            yield line

    reader = csv.reader(lines(), delimiter=layout.delimiter, skipinitialspace=True, strict=True)
    line, width, again = layout.skip + 1, len(layout.names), list(layout.again)
    while True:
        held.clear()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise TableError(f"{name}, line {line}: {_what_is_wrong(str(error))}") from None
        if cells is None:
            return
        if cells and len(cells) != width and cells != again:
            raise TableError(
                f"{name}, line {line} has {len(cells)} cell{'s' * (len(cells) > 1)}; "
                f"the table has {width} columns"
            )
        yield line, (held[0] if len(held) == 1 else "".join(held)).removesuffix("\n"), cells
        line += len(held)


def _what_is_wrong(error: str) -> str:
    if "unexpected end" in error:
        return "a quote is opened and never closed"
    if "field larger" in error:
        return f"a cell of more than {csv.field_size_limit():,} characters; is a quote not closed?"
    return "a quoted cell goes on behind its closing quote"
