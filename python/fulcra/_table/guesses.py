"""Guesses about a text that is a table: delimiter, header, decimal sign."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from fulcra._table.cells import is_missing, read_number, read_numbers
from fulcra._table.errors import TableError, clipped, listed

#: In the order in which they are believed: where semicolons fit, commas are decimal.
DELIMITERS = {"\t": "tabs", ";": "semicolons", "|": "pipes", ",": "commas", " ": "blanks"}
#: The delimiter of a table of one column: a sign that is in no text.
NO_DELIMITER = "\x1f"
#: Rows that are looked at.
_ROWS = 2_000
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([T ].*)?")
_SIGNS, _OTHER = {".": "points", ",": "commas"}, {".": ",", ",": "."}
_YEAR = re.compile(r"(19|20)\d\d")


def preamble(lines: list[str]) -> tuple[int, str | None]:
    """Count the lines before the table: empty ones, comments, and the delimiter as a spreadsheet notes it.

    Parameters
    ----------
    lines : list of str
        The first lines.

    Returns
    -------
    count : int
        How many lines there are before the table.
    delimiter : str or None
        What "sep=;" says.
    """
    marked = None
    for place, line in enumerate(lines):
        if re.fullmatch(r'"?sep=[^"]"?', line):
            marked = line.strip('"')[-1]
        elif line.strip() and not line.startswith("#"):
            return place, marked
    # Empty lines at the end are no part of it: the comments above may prove rows.
    return max((place + 1 for place, line in enumerate(lines) if line.strip()), default=0), marked


def hashed_rows(lines: list[str], skip: int, delimiter: str) -> tuple[int, bool]:
    """Find the rows among the comments: those right above the table with as many cells, two at least.

    Parameters
    ----------
    lines : list of str
        The first lines.
    skip : int
        How many stand before the table, comments included.
    delimiter : str
        Between cells.

    Returns
    -------
    count : int
        How many of the lines before the table belong to it.
    header : bool
        True for "#a,b" above "1,2": a header that is marked as a comment.
    """
    if not any(line.startswith("#") for line in lines[:skip]):
        return 0, False
    width = len(_cells(lines[min(skip, len(lines) - 1)], delimiter))
    if not any(lines[skip:]):  # every line begins with #
        counts = {len(_cells(line, delimiter)) for line in lines[:skip] if line.startswith("#")}
        width = counts.pop() if len(counts) == 1 else 0
    count = 0
    for line in reversed(lines[:skip]):
        # "# by hand, 2020" is a comment, "#1001" a cell.
        if not re.match(r"#\S", line) or len(_cells(line, delimiter)) != width:
            break
        count += 1
    if width < 2 or (count > 1 and delimiter == " "):
        return 0, False
    return (count, False) if count > 1 else _last_comment(lines, skip, delimiter, width)


def _last_comment(lines: list[str], skip: int, delimiter: str, width: int) -> tuple[int, bool]:
    """Say whether the comment right above the table is a comment, its first row, or its header."""
    behind = [_cells(line, delimiter) for line in lines[skip:_ROWS] if line.strip()]
    above = _cells(lines[skip - 1], delimiter)
    if not behind or not lines[skip - 1].startswith("#") or len(above) != width:
        return 0, False
    if len(behind) > 1 and _votes(behind[0], behind[1:]) > 0:
        return 0, False  # a header follows
    if is_header([[above[0].removeprefix("#"), *above[1:]], *behind]):
        return 1, True
    return int(re.match(r"#\S", lines[skip - 1]) is not None), False


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []  # `records` says what and where


def first_rows(text: str, delimiter: str) -> tuple[list[list[str]], int]:
    """Return the cells of the first rows, and how many lines the first of them takes.

    Parameters
    ----------
    text : str
        The text; rows that cannot be read end it.
    delimiter : str
        Between cells.

    Returns
    -------
    rows : list of list of str
        Without empty lines.
    after : int
        Lines to the end of the first row.
    """
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    rows: list[list[str]] = []
    after = 0
    try:
        for cells in reader:
            if cells:
                rows.append(cells)
                after = after or reader.line_num
            if len(rows) > _ROWS:
                break
    except csv.Error:
        pass  # `records` says what and where
    return rows, after


def find_delimiter(lines: list[str]) -> str:
    """Return the delimiter that cuts all lines into the same number of cells.

    Parameters
    ----------
    lines : list of str
        The first lines, from the header on.

    Returns
    -------
    str
        Of `DELIMITERS`, or `NO_DELIMITER`.
    """
    best, found = (0, 0, 0.0), NO_DELIMITER
    for delimiter in DELIMITERS:
        rows, _ = first_rows("\n".join(lines[:_ROWS]), delimiter)
        if not rows:
            continue
        head, counts = len(rows[0]), Counter(map(len, rows[1:] or rows))
        width, often = counts.most_common(1)[0]
        # A header that is one cell short stands over row names, or over a delimiter at the end of each row.
        fits = 2 * (head == width) or int(head == width - 1 > 1)
        score = (int(often == counts.total() and fits > 0), fits, often / counts.total())
        if delimiter == " " and not score[0]:
            continue  # text has blanks, too
        if delimiter == "," and head == 1 and all(read_number(",".join(row)) for row in rows[1:]):
            continue  # decimal commas below a name
        if width > 1 and score > best:
            best, found = score, delimiter
    return found


def is_header(rows: list[list[str]]) -> bool:
    """Say whether the first row names the columns: it is of another kind than what stands below it.

    Parameters
    ----------
    rows : list of list of str
        The first rows.

    Returns
    -------
    bool
        True where nothing speaks against it.
    """
    # The header comes again where two files were joined; a first row that comes again may be data, too.
    others = [row for row in rows[1:] if row != rows[0]]
    if len(others) < len(rows) - 1 and _votes(rows[0], others) > 0:
        return True
    return _votes(rows[0], rows[1:]) >= 0


def _votes(first: list[str], rows: list[list[str]]) -> int:
    """Count the columns that speak for a header, less those that speak against it."""
    head, votes = [" ".join(cell.split()) for cell in first], 0
    numbers = [j for j in range(len(head)) if _is_figure(head[j])]
    years = len(numbers) > 1 and all(_YEAR.fullmatch(head[j]) for j in numbers)
    for j, cell in enumerate(head):
        below = {row[j].strip() for row in rows if len(row) > j and not is_missing(row[j])}
        if not below:
            votes += 0 if is_missing(cell) else -1 if _is_figure(cell) else 1
        elif all(map(_is_figure, below)):
            if _is_figure(cell):
                votes += 1 if years and not all(map(_YEAR.fullmatch, below)) else -1
            else:
                votes += not is_missing(cell)
        elif cell in below:
            votes -= 1
    return votes


def _is_figure(cell: str) -> bool:
    """Say whether a cell is a number or a date, which names of columns are not."""
    return read_number(cell) is not None or _DATE.fullmatch(cell.strip()) is not None


def find_decimal(
    sample: Sequence[Sequence[str]], names: Sequence[str], delimiter: str
) -> tuple[str, str | None]:
    """Return the decimal sign that most columns need; where none does, a comma beside semicolons.

    Parameters
    ----------
    sample : sequence of sequence of str
        Cells of each column.
    names : sequence of str
        Of the columns.
    delimiter : str
        Between cells.

    Returns
    -------
    decimal : {'.', ','}
        The sign.
    note : str or None
        Where this is a guess that decides about cells: which, and what they would be otherwise.
    """
    needed, unsettled = _signs(sample, names)
    points, commas = needed["."], needed[","]
    because = ""
    if len(points) != len(commas):
        decimal = "," if len(commas) > len(points) else "."
        because = f", by the decimal {_SIGNS[decimal]} of {_named(needed[decimal])}"
    else:
        decimal = "," if delimiter == ";" and any("," in cell for cell in unsettled.values()) else "."
    if not unsettled:
        return decimal, None
    cell, other = next(iter(unsettled.values())), _OTHER[decimal]
    return decimal, (
        f"{cell} in {_named(unsettled)}: read as {_value(cell, decimal)}{because}; --decimal {other} "
        f"reads it as {_value(cell, other)}."
    )


def check_decimal(sample: Sequence[Sequence[str]], names: Sequence[str], decimal: str) -> str | None:
    """Hold the decimal sign that was asked for against the cells.

    Parameters
    ----------
    sample : sequence of sequence of str
        Cells of each column.
    names : sequence of str
        Of the columns.
    decimal : {'.', ','}
        The sign.

    Returns
    -------
    str or None
        A note on the columns that can only be read with the other sign, and are.

    Raises
    ------
    TableError
        If that is so of all columns that have a sign.
    """
    needed, unsettled = _signs(sample, names)
    against = needed[_OTHER[decimal]]
    if not against:
        return None
    name, cell = next(iter(against.items()))
    if not unsettled and not needed[decimal]:
        raise TableError(
            f"--decimal {decimal} does not fit: {cell} in {clipped(name)} is a number with a decimal "
            f"{_SIGNS[_OTHER[decimal]][:-1]} only"
        )
    return (
        f"{_named(against)}: read with decimal {_SIGNS[_OTHER[decimal]]} in spite of --decimal {decimal}, as "
        f"{cell} is no number otherwise."
    )


def _signs(
    sample: Sequence[Sequence[str]], names: Sequence[str]
) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Return by sign the columns that need it, and the columns that leave it open; each with a cell."""
    needed: dict[str, dict[str, str]] = {".": {}, ",": {}}
    unsettled: dict[str, str] = {}
    for name, cells in zip(names, sample, strict=True):
        known = [cell for cell in cells if not is_missing(cell)]
        numbers = read_numbers(known, ".")
        if numbers.decimal:
            needed[numbers.decimal][name] = next(cell for cell in known if _needs(cell, numbers.decimal))
        if numbers.open:
            unsettled[name] = numbers.open
    return needed, unsettled


def _needs(cell: str, decimal: str) -> bool:
    reading = read_number(cell)
    return reading is not None and (reading.comma if decimal == "." else reading.point) is None


def _named(names: Iterable[str]) -> str:
    return listed(names, 5)


def _value(cell: str, decimal: str) -> str:
    reading = read_number(cell)
    value = reading and (reading.point if decimal == "." else reading.comma)
    return "no number" if value is None else f"{value:.15g}"
