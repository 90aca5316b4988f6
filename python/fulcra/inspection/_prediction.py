"""What one prediction is made of."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from fulcra._reading.numbers import human

#: Columns that the text lists; the rest are summed.
_SHOWN = 12


@dataclass(frozen=True)
class Prediction:
    """One prediction, from the average to itself, column by column.

    Attributes
    ----------
    target : str
        What is predicted; of classes, the one whose score this is.
    kind : {'linear', 'logistic', 'multinomial', 'poisson'}
        What the score is: a number, log odds, the logarithm of odds up to a constant, or that of a count.
    columns : tuple of str
        Columns of the table.
    holds : tuple of str
        What each holds in this row, as text; "" for mixtures.
    baseline : float
        The average score.
    contributions : ndarray of shape (n_columns,), float64
        How far each column moves the score from the average; with `baseline` they add up to `score`.
    score : float
        The model's score for this row.
    value, value_at_baseline : float
        What it means: the number, probability or count; the same of the average score. NaN for the latter
        where there are several classes.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.inspection import explain_weights
    >>> from fulcra.linear_model import LinearRegression
    >>> price = LinearRegression.from_weights([150, 30_000], 50_000, feature_names=["feet", "bedrooms"])
    >>> homes = np.array([[2000, 3], [1000, 1]])
    >>> print(explain_weights(price, homes).prediction(0))
    y: 440,000 (average 335,000)
      the average   335,000
      feet = 2,000  +75,000
      bedrooms = 3  +30,000
      together      440,000
    """

    target: str
    kind: str
    columns: tuple[str, ...]
    holds: tuple[str, ...]
    baseline: float
    contributions: NDArray[np.float64]
    score: float
    value: float
    value_at_baseline: float

    @property
    def order(self) -> list[int]:
        """The columns' places, the largest contribution first."""
        return [int(place) for place in np.argsort(-np.abs(self.contributions), kind="stable")]

    def named(self, place: int) -> str:
        """Return a column with what it holds: "bedrooms = 3"."""
        return f"{self.columns[place]} = {self.holds[place]}" if self.holds[place] else self.columns[place]

    def written(self, score: float) -> str:
        """Return a score, or a part of one, as text."""
        parts = np.abs(self.contributions)
        size = max(float(parts.max(initial=0.0)), abs(self.score - self.baseline))
        return human(score, size / 2 or abs(score))

    def headline(self) -> str:
        """Return the prediction in a sentence."""
        if self.kind == "linear":
            return f"{self.target}: {self.written(self.score)} (average {self.written(self.baseline)})"
        if self.kind == "poisson":
            return (
                f"{self.target}: {human(self.value, self.value)} expected (where all columns are average, "
                f"{human(self.value_at_baseline, self.value_at_baseline)})"
            )
        said = f"{self.target}: probability {chance(self.value)}"
        if self.kind == "multinomial":
            return said
        return f"{said} (at the average log odds, {chance(self.value_at_baseline)})"

    def unit(self) -> str:
        """Return what contributions are measured in."""
        return {"linear": self.target, "logistic": "log odds", "poisson": "log of the count"}.get(
            self.kind, "score"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, strings, lists and dicts.

        Returns
        -------
        dict
            'target', 'kind', 'baseline', 'score', 'value' and 'contributions': a dict of 'column', 'holds'
            and 'contribution' for each column, the largest first.
        """
        return {
            "target": self.target,
            "kind": self.kind,
            "baseline": self.baseline,
            "score": self.score,
            "value": self.value,
            "contributions": [
                {
                    "column": self.columns[place],
                    "holds": self.holds[place],
                    "contribution": float(self.contributions[place]),
                }
                for place in self.order
            ],
        }

    def to_frame(self) -> Any:
        """Return the contributions as a data frame.

        Returns
        -------
        pandas.DataFrame
            Indexed by 'column', the largest first, with 'holds' and 'contribution'.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        import pandas as pd  # noqa: PLC0415 - not a dependency

        index = pd.Index([self.columns[place] for place in self.order], name="column")
        holds = [self.holds[place] for place in self.order]
        return pd.DataFrame({"holds": holds, "contribution": self.contributions[self.order]}, index=index)

    def rows(self, most: int = _SHOWN) -> list[tuple[str, float]]:
        """Return what to show: columns and their contributions, the smallest ones in one sum.

        Parameters
        ----------
        most : int, default=12
            So many at most.

        Returns
        -------
        list of tuple of str and float
            The largest first.
        """
        order = self.order
        shown = order if len(order) <= most else order[: most - 1]
        found = [(self.named(place), float(self.contributions[place])) for place in shown]
        rest = order[len(shown) :]
        if rest:
            found.append((f"{len(rest)} other columns", float(self.contributions[rest].sum())))
        return found

    def __str__(self) -> str:
        table = [(name, signed(self, part)) for name, part in self.rows()]
        table = [("the average", self.written(self.baseline)), *table, ("together", self.written(self.score))]
        wide, far = max(len(name) for name, _ in table), max(len(part) for _, part in table)
        unit = "" if self.kind == "linear" else f" ({self.unit()})"
        lines = [f"  {name:<{wide}}  {part:>{far}}" for name, part in table]
        lines[-1] += unit
        return "\n".join([self.headline(), *lines])

    def _repr_html_(self) -> str:
        body = "".join(
            f"<tr><td>{escape(name)}</td><td style='text-align:right'>{signed(self, part)}</td></tr>"
            for name, part in self.rows()
        )
        return f"<p><b>{escape(self.headline())}</b></p><table><tbody>{body}</tbody></table>"


def chance(probability: float) -> str:
    """Return a probability in percent, never as 0% or 100%."""
    if 0 < probability < 0.001:
        return "under 0.1%"
    return "over 99.9%" if 0.999 < probability < 1 else f"{probability:.1%}"


def signed(prediction: Prediction, part: float) -> str:
    """Return a part of a score with its sign."""
    text = prediction.written(part)
    return text if text.startswith("-") or text == "0" else f"+{text}"


def mean_of(kind: str, score: float) -> float:
    """Return the number, probability or count that one score stands for; NaN of several classes."""
    if kind == "linear":
        return score
    if kind == "poisson":
        return float(np.exp(min(score, 700.0)))
    return float(expit(score)) if kind == "logistic" else float("nan")
