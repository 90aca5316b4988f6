"""ContributionDisplay: what one prediction is made of, column by column."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from fulcra._base import Data
from fulcra._palette import BLUE, INK, PALE, QUIET, VERMILION
from fulcra._reading.numbers import human
from fulcra.inspection._drawing import (
    SMALL,
    TITLE,
    axes_of,
    inches,
    letters,
    require_matplotlib,
    shortened,
    told_apart,
    wrapped,
)
from fulcra.inspection._explain_weights import explain_weights
from fulcra.inspection._prediction import Prediction, chance, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Height of a row, and of the rest of the figure, in inches.
_ROW, _BESIDE = 0.3, 1.6
#: Width that the number beside a bar takes, in inches, and the largest share of the axes on either side.
_NUMBER, _MOST_ROOM = 0.75, 0.3
#: Probabilities that an axis may show.
_CHANCES = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
#: The share of the axes' width that names may take beside it, where the figure is the user's.
_NAMES = 0.5


class ContributionDisplay:
    """A `Prediction` as a picture: from the average, column by column, to the prediction itself.

    Each bar starts where the one above it ends; blue ones raise the score, red ones lower it. For classes the
    score is log odds, with the probability above; for counts its logarithm.

    Parameters
    ----------
    prediction : Prediction
        What `WeightReport.prediction` returns.
    max_columns : int, default=12
        Bars; of more columns, the smallest make one bar together.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The picture.
    figure_ : matplotlib.figure.Figure
        Its figure.
    shown_ : tuple of str
        What the bars are of, from the top.
    texts_ : list of matplotlib.text.Text
        The numbers beside the bars.

    See Also
    --------
    fulcra.inspection.explain_weights : Returns a report with `prediction`.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from fulcra.inspection import ContributionDisplay
    >>> from fulcra.linear_model import LinearRegression
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    >>> display = ContributionDisplay.from_estimator(LinearRegression().fit(X, y), X, 0)
    >>> display.shown_[:2]
    ('s1 = 157', 'bmi = 32.1')
    >>> plt.close(display.figure_)
    """

    def __init__(self, prediction: Prediction, *, max_columns: int = 12) -> None:
        self.prediction = prediction
        self.max_columns = max_columns

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Data,
        row: Data,
        *,
        y: Data = None,
        target: int | str | None = None,
        sample_weight: Data = None,
        max_columns: int = 12,
        ax: Any = None,
    ) -> Self:
        """Take one prediction of a fitted model apart, and draw it.

        Parameters
        ----------
        model : estimator
            A fitted linear, logistic or Poisson regression, or a Pipeline that ends in one.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows whose average is the start.
        row : int, or table of one row
            Place of a row of X, or a new row.
        y : array-like of shape (n_samples,), default=None
            The targets, for their name in the picture.
        target : int or str, default=None
            Which of several targets or classes; None: the first target, or the most probable class.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows of X.
        max_columns : int, default=12
            Bars at most.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        ContributionDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message holds the line that installs it.
        TypeError, NotFittedError, ValueError
            As `fulcra.inspection.explain_weights`.
        IndexError
            If X has no such row.
        """
        require_matplotlib("ContributionDisplay.from_estimator")
        if X is None:
            raise ValueError("X is needed: a prediction is measured from the average of its rows.")
        made = explain_weights(model, X, sample_weight=sample_weight).prediction(row, target)
        name = getattr(y, "name", None)
        if name is not None and made.kind in ("linear", "poisson"):
            made = replace(made, target=str(name))
        return cls(made, max_columns=max_columns).plot(ax=ax)

    @classmethod
    def from_prediction(cls, prediction: Prediction, *, max_columns: int = 12, ax: Any = None) -> Self:
        """Draw a prediction that was taken apart.

        Parameters
        ----------
        prediction : Prediction
            What `WeightReport.prediction` returns.
        max_columns : int, default=12
            Bars at most.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        ContributionDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message holds the line that installs it.
        TypeError
            If it is something else.
        ValueError
            If `max_columns` is not 2 at least.
        """
        if not isinstance(prediction, Prediction):
            raise TypeError(
                f"prediction must be what WeightReport.prediction returns; got {type(prediction).__name__}."
            )
        return cls(prediction, max_columns=max_columns).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        ContributionDisplay
            Itself, with `ax_`, `figure_`, `shown_` and `texts_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `max_columns` is not 2 at least.
        """
        require_matplotlib("ContributionDisplay.plot")
        if self.max_columns < 2:
            raise ValueError(f"max_columns must be 2 at least; got {self.max_columns!r}.")
        made = self.prediction
        bars = made.rows(self.max_columns)
        self.shown_ = tuple(name for name, _ in bars)
        own = ax is None
        self.ax_ = ax = axes_of(ax, 7.5, _BESIDE + _ROW * (len(bars) + 2))
        self.figure_ = ax.figure
        cut = _cut(self.shown_, 36 if own else letters(_NAMES * inches(ax)[0], SMALL))
        ax.set_yticks(np.arange(1, 1 + len(cut)), cut, parse_math=False, fontsize=SMALL)
        width, _ = inches(ax)
        parts = np.array([part for _, part in bars])
        edges = made.baseline + np.concatenate([[0.0], np.cumsum(parts)])
        _room_for_numbers(ax, edges, width)
        ax.axvline(made.baseline, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        self.texts_: list[Any] = []
        for place, (part, start, end) in enumerate(zip(parts, edges[:-1], edges[1:], strict=True), 1):
            ax.barh(place, part, left=start, height=0.62, color=BLUE if part >= 0 else VERMILION, zorder=3)
            ax.plot([end, end], [place - 0.31, place + 1], color=QUIET, linewidth=0.7, zorder=2)
            self._number(ax, max(start, end) if part >= 0 else min(start, end), place, signed(made, part))
        for place, score, said in self._ends(len(bars)):
            ax.plot([score], [place], marker="D", markersize=6, color=INK, linestyle="", zorder=4)
            self._number(ax, score, place, said, shade=INK, rises=True, offset=8)
        ax.set_ylim(len(bars) + 1.6, -0.6)
        names = ["the average", *cut, "the prediction"]
        self._write(ax, names, width)
        return self

    def _ends(self, n: int) -> list[tuple[int, float, str]]:
        """Return place, score and text of the start and of the end."""
        made = self.prediction
        start, end = made.written(made.baseline), made.written(made.score)
        if made.kind == "logistic":
            start, end = chance(made.value_at_baseline), chance(made.value)
        elif made.kind == "multinomial":
            end = f"{end}: {chance(made.value)}"
        elif made.kind == "poisson":
            start = human(made.value_at_baseline, made.value_at_baseline)
            end = human(made.value, made.value)
        return [(0, made.baseline, start), (n + 1, made.score, end)]

    def _number(
        self,
        ax: "Axes",
        x: float,
        y: float,
        said: str,
        *,
        shade: str = QUIET,
        rises: bool | None = None,
        offset: float = 4,
    ) -> None:
        right = not said.startswith("-") if rises is None else rises
        text = ax.annotate(
            said.replace("-", "\N{MINUS SIGN}"),
            (x, y),
            xytext=(offset if right else -offset, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            fontsize=SMALL,
            color=shade,
            zorder=5,
            parse_math=False,
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
        )
        text.set_in_layout(False)
        self.texts_.append(text)

    def _write(self, ax: "Axes", names: list[str], width: float) -> None:
        from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

        made = self.prediction
        ax.set_yticks(np.arange(len(names)), names, parse_math=False)
        ax.set_title(
            wrapped(made.headline(), letters(width, TITLE)),
            loc="left",
            fontsize=TITLE,
            color=INK,
            parse_math=False,
            pad=24 if made.kind == "logistic" else 8,
        )
        unit = {"linear": made.target, "logistic": f"log odds of {made.target}"}.get(made.kind)
        unit = unit or ("logarithm of the count" if made.kind == "poisson" else f"score of {made.target}")
        ax.set_xlabel(
            wrapped(unit, letters(width, SMALL)), fontsize=SMALL, color=QUIET, loc="left", parse_math=False
        )
        ax.xaxis.set_major_locator(MaxNLocator(max(2, min(6, int(width / 0.8)))))
        if np.abs(ax.get_xlim()).max() >= 10_000:
            ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}".replace("-", "\N{MINUS SIGN}"))
            ax.xaxis.set_major_locator(MaxNLocator(max(2, min(4, int(width / 1.2)))))
        ax.tick_params(axis="x", labelsize=SMALL, colors=QUIET, length=2)
        ax.tick_params(axis="y", labelsize=SMALL, colors=INK, length=0)
        ax.get_yticklabels()[0].set_fontweight("bold")
        ax.get_yticklabels()[-1].set_fontweight("bold")
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.spines["bottom"].set_color(PALE)
        if made.kind == "logistic":
            _chances(ax, width)


def _cut(names: tuple[str, ...], width: int) -> list[str]:
    """Cut names of columns so that they stay different, and what the columns hold stays whole."""
    parts = [name.rpartition(" = ") for name in names]
    heads = [head or tail for head, _, tail in parts]
    tails = [f" = {shortened(tail, width // 2)}" if head else "" for head, _, tail in parts]
    room = max(width - max((len(tail) for tail in tails), default=0), 8)
    return [head + tail for head, tail in zip(told_apart(heads, room), tails, strict=True)]


def _room_for_numbers(ax: "Axes", edges: NDArray[np.float64], width: float) -> None:
    low, high = float(edges.min()), float(edges.max())
    span = (high - low) or max(abs(high), 1.0)
    share = min(_NUMBER / width, _MOST_ROOM)
    gap = span * share / (1 - 2 * share)
    ax.set_xlim(low - gap, high + gap)


def _chances(ax: "Axes", width: float) -> None:
    """Write probabilities above the axis of log odds, as many as there is room for."""
    low, high = ax.get_xlim()
    places = logit(np.array(_CHANCES))
    inside = [float(place) for place in places if low <= place <= high]
    # From the middle outwards, those with room.
    gap = 0.45 / width * (high - low)
    kept: list[float] = []
    for place in sorted(inside, key=lambda value: abs(value - (low + high) / 2)):
        if all(abs(place - other) >= gap for other in kept):
            kept.append(place)
    above = ax.secondary_xaxis("top")
    above.set_xticks(sorted(kept), [f"{100 * expit(place):.3g}%" for place in sorted(kept)])
    above.tick_params(labelsize=SMALL, colors=QUIET, length=2)
    above.spines["top"].set_color(PALE)
