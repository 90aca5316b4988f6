"""Text that means a number: decimal commas, thousands, currencies, percent, and what stands for nothing.

A cell is read in both ways, with a decimal point and with a decimal comma; a column is read in the way that
reads all of its cells. So "1,234" alone is open, and one "0,5" in its column settles it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

#: What stands for a missing value, beside nothing at all. Those with # are what spreadsheets write.
MISSING = (
    *("", "NA", "N/A", "NaN", "Na", "n/a", "na", "nan", "NAN", "n.a.", "k.A.", "null", "NULL", "Null"),
    *("None", "none", "<NA>", "-", "--", "\u2013", "\u2014", "?", "."),
    *("#N/A", "#NA", "#NV", "#VALUE!", "#WERT!", "#DIV/0!", "#REF!", "#BEZUG!", "#NAME?", "#NUM!", "#ZAHL!"),
)
_MISSING = frozenset(MISSING)

_CURRENCIES = r"US\$|A\$|C\$|R\$|[$€£¥₹₽₩₺฿]|USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN|CZK|kr|zł|Kč"
# Groups of three digits are set apart by a space of any width, an apostrophe, or the sign that is not the
# decimal one; all groups of a number by the same.
_GROUPED = r"\d{{1,3}}(?:(?P<gap>[{other}'\u2019 \u00a0\u2009\u202f])\d{{3}})(?:(?P=gap)\d{{3}})*"
_BODY = r"(?:(?P<grouped>" + _GROUPED + r")|\d*)(?P<fraction>{sign}\d*)?(?P<power>[eE][+-]?\d+)?"
_BODIES = {
    sign: re.compile(_BODY.format(sign=re.escape(sign), other=re.escape(other)))
    for sign, other in ((".", ","), (",", "."))
}
_SHELL = re.compile(
    rf"(?P<minus>[-\u2212+]?)\s*(?P<before>{_CURRENCIES})?\s*(?P<inner>[-\u2212+]?)\s*"
    rf"(?P<body>[\d.,'\u2019 \u00a0\u2009\u202f]*\d[.,]?(?:[eE][+-]?\d+)?)"
    rf"\s*(?P<percent>%)?\s*(?P<after>{_CURRENCIES})?(?P<behind>[-\u2212]?)"
)
_CODE = re.compile(r"0\d+")


@dataclass(frozen=True)
class Reading:
    """What a cell is as a number.

    Attributes
    ----------
    point, comma : float or None
        Its value with a decimal point and with a decimal comma; None where it is no number that way.
    unit : str
        The currency that is written with it, or '%', or ''.
    """

    point: float | None
    comma: float | None
    unit: str


@dataclass(frozen=True)
class Numbers:
    """What a column of texts is as numbers.

    Attributes
    ----------
    values : dict of str to float
        By text; empty where the column is not one of numbers.
    decimal : str
        '.' or ',' where the cells themselves say so, else ''.
    open : str
        A cell that `decimal` alone decides about, as "1,234"; '' where there is none.
    unit : str
        The currency, or '%', or ''.
    problem : str
        Why these are not numbers, where most of them are; '' otherwise.
    codes : bool
        Whether these are digits that are no quantity, such as postcodes: some begin with 0.
    """

    values: dict[str, float]
    decimal: str = ""
    open: str = ""
    unit: str = ""
    problem: str = ""
    codes: bool = False


def is_missing(text: str) -> bool:
    """Say whether a cell stands for a missing value.

    Parameters
    ----------
    text : str
        The cell.

    Returns
    -------
    bool
        True for nothing, 'NA', '-', '?' and their like.
    """
    return text.strip() in _MISSING


def is_code(text: str) -> bool:
    """Say whether a cell is a code of digits, such as a postcode: a number is not written with leading zeros.

    Parameters
    ----------
    text : str
        The cell.

    Returns
    -------
    bool
        True for '007', False for '0.07' and '70'.
    """
    return _CODE.fullmatch(text) is not None


def read_number(text: str) -> Reading | None:
    """Read a cell as a number, with a decimal point and with a decimal comma.

    Parameters
    ----------
    text : str
        The cell.

    Returns
    -------
    Reading or None
        None where it is not a number either way.

    Examples
    --------
    >>> from fulcra._table.cells import read_number
    >>> read_number("$1,234.50")
    Reading(point=1234.5, comma=None, unit='$')
    >>> read_number("1,234")
    Reading(point=1234.0, comma=1.234, unit='')
    """
    text = text.strip()
    negative = len(text) > 2 and text[0] == "(" and text[-1] == ")"  # as accountants write it
    shell = _SHELL.fullmatch(text[1:-1].strip() if negative else text)
    if shell is None:
        return None
    signs = shell["minus"] + shell["inner"] + shell["behind"]
    if len(signs) + negative > 1 or (shell["before"] and shell["after"]):
        return None
    factor = -1.0 if negative or signs in {"-", "\u2212"} else 1.0
    point, comma = (_value(shell["body"], sign, factor) for sign in (".", ","))
    if point is None and comma is None:
        return None
    return Reading(point, comma, shell["percent"] or shell["before"] or shell["after"] or "")


def _value(body: str, sign: str, factor: float) -> float | None:
    match = _BODIES[sign].fullmatch(body)
    if match is None:
        return None
    if match["grouped"] and (match["grouped"][0] == "0" or match["power"]):
        return None  # "0,123" is a fraction, never thousands
    if match["gap"]:
        body = body.replace(match["gap"], "")
    return factor * float(body.replace(sign, "."))


def read_numbers(texts: Iterable[str], decimal: str) -> Numbers:
    """Read the different texts of a column as numbers, if they are.

    Parameters
    ----------
    texts : iterable of str
        The different cells, without those that are missing.
    decimal : {'.', ','}
        The decimal sign of the table, for cells that leave it open.

    Returns
    -------
    Numbers
        With `values` for each text, or none and the `problem`.

    Examples
    --------
    >>> from fulcra._table.cells import read_numbers
    >>> read_numbers(["1.234,50", "99,90"], ".").values
    {'1.234,50': 1234.5, '99,90': 99.9}
    """
    texts = list(dict.fromkeys(texts))
    readings = {text: reading for text in texts if (reading := read_number(text)) is not None}
    if len(readings) < len(texts):
        if len(readings) < 0.8 * len(texts):
            return Numbers({})
        odd = next(text for text in texts if text not in readings)
        return Numbers({}, problem=f"not all are numbers, as {odd!r} is not")
    if any(is_code(text) for text in texts):
        return Numbers({}, problem="codes with leading zeros", codes=True)
    return _in_one_way(readings, decimal)


def _in_one_way(readings: dict[str, Reading], decimal: str) -> Numbers:
    """Choose the decimal sign that reads all, and hold units against each other."""
    only_point = next((text for text, reading in readings.items() if reading.comma is None), "")
    only_comma = next((text for text, reading in readings.items() if reading.point is None), "")
    if only_point and only_comma:
        return Numbers(
            {}, problem=f"decimal points and commas are mixed, as in {only_point!r}, {only_comma!r}"
        )
    said = "." if only_point else "," if only_comma else ""
    unsettled = "" if said else next((t for t, one in readings.items() if one.point != one.comma), "")
    point = (said or decimal) == "."
    values = {
        text: value
        for text, one in readings.items()
        if (value := one.point if point else one.comma) is not None
    }
    units = {one.unit for text, one in readings.items() if values[text] != 0}
    if len(units - {""}) > 1 or ("%" in units and len(units) > 1):
        return Numbers({}, problem=f"units are mixed: {', '.join(sorted(unit or 'none' for unit in units))}")
    return Numbers(values, said, unsettled, max(units, default=""))
