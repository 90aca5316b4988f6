"""CentroidProfileDisplay: what the centers are like, feature by feature."""

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from fulcra._base import Data, Interval, StrOptions, check_function_params
from fulcra._palette import DIVERGING, INK, PALE, QUIET, colour, marker
from fulcra._reading.large_values import large_values_named
from fulcra._reading.numbers import human
from fulcra._reading.profile import profile
from fulcra.inspection._cluster_report import ClusterReport
from fulcra.inspection._drawing import (
    BODY,
    SMALL,
    TINY,
    TITLE,
    axes_of,
    check_model_and_rows,
    cluster_names,
    inches,
    letters,
    name_columns,
    plural,
    require_matplotlib,
    told_apart,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Standard deviations at which colours end.
_FAR = 3.0
_POINTS = 72.0
_UNIT = "standard deviations from the mean of all rows"
_UNIT_OF_COLOURS = "mean of the cluster, in standard deviations from that of all rows"

_OPTIONS: dict[str, list[Any]] = {
    "kind": [StrOptions({"heatmap", "parallel"})],
    "max_features": [Interval(Integral, 1, None, closed="left")],
}


class CentroidProfileDisplay:
    """Clusters by features: where the centers lie, in the table's units and beside the mean of all rows.

    `from_estimator` and `from_report` make one; the constructor takes what is drawn.

    Parameters
    ----------
    centers : array-like of shape (n_clusters, n_features)
        In the table's units; NaN where a cluster has none.
    scores : array-like of shape (n_clusters, n_features)
        Mean of the cluster less that of all rows, in standard deviations of all rows; on the scale on which
        the model measures (after a logarithm, say).
    feature_names : sequence of str
        One for each feature.
    names : sequence of str, default=None
        Of the clusters; None: their numbers.
    shares : array-like of shape (n_clusters,), default=None
        Of the rows in each cluster; None: not shown.
    mean, spread : array-like of shape (n_features,), default=None
        Mean and standard deviation of all rows, in the table's units; None: what `centers` and `scores` fit
        best.
    is_share : array-like of shape (n_features,) of bool, default=None
        Features whose values are shares, written in percent: levels of a categorical column. None: none.

    Attributes
    ----------
    shown_ : ndarray of int
        The features that are drawn: all, or those whose centers differ most.
    ax_ : matplotlib.axes.Axes
        The axes.
    figure_ : matplotlib.figure.Figure
        Its figure.
    im_ : matplotlib.image.AxesImage
        The heat map; with ``kind='heatmap'`` only.
    texts_ : list of matplotlib.text.Text
        Of the cells, or of the lines' ends and the axes.

    See Also
    --------
    fulcra.inspection.explain_clusters : The same in words, with what was confirmed.

    References
    ----------
    Inselberg (1985), "The plane with parallel coordinates", The Visual Computer 1.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from fulcra.cluster import KMeans
    >>> from fulcra.inspection import CentroidProfileDisplay
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris(as_frame=True).data
    >>> display = CentroidProfileDisplay.from_estimator(KMeans(2, random_state=0).fit(X), X)
    >>> [text.get_text() for text in display.texts_[:4]]
    ['5.01', '3.37', '1.6', '0.29']
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        centers: Data,
        scores: Data,
        *,
        feature_names: Sequence[str],
        names: Sequence[str] | None = None,
        shares: Data = None,
        mean: Data = None,
        spread: Data = None,
        is_share: Data = None,
    ) -> None:
        self.centers = centers
        self.scores = scores
        self.feature_names = feature_names
        self.names = names
        self.shares = shares
        self.mean = mean
        self.spread = spread
        self.is_share = is_share

    @classmethod
    @check_function_params({"names": ["array-like", None], **_OPTIONS})
    def from_estimator(
        cls,
        model: Any,
        X: Data,
        *,
        kind: str = "heatmap",
        names: Sequence[str] | None = None,
        sample_weight: Data = None,
        max_features: int = 30,
        ax: Any = None,
    ) -> Self:
        """Draw the centers of a fitted model in the columns of a table.

        Parameters
        ----------
        model : estimator
            A fitted clusterer, ours or scikit-learn's, or a Pipeline that ends in one: its scalers and
            encoders are undone.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The table, as `predict` takes it.
        kind : {'heatmap', 'parallel'}, default='heatmap'
            See `plot`.
        names : sequence of str, default=None
            Of the clusters; None: their numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            How many rows each stands for; None: one.
        max_features : int, default=30
            Features to draw.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        CentroidProfileDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message holds the line that installs it.
        TypeError
            If the model is not a clusterer.
        NotFittedError
            If it is not fitted.
        ValueError
            If X does not suit the model, or `names` are not as many as its clusters.
        """
        require_matplotlib("CentroidProfileDisplay.from_estimator")
        check_model_and_rows(model, X)
        with large_values_named():
            found = profile(model, X, sample_weight=sample_weight)
        return cls(
            found.centers,
            found.scores,
            feature_names=found.features,
            names=cluster_names(names, len(found.centers)),
            shares=found.sizes / max(found.sizes.sum(), np.finfo(float).tiny),
            mean=found.mean,
            spread=found.spread,
            is_share=~found.table.is_number,
        ).plot(kind=kind, max_features=max_features, ax=ax)

    @classmethod
    def from_report(
        cls, report: ClusterReport, *, kind: str = "heatmap", max_features: int = 30, ax: Any = None
    ) -> Self:
        """Draw the centers of a report, under the names that it gives the clusters.

        Parameters
        ----------
        report : ClusterReport
            What `fulcra.inspection.explain_clusters` returns.
        kind : {'heatmap', 'parallel'}, default='heatmap'
            See `plot`.
        max_features : int, default=30
            Features to draw.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        CentroidProfileDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If it is another report.
        """
        if not isinstance(report, ClusterReport):
            raise TypeError(f"report must be what explain_clusters returns; got {type(report).__name__}.")
        return cls(
            report.centers,
            report.scores,
            feature_names=report.features,
            names=report.names,
            shares=report.shares,
            mean=report.mean,
            spread=report.spread,
            is_share=report.is_share,
        ).plot(kind=kind, max_features=max_features, ax=ax)

    @check_function_params({"self": [object], "ax": [object], **_OPTIONS})
    def plot(self, *, kind: str = "heatmap", max_features: int = 30, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        kind : {'heatmap', 'parallel'}, default='heatmap'
            - 'heatmap': a row for each cluster, a column for each feature. The colour is the score; colours
              end at 3 standard deviations. The text is the center in the table's units, where there is room.
            - 'parallel': a line for each cluster over an axis for each feature. All axes have the same scale,
              in standard deviations, so that features that tell clusters apart look like it; the numbers on
              them are in the table's units.
        max_features : int, default=30
            Of more features, those with the largest scores are drawn, in the order of the table; the title
            says how many are left out.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        CentroidProfileDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `kind` is another, or shapes do not match.
        """
        require_matplotlib("CentroidProfileDisplay.plot")
        k, n_features = self._checked_shape()
        scores = np.nan_to_num(np.asarray(self.scores, dtype=np.float64))
        largest = np.abs(scores).max(axis=0)
        self.shown_ = np.sort(np.argsort(-largest, kind="stable")[:max_features])
        f = len(self.shown_)
        width = float(np.clip(2.5 + 0.55 * f, 8, 12))
        height = max(3.6, 2.2 + 0.26 * k) if kind == "heatmap" else max(5.0, 1.8 + 0.17 * k)
        ax = axes_of(ax, width, height)
        self.ax_, self.figure_ = ax, ax.figure
        self.texts_: list[Any] = []
        (self._draw_cells if kind == "heatmap" else self._draw_lines)(ax)
        left_out = n_features - f
        title = "Centers in the table's units"
        if left_out:
            title += f"; without the {plural(left_out, 'feature')} in which they differ least"
        ax.set_title(wrapped(title, letters(inches(ax)[0], TITLE)), fontsize=TITLE, color=INK)
        ax.spines[:].set_visible(False)
        return self

    def _checked_shape(self) -> tuple[int, int]:
        shape = np.shape(self.centers)
        if len(shape) != 2 or np.shape(self.scores) != shape or len(self.feature_names) != shape[1]:
            raise ValueError(
                f"centers and scores must have the same shape, a column for each of the "
                f"{len(self.feature_names)} feature_names; got {shape} and {np.shape(self.scores)}."
            )
        for n, what, why in zip(
            shape,
            ("clusters", "features"),
            ("the model puts every row into none", "no column reaches the model"),
            strict=True,
        ):
            if n == 0:
                raise ValueError(f"There are no {what} to draw: {why}.")
        cluster_names(self.names, shape[0])
        return shape[0], shape[1]

    def _rows(self, width: int, n_lines: int = 1) -> list[str]:
        """Return the clusters' names, and their shares of the rows."""
        names = cluster_names(self.names, len(np.asarray(self.centers)))
        if self.shares is None:
            return told_apart(names, width, n_lines)
        given = np.asarray(self.shares, dtype=np.float64)
        shares = [" (<1%)" if 0 < share < 0.005 else f" ({share:.0%})" for share in given]
        return [name + share for name, share in zip(told_apart(names, width, n_lines), shares, strict=True)]

    def _scale(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation of all rows, (n_features,) each."""
        centers = np.asarray(self.centers, dtype=np.float64)
        if self.mean is not None and self.spread is not None:
            return np.asarray(self.mean, dtype=np.float64), np.asarray(self.spread, dtype=np.float64)
        # center = mean + spread * score: a line for each feature, by least squares.
        scores = np.where(np.isfinite(centers), np.asarray(self.scores, dtype=np.float64), np.nan)
        known = np.maximum(np.isfinite(scores).sum(axis=0), 1)
        middles = np.nansum(centers, axis=0) / known, np.nansum(scores, axis=0) / known
        away, apart = centers - middles[0], scores - middles[1]
        squares = np.nansum(apart**2, axis=0)
        spread = np.divide(
            np.nansum(away * apart, axis=0), squares, out=np.zeros_like(squares), where=squares > 0
        )
        return middles[0] - spread * middles[1], spread

    def _shares_of(self) -> NDArray[np.bool_]:
        return np.zeros(len(self.feature_names), bool) if self.is_share is None else np.asarray(self.is_share)

    def _draw_cells(self, ax: "Axes") -> None:
        import matplotlib as mpl  # noqa: PLC0415

        from fulcra.inspection._texts import in_cells  # noqa: PLC0415 - needs matplotlib

        shown, (k, _) = self.shown_, np.shape(self.centers)
        centers = np.asarray(self.centers, dtype=np.float64)[:, shown]
        scores = np.ma.masked_invalid(np.asarray(self.scores, dtype=np.float64)[:, shown])
        largest = float(np.abs(scores.filled(0)).max(initial=0)) or 1.0
        limit = min(_FAR, largest)
        colours = mpl.colormaps[DIVERGING].with_extremes(bad="#EEEEEE")
        self.im_ = ax.imshow(
            scores, cmap=colours, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
        )
        ax.set_xticks(np.arange(len(shown)))
        ax.set_yticks(np.arange(k), self._rows(28, 2), fontsize=BODY, parse_math=False)
        for x in np.arange(1, len(shown)) - 0.5:
            ax.axvline(x, color="white", linewidth=1)
        for y in np.arange(1, k) - 0.5:
            ax.axhline(y, color="white", linewidth=1)
        ax.tick_params(length=0)
        bar = ax.figure.colorbar(
            self.im_,
            ax=ax,
            fraction=0.05,
            pad=0.02,
            aspect=30,
            extend="both" if largest > limit else "neither",
        )
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=SMALL, colors=QUIET, length=2)
        name_columns(ax, [self.feature_names[f] for f in self.shown_])
        height = inches(ax)[1]
        bar.set_label(wrapped(_UNIT_OF_COLOURS, letters(height, SMALL)), fontsize=SMALL, color=QUIET)
        room = height * _POINTS / max(k, 1)
        size = float(np.clip(room / 1.2, TINY, BODY))
        step = int(np.ceil(1.2 * size / room))
        rows = self._rows(28, int(np.clip(room / (1.35 * size), 1, 3)))
        ax.set_yticks(np.arange(k)[::step], rows[::step], fontsize=size, color=INK, parse_math=False)
        spread, shares = self._scale()[1][shown], self._shares_of()[shown]
        cells = [
            [
                human(value, scale, is_share=bool(share))
                for value, scale, share in zip(row, spread, shares, strict=True)
            ]
            for row in centers
        ]
        rgba = colours((scores + limit) / (2 * limit))
        dark = (rgba[..., :3] @ np.array([0.299, 0.587, 0.114])) < 0.55
        self.texts_ = in_cells(ax, cells, dark)

    def _draw_lines(self, ax: "Axes") -> None:
        from fulcra.inspection._side_table import beside_axis, room_beside  # noqa: PLC0415 - needs matplotlib

        shown, (k, _) = self.shown_, np.shape(self.centers)
        mean, spread = (part[shown] for part in self._scale())
        centers = np.asarray(self.centers, dtype=np.float64)[:, shown]
        per = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
        heights = (centers - mean) * per
        known = heights[np.isfinite(heights)]
        low, high = min(known.min(initial=0), -0.5), max(known.max(initial=0), 0.5)
        low, high = low - 0.06 * (high - low), high + 0.06 * (high - low)
        for f in range(len(shown)):
            ax.plot([f, f], [low, high], color=PALE, linewidth=1, zorder=1)
        ax.plot(
            [0, max(len(shown) - 1, 0)], [0, 0], color=QUIET, linewidth=0.8, linestyle=(0, (5, 3)), zorder=1
        )
        for j in range(k):
            ax.plot(
                np.arange(len(shown)),
                heights[j],
                color=colour(j),
                marker=marker(j),
                markersize=5,
                markeredgecolor="white",
                markeredgewidth=0.6,
                linewidth=1.6,
                zorder=3,
            )
        cells = [(name,) for name in self._rows(24)]
        last = len(shown) - 1.0
        share = room_beside(ax, cells, (), inches(ax)[0])
        left = -0.35 - 0.04 * last
        ax.set_xlim(left, last + 0.1 + (last + 0.1 - left) * share / (1 - share))
        ax.set_ylim(low, high)
        ends = np.array([next((y for y in row[::-1] if np.isfinite(y)), 0.0) for row in heights])
        self.texts_ = list(
            beside_axis(
                ax, np.column_stack([np.full(k, last + 0.05), ends]), cells, [colour(j) for j in range(k)]
            )
        )
        ax.tick_params(labelsize=SMALL, colors=QUIET, length=0)
        name_columns(ax, [self.feature_names[f] for f in self.shown_])
        ax.set_ylabel(_UNIT, fontsize=SMALL, color=QUIET)
        self.texts_ += self._number_axes(ax, mean, spread, low, high)

    def _number_axes(
        self, ax: "Axes", mean: NDArray[np.float64], spread: NDArray[np.float64], low: float, high: float
    ) -> list[Any]:
        """Write round numbers in the table's units at each axis."""
        from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

        from fulcra.inspection._texts import where_there_is_room  # noqa: PLC0415 - needs matplotlib

        shares = self._shares_of()[self.shown_]
        written = []
        for f, (middle, scale, share) in enumerate(zip(mean, spread, shares, strict=True)):
            if not scale > 0:
                continue
            ends = middle + scale * low, middle + scale * high
            ticks = [tick for tick in MaxNLocator(4).tick_values(*ends) if ends[0] <= tick <= ends[1]]
            for tick in ticks:
                if share and not 0 <= tick <= 1:
                    continue
                text = f"{100 * tick:.3g}%" if share else f"{round(tick, 12):,.10g}"
                written.append((float(f), (tick - middle) / scale, text))
        return where_there_is_room(ax, written)
