"""Guesses about a text that is a table: delimiter, header, decimal sign."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence

from fulcra._table.cells import is_missing, read_number, read_numbers

#: In the order in which they are believed: where semicolons fit, commas are decimal.
DELIMITERS = {"\t": "tabs", ";": "semicolons", "|": "pipes", ",": "commas", " ": "blanks"}
#: The delimiter of a table of one column: a sign that is in no text.
NO_DELIMITER = "\x1f"
#: Rows that are looked at.
_ROWS = 2_000
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([T ].*)?")
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
    return len(lines), marked


def is_hashed_header(lines: list[str], delimiter: str) -> bool:
    """Say whether the last comment is the header: as many cells, two at least, as the line behind it.

    Parameters
    ----------
    lines : list of str
        The comment and the line behind it.
    delimiter : str
        Between cells.

    Returns
    -------
    bool
        True for "#a,b" above "1,2".
    """
    counts = [len(next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])) for line in lines]
    return len(counts) == 2 and counts[0] == counts[1] > 1 and lines[0].startswith("#")


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
    head, rows = [" ".join(cell.split()) for cell in rows[0]], rows[1:]
    votes = 0
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
    return votes >= 0


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
    needed: Counter[str] = Counter()
    unsettled: dict[str, str] = {}
    for name, cells in zip(names, sample, strict=True):
        numbers = read_numbers((cell for cell in cells if not is_missing(cell)), ".")
        needed[numbers.decimal] += numbers.decimal != ""
        if numbers.open:
            unsettled[name] = numbers.open
    if needed[","] != needed["."]:
        return "," if needed[","] > needed["."] else ".", None
    if not unsettled:
        return ".", None
    decimal = "," if delimiter == ";" and any("," in cell for cell in unsettled.values()) else "."
    cell, other = next(iter(unsettled.values())), {".": ",", ",": "."}[decimal]
    return decimal, (
        f"{cell} in {', '.join(unsettled)}: read as {_value(cell, decimal)}; --decimal {other} reads it as "
        f"{_value(cell, other)}."
    )


def _value(cell: str, decimal: str) -> str:
    reading = read_number(cell)
    value = reading and (reading.point if decimal == "." else reading.comma)
    return "no number" if value is None else f"{value:.15g}"
