"""What a column holds: numbers, levels, dates, or text that k-means cannot use."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._table.calendar import digits_as_dates
from fulcra._table.cells import Numbers, is_missing, read_number, read_numbers

#: Different texts that become a column of 0 and 1 each; more are left out.
MOST_LEVELS = 20
#: What the missing cells of a column of levels are called.
MISSING_LEVEL = "(missing)"
_ANSWERS = frozenset(
    ("yes", "no", "true", "false", "ja", "nein", "wahr", "falsch", "oui", "non", "vrai", "faux")
)
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y")
_SHORT = ("%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
_TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S.%f")
#: Each is tried for a whole column.
_DATES = (
    *(day + time for day in _DAYS for time in _TIMES),
    *_SHORT,
    *(f"%Y-%m-%d{time}%z" for time in _TIMES[1:]),
)
_DATELIKE = re.compile(r"\d{1,4}[-./ ]\w{1,9}[-./ ]\d{1,4}.*|[A-Za-z]{3,9} \d{1,2}, \d{4}")


@dataclass(frozen=True)
class Content:
    """What a column holds.

    Attributes
    ----------
    kind : {'numbers', 'levels', 'dates', 'text', 'nested', 'empty'}
        What it is; 'text' has more levels than can be used, 'nested' are lists and records.
    values : pandas.Series
        float64, text or datetime64; missing is missing.
    n_different : int
        How many different values there are, missing left aside.
    n_missing : int
        How many are missing.
    unit : str
        The currency, or '%', that was taken off the numbers.
    note : str
        How it was read, where that was open; or why text is not numbers, where it nearly is.
    codes : bool
        Whether this is text because some of its numbers begin with 0.
    """

    kind: str
    values: Any
    n_different: int
    n_missing: int
    unit: str = ""
    note: str = ""
    codes: bool = False


def content(column: Any, decimal: str) -> Content:
    """Find out what a column holds.

    Parameters
    ----------
    column : pandas.Series
        Numbers, dates, booleans, categories or text.
    decimal : {'.', ','}
        The decimal sign of the table.

    Returns
    -------
    Content
        What it holds.

    Examples
    --------
    >>> import pandas as pd
    >>> from fulcra._table.contents import content
    >>> found = content(pd.Series(["$1,200", "$90", None]), ".")
    >>> found.kind, found.values.tolist(), found.unit
    ('numbers', [1200.0, 90.0, nan], '$')
    """
    import pandas as pd  # noqa: PLC0415 - an extra, and slow to load

    known = column.dtype
    if pd.api.types.is_bool_dtype(known):
        return _levels(column.astype(object))
    if pd.api.types.is_numeric_dtype(known):
        return _numbers(column.astype("float64"))
    if pd.api.types.is_datetime64_any_dtype(known):
        return _dates(column)
    return _of_texts(column, decimal)


def _of_texts(column: Any, decimal: str) -> Content:
    """Read each different text once, then give every cell what its text means."""
    import pandas as pd  # noqa: PLC0415 - an extra, and slow to load

    try:
        codes, found = pd.factorize(column)
    except TypeError:  # lists cannot be told apart by a hash
        return Content("nested", column, len(column), int(column.isna().sum()))
    texts = [*(str(text).strip() for text in found), ""]  # the last for -1, which is missing
    different = list(dict.fromkeys(text for text in texts if not is_missing(text)))
    if not different:
        return Content("empty", column, 0, len(column))
    numbers = _read(different, decimal)
    if numbers.values:
        read = np.array([numbers.values.get(text, np.nan) for text in texts])
        return _numbers(pd.Series(read[codes], column.index, name=column.name), numbers)
    dates = _read_dates(different, day_first=decimal == ",")
    if dates is not None:
        moments = dict(zip(different, dates[0], strict=True))
        read = np.array([moments.get(text, np.datetime64("NaT")) for text in texts], dtype="datetime64[ns]")
        return _dates(pd.Series(read[codes], column.index), dates[1])
    read = np.array([None if is_missing(text) else text for text in texts], dtype=object)
    return _levels(pd.Series(read[codes], column.index, dtype=object), numbers)


def _read(texts: list[str], decimal: str) -> Numbers:
    # A look at a few spares reading all of a column of names.
    few = texts[:1000]
    if len(few) < len(texts) and sum(read_number(text) is not None for text in few) < 0.8 * len(few):
        return Numbers({})
    return read_numbers(texts, decimal)


def _numbers(values: Any, numbers: Numbers | None = None) -> Content:
    infinite = np.isinf(values.to_numpy())
    note = f"{int(infinite.sum())} infinite taken as missing" if infinite.any() else ""
    if infinite.any():
        values = values.mask(infinite)
    elif (numbers is None or not numbers.unit) and (dates := digits_as_dates(values)) is not None:
        return _dates(*dates)
    unit = numbers.unit if numbers is not None else ""
    missing = int(values.isna().sum())
    kind = "empty" if missing == len(values) else "numbers"
    return Content(kind, values, int(values.nunique()), missing, unit, note)


def _dates(values: Any, note: str = "") -> Content:
    if getattr(values.dtype, "tz", None) is not None:
        values = values.dt.tz_convert(None)
    missing = int(values.isna().sum())
    return Content(
        "empty" if missing == len(values) else "dates", values, int(values.nunique()), missing, "", note
    )


def _levels(values: Any, numbers: Numbers | None = None) -> Content:
    spellings: dict[str, str] = {}

    def spelled(value: object) -> str:
        """Give yes, Yes and YES one spelling, the first."""
        text = str(value)
        return spellings.setdefault(text.lower(), text) if text.lower() in _ANSWERS else text

    values = values.where(values.isna(), values.map(spelled, na_action="ignore"))
    different = int(values.nunique())
    known = int(values.notna().sum())
    problem, codes = ("", False) if numbers is None else (numbers.problem, numbers.codes)
    # Texts that hardly ever come twice say nothing of groups.
    kind = "empty" if not known else "levels" if different <= min(MOST_LEVELS, max(known / 2, 2)) else "text"
    return Content(kind, values, different, len(values) - known, "", problem, codes)


def _read_dates(texts: list[str], *, day_first: bool) -> tuple[NDArray[np.datetime64], str] | None:
    """Read texts as dates, all in the same form; also say what was open, which `day_first` decides."""
    import pandas as pd  # noqa: PLC0415 - an extra, and slow to load

    if not all(_DATELIKE.fullmatch(text) for text in texts):
        return None
    fits: list[tuple[bool, NDArray[np.datetime64]]] = []
    for form in _DATES:
        try:
            moments = pd.to_datetime(pd.Series(texts, dtype=object), format=form, utc="%z" in form)
        except (ValueError, OverflowError):
            continue
        if moments.dt.tz is not None:
            moments = moments.dt.tz_convert(None)
        fits.append((form.startswith("%d"), moments.to_numpy(dtype="datetime64[ns]")))
    if not fits:
        return None
    chosen, moments = next((fit for fit in fits if fit[0] == day_first), fits[0])
    if all((other == moments).all() for _, other in fits):
        return moments, ""
    return moments, f"dates read with the {'day' if chosen else 'month'} first; the other way fits as well"
