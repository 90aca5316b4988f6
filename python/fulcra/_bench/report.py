"""Tables for people: rich where it is installed, plain text otherwise, Markdown for files."""

import importlib.util
import sys
from collections.abc import Sequence


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> None:
    """Print one table; the first column is text, the others are figures.

    Parameters
    ----------
    title : str
        Said above the table.
    columns : sequence of str
        The headings.
    rows : sequence of sequence of str
        The cells, one sequence a row.
    note : str
        Said below the table.
    """
    if sys.stdout.isatty() and importlib.util.find_spec("rich"):
        _show_rich(title, columns, rows, note)
    else:
        print(plain(title, columns, rows, note), flush=True)


def plain(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> str:
    """Lay the table out in text.

    Parameters
    ----------
    title, columns, rows, note
        As in `show`.

    Returns
    -------
    text : str
        Lines joined by newlines.
    """
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]

    def line(cells: Sequence[str]) -> str:
        first = cells[0].ljust(widths[0])
        rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
        return "  " + "  ".join((first, *rest)).rstrip()

    rule = "  " + "  ".join("-" * width for width in widths)
    lines = ["", title, line(columns), rule, *(line(row) for row in rows)]
    if note:
        lines += [f"  {part}" for part in note.splitlines()]
    return "\n".join(lines)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay the table out in Markdown.

    Parameters
    ----------
    columns, rows
        As in `show`.

    Returns
    -------
    text : str
        Lines joined by newlines.
    """
    marks = ["---", *("---:" for _ in columns[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (columns, marks, *rows))


def milliseconds(seconds: float) -> str:
    """Write a duration in ms with three significant digits: 0.123, 1.23, 12.3, 123, 1230."""
    value = seconds * 1e3
    decimals = next((places for bound, places in ((10, 2), (100, 1)) if value < bound), 0)
    return f"{value:.{3 if value < 1 else decimals}f}"


def _show_rich(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str) -> None:
    from rich.console import Console  # noqa: PLC0415  # rich comes with the extra "demo"
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415  # plain strings would be read as markup: "[...]" vanishes

    table = Table(title=Text(title, "bold"), title_justify="left", caption=Text(note), caption_justify="left")
    for place, name in enumerate(columns):
        table.add_column(Text(name), justify="right" if place else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
