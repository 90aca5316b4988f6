"""DriftDisplay: which centers have moved in which features, and which clusters grew or shrank."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from fulcra._base import Data
from fulcra._palette import BLUE, DIVERGING, INK, PALE, QUIET, VERMILION
from fulcra.cluster._monitor.drift_report import DriftReport
from fulcra.inspection._drawing import (
    BODY,
    SMALL,
    axes_of,
    cluster_names,
    described,
    inches,
    name_columns,
    panels,
    plural,
    require_matplotlib,
    told_apart,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Features drawn at most; then those that are flagged, and those that shifted most.
_MOST_FEATURES = 30
#: The colours reach at least to a shift of one spread, so that chance looks pale, and at most to four.
_LEAST, _MOST = 1.0, 4.0
#: Between the two panels, as a share of their width, where no layout engine sees to it: for the colour bar.
_GAP = 0.5
#: How strong colours are where a shift may be chance.
_CHANCE = 0.3
#: Width of a cell, in inches, that a number fits in.
_ROOM_FOR_NUMBERS = 0.42


class DriftDisplay:
    """A `DriftReport` as a picture: shifts of clusters' means, and their shares of the rows then and now.

    Colours are shifts in the cluster's own spread: strong and framed where they are more than chance, else
    pale. Grey is what has no new rows. Beside them a ring is a cluster's share of the rows then, a dot that
    now, red where the difference is more than chance.

    Parameters
    ----------
    report : DriftReport
        What `fulcra.cluster.CentroidMonitor.drift` returns.
    names : sequence of str, default=None
        Of the clusters; None: their numbers.

    Attributes
    ----------
    axes_ : ndarray of shape (2,) of matplotlib.axes.Axes
        Shifts and shares.
    shown_ : tuple of str
        The features drawn, from the left: of more than 30 those that are flagged or shifted most.
    bounding_ax_ : matplotlib.axes.Axes
        The axes whose place they take.
    figure_ : matplotlib.figure.Figure
        Their figure.

    See Also
    --------
    fulcra.cluster.CentroidMonitor.drift : The numbers, and what each of them means.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from fulcra.cluster import CentroidMonitor, KMeans
    >>> from fulcra.inspection import DriftDisplay
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris(as_frame=True).data
    >>> monitor = CentroidMonitor(KMeans(3, random_state=0), false_alarm_rate=0.05).fit(X)
    >>> later = X.assign(**{"petal width (cm)": X["petal width (cm)"] + 0.5})
    >>> display = DriftDisplay.from_estimator(monitor, later)
    >>> display.shown_[display.report.moved.any(axis=0).argmax()]
    'petal width (cm)'
    >>> plt.close(display.figure_)
    """

    def __init__(self, report: DriftReport, *, names: Sequence[str] | None = None) -> None:
        self.report = report
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        monitor: Any,
        X: Data,
        *,
        alpha: float = 0.05,
        names: Sequence[str] | None = None,
        ax: Any = None,
    ) -> Self:
        """Ask a monitor for the drift of new rows, and draw it.

        Parameters
        ----------
        monitor : CentroidMonitor
            Fitted.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.
        alpha : float, default=0.05
            The chance that anything is framed where nothing has moved.
        names : sequence of str, default=None
            Of the clusters; None: their numbers.
        ax : matplotlib.axes.Axes, default=None
            Whose place the panels take; None: a new figure.

        Returns
        -------
        DriftDisplay
            Drawn; `report` is what the monitor returned.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message holds the line that installs it.
        TypeError
            If `monitor` is none.
        NotFittedError
            If it is not fitted.
        ValueError
            If X does not suit it, or `names` are not as many as its clusters.
        """
        require_matplotlib("DriftDisplay.from_estimator")
        if not hasattr(monitor, "drift"):
            raise TypeError(f"monitor must be a fitted CentroidMonitor; got {described(monitor)}.")
        return cls(monitor.drift(X, alpha=alpha), names=names).plot(ax=ax)

    @classmethod
    def from_report(cls, report: DriftReport, *, names: Sequence[str] | None = None, ax: Any = None) -> Self:
        """Draw a report.

        Parameters
        ----------
        report : DriftReport
            What `fulcra.cluster.CentroidMonitor.drift` returns.
        names : sequence of str, default=None
            Of the clusters; None: their numbers.
        ax : matplotlib.axes.Axes, default=None
            Whose place the panels take; None: a new figure.

        Returns
        -------
        DriftDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message holds the line that installs it.
        TypeError
            If it is another report.
        ValueError
            If `names` are not as many as the clusters.
        """
        if not isinstance(report, DriftReport):
            raise TypeError(
                f"report must be what CentroidMonitor.drift returns; got {type(report).__name__}."
            )
        return cls(report, names=names).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Whose place the panels take; None: a new figure.

        Returns
        -------
        DriftDisplay
            Itself, with `axes_`, `shown_`, `bounding_ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the names are not as many as the clusters.
        """
        require_matplotlib("DriftDisplay.plot")
        report = self.report
        n_clusters = len(report.sizes_then)
        names = cluster_names(self.names, n_clusters)
        places = self._places()
        self.shown_ = tuple(report.features[f] for f in places)
        self.bounding_ax_ = host = axes_of(ax, 9, float(np.clip(2.9 + 0.3 * n_clusters, 4.2, 12)))
        self.figure_ = host.figure
        said = report.sentences
        n_left = len(report.features) - len(places)
        if n_left:
            said.append(f"Without the {plural(n_left, 'feature')} that shifted least.")
        (panel,) = panels(host, 1, 1, title=report.headline, subtitle=" ".join(said), least=1.0)
        shifts_ax, shares_ax = _beside(panel)
        self.axes_ = np.array([shifts_ax, shares_ax], dtype=object)
        self._draw_shifts(shifts_ax, places, names)
        self._draw_shares(shares_ax)
        return self

    def _places(self) -> NDArray[np.intp]:
        """Return which features are drawn, in the order of the table."""
        report = self.report
        largest = np.nan_to_num(np.abs(report.shifts)).max(axis=0, initial=0.0)
        order = np.lexsort([-largest, ~report.moved.any(axis=0)])
        return np.sort(order[:_MOST_FEATURES])

    def _draw_shifts(self, ax: "Axes", places: NDArray[np.intp], names: tuple[str, ...]) -> None:
        from matplotlib import colormaps  # noqa: PLC0415
        from matplotlib.cm import ScalarMappable  # noqa: PLC0415
        from matplotlib.patches import Rectangle  # noqa: PLC0415

        report = self.report
        shifts, moved = report.shifts[:, places], report.moved[:, places]
        known = np.abs(shifts[np.isfinite(shifts)])
        reach = float(np.clip(known.max(initial=0.0), _LEAST, _MOST))
        image = ax.imshow(
            np.ma.masked_invalid(shifts),
            cmap=colormaps[DIVERGING].with_extremes(bad=PALE),
            vmin=-reach,
            vmax=reach,
            aspect="auto",
            interpolation="none",
            alpha=np.where(moved | np.isnan(shifts), 1.0, _CHANCE),
        )
        beyond = bool((known > reach).any())
        bar = ax.figure.colorbar(
            ScalarMappable(image.norm, DIVERGING),
            ax=ax,
            fraction=0.03,
            pad=0.02,
            extend="both" if beyond else "neither",
        )
        bar.set_label("shift, in the cluster's own spread", fontsize=SMALL, color=QUIET)
        bar.ax.tick_params(labelsize=SMALL, colors=INK, length=2)
        bar.outline.set_visible(False)
        for j, f in zip(*np.nonzero(moved), strict=True):
            ax.add_patch(
                Rectangle((f - 0.5, j - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=1.6, clip_on=False)
            )
        ax.tick_params(length=0, labelsize=BODY, colors=INK)
        ax.set_yticks(range(len(names)), told_apart(names, 18), parse_math=False)
        ax.set_ylabel("cluster" if self.names is None else "", fontsize=BODY, color=QUIET)
        for spine in ax.spines.values():
            spine.set_visible(False)
        name_columns(ax, self.shown_)
        self._write(ax, places, shifts, reach)

    def _write(self, ax: "Axes", places: NDArray[np.intp], shifts: NDArray[np.float64], reach: float) -> None:
        """Write the shifts into the cells, where there is room."""
        width, height = inches(ax)
        cell = width / max(len(places), 1)
        if cell < _ROOM_FOR_NUMBERS or height / len(shifts) < 0.16:
            return
        for (j, f), shift in np.ndenumerate(shifts):
            if np.isfinite(shift):
                moved = self.report.moved[j, places[f]]
                ax.text(
                    f,
                    j,
                    f"{shift:+.1f}" if abs(shift) >= 0.05 else "0",
                    ha="center",
                    va="center",
                    fontsize=SMALL,
                    color="white" if moved and abs(shift) > 0.62 * reach else INK,
                    fontweight="bold" if moved else "normal",
                )

    def _draw_shares(self, ax: "Axes") -> None:
        from matplotlib.ticker import MaxNLocator, PercentFormatter  # noqa: PLC0415

        report = self.report
        then, now = report.shares_then, report.shares_now
        rows = np.arange(len(then))
        colours = [VERMILION if resized else BLUE for resized in report.resized]
        ax.hlines(rows, then, now, colors=colours, linewidth=1.6, zorder=2)
        rings: dict[str, Any] = {"facecolors": "white", "edgecolors": colours, "linewidths": 1.4}
        ax.scatter(then, rows, s=34, zorder=3, clip_on=False, **rings)
        ax.scatter(now, rows, s=30, c=colours, zorder=4, clip_on=False)
        ax.set_ylim(len(then) - 0.5, -0.5)
        ax.set_xlim(0, max(then.max(), now.max()) * 1.12)
        ax.set_yticks([])
        ax.xaxis.set_major_locator(MaxNLocator(3))
        ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.tick_params(labelsize=SMALL, colors=INK, length=2)
        ax.grid(axis="y", visible=False)
        for y in range(len(then)):
            ax.axhline(y, color=PALE, linewidth=0.5, zorder=1)
        for side in ("top", "right", "left"):
            ax.spines[side].set_visible(False)
        ax.spines["bottom"].set_color(PALE)
        ax.set_xlabel(
            "share of the rows:\n\N{WHITE CIRCLE} then   \N{BLACK CIRCLE} now", fontsize=SMALL, color=QUIET
        )


def _beside(host: "Axes") -> tuple["Axes", "Axes"]:
    """Put two axes into the place of one, the first three times as wide."""
    from matplotlib.gridspec import GridSpecFromSubplotSpec  # noqa: PLC0415

    figure: Any = host.figure
    host.set_axis_off()
    place = host.get_subplotspec()
    gap = _GAP if figure.figure.get_layout_engine() is None else 0.02
    if place is None:
        box = host.get_position()
        grid: Any = figure.add_gridspec(
            1, 2, width_ratios=(3.4, 1), left=box.x0, right=box.x1, bottom=box.y0, top=box.y1, wspace=gap
        )
    else:
        grid = GridSpecFromSubplotSpec(1, 2, subplot_spec=place, width_ratios=(3.4, 1), wspace=gap)
    return figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
