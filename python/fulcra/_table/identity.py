"""Columns that name rows or code something, which k-means should not take for quantities."""

import re

import numpy as np

from fulcra._table.contents import Content

#: Rows from which on a column of consecutive whole numbers is taken for a count of them.
_COUNTED_ROWS = 5
#: Why a column of codes is left out.
CODE = "a code, not a quantity; --columns uses it all the same"
# Written together with what they identify: of other words, as paid, grid and valid, many end so.
_OWNERS = (
    "customer|client|cust|user|member|person|people|patient|employee|emp|staff|student|subject|visitor|guest|"
    "account|acct|order|invoice|transaction|trans|txn|session|event|ticket|case|record|row|product|prod|item|"
    "article|sku|store|shop|seller|vendor|supplier|company|device|machine|sensor|vehicle|school|house|"
    "household|kunden?|artikel|auftrags?|benutzer|mitarbeiter|nutzer|produkt|bestell"
)
_ID = re.compile(
    rf"(?:(?:^|.*[_\-\s.])(?:id|uuid|guid)|.*(?:{_OWNERS})s?(?:id|uuid|guid))(?:[_\-\s.]*\d+)?",
    re.DOTALL | re.IGNORECASE,
)
_CAMEL_ID = re.compile(r".*[a-z](?:Id|ID)\d*", re.DOTALL)
#: These are ids only where no value comes twice.
_PERHAPS_ID = re.compile(r".*(?:id|nr|no|num|number|nummer|code|key|row|index)\.?", re.IGNORECASE | re.DOTALL)

_NUMBER = r"(?:number|nummer|nr|no)\.?"
_POST = re.compile(
    r".*(?:post(?:al)?[_\-\s.]?code|code[_\-\s.]?postal|zip[_\-\s.]?code|postleitzahl)(?:[_\-\s.]*\d+)?"
    r"|(?:.*[_\-\s.])?(?:zip|plz)(?:[_\-\s.]?\d+)?(?:[_\-\s.].*)?|.*[a-z](?-i:Zip|Plz|PLZ)",
    re.IGNORECASE | re.DOTALL,
)
_PHONE = re.compile(
    rf".*(?:tele(?:ph|f)on|phone|mobile|mobil|handy|fax|tel)[_\-\s.]*(?:{_NUMBER}|\d+)"
    r"|.*(?:phone|telefon)|(?:.*[_\-\s.])?(?:tel|mobile|handy|fax)\.?",
    re.IGNORECASE | re.DOTALL,
)
_GOODS = re.compile(
    r"(?:.*[_\-\s.])?(?:sku|ean|gtin|upc|isbn|asin|iban|mpn)(?:[_\-\s.]?(?:\d+|code))?|.*barcode"
    rf"|.*(?:article|artikel|art|product|produkt|prod|item|part|material|teile?|model)[_\-\s.]*(?:{_NUMBER}|code)"
    r"|(?:.*[_\-\s.])?code",
    re.IGNORECASE | re.DOTALL,
)
#: Digits, and how few a code of the kind has: fewer count something, or say yes and no.
_CODES = ((_POST, 3), (_PHONE, 6), (_GOODS, 3))


def why_id(name: str, found: Content) -> str:
    """Say why a column names rows rather than describing them.

    Parameters
    ----------
    name : str
        Of the column.
    found : Content
        What it holds.

    Returns
    -------
    str
        '' if it does not.
    """
    if found.kind not in {"numbers", "text", "levels"} or (found.kind == "numbers" and not _is_whole(found)):
        return ""
    if _ID.fullmatch(name) or _CAMEL_ID.fullmatch(name):
        return "named like an id"
    # Numbers with an odd cell among them are a mistake to be told, not names.
    return _why_unique(name, found) if _is_unique(found) and (found.codes or not found.note) else ""


def _why_unique(name: str, found: Content) -> str:
    """Say why values that come once each are names."""
    if why_code(name, found):
        return CODE if _GOODS.fullmatch(name) else ""
    if _PERHAPS_ID.fullmatch(name):
        return "named like an id, each value once"
    if found.kind == "text":
        return "text, another in every row"
    if found.kind == "numbers" and len(found.values) >= _COUNTED_ROWS:
        spread = found.values.max() - found.values.min()
        return "counts the rows" if spread == len(found.values) - 1 else ""
    return ""


def why_code(name: str, found: Content) -> str:
    """Say why the digits of a column are no quantity.

    Parameters
    ----------
    name : str
        Of the column.
    found : Content
        What it holds.

    Returns
    -------
    str
        '' if they may be one.
    """
    fewest = next((fewest for pattern, fewest in _CODES if pattern.fullmatch(name)), None)
    if fewest is None or found.kind not in {"numbers", "levels", "text"}:
        return ""
    if found.kind == "numbers":
        return CODE if _is_whole(found) and found.values.abs().max() >= 10 ** (fewest - 1) else ""
    digits = found.values.dropna().str.count(r"\d")
    return CODE if (digits >= fewest - 1).mean() > 0.5 else ""  # "N1 9GU"


def _is_whole(found: Content) -> bool:
    return found.kind == "numbers" and bool((np.mod(found.values.dropna(), 1) == 0).all())


def _is_unique(found: Content) -> bool:
    return found.n_missing == 0 and found.n_different == len(found.values) > 1
