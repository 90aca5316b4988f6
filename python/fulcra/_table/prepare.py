"""Which columns of a table take part, as what, and why the others do not."""

import difflib
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from fulcra._table.cells import read_number
from fulcra._table.contents import MISSING_LEVEL, MOST_LEVELS, Content, content
from fulcra._table.errors import TableError, clipped, listed
from fulcra._table.identity import why_code, why_id
from fulcra._table.read import Table

#: Written where a value is missing, and how far off the median, in interquartile ranges, they are suspect.
_SENTINELS = tuple(sign * code for code in (999, 9_999, 99_999, 999_999) for sign in (-1.0, 1.0))
_FAR = 10
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
            each = (f"{clipped(name)} ({counts[name]})" for name in self.levels)
            said.append(f"Used by their levels: {listed(each)}.")
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
            each = (
                f"{clipped(name)} {count:,} by {value:,.6g}" for name, (count, value) in self.filled.items()
            )
            said.append(f"Missing numbers filled by the median: {listed(each)}.")
        if self.missing_levels:
            each = (f"{clipped(name)} {count:,}" for name, count in self.missing_levels.items())
            said.append(f"Missing texts are a level of their own: {listed(each)}.")
        if self.read_as:
            said.append(f"Read as numbers: {listed(_with(name, how) for name, how in self.read_as.items())}.")
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
    if id_column and content(table.frame[id_column], decimal).kind == "nested":
        raise TableError(f"--id {id_column}: it holds lists or records, not names")
    made = _Choice(n_rows=len(table.frame), dates=dates)
    ids = {id_column: ""} if id_column else {}
    made.notes += table.notes
    for name in (name for name in names if name != id_column):
        if chosen is not None and name not in chosen:
            made.left_out[name] = "not in --columns"
            continue
        found = content(table.frame[name], decimal)
        if chosen is None and name in _LABELS and set(_LABELS) <= set(names):
            made.left_out[name] = "labels of an earlier call"
        elif chosen is None and (why := why_id(name, found)):
            ids[name] = why
        elif chosen is None and (why := why_code(name, found)):
            made.left_out[name] = why
        else:
            made.take(name, found, must=chosen is not None)
    naming = id_column or _naming(ids, table.frame)
    for name, why in ids.items():
        if name != naming:
            made.left_out[name] = why
    if not made.columns:
        _no_column(table.name, made.left_out, naming, ids)
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
        elif found.kind in {"text", "nested"}:
            self._take_text(name, found, must)
        elif found.kind == "dates":
            self._take_dates(name, found, must)
        elif found.kind == "levels":
            self._add(name, found.values.fillna(MISSING_LEVEL), "levels")
            if found.n_missing:
                self.missing_levels[name] = found.n_missing
            if found.note:
                self.notes.append(f"{name}: {found.note}; used by its {found.n_different} levels.")
        else:
            self._take_numbers(name, found)

    def _take_text(self, name: str, found: Content, must: bool) -> None:
        if must and found.codes:
            self._add(name, found.values.map(_code, na_action="ignore").astype("float64"), "numbers")
            if found.n_missing:
                self.filled[name] = (found.n_missing, float(self.columns[name].median()))
            self.notes.append(f"{name}: {found.note}, used as numbers.")
            return
        why = f"text with {found.n_different:,} different values; {MOST_LEVELS} at most can be used"
        if found.kind == "nested":
            why = "lists or records, not single values"
        elif found.n_different <= MOST_LEVELS:
            why = f"text with {found.n_different:,} different values in {self.n_rows:,} rows"
        why = found.note or why
        if must:
            raise TableError(f"--columns {clipped(name)}: {why}")
        self.left_out[name] = why

    def _take_numbers(self, name: str, found: Content) -> None:
        self._add(name, found.values, "numbers")
        if found.n_missing:
            self.filled[name] = (found.n_missing, float(found.values.median()))
        if found.unit:
            self.read_as[name] = "percent: 45% is 45" if found.unit == "%" else found.unit
        if found.note:
            self.notes.append(f"{name}: {found.note}.")
        self.notes += _sentinels(name, found.values)

    def _take_dates(self, name: str, found: Content, must: bool) -> None:
        if self.dates != "days":
            if must:
                raise TableError(f"--columns {name}: it holds dates; --dates days uses them")
            how = found.note if "numbers" in found.note else "dates"
            self.left_out[name] = f"{how}; --dates days uses them"
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


def _no_column(table: str, left_out: dict[str, str], naming: str | None, ids: dict[str, str]) -> NoReturn:
    why = "; ".join(f"{clipped(name)}: {reason}" for name, reason in list(left_out.items())[:5])
    if naming:
        why = f"{clipped(naming)}: {ids[naming] or 'names the rows'}" + (f"; {why}" if why else "")
    raise TableError(f"{table} has no column to cluster by ({why})")


def _must_exist(wanted: str, names: list[str]) -> None:
    if wanted in names:
        return
    folded = {name.casefold(): name for name in reversed(names)}
    near = difflib.get_close_matches(wanted.casefold(), folded, 1, 0.6)
    hint = f"did you mean {clipped(folded[near[0]])}?" if near else f"it has {_listed(names)}"
    raise TableError(f"there is no column {wanted!r}; {hint}")


def _naming(ids: dict[str, str], frame: Any) -> str | None:
    """Choose the column that names the rows: the first whose values are all there, and each once."""
    return next((name for name in ids if frame[name].notna().all() and frame[name].is_unique), None)


def _listed(names: Iterable[str]) -> str:
    return listed(map(clipped, names))


def _with(name: str, how: str) -> str:
    """Say how a column was read, unless its name does."""
    return clipped(name) if f"({how})" in name else f"{clipped(name)} ({how})"


def _code(text: str) -> float:
    reading = read_number(text)
    assert reading is not None  # all of a column of codes are digits
    return next(value for value in (reading.point, reading.comma) if value is not None)


def _sentinels(name: str, values: Any) -> list[str]:
    """Point to numbers that may stand for nothing: -999 and its like, far from all others."""
    coded = values.isin(_SENTINELS)
    if not coded.any():
        return []
    rest = values[~coded].dropna()
    if rest.empty:
        return []
    low, median, high = rest.quantile([0.25, 0.5, 0.75])
    counts = values[coded & ((values - median).abs() > _FAR * (high - low))].value_counts()
    return [
        f"{name}: {value:.0f} in {count:,} row{'s' * (count > 1)}, far from all others: if it stands for a "
        "missing value, leave it empty."
        for value, count in counts.items()
    ]
