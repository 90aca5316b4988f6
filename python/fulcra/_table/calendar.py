"""Whole numbers that are dates: 20240131, 202401, and seconds since 1970."""

import re
from typing import Any

#: A number in a month's form is one in eight: this many different ones are no accident.
_FEWEST = 6
_MONTHLY = re.compile(r"(?:.*[^a-z])?(?:ym|yyyymm)|.*(?:month|monat|mois|period|date|datum).*", re.IGNORECASE)
# Of seconds the name must speak: a thousand million is a quantity as well.
_MOMENT = re.compile(
    r".*(?:time|date|epoch|unix|stamp|created|updated|modified|seen|login|joined|zeit|datum).*"
    r"|(?:.*[_\-\s.])?(?:ts|at|on)",
    re.IGNORECASE,
)
#: From 1990 to 2050, in seconds.
_EARLIEST, _LATEST = 631_152_000, 2_524_608_000
_UNITS = ((1, "s", "seconds"), (1_000, "ms", "milliseconds"), (1_000_000, "us", "microseconds"))


def digits_as_dates(values: Any) -> tuple[Any, str] | None:
    """Read whole numbers as dates, where they are.

    Parameters
    ----------
    values : pandas.Series
        float64; missing is missing. Its name counts.

    Returns
    -------
    moments : pandas.Series
        datetime64.
    note : str
        How they were read.

    Examples
    --------
    >>> import pandas as pd
    >>> from fulcra._table.calendar import digits_as_dates
    >>> moments, note = digits_as_dates(pd.Series([202401.0, 202403.0, 202402.0], name="month"))
    >>> note, str(moments.max().date())
    ('whole numbers read as dates (year, month)', '2024-03-01')
    """
    import pandas as pd  # noqa: PLC0415 - an extra, and slow to load

    known, name = values.dropna().to_numpy(), str(values.name)
    if len(known) < 3 or not (known % 1 == 0).all():
        return None
    low, high = known.min(), known.max()
    if low >= 19_000_101 and high <= 21_001_231 and _are_months(known // 100) and _are_days(known):
        return _parsed(values, "%Y%m%d"), "whole numbers read as dates (year, month, day)"
    monthly = _MONTHLY.fullmatch(name) is not None or len(set(known.tolist())) >= _FEWEST
    if low >= 190_001 and high <= 210_012 and _are_months(known) and monthly:
        return _parsed(values, "%Y%m"), "whole numbers read as dates (year, month)"
    if _MOMENT.fullmatch(name):
        for scale, unit, word in _UNITS:
            if low >= _EARLIEST * scale and high <= _LATEST * scale:
                return pd.to_datetime(values, unit=unit), f"whole numbers read as dates ({word} since 1970)"
    return None


def _are_months(known: Any) -> bool:
    """See whether year and month are: of other numbers, one in eight looks like one."""
    return bool(((known % 100 >= 1) & (known % 100 <= 12)).all())


def _are_days(known: Any) -> bool:
    return bool(((known % 100 >= 1) & (known % 100 <= 31)).all())


def _parsed(values: Any, form: str) -> Any:
    import pandas as pd  # noqa: PLC0415 - an extra, and slow to load

    texts = values.map(lambda value: f"{value:.0f}", na_action="ignore").astype(object)
    return pd.to_datetime(texts, format=form, errors="coerce")
