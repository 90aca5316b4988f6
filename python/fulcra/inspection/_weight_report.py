"""What `explain_weights` returns: what each weight means, what predictions are made of, what looks wrong."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._base import Data
from fulcra._reading.numbers import human
from fulcra._reading.weights import Weights, traced_table
from fulcra.inspection._finding import Finding
from fulcra.inspection._prediction import Prediction, mean_of
from fulcra.inspection._weight_words import SHOWN, footnotes, headings, headline, line, sentence

_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;color:#222;max-width:60em;margin:2em auto;padding:0 1em}"
    "img{max-width:100%}"
)
_TABLE = (
    "<style>.fulcra-weights td,.fulcra-weights th{text-align:right;padding:.15em .7em}"
    ".fulcra-weights td:first-child,.fulcra-weights th:first-child{text-align:left}</style>"
)


@dataclass(frozen=True)
class WeightReport:
    """What the weights of a model mean, in the table's own columns and units.

    Attributes
    ----------
    kind : {'linear', 'logistic', 'multinomial', 'poisson'}
        What a score ``intercept + weights @ feature`` is: the prediction, the log odds of the second class,
        the logarithm of each class's odds up to a constant, or that of the expected count.
    targets : tuple of str
        What is predicted: names of y's columns, or classes (of two, the second).
    classes : tuple of str, or None
        All classes.
    features : tuple of str
        A column of numbers; "column = level"; or what a step without a formula made ("log1p(income)").
    levels : tuple
        For each feature its level; None for numbers.
    column : ndarray of shape (n_features,), intp
        Which of `columns` each feature is of.
    columns : tuple of str
        Columns of the table; several at once ("a, b") where a step mixed them.
    references : tuple
        For each column the level that its levels are held against; None where that is the average of the
        rows, or where there are no levels.
    intercept : ndarray of shape (n_targets,)
        The score where all features are 0.
    weights, low, high : ndarray of shape (n_targets, n_features)
        By how much the score rises with a unit of the feature, and the interval; NaN where there is none. Of
        'multinomial' the interval is that of `centred`.
    effects, effects_low, effects_high : ndarray of shape (n_targets, n_features)
        Average marginal effects: what a unit (of two values and of levels, the change) does to the number,
        probability or count itself, averaged over rows. NaN without rows.
    importances : ndarray of shape (n_targets, n_columns)
        The standard deviation over rows of what the column adds to the score: of a number, the effect of one
        standard deviation. Without rows the size of the weight.
    mean, spread : ndarray of shape (n_features,)
        Mean and standard deviation of the rows' features; NaN without rows.
    steps : ndarray of shape (n_features,)
        The change that sentences speak of: 1, or a power of ten that suits the column's spread.
    pairs : ndarray of shape (n_features, 2)
        The values of a number that has only two; NaN of others. Its step is their difference.
    baseline : ndarray of shape (n_targets,)
        The average score; without rows, the score where all features are 0.
    n_rows : int, or None
        Rows that the report is about.
    findings : tuple of Finding
        What looks wrong, the gravest first.
    notes : tuple of str
        Why there are no intervals, and how to get some; what has to be known of those that there are.
    confidence : float
        That of the intervals.
    """

    kind: str
    targets: tuple[str, ...]
    classes: tuple[str, ...] | None
    features: tuple[str, ...]
    levels: tuple[str | None, ...]
    column: NDArray[np.intp]
    columns: tuple[str, ...]
    references: tuple[str | None, ...]
    intercept: NDArray[np.float64]
    weights: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    effects: NDArray[np.float64]
    effects_low: NDArray[np.float64]
    effects_high: NDArray[np.float64]
    importances: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    steps: NDArray[np.float64]
    pairs: NDArray[np.float64]
    baseline: NDArray[np.float64]
    n_rows: int | None
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    confidence: float
    _model: Any = field(repr=False, compare=False)
    _weights: Weights = field(repr=False, compare=False)

    @property
    def importance(self) -> NDArray[np.float64]:
        """Importance of each column over all targets (root of the mean square), (n_columns,)."""
        found: NDArray[np.float64] = np.sqrt((self.importances**2).mean(axis=0))
        return found

    @property
    def centred(self) -> NDArray[np.float64]:
        """The weights; of 'multinomial' less their mean over classes, which no probability depends on."""
        return self.weights - self.weights.mean(axis=0) if self.kind == "multinomial" else self.weights

    @property
    def ratios(self) -> NDArray[np.float64]:
        """What a unit multiplies odds (of 'multinomial' against the average class) or a count by.

        (n_targets, n_features); NaN for 'linear'.
        """
        if self.kind == "linear":
            return np.full(self.weights.shape, np.nan)
        with np.errstate(over="ignore"):
            found: NDArray[np.float64] = np.exp(self.centred)
        return found

    @property
    def order(self) -> list[int]:
        """The columns' places, the most important first."""
        return [int(place) for place in np.argsort(-self.importance, kind="stable")]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What each weight does, the most important column first, target after target."""
        return tuple(
            sentence(self, o, f) for o in range(len(self.targets)) for f in self._features_in_order()
        )

    def contributions(self, rows: Data = None) -> NDArray[np.float64]:
        """Return what predictions are made of: how far each column moves the score from the average.

        Parameters
        ----------
        rows : int, sequence of int, or table of shape (n_rows, n_columns), default=None
            Places of rows that the report is about, or new rows as the model's `predict` takes them; None:
            all rows of the report.

        Returns
        -------
        ndarray of shape (n_rows, n_columns), or (n_rows, n_targets, n_columns) for several targets
            With `baseline` they add up to the model's scores.

        Raises
        ------
        ValueError
            If there are no rows, or new ones do not suit the model.
        IndexError
            If there is no such row.
        """
        moved, _ = self._moved(rows)
        return moved if len(self.targets) > 1 else moved[:, 0]

    def prediction(self, row: Data, target: int | str | None = None) -> Prediction:
        """Return what one prediction is made of.

        Parameters
        ----------
        row : int, or table of one row
            Place of a row that the report is about, or a new row.
        target : int or str, default=None
            Which of several targets or classes; None: the first target, or the most probable class.

        Returns
        -------
        Prediction
            Prints as a sum; `to_dict()`, `to_frame()`.

        Raises
        ------
        ValueError
            If there are no rows, or several, or no such target.
        IndexError
            If there is no such row.
        """
        moved, values = self._moved(row)
        if len(moved) != 1:
            raise ValueError(f"row must be one row; got {len(moved)}. `contributions` takes several.")
        scores = self.baseline + moved[0].sum(axis=1)
        o = self._target(target, scores)
        if self.kind == "multinomial":
            each = np.exp(scores - scores.max())
            value = float(each[o] / each.sum())
        else:
            value = mean_of(self.kind, float(scores[o]))
        return Prediction(
            self.targets[o],
            self.kind,
            self.columns,
            self._held(values),
            float(self.baseline[o]),
            moved[0, o],
            float(scores[o]),
            value,
            mean_of(self.kind, float(self.baseline[o])),
        )

    def _target(self, target: int | str | None, scores: NDArray[np.float64]) -> int:
        if target is None:
            return int(np.argmax(scores)) if self.kind == "multinomial" else 0
        if isinstance(target, str):
            if target in self.targets:
                return self.targets.index(target)
        elif 0 <= target < len(self.targets):
            return int(target)
        raise ValueError(f"target must be one of {', '.join(self.targets)}, or its place; got {target!r}.")

    def _moved(self, rows: Data) -> tuple[NDArray[np.float64], Any]:
        """Return contributions (n_rows, n_targets, n_columns), and the rows' features."""
        if self.n_rows is None:
            raise ValueError("The report has no rows to be measured from: explain_weights needs X.")
        held = self._weights.trace.values
        if rows is None:
            values = held
        elif (places := np.asarray(rows) if not hasattr(rows, "columns") else None) is not None and (
            places.ndim < 2 and places.dtype.kind in "iu"
        ):
            places = np.atleast_1d(places)
            beyond = places[(places < -self.n_rows) | (places >= self.n_rows)]
            if len(beyond):
                raise IndexError(f"There is no row {beyond[0]}: the report is about {self.n_rows} rows.")
            values = held[places]
        else:
            values = traced_table(self._model, self._weights.linear, rows).values
        return self._weights.grouped(values), values

    def _held(self, values: Any) -> tuple[str, ...]:
        """Return what each column holds in one row."""
        row = np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)[0]
        said = []
        for place in range(len(self.columns)):
            those = np.flatnonzero(self.column == place)
            if self.levels[those[0]] is not None:
                on = [f for f in those if row[f] > 0]
                said.append(str(self.levels[on[0]] if on else self.references[place] or "another level"))
            elif len(those) == 1:
                value = float(row[those[0]])
                said.append(
                    f"{value:,.0f}" if value.is_integer() else human(value, float(self.spread[those[0]]))
                )
            else:
                said.append("")
        return tuple(said)

    def _features_in_order(self) -> list[int]:
        """Return places of features: columns by importance, levels as they come."""
        rank = np.empty(len(self.columns), dtype=np.intp)
        rank[self.order] = np.arange(len(rank))
        return [int(f) for f in np.argsort(rank[self.column], kind="stable")]

    def _first_sentences(self) -> list[str]:
        order = self._features_in_order()[: 8 if len(self.targets) == 1 else 3]
        return [sentence(self, o, f) for o in range(min(len(self.targets), 5)) for f in order]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, strings, lists and dicts.

        Returns
        -------
        dict
            'kind', 'targets', 'n_rows', 'confidence', 'notes', 'baseline', 'intercept', 'importance' (for
            each column), 'findings', and 'weights': for each target a dict of the figures of each feature.
            What is not a number is None, so that it can be written as JSON.
        """
        figures = self._figures()
        return {
            "kind": self.kind,
            "targets": list(self.targets),
            "n_rows": self.n_rows,
            "confidence": self.confidence,
            "notes": list(self.notes),
            "baseline": dict(zip(self.targets, map(_plain, self.baseline), strict=True)),
            "intercept": dict(zip(self.targets, map(_plain, self.intercept), strict=True)),
            "importance": {self.columns[place]: _plain(self.importance[place]) for place in self.order},
            "findings": [
                {"kind": one.kind, "columns": list(one.columns), "text": one.text, "evidence": one.evidence}
                for one in self.findings
            ],
            "weights": {
                target: {
                    self.features[f]: {
                        "column": self.columns[self.column[f]],
                        "sentence": sentence(self, o, f),
                        **{name: _plain(values[o, f]) for name, values in figures.items()},
                    }
                    for f in self._features_in_order()
                }
                for o, target in enumerate(self.targets)
            },
        }

    def to_frame(self, kind: str = "weights") -> Any:
        """Return the figures as a data frame.

        Parameters
        ----------
        kind : {'weights', 'importance', 'findings'}, default='weights'
            A row for each feature (and target), for each column, or for each finding.

        Returns
        -------
        pandas.DataFrame
            Indexed by 'feature' (and 'target'), by 'column', or by number; the most important first.

        Raises
        ------
        ImportError
            If pandas is not installed.
        ValueError
            If `kind` is none of these.
        """
        import pandas as pd  # noqa: PLC0415 - not a dependency

        if kind == "importance":
            index = pd.Index([self.columns[place] for place in self.order], name="column")
            return pd.DataFrame({"importance": self.importance[self.order]}, index=index)
        if kind == "findings":
            return pd.DataFrame(
                [(one.kind, ", ".join(one.columns), one.text) for one in self.findings],
                columns=["kind", "columns", "text"],
            )
        if kind != "weights":
            raise ValueError(f"kind must be 'weights', 'importance' or 'findings'; got {kind!r}.")
        order = self._features_in_order()
        names = [self.features[f] for f in order]
        index = pd.Index(names, name="feature")
        if len(self.targets) > 1:
            index = pd.MultiIndex.from_product([self.targets, names], names=["target", "feature"])
        cells = {name: values[:, order].ravel() for name, values in self._figures().items()}
        of_column = [self.columns[self.column[f]] for f in order] * len(self.targets)
        return pd.DataFrame({"column": of_column, **cells}, index=index)

    def _figures(self) -> dict[str, NDArray[np.float64]]:
        """Return the figures of each target and feature, by name."""
        found = {"weight": self.weights, "low": self.low, "high": self.high}
        if self.kind != "linear":
            found |= {
                "ratio": self.ratios,
                "effect": self.effects,
                "effect_low": self.effects_low,
                "effect_high": self.effects_high,
            }
        return found | {"importance": self.importances[:, self.column]}

    def __str__(self) -> str:
        lines = [headline(self), ""]
        for o, target in enumerate(self.targets):
            if len(self.targets) > 1:
                lines += [f"{target}:"]
            rows = [headings(self), *(line(self, o, f) for f in self._features_in_order()[:SHOWN])]
            widths = [max(len(cells[place]) for cells in rows) for place in range(len(rows[0]))]
            for cells in rows:
                padded = map(str.rjust, cells[1:], widths[1:])
                lines.append(f"  {cells[0]:<{widths[0]}}  {'  '.join(padded)}".rstrip())
            lines.append("")
        left = len(self.features) - SHOWN
        if left > 0:
            lines += [f"{left} more: to_frame() has them all.", ""]
        lines += [f"- {said}." for said in self._first_sentences()]
        if self.findings:
            lines += ["", "To look at:", *(f"- {finding.text}" for finding in self.findings)]
        return "\n".join([*lines, "", *footnotes(self)])

    def _repr_html_(self) -> str:
        parts = [_TABLE, f"<p><b>{escape(headline(self))}</b></p>"]
        head = "".join(f"<th>{escape(cell)}</th>" for cell in headings(self))
        for o, target in enumerate(self.targets):
            if len(self.targets) > 1:
                parts.append(f"<h3>{escape(target)}</h3>")
            rows = (
                "".join(f"<td>{escape(cell)}</td>" for cell in cells)
                for cells in (line(self, o, f) for f in self._features_in_order()[:SHOWN])
            )
            body = "".join(f"<tr>{row}</tr>" for row in rows)
            parts.append(
                f'<table class="fulcra-weights"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
            )
        parts.append(_bullets(f"{said}." for said in self._first_sentences()))
        if self.findings:
            parts += ["<p><b>To look at</b></p>", _bullets(finding.text for finding in self.findings)]
        return "".join([*parts, *(f"<p><small>{escape(note)}</small></p>" for note in footnotes(self))])

    def to_html(self, title: str = "Weights", pictures: Iterable[bytes] = ()) -> str:
        """Return the report as a page that needs no other file.

        Parameters
        ----------
        title : str, default='Weights'
            Its heading.
        pictures : iterable of bytes, default=()
            PNG files, shown above the figures.

        Returns
        -------
        str
            HTML.
        """
        images = "".join(
            f'<img alt="" src="data:image/png;base64,{b64encode(picture).decode()}">' for picture in pictures
        )
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{images}"
            f"{self._repr_html_()}</body></html>\n"
        )


def _bullets(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _plain(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
