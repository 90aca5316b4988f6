"""ConvergenceDisplay: how a fit went, iteration by iteration."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from fulcra._base import Data
from fulcra._palette import BLUE, INK, PALE, QUIET, VERMILION, colour
from fulcra._reading.undoing import steps_before
from fulcra.inspection._drawing import BODY, SMALL, axes_of, described, panels, require_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What histories hold, in the order in which it is shown; what is not here follows, under its own name.
_HEADINGS = {
    "inertia": "Inertia",
    "objective": "Objective",
    "loss": "Loss",
    "shift": "Shift of the centers",
    "drift": "Drift of each center",
    "moved": "Rows that changed cluster",
    "swaps": "Medoids that changed",
    "reassigned": "Centers put on rows",
    "size": "Rows of the cluster that was parted",
    "n_iter": "Iterations of its best start",
    "cut_short": "Cut short by max_iter",
    "gradient_norm": "Norm of the gradient",
    "learning_rate": "Learning rate",
    "score": "Score of the rows held out",
    "weights": "Weights",
    "weight_norm": "Norm of the weights",
    "evaluated": "Share of distances computed",
    "seconds": "Time",
}
#: Drawn into the panel of another quantity: the same, smoothed or of other rows.
_COMPANIONS = {"smoothed": "inertia"}
_OF_OTHER_ROWS = ("validation_", "val_")
#: What counts the steps instead of being measured at them.
_CLOCKS = {"n_samples": "rows seen", "epoch": "epoch"}
#: Of a descent: the steps at which weights were kept, 0 the start.
_KEPT = "iteration"
#: Up to here each weight has a line and a name; beyond, the norm is drawn.
_LINES = 8
#: Keys that only one kind of step has.
_STEPS = {"cut_short": "bisection", "smoothed": "batch", "swaps": "pass"}
#: A range over so many times asks for a logarithm.
_WIDE = 50.0
#: Up to here each step has a marker.
_FEW = 40


class ConvergenceDisplay:
    """What an iterative fit wrote down, a panel for each quantity, and why it ended.

    Parameters
    ----------
    history : mapping of str to array-like of shape (n_steps,) or (n_steps, n_lines)
        The quantities. 'n_samples' and 'epoch' count the steps; 'smoothed' is drawn with 'inertia',
        'validation_loss' and 'val_loss' with 'loss'; keys that are not known get a panel of their own.
        'weights' of shape (n_kept, n_weights) or (n_kept, n_targets, n_weights), with the intercept last, are
        those at the steps in 'iteration' (n_kept,), which counts from 0: a line for each of up to 8 weights,
        else the norm, that of each of up to 8 targets.
    stop_reason : str, default=None
        Why it ended, as a sentence.
    title : str, default=""
        Above it.
    step : str, default=None
        What a step is: 'iteration', 'batch', ...; None: as far as the keys tell.
    names : sequence of str of length n_features, default=None
        What the weights but the intercept are called; None: x0, x1, ...
    targets : sequence of length n_targets, default=None
        What targets or classes are called, where there are several; None: 0, 1, ...

    Attributes
    ----------
    axes_ : ndarray of shape (n_panels,) of matplotlib.axes.Axes
        The panels.
    quantities_ : tuple of str
        The key of each.
    bounding_ax_ : matplotlib.axes.Axes
        The axes whose place the panels take.
    figure_ : matplotlib.figure.Figure
        Their figure.

    Notes
    -----
    What is not below 0 and ranges over a factor of 50 or more has a logarithmic axis; if it reaches 0, the
    axis is linear below the power of ten under the least value above 0.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from fulcra.cluster import KMeans
    >>> from fulcra.inspection import ConvergenceDisplay
    >>> from sklearn.datasets import load_iris
    >>> display = ConvergenceDisplay.from_estimator(KMeans(3, random_state=0).fit(load_iris().data))
    >>> display.quantities_
    ('inertia', 'shift', 'moved', 'evaluated', 'seconds')
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        history: Mapping[str, Data],
        *,
        stop_reason: str | None = None,
        title: str = "",
        step: str | None = None,
        names: Sequence[str] | None = None,
        targets: Sequence[Any] | None = None,
    ) -> None:
        self.history = history
        self.stop_reason = stop_reason
        self.title = title
        self.step = step
        self.names = names
        self.targets = targets

    @classmethod
    def from_estimator(cls, model: Any, *, ax: Any = None) -> Self:
        """Draw the history of a fitted model.

        Parameters
        ----------
        model : estimator
            One with `history_`, or a Pipeline that ends in one.
        ax : matplotlib.axes.Axes, default=None
            Whose place the panels take; None: a new figure.

        Returns
        -------
        ConvergenceDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message holds the line that installs it.
        NotFittedError
            If the model is not fitted.
        TypeError
            If it is, and keeps no `history_`, as those of scikit-learn do not.
        ValueError
            If its history is empty.
        """
        require_matplotlib("ConvergenceDisplay.from_estimator")
        _, last = steps_before(model)
        name = type(last).__name__
        if not hasattr(last, "fit"):
            raise TypeError(
                "model must be a fitted estimator with history_, or a Pipeline that ends in one; got "
                f"{described(last)}."
            )
        check_is_fitted(last)
        if not hasattr(last, "history_"):
            raise TypeError(
                f"{type(last).__module__.partition('.')[0]}'s {name} keeps no history_ of its fit, which is "
                "what ConvergenceDisplay draws; iterative estimators of fulcra.cluster do."
            )
        return cls(
            last.history_,
            stop_reason=getattr(last, "stop_reason_", None),
            title=name,
            names=getattr(last, "feature_names_in_", None),
            targets=getattr(last, "classes_", None),
        ).plot(ax=ax)

    @classmethod
    def from_history(
        cls,
        history: Mapping[str, Data],
        stop_reason: str | None = None,
        *,
        step: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw a history.

        Parameters
        ----------
        history : mapping of str to array-like of shape (n_steps,) or (n_steps, n_lines)
            As `history_`.
        stop_reason : str, default=None
            Why it ended, as a sentence.
        step : str, default=None
            What a step is; None: as far as the keys tell.
        ax : matplotlib.axes.Axes, default=None
            Whose place the panels take; None: a new figure.

        Returns
        -------
        ConvergenceDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the history is empty, or has something that is not a number for each step.
        """
        return cls(history, stop_reason=stop_reason, step=step).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Whose place the panels take; None: a new figure.

        Returns
        -------
        ConvergenceDisplay
            Itself, with `axes_`, `quantities_`, `bounding_ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the history is empty, or has something that is not a number for each step.
        """
        require_matplotlib("ConvergenceDisplay.plot")
        series = _checked(self.history)
        lines = _weights(series, self.names, self.targets)
        whose = (
            [] if self.targets is None or len(self.targets) > _LINES else [str(one) for one in self.targets]
        )
        self.quantities_ = shown = _in_order(series)
        n_columns = len(shown) if len(shown) <= 3 else 2 if len(shown) == 4 else 3
        n_rows = -(-len(shown) // n_columns)
        self.bounding_ax_ = host = axes_of(ax, 9 if n_columns == 3 else 8, 0.9 + 2.3 * n_rows)
        self.figure_ = host.figure
        drawn = panels(
            host, len(shown), n_columns, title=self.title, subtitle=self.stop_reason or "", least=1.7
        )
        self.axes_ = np.array(drawn, dtype=object)
        clock = next((key for key in _CLOCKS if key in series), None)
        step = self.step or next((step for key, step in _STEPS.items() if key in series), "iteration")
        for panel, key in zip(drawn, shown, strict=True):
            _draw(panel, key, series, clock)
            names = lines if key in {"weights", "weight_norm"} else whose
            if names and len(names) == len(panel.lines):
                whose = []  # once is enough
                panel.legend(
                    panel.lines,
                    names,
                    fontsize=SMALL - 1,
                    frameon=False,
                    labelcolor=INK,
                    loc="best",
                    handlelength=1.2,
                    ncols=1 if len(names) <= 4 else 2,
                )
            panel.set_xlabel(step if clock is None else _CLOCKS[clock], fontsize=SMALL, color=QUIET)
        return self


def _checked(history: Mapping[str, Data]) -> dict[str, NDArray[np.float64]]:
    series = {}
    for key, values in history.items():
        found = np.asarray(values)
        if found.dtype.kind not in "biuf" or found.ndim not in ((1, 2, 3) if key == "weights" else (1, 2)):
            raise ValueError(
                f"history[{key!r}] must hold a number for each step, or a row of them; got dtype "
                f"{found.dtype} and shape {found.shape}."
            )
        series[str(key)] = found.astype(np.float64)
    if not any(len(values) for values in series.values()):
        raise ValueError("history is empty: no step was written down.")
    return series


def _weights(
    series: dict[str, NDArray[np.float64]], names: Sequence[str] | None, targets: Sequence[Any] | None
) -> list[str]:
    """Make lines of the weights, or of their norms where they are many; returns what the lines are called."""
    weights = series.get("weights")
    if weights is None or weights.ndim == 1 or _KEPT not in series:
        return []
    several = weights.ndim == 3
    columns = weights.shape[-1]
    known = [str(name) for name in names] if names is not None and len(names) == columns - 1 else None
    each = [*(known or [f"x{f}" for f in range(columns - 1)]), "intercept"]
    if not several and columns <= _LINES:
        return each
    if not several:
        series["weight_norm"] = np.linalg.norm(series.pop("weights"), axis=1)
        return []
    many = weights.shape[1]
    whose = [str(one) for one in (range(many) if targets is None or len(targets) != many else targets)]
    if many * columns <= _LINES:
        series["weights"] = weights.reshape(len(weights), -1)
        return [f"{name} ({one})" for one in whose for name in each]
    series["weight_norm"] = np.linalg.norm(series.pop("weights"), axis=2)
    if many > _LINES:
        series["weight_norm"] = np.linalg.norm(series["weight_norm"], axis=1)
        return []
    return whose


def _companion_of(key: str, series: Mapping[str, Any]) -> str | None:
    """Return the quantity into whose panel this one is drawn."""
    main = _COMPANIONS.get(key)
    for prefix in _OF_OTHER_ROWS:
        if key.startswith(prefix):
            main = key.removeprefix(prefix)
    return main if main in series else None


def _in_order(series: Mapping[str, Any]) -> tuple[str, ...]:
    counts = {*_CLOCKS, _KEPT}
    keys = [key for key in series if key not in counts and _companion_of(key, series) is None]
    places = {key: place for place, key in enumerate(_HEADINGS)}
    return tuple(sorted(keys or series, key=lambda key: places.get(key, len(places) - 2.5)))


def _draw(ax: "Axes", key: str, series: Mapping[str, NDArray[np.float64]], clock: str | None) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    values, unit = series[key], ""
    if key == "seconds":
        values, unit = _of_time(values)
    at = np.arange(1, len(values) + 1, dtype=np.float64)
    if _KEPT in series:
        kept = key in {"weights", "weight_norm"} and len(series[_KEPT]) == len(values)
        at = series[_KEPT] if kept else at - 1
    elif clock is not None and key != clock and len(series[clock]) == len(values):
        at = series[clock]
    heading = _HEADINGS.get(key, key.replace("_", " "))
    ax.set_title(
        f"{heading} ({unit})" if unit else heading, fontsize=BODY, color=INK, loc="left", parse_math=False
    )
    beside = [other for other in series if _companion_of(other, series) == key]
    style: dict[str, Any] = {
        "linewidth": 1.4,
        "marker": "o" if len(values) <= _FEW else "",
        "markersize": 3.5,
    }
    if values.ndim == 2:
        values = np.where(values > 0, values, np.nan) if key == "drift" else values  # a gap: it did not move
        for j, line in enumerate(values.T):
            ax.plot(at, line, **(style | {"marker": "", "linewidth": 1, "color": colour(j)}))
    else:
        pale = "smoothed" in beside
        ax.plot(at, values, **(style | {"color": PALE if pale else BLUE}))
    for other in beside:
        ax.plot(at[: len(series[other])], series[other], **(style | {"color": VERMILION, "marker": ""}))
    if beside:
        names = [key, *beside]
        texts = ["each batch" if "smoothed" in names else key.replace("_", " ")]
        texts += [other.replace("_", " ") for other in beside]
        ax.legend(
            ax.lines, texts, fontsize=SMALL - 1, frameon=False, labelcolor=INK, loc="best", handlelength=1.2
        )
    _scale(ax, key, np.concatenate([values.ravel(), *(series[other].ravel() for other in beside)]))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if len(at) == 1:
        ax.set_xlim(at[0] - 0.5, at[0] + 0.5)
    ax.tick_params(labelsize=SMALL - 0.5, colors=QUIET)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(PALE)


def _of_time(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    largest = float(np.nanmax(values, initial=0))
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "\N{MICRO SIGN}s")):
        if largest >= size:
            return values / size, unit
    return values, "s"


def _scale(ax: "Axes", key: str, values: NDArray[np.float64]) -> None:
    """Choose a scale, and ticks on it that do not run into each other."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator, PercentFormatter  # noqa: PLC0415

    known = values[np.isfinite(values)]
    positive = known[known > 0]
    if key == "cut_short":
        ax.set_ylim(-0.2, 1.2)
        ax.yaxis.set_major_locator(FixedLocator([0, 1]))
        ax.yaxis.set_major_formatter(FixedFormatter(["no", "yes"]))
    elif key == "evaluated":
        ax.yaxis.set_major_formatter(PercentFormatter(1))
        ax.set_ylim(-0.04, 1.08)
    elif len(known) and known.min() >= 0 and len(positive) > 1 and positive.max() >= _WIDE * positive.min():
        low, high = int(np.floor(np.log10(positive.min()))), int(np.ceil(np.log10(positive.max())))
        powers = np.arange(low, high + 1)[:: max(1, -(-(high - low + 1) // 5))]
        ticks, texts = (10.0**powers).tolist(), [_power(power) for power in powers.tolist()]
        if known.min() == 0:
            ax.set_yscale("symlog", linthresh=10.0**low, linscale=0.6)
            ticks, texts = [0.0, *ticks], ["0", *texts]
            ax.set_ylim(-0.2 * 10.0**low, 1.6 * positive.max())
        else:
            ax.set_yscale("log")
            ax.set_ylim(positive.min() / 1.6, positive.max() * 1.6)
        ax.yaxis.set_major_locator(FixedLocator(ticks))
        ax.yaxis.set_major_formatter(FixedFormatter(texts))
        ax.yaxis.set_minor_locator(NullLocator())
    elif len(known) and np.ptp(known) <= 1e-9 * np.abs(known).max():
        level = float(known[0])
        ax.set_ylim((level - 0.5 * abs(level), level + 0.5 * abs(level)) if level else (-0.5, 1.5))
        ax.yaxis.set_major_locator(FixedLocator([level]))
        ax.yaxis.set_major_formatter(FixedFormatter([f"{level:,.6g}"]))
    else:
        whole = bool(len(known)) and bool(np.array_equal(known, np.rint(known)))
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=whole))
        if np.abs(known).max(initial=0) >= 10_000:
            ax.yaxis.set_major_formatter(lambda value, _: _large(value))


def _large(value: float) -> str:
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}".replace("-", "\N{MINUS SIGN}")
    return f"{value:g}"


def _power(power: int) -> str:
    return f"{10.0**power:g}" if -3 <= power <= 3 else _large(10.0**power) if 3 < power < 15 else f"1e{power}"
