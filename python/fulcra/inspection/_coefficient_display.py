"""CoefficientDisplay: what each weight does on a common scale, with its interval."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from fulcra._base import Data
from fulcra._palette import BLUE, INK, PALE, QUIET, VERMILION, colour, marker
from fulcra.inspection._drawing import (
    SMALL,
    TITLE,
    axes_of,
    inches,
    letters,
    plural,
    require_matplotlib,
    told_apart,
    wrapped,
)
from fulcra.inspection._explain_weights import explain_weights
from fulcra.inspection._weight_report import WeightReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Height of a row with one dot, and what each further dot adds, in inches.
_ROW, _MORE = 0.24, 0.11
#: The tallest figure that is made, in inches, and the rest of it beside the rows.
_TALLEST, _BESIDE = 16.0, 1.5
#: Classes or targets drawn at most.
_MOST_TARGETS = 8
#: The share of the axes' width that names may take beside it, where the figure is the user's.
_NAMES = 0.45


class CoefficientDisplay:
    """A `WeightReport` as a picture: for each feature a dot with its interval, the most important first.

    A dot is what one standard deviation of a number, or a level instead of its reference, does to the score;
    so dots compare. Filled dots have an interval without 0, or none at all; hollow ones have one with 0.

    Parameters
    ----------
    report : WeightReport
        What `fulcra.inspection.explain_weights` returns.
    max_features : int, default=30
        Features that are drawn; of more, the most important.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The picture.
    figure_ : matplotlib.figure.Figure
        Its figure.
    shown_ : tuple of str
        The features drawn, from the top.

    See Also
    --------
    fulcra.inspection.explain_weights : The numbers, and what each of them means.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from fulcra.inspection import CoefficientDisplay
    >>> from fulcra.linear_model import LinearRegression
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    >>> display = CoefficientDisplay.from_estimator(LinearRegression().fit(X, y), X, y)
    >>> display.shown_[:3]
    ('s1', 's5', 'bmi')
    >>> plt.close(display.figure_)
    """

    def __init__(self, report: WeightReport, *, max_features: int = 30) -> None:
        self.report = report
        self.max_features = max_features

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Data = None,
        y: Data = None,
        *,
        sample_weight: Data = None,
        cov: str = "nonrobust",
        groups: Data = None,
        alpha: float = 0.05,
        max_features: int = 30,
        ax: Any = None,
    ) -> Self:
        """Explain the weights of a fitted model, and draw them.

        Parameters
        ----------
        model : estimator
            A fitted linear, logistic or Poisson regression, or a Pipeline that ends in one.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features), default=None
            The rows of the fit; None: the weights as they are.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            The targets; None: no intervals.
        sample_weight : array-like of shape (n_samples,), default=None
            As they were given to `fit`.
        cov : {'nonrobust', 'HC0', 'HC1', 'HC2', 'HC3', 'cluster'}, default='nonrobust'
            What intervals take into account.
        groups : array-like of shape (n_samples,), default=None
            The clusters of rows, for ``cov='cluster'``.
        alpha : float, default=0.05
            Intervals hold with probability 1 - alpha.
        max_features : int, default=30
            Features that are drawn; of more, the most important.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        CoefficientDisplay
            Drawn; `report` is what `explain_weights` returned.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message holds the line that installs it.
        TypeError, NotFittedError, ValueError
            As `fulcra.inspection.explain_weights`.
        """
        require_matplotlib("CoefficientDisplay.from_estimator")
        report = explain_weights(
            model, X, y, sample_weight=sample_weight, cov=cov, groups=groups, alpha=alpha
        )
        return cls(report, max_features=max_features).plot(ax=ax)

    @classmethod
    def from_report(cls, report: WeightReport, *, max_features: int = 30, ax: Any = None) -> Self:
        """Draw a report.

        Parameters
        ----------
        report : WeightReport
            What `fulcra.inspection.explain_weights` returns.
        max_features : int, default=30
            Features that are drawn; of more, the most important.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        CoefficientDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message holds the line that installs it.
        TypeError
            If it is another report.
        ValueError
            If `max_features` is not 1 at least.
        """
        if not isinstance(report, WeightReport):
            raise TypeError(f"report must be what explain_weights returns; got {type(report).__name__}.")
        return cls(report, max_features=max_features).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        CoefficientDisplay
            Itself, with `ax_`, `figure_` and `shown_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `max_features` is not 1 at least.
        """
        require_matplotlib("CoefficientDisplay.plot")
        report = self.report
        if self.max_features < 1:
            raise ValueError(f"max_features must be 1 at least; got {self.max_features!r}.")
        targets = range(min(len(report.targets), _MOST_TARGETS))
        effects, low, high = _on_one_scale(report)
        order = np.argsort(-np.sqrt((effects**2).mean(axis=0)), kind="stable")
        row = _ROW + _MORE * (len(targets) - 1)
        most = min(self.max_features, int((_TALLEST - _BESIDE) / row))
        shown = order[:most]
        self.shown_ = tuple(report.features[f] for f in shown)
        own = ax is None
        self.ax_ = ax = axes_of(ax, 7.5, _BESIDE + row * max(len(shown), 3))
        self.figure_ = ax.figure
        names = told_apart(self.shown_, 34 if own else letters(_NAMES * inches(ax)[0], SMALL))
        ax.set_yticks(np.arange(len(shown)), names, parse_math=False, fontsize=SMALL)
        ax.set_ylim(len(shown) - 0.5, -0.5)
        width, _ = inches(ax)
        ax.axvline(0, color=INK, linewidth=0.9, zorder=1)
        for place in range(1, len(shown) if len(targets) > 1 else 0, 2):
            ax.axhspan(place - 0.5, place + 0.5, color=PALE, alpha=0.25, linewidth=0, zorder=0)
        for o in targets:
            self._draw(ax, o, effects[o, shown], low[o, shown], high[o, shown])
        drawn = np.stack([part[: len(targets), shown] for part in (effects, low, high)])
        _room_for_all(ax, drawn)
        self._write(ax, len(order) - len(shown), width)
        if len(report.targets) > 1:
            self._name_targets(ax)
        return self

    def _draw(
        self,
        ax: "Axes",
        o: int,
        values: NDArray[np.float64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
    ) -> None:
        n = min(len(self.report.targets), _MOST_TARGETS)
        places = np.arange(len(values)) + ((o + 0.5) / n - 0.5) * 0.8 * (n > 1)
        shades = [colour(o)] * len(values) if n > 1 else [BLUE if v >= 0 else VERMILION for v in values]
        for place, value, start, end, shade in zip(places, values, low, high, shades, strict=True):
            if np.isfinite(start):
                ax.plot([start, end], [place, place], color=shade, linewidth=1.5, zorder=2)
            elif n == 1:
                ax.plot([0, value], [place, place], color=shade, linewidth=1.5, alpha=0.5, zorder=2)
            hollow = start < 0 < end
            ax.plot(
                [value],
                [place],
                marker=marker(o),
                markersize=6 if n == 1 else 5,
                markerfacecolor="white" if hollow else shade,
                markeredgecolor=shade,
                markeredgewidth=1.3,
                linestyle="",
                zorder=3,
            )

    def _write(self, ax: "Axes", n_left: int, width: float) -> None:
        from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

        report = self.report
        ax.set_title(
            wrapped(_title(report), letters(width, TITLE)),
            loc="left",
            fontsize=TITLE,
            color=INK,
            parse_math=False,
        )
        said = _unit(report)
        if np.isfinite(report.low).any():
            said += f"; lines are {report.confidence:.0%} intervals"
        if n_left:
            said += f". Without {plural(n_left, 'feature')} of smaller effect"
        ax.set_xlabel(
            wrapped(said, letters(width, SMALL)), fontsize=SMALL, color=QUIET, loc="left", parse_math=False
        )
        ax.xaxis.set_major_locator(MaxNLocator(max(2, min(6, int(width / 0.8)))))
        ax.tick_params(axis="x", labelsize=SMALL, colors=QUIET, length=2)
        ax.tick_params(axis="y", labelsize=SMALL, colors=INK, length=0)
        ax.set_axisbelow(True)
        ax.grid(visible=False)
        if len(report.targets) == 1:
            ax.grid(axis="y", color=PALE, linewidth=0.5)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.spines["bottom"].set_color(PALE)

    def _name_targets(self, ax: "Axes") -> None:
        from matplotlib.lines import Line2D  # noqa: PLC0415

        shown = self.report.targets[:_MOST_TARGETS]
        names = told_apart(shown, 16)
        handles = [
            Line2D([], [], color=colour(o), marker=marker(o), linestyle="", markersize=5)
            for o in range(len(names))
        ]
        left = len(self.report.targets) - len(names)
        # Below the axes' own text no dot can be covered.
        legend = ax.legend(
            handles,
            names,
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=max(1, int(inches(ax)[0] / 1.35)),
            fontsize=SMALL,
            frameon=False,
            labelcolor=INK,
            borderaxespad=0.1,
            handletextpad=0.1,
            title=f"the first {len(names)}" if left else None,
            title_fontsize=SMALL,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
        rows = -(-len(names) // max(1, int(inches(ax)[0] / 1.35))) + bool(left)
        ax.set_title(ax.get_title(loc="left"), loc="left", fontsize=TITLE, pad=8 + 1.7 * SMALL * rows)


def _on_one_scale(
    report: WeightReport,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return effects of a standard deviation of numbers, and of levels, with their intervals."""
    is_level = np.array([level is not None for level in report.levels], dtype=bool)
    size = np.where(is_level | np.isfinite(report.pairs[:, 0]) | np.isnan(report.spread), 1.0, report.spread)
    size = np.where(np.isfinite(report.pairs[:, 0]), report.pairs[:, 1] - report.pairs[:, 0], size)
    return report.centred * size, report.low * size, report.high * size


def _title(report: WeightReport) -> str:
    if report.kind == "linear":
        return "Weights" if len(report.targets) > 1 else f"What makes up {report.targets[0]}"
    if report.kind == "poisson":
        return f"What multiplies the expected {report.targets[0]}"
    if report.kind == "logistic":
        return f"What makes {report.targets[0]} more or less likely"
    return "What makes each class more or less likely"


def _unit(report: WeightReport) -> str:
    unit = {
        "linear": "the prediction" if len(report.targets) > 1 else report.targets[0],
        "logistic": "the log odds",
        "multinomial": "the log odds against the average class",
        "poisson": "the logarithm of the expected count",
    }[report.kind]
    if report.n_rows is None:
        return f"weights: what a unit does to {unit}"
    levels = any(level is not None for level in report.levels) or bool(np.isfinite(report.pairs).any())
    return f"what one standard deviation {'(of levels, the change) ' if levels else ''}does to {unit}"


def _room_for_all(ax: "Axes", drawn: NDArray[np.float64]) -> None:
    known = np.append(drawn[np.isfinite(drawn)], 0.0)
    left, right = float(known.min()), float(known.max())
    gap = 0.05 * (right - left) or 0.5
    ax.set_xlim(left - gap, right + gap)
