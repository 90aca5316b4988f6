"""Which columns of a table take part, as what, and why the others do not."""

import difflib
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fulcra._table.contents import MISSING_LEVEL, MOST_LEVELS, Content, content
from fulcra._table.errors import TableError
from fulcra._table.read import Table

#: Names in a sentence; more are counted.
_NAMED = 12
#: Rows from which on a column of consecutive whole numbers is taken for a count of them.
_COUNTED_ROWS = 5
_ID = re.compile(r"(?:^|.*[_\-\s.])(?:id|uuid|guid)|.*[a-z](?:Id|ID)", re.DOTALL)
#: These are ids only where no value comes twice.
_PERHAPS_ID = re.compile(r".*(?:id|nr|no|num|number|nummer|code|key|row|index)\.?", re.IGNORECASE | re.DOTALL)
_LABELS = ("cluster", "cluster_name")


@dataclass(frozen=True)
class Prepared:
    """The columns that take part, and what became of the others.

    Attributes
    ----------
    frame : pandas.DataFrame
        The columns that take part; the index is the id, or the line.
    numbers, levels : tuple of str
        Which of its columns are what.
    id : str or None
        The column that names the rows.
    left_out : dict of str to str
        Why, by column.
    filled : dict of str to tuple of int and float
        How many cells are filled by which median, by column.
    missing_levels : dict of str to int
        How many cells of a column of levels are missing.
    read_as : dict of str to str
        How columns were read that are not plain numbers or text.
    notes : tuple of str
        Of the table as a whole.
    """

    frame: Any
    numbers: tuple[str, ...]
    levels: tuple[str, ...]
    id: str | None
    left_out: dict[str, str]
    filled: dict[str, tuple[int, float]]
    missing_levels: dict[str, int]
    read_as: dict[str, str]
    notes: tuple[str, ...]
    raw: bool = field(default=False)

    def sentences(self) -> list[str]:
        """Return everything that was decided.

        Returns
        -------
        list of str
            Sentences.
        """
        said = []
        if self.numbers:
            how = "as they are" if self.raw else "each in its standard deviations"
            said.append(f"Used as numbers, {how}: {_listed(self.numbers)}.")
        if self.levels:
            counts = self.frame[list(self.levels)].nunique()
            said.append(
                f"Used by their levels: {_listed(f'{name} ({counts[name]})' for name in self.levels)}."
            )
        if self.id is not None:
            alike = "" if self.frame.index.is_unique else f" ({self.frame.index.nunique():,} different names)"
            said.append(f"Rows are named by {self.id}{alike}, which takes no part.")
        else:
            said.append(f"Rows are named by their {self.frame.index.name} in the file.")
        if self.left_out:
            by_reason: dict[str, list[str]] = {}
            for name, reason in self.left_out.items():
                by_reason.setdefault(reason, []).append(name)
            said += [f"Left out: {_listed(names)} ({reason})." for reason, names in by_reason.items()]
        if self.filled:
            each = (f"{name} {count:,} by {value:,.6g}" for name, (count, value) in self.filled.items())
            said.append(f"Missing numbers filled by the median: {_listed(each)}.")
        if self.missing_levels:
            each = (f"{name} {count:,}" for name, count in self.missing_levels.items())
            said.append(f"Missing texts are a level of their own: {_listed(each)}.")
        if self.read_as:
            said.append(
                f"Read as numbers: {_listed(f'{name} ({how})' for name, how in self.read_as.items())}."
            )
        return [*said, *self.notes]

    def __str__(self) -> str:
        return textwrap.fill(" ".join(self.sentences()), 100, break_long_words=False, break_on_hyphens=False)

    def to_dict(self) -> dict[str, Any]:
        """Return everything that was decided, for JSON.

        Returns
        -------
        dict
            The attributes as plain numbers, strings, lists and dicts, and the sentences as 'text'.
        """
        return {
            "numbers": list(self.numbers),
            "levels": list(self.levels),
            "id": self.id,
            "left_out": dict(self.left_out),
            "filled": {name: {"cells": n, "median": value} for name, (n, value) in self.filled.items()},
            "missing_levels": dict(self.missing_levels),
            "read_as": dict(self.read_as),
            "notes": list(self.notes),
            "text": " ".join(self.sentences()),
        }


def prepare(
    table: Table,
    *,
    chosen: Sequence[str] | None = None,
    id_column: str | None = None,
    dates: str = "skip",
    raw: bool = False,
) -> Prepared:
    """Choose the columns that take part.

    Parameters
    ----------
    table : Table
        As read.
    chosen : sequence of str or None, default=None
        Only these columns, and all of them; None: those that k-means can use.
    id_column : str or None, default=None
        The column that names the rows; None: the first that looks like it.
    dates : {'skip', 'days'}, default='skip'
        'days': dates are used as days before the latest of their column.
    raw : bool, default=False
        Whether the numbers are to be used as they are.

    Returns
    -------
    Prepared
        The columns, and every decision.

    Raises
    ------
    TableError
        If a column does not exist or cannot be used, or none is left.
    """
    names = list(table.frame.columns)
    for wanted in [*(chosen or ()), *([id_column] if id_column else ())]:
        _must_exist(wanted, names)
    if chosen is not None and id_column in chosen:
        raise TableError(f"{id_column} is in --columns and in --id; it can be one of them")
    decimal = table.layout.decimal if table.layout else "."
    made = _Choice(n_rows=len(table.frame), dates=dates)
    ids = {id_column: ""} if id_column else {}
    made.notes += table.notes
    for name in names:
        if name == id_column:
            continue
        if chosen is not None and name not in chosen:
            made.left_out[name] = "not in --columns"
            continue
        found = content(table.frame[name], decimal)
        if chosen is None and name in _LABELS and set(_LABELS) <= set(names):
            made.left_out[name] = "labels of an earlier call"
        elif chosen is None and (why := _why_id(name, found)):
            ids[name] = why
        else:
            made.take(name, found, must=chosen is not None)
    naming = id_column or _naming(ids, table.frame)
    for name, why in ids.items():
        if name != naming:
            made.left_out[name] = why
    if not made.columns:
        why = "; ".join(f"{name}: {reason}" for name, reason in list(made.left_out.items())[:5])
        if naming:
            why = f"{naming}: {ids[naming] or 'names the rows'}" + (f"; {why}" if why else "")
        raise TableError(f"{table.name} has no column to cluster by ({why})")
    return made.finished(table.frame, naming, names, raw)


@dataclass
class _Choice:
    """What was decided so far."""

    n_rows: int
    dates: str
    columns: dict[str, Any] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    filled: dict[str, tuple[int, float]] = field(default_factory=dict)
    missing_levels: dict[str, int] = field(default_factory=dict)
    read_as: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def take(self, name: str, found: Content, *, must: bool) -> None:
        """Use a column, or say why not; `must` makes it an error where k-means cannot."""
        if found.kind == "empty":
            self.left_out[name] = "empty"
        elif found.n_different == 1 and not (found.kind == "levels" and found.n_missing):
            self.left_out[name] = "the same in every row" + " that has it" * bool(found.n_missing)
        elif found.kind == "text":
            why = f"text with {found.n_different:,} different values; {MOST_LEVELS} at most can be used"
            if found.n_different <= MOST_LEVELS:
                why = f"text with {found.n_different:,} different values in {self.n_rows:,} rows"
            why = found.note or why
            if must:
                raise TableError(f"--columns {name}: {why}")
            self.left_out[name] = why
        elif found.kind == "dates":
            self._take_dates(name, found, must)
        elif found.kind == "levels":
            self._add(name, found.values.fillna(MISSING_LEVEL), "levels")
            if found.n_missing:
                self.missing_levels[name] = found.n_missing
        else:
            self._take_numbers(name, found)

    def _take_numbers(self, name: str, found: Content) -> None:
        self._add(name, found.values, "numbers")
        if found.n_missing:
            self.filled[name] = (found.n_missing, float(found.values.median()))
        if found.unit:
            self.read_as[name] = "percent: 45% is 45" if found.unit == "%" else found.unit
        if found.note:
            self.notes.append(f"{name}: {found.note}.")

    def _take_dates(self, name: str, found: Content, must: bool) -> None:
        if self.dates != "days":
            if must:
                raise TableError(f"--columns {name}: it holds dates; --dates days uses them")
            self.left_out[name] = "dates; --dates days uses them"
            return
        latest = found.values.max()
        days = (latest - found.values).dt.total_seconds() / 86_400
        short = latest.date() if latest == latest.normalize() else latest
        as_days = f"{name} (days before {short})"
        self._add(as_days, days, "numbers")
        if found.n_missing:
            self.filled[as_days] = (found.n_missing, float(days.median()))
        if found.note:
            self.notes.append(f"{name}: {found.note}.")

    def _add(self, name: str, values: Any, kind: str) -> None:
        self.columns[name], self.kinds[name] = values, kind

    def finished(self, frame: Any, naming: str | None, order: list[str], raw: bool) -> Prepared:
        """Put the columns together."""
        import pandas as pd  # noqa: PLC0415 - an extra, and slow to load

        used = pd.DataFrame(self.columns, index=frame.index)
        if naming is not None:
            labels = frame[naming]
            if labels.dtype.kind == "f" and (labels.dropna() % 1 == 0).all():
                labels = labels.astype("Int64")  # whole numbers that met a row without any
            named = labels.notna().to_numpy()
            used.index = pd.Index(np.where(named, labels.astype(object), frame.index), name=naming)
        return Prepared(
            used,
            tuple(name for name, kind in self.kinds.items() if kind == "numbers"),
            tuple(name for name, kind in self.kinds.items() if kind == "levels"),
            naming,
            {name: self.left_out[name] for name in order if name in self.left_out},
            self.filled,
            self.missing_levels,
            self.read_as,
            tuple(self.notes),
            raw,
        )


def _must_exist(wanted: str, names: list[str]) -> None:
    if wanted in names:
        return
    folded = {name.casefold(): name for name in reversed(names)}
    near = difflib.get_close_matches(wanted.casefold(), folded, 1, 0.6)
    hint = f"did you mean {folded[near[0]]}?" if near else f"it has {_listed(names)}"
    raise TableError(f"there is no column {wanted!r}; {hint}")


def _why_id(name: str, found: Content) -> str:
    """Say why a column names rows rather than describing them; '' if it does not."""
    unique = found.n_missing == 0 and found.n_different == len(found.values) > 1
    whole = found.kind == "numbers" and bool((np.mod(found.values.dropna(), 1) == 0).all())
    if found.kind in {"numbers", "text", "levels"} and (whole or found.kind != "numbers"):
        if _ID.fullmatch(name) or (name.isupper() and _ID.fullmatch(name.lower())):
            return "named like an id"
        if unique and _PERHAPS_ID.fullmatch(name):
            return "named like an id, each value once"
    if unique and found.kind == "text":
        return "text, another in every row"
    if unique and whole and len(found.values) >= _COUNTED_ROWS:
        spread = found.values.max() - found.values.min()
        if spread == len(found.values) - 1:
            return "counts the rows"
    return ""


def _naming(ids: dict[str, str], frame: Any) -> str | None:
    """Choose the column that names the rows: the first whose values are all there, and each once."""
    return next((name for name in ids if frame[name].notna().all() and frame[name].is_unique), None)


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    if len(names) > _NAMED + 1:
        names = [*names[:_NAMED], f"and {len(names) - _NAMED} more"]
    return ", ".join(names)
