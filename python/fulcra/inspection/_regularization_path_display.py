"""RegularizationPathDisplay: how weights shrink, and vanish, as the penalty grows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from fulcra._base import Data
from fulcra._palette import INK, PALE, QUIET, colour
from fulcra._reading.linear import linear
from fulcra.inspection._drawing import (
    SMALL,
    TITLE,
    axes_of,
    described,
    inches,
    letters,
    require_matplotlib,
    told_apart,
    wrapped,
)
from fulcra.inspection._penalty_path import (
    ELASTIC,
    ODDS,
    SQUARED,
    above_zero,
    chosen,
    elastic,
    penalties,
    refitted,
    variances,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Lines that get a name and a colour; of more, those that reach farthest.
_NAMED = 15


class RegularizationPathDisplay:
    """Weights by the strength of the penalty, from the strongest at the left to the weakest at the right.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,)
        Penalties above 0, in any order.
    coefs : array-like of shape (n_features, n_alphas)
        The weights at each, as `sklearn.linear_model.lasso_path` returns them.
    feature_names : sequence of str, default=None
        Of the features; None: x0, x1, ...
    chosen : float, default=None
        The penalty that is used; None: none is marked.
    unit : str, default="weight"
        What the vertical axis is.
    parameter : str, default="alpha"
        What the penalty is called.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The picture.
    figure_ : matplotlib.figure.Figure
        Its figure.
    named_ : tuple of str
        The features that have a name at the end of their line: of more than 15, those that reach farthest.
    texts_ : list of matplotlib.text.Text
        These names.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from fulcra.inspection import RegularizationPathDisplay
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import lasso_path
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> alphas, coefs, _ = lasso_path(X, y)
    >>> display = RegularizationPathDisplay.from_path(alphas, coefs, feature_names=X.columns)
    >>> display.named_[:2]
    ('s5', 's1')
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        alphas: Data,
        coefs: Data,
        *,
        feature_names: Sequence[Any] | None = None,
        chosen: float | None = None,
        unit: str = "weight",
        parameter: str = "alpha",
    ) -> None:
        self.alphas = alphas
        self.coefs = coefs
        self.feature_names = feature_names
        self.chosen = chosen
        self.unit = unit
        self.parameter = parameter

    @classmethod
    def from_path(
        cls,
        alphas: Data,
        coefs: Data,
        *,
        feature_names: Sequence[Any] | None = None,
        chosen: float | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw a path that is known.

        Parameters
        ----------
        alphas : array-like of shape (n_alphas,)
            Penalties above 0, in any order.
        coefs : array-like of shape (n_features, n_alphas)
            The weights at each.
        feature_names : sequence of str, default=None
            Of the features; None: x0, x1, ...
        chosen : float, default=None
            The penalty that is used; None: none is marked.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        RegularizationPathDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message holds the line that installs it.
        ValueError
            If shapes do not match, there is no penalty, or one is not above 0.
        """
        return cls(alphas, coefs, feature_names=feature_names, chosen=chosen).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls, model: Any, X: Data, y: Data, *, alphas: Data = None, target: int = 0, ax: Any = None
    ) -> Self:
        """Follow the weights of a fitted model through penalties, and mark its own.

        Weights are what one standard deviation of a column does, so that lines compare. Lasso and elastic net
        (with or without cross-validation) are followed by coordinate descent, ridge and logistic regression
        are refitted for each penalty.

        Parameters
        ----------
        model : estimator
            A fitted Lasso, ElasticNet, Ridge or LogisticRegression, ours or scikit-learn's, one that chose
            its penalty by cross-validation, or a Pipeline that ends in one.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows of the fit.
        y : array-like of shape (n_samples,)
            The targets.
        alphas : array-like of shape (n_alphas,), default=None
            Penalties above 0; of logistic regression 1 / C. None: those that cross-validation tried, or four
            powers of ten.
        target : int, default=0
            Which of several classes.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        RegularizationPathDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message holds the line that installs it.
        TypeError
            If the model has no penalty that could be varied.
        NotFittedError
            If it is not fitted.
        ValueError
            If X or y do not suit it, or a penalty is not above 0.
        """
        require_matplotlib("RegularizationPathDisplay.from_estimator")
        found = linear(model, X, y)
        kind = next(
            (c.__name__ for c in type(found.model).__mro__ if c.__name__ in (*ELASTIC, *SQUARED, *ODDS)), None
        )
        if kind is None:
            raise TypeError(
                "model must be a Lasso, ElasticNet, Ridge or LogisticRegression, one with CV in its name, "
                f"or a Pipeline that ends in one; got {described(found.model)}."
            )
        check_is_fitted(found.model)
        if found.kind == "linear" and len(found.coef) > 1:
            raise ValueError(f"y has {len(found.coef)} columns; a path is of one.")
        if not 0 <= target < len(found.coef):
            raise ValueError(f"target must be from 0 to {len(found.coef) - 1}; got {target!r}.")
        rows = found.rows
        spread = np.sqrt(variances(rows))
        own = chosen(found.model, kind)
        given = penalties(found, kind, own, spread) if alphas is None else above_zero(alphas)
        coefs = elastic(found, given) if kind in ELASTIC else refitted(found, kind, given, y, target)
        unit = {"linear": found.targets[0], "logistic": f"the log odds of {found.targets[0]}"}.get(found.kind)
        return cls(
            given,
            coefs * spread[:, np.newaxis],
            feature_names=found.names,
            chosen=own,
            unit=f"what one standard deviation does to {unit or f'the score of {found.targets[target]}'}",
            parameter="1 / C" if kind in ODDS else "alpha",
        ).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        RegularizationPathDisplay
            Itself, with `ax_`, `figure_`, `named_` and `texts_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If shapes do not match, there is no penalty, or one is not above 0.
        """
        require_matplotlib("RegularizationPathDisplay.plot")
        from fulcra.inspection._side_table import beside_axis, room_beside  # noqa: PLC0415 - needs matplotlib

        alphas, coefs, names = self._checked()
        # By their largest effect; lines of the same colour are far apart in this order.
        order = np.argsort(-np.abs(coefs).max(axis=1), kind="stable")
        named = [int(f) for f in order[:_NAMED] if coefs[f].any()]
        self.named_ = tuple(names[f] for f in named)
        self.ax_ = ax = axes_of(ax, 8, 4.8)
        self.figure_ = ax.figure
        across = -np.log10(alphas)
        ax.axhline(0, color=PALE, linewidth=0.8, zorder=1)
        for f in order[::-1]:
            place = named.index(f) if f in named else None
            shade = PALE if place is None else colour(place)
            ax.plot(across, coefs[f], color=shade, linewidth=1.5 if place is not None else 0.8, zorder=2)
        for f in named[len(named) // 2 :] if len(named) > 8 else []:
            ax.lines[1 + len(order) - 1 - int(np.flatnonzero(order == f)[0])].set_linestyle((0, (4, 1.5)))
        cells = [(name,) for name in told_apart(self.named_, 24)]
        width, _ = inches(ax)
        low, high = float(across.min()), float(across.max())
        span = (high - low) or 1.0
        share = room_beside(ax, cells, (), width) if cells else 0.0
        left = low - 0.03 * span
        ax.set_xlim(left, high + (high - left) * share / (1 - share) + 0.01 * span)
        bottom, top = min(0.0, float(coefs.min())), max(0.0, float(coefs.max()))
        gap = 0.06 * (top - bottom) or 0.5
        ax.set_ylim(bottom - gap, top + gap)
        ends = np.array([[across[-1], coefs[f, -1]] for f in named]).reshape(-1, 2)
        self.texts_ = list(beside_axis(ax, ends, cells, [colour(p) for p in range(len(named))]))
        self._mark(ax, low, high)
        self._write(ax, coefs, width, left, high)
        return self

    def _checked(self) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
        """Return penalties from the strongest on, weights (n_features, n_alphas), and names."""
        alphas = above_zero(self.alphas)
        coefs = np.asarray(self.coefs, dtype=np.float64)
        if coefs.ndim != 2 or coefs.shape[1] != len(alphas) or not len(coefs):
            raise ValueError(
                f"coefs must have shape (n_features, {len(alphas)}), a column for each of alphas; got "
                f"{coefs.shape}."
            )
        if not np.isfinite(coefs).all():
            raise ValueError("coefs must be finite.")
        names = self.feature_names
        given = tuple(str(name) for name in (range(len(coefs)) if names is None else names))
        if names is None:
            given = tuple(f"x{name}" for name in given)
        if len(given) != len(coefs):
            raise ValueError(f"feature_names has {len(given)} names; coefs has {len(coefs)} rows.")
        order = np.argsort(-alphas, kind="stable")
        return alphas[order], coefs[:, order], given

    def _mark(self, ax: "Axes", low: float, high: float) -> None:
        if self.chosen is None or not self.chosen > 0:
            return
        at = -np.log10(self.chosen)
        if low - 1e-9 <= at <= high + 1e-9:
            ax.axvline(at, color=INK, linewidth=1, linestyle=(0, (5, 3)), zorder=1.5)

    def _write(self, ax: "Axes", coefs: NDArray[np.float64], width: float, left: float, high: float) -> None:
        from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator  # noqa: PLC0415

        said = f"{len(coefs):,} weights" if len(coefs) != 1 else "A weight"
        title = f"{said} by the strength of the penalty"
        if self.chosen is not None and self.chosen > 0:
            title += f" (dashed: {self.parameter} = {self.chosen:.3g})"
        ax.set_title(
            wrapped(title, letters(width, TITLE)), loc="left", fontsize=TITLE, color=INK, parse_math=False
        )
        powers = np.arange(int(np.ceil(left - 1e-9)), int(np.floor(high + 1e-9)) + 1)
        room = width * (high - left) / float(np.ptp(ax.get_xlim()))
        powers = powers[:: max(1, int(np.ceil(len(powers) / max(1.0, room / 0.6))))]
        ticks = powers.astype(np.float64)
        if len(ticks) < 2:
            ticks = np.array([left + 0.05 * (high - left), high])
        ax.xaxis.set_major_locator(FixedLocator(ticks.tolist()))
        ax.xaxis.set_major_formatter(FixedFormatter([f"{10.0**-tick:,.6g}" for tick in ticks.tolist()]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel(
            f"{self.parameter}: strong at the left, weak at the right",
            fontsize=SMALL,
            color=QUIET,
            loc="left",
        )
        height = inches(ax)[1]
        ax.set_ylabel(
            wrapped(self.unit, letters(height, SMALL)), fontsize=SMALL, color=QUIET, parse_math=False
        )
        ax.tick_params(labelsize=SMALL, colors=QUIET, length=2)
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(PALE)
