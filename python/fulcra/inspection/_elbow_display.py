"""ElbowDisplay: what every measure says of the number of clusters."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from fulcra._base import Data
from fulcra._palette import BLUE, INK, ORANGE, PALE, QUIET, VERMILION
from fulcra.inspection._drawing import (
    BODY,
    SMALL,
    axes_of,
    inches,
    letters,
    panels,
    require_matplotlib,
    shortened,
    wrapped,
)
from fulcra.metrics import ClusterCountReport, suggest_n_clusters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Panels: the column of the table, that of its error, the vote, the heading and what is good.
_PANELS = (
    ("excess", None, "", "Clusters at all?", "excess, in standard errors"),
    ("wcss", None, "elbow", "Elbow", "WCSS, of that of one cluster"),
    ("silhouette", "silhouette_error", "silhouette", "Silhouette", "mean; high is good"),
    ("gap", "gap_error", "gap", "Gap statistic", "high is good"),
    ("davies_bouldin", None, "davies_bouldin", "Davies-Bouldin", "low is good"),
    ("stability", "stability_error", "stability", "Stability", "strength; high is good"),
)
#: Where a measure changes its mind: those of `suggest_n_clusters`.
_LIMITS = {"excess": 5.0, "stability": 0.8}


class ElbowDisplay:
    """A `ClusterCountReport` as a picture: a panel for each measure, and the recommendation through all.

    The first panel asks whether there are clusters at all: above the line there are. In each other one the
    number that the measure votes for is a filled circle. A band marks the recommendation; at 1 it means that
    there are no clusters, and the votes stand for what the measures would say if there were.

    Parameters
    ----------
    report : ClusterCountReport
        What `fulcra.metrics.suggest_n_clusters` returns.

    Attributes
    ----------
    axes_ : ndarray of shape (6,) of matplotlib.axes.Axes
        The panels: excess, WCSS, silhouette, gap, Davies-Bouldin, stability.
    bounding_ax_ : matplotlib.axes.Axes
        The axes whose place the panels take.
    figure_ : matplotlib.figure.Figure
        Their figure.

    See Also
    --------
    fulcra.metrics.suggest_n_clusters : The numbers, and what each of them means.

    References
    ----------
    As for `fulcra.metrics.suggest_n_clusters`.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from fulcra.inspection import ElbowDisplay
    >>> from sklearn.datasets import load_iris
    >>> display = ElbowDisplay.from_data(load_iris().data, range(1, 7), random_state=0)
    >>> display.report.n_clusters
    2
    >>> plt.close(display.figure_)
    """

    def __init__(self, report: ClusterCountReport) -> None:
        self.report = report

    @classmethod
    def from_report(cls, report: ClusterCountReport, *, ax: Any = None) -> Self:
        """Draw a report.

        Parameters
        ----------
        report : ClusterCountReport
            What `fulcra.metrics.suggest_n_clusters` returns.
        ax : matplotlib.axes.Axes, default=None
            Whose place the panels take; None: a new figure.

        Returns
        -------
        ElbowDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message holds the line that installs it.
        TypeError
            If it is another report.
        """
        if not isinstance(report, ClusterCountReport):
            raise TypeError(f"report must be what suggest_n_clusters returns; got {type(report).__name__}.")
        return cls(report).plot(ax=ax)

    @classmethod
    def from_data(
        cls, X: Data, n_clusters_range: Iterable[int] | None = None, *, ax: Any = None, **params: Any
    ) -> Self:
        """Ask `fulcra.metrics.suggest_n_clusters`, and draw what it returns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows; scale columns of different units first.
        n_clusters_range : iterable of int, default=None
            The numbers of clusters to try; None: to 10.
        ax : matplotlib.axes.Axes, default=None
            Whose place the panels take; None: a new figure.
        **params
            Its other parameters: `n_references`, `n_splits`, `max_samples`, `random_state`.

        Returns
        -------
        ElbowDisplay
            Drawn; `report` is what was returned.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            As `fulcra.metrics.suggest_n_clusters`.
        """
        require_matplotlib("ElbowDisplay.from_data")
        return cls(suggest_n_clusters(X, n_clusters_range, **params)).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Whose place the panels take; None: a new figure.

        Returns
        -------
        ElbowDisplay
            Itself, with `axes_`, `bounding_ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib("ElbowDisplay.plot")
        report = self.report
        self.bounding_ax_ = host = axes_of(ax, 9, 5.6)
        self.figure_ = host.figure
        alone = report.n_clusters == 1
        title = "No clusters" if alone else f"{report.n_clusters} clusters recommended"
        what = "Filled circles: what each measure votes for"
        what += ", if there were clusters." if alone and report.votes else "."
        subtitle = f"{report.reasons[0]} {what if report.votes else ''}".strip()
        drawn = panels(host, len(_PANELS), 3, title=title, subtitle=subtitle, least=1.7)
        width, height = inches(drawn[0])
        self.axes_ = np.array(drawn, dtype=object)
        for panel, (name, error, vote, heading, unit) in zip(drawn, _PANELS, strict=True):
            self._draw(panel, name, error, report.votes.get(vote))
            said = None if vote not in report.votes else report.votes[vote] or "no opinion"
            if name == "excess" and report.votes:
                said = "yes" if np.nanmax(report.table[name]) >= _LIMITS[name] else "no"
            title = heading if said is None else f"{heading.rstrip('?')}: {said}"
            panel.set_title(
                shortened(title, letters(width + 0.3, BODY)), fontsize=BODY, color=INK, loc="left"
            )
            panel.set_ylabel(wrapped(unit, letters(height, SMALL)), fontsize=SMALL - 0.5, color=QUIET)
            panel.set_xlabel("clusters", fontsize=SMALL - 0.5, color=QUIET)
        return self

    def _draw(self, ax: "Axes", name: str, error: str | None, vote: int | None) -> None:
        from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

        report = self.report
        numbers = np.asarray(report.table["n_clusters"], dtype=np.float64)
        values = np.asarray(report.table[name], dtype=np.float64)
        if name == "wcss":
            values = values / values[0] if values[0] > 0 else np.full_like(values, np.nan)
        gap = float(np.diff(numbers).min()) if len(numbers) > 1 else 1.0
        ax.axvspan(
            report.n_clusters - 0.3 * gap,
            report.n_clusters + 0.3 * gap,
            color=ORANGE,
            alpha=0.3,
            lw=0,
            zorder=0,
        )
        known = np.isfinite(values)
        ax.plot(numbers[known], values[known], color=BLUE, linewidth=1.4, zorder=2)
        ax.scatter(numbers[known], values[known], s=18, c="white", edgecolors=BLUE, linewidths=1.2, zorder=3)
        if error is not None:
            errors = np.nan_to_num(np.asarray(report.table[error], dtype=np.float64))
            ax.errorbar(
                numbers[known], values[known], errors[known], fmt="none", ecolor=BLUE, elinewidth=1, capsize=2
            )
        chosen = known & (numbers == vote)
        ax.scatter(numbers[chosen], values[chosen], s=70, c=VERMILION, edgecolors="white", zorder=4)
        if name in _LIMITS and known.any():
            ax.axhline(_LIMITS[name], color=INK, linewidth=0.9, linestyle=(0, (5, 3)), zorder=1)
        if not known.any():
            ax.text(
                0.5, 0.5, "not computed", transform=ax.transAxes, ha="center", fontsize=SMALL, color=QUIET
            )
            ax.set_yticks([])
        elif name == "wcss":
            _of_shares(ax, values[known])
        ax.set_xlim(numbers[0] - 0.6 * gap, numbers[-1] + 0.6 * gap)
        if len(numbers) <= 10:
            ax.set_xticks(numbers, [f"{number:.0f}" for number in numbers])
        else:
            ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        ax.tick_params(labelsize=SMALL - 0.5, colors=QUIET)
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(PALE)


def _of_shares(ax: "Axes", values: NDArray[np.float64]) -> None:
    """Show shares on a logarithmic axis, on which the elbow is looked for."""
    from matplotlib.ticker import FixedLocator, NullLocator  # noqa: PLC0415

    positive = values[values > 0]
    if not len(positive):
        return
    ax.set_yscale("log")
    low = float(positive.min())
    ladder = np.array([step * 10.0**power for power in range(-9, 1) for step in (1, 1.5, 2, 3, 5, 7)][:-5])
    ticks = ladder[ladder >= low * 0.9]
    ticks = ticks[::-1][:: max(1, -(-len(ticks) // 5))]
    ax.yaxis.set_major_locator(FixedLocator(ticks.tolist()))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_yticklabels([f"{100 * tick:g}%" for tick in ticks])
    ax.set_ylim(low * 0.85, 1.15)
