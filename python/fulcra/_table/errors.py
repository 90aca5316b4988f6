"""What stops `fulcra cluster`; apart, so that the command line loads nothing else for it."""

from collections.abc import Iterable

#: Characters of a name in a sentence: a file that is no table has paragraphs for names.
_LONGEST = 60


class TableError(Exception):
    """A table, or what is asked of it, cannot work; the message is one line for the user."""


def clipped(name: str) -> str:
    """Shorten a name for a sentence.

    Parameters
    ----------
    name : str
        Of a column.

    Returns
    -------
    str
        Its beginning, where it is long.
    """
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}\u2026"


def listed(names: Iterable[str], most: int = 12) -> str:
    """Put names into a sentence.

    Parameters
    ----------
    names : iterable of str
        The names.
    most : int, default=12
        How many are named, where there are more than one more; the others are counted.

    Returns
    -------
    str
        The names between commas.
    """
    names = list(names)
    if len(names) > most + 1:
        names = [*names[:most], f"and {len(names) - most} more"]
    return ", ".join(names)
