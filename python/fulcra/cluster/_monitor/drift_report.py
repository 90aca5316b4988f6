"""What `CentroidMonitor.drift` returns: which clusters and features have moved beyond chance."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._reading.numbers import human

_TABLE = (
    "<style>.fulcra-drift td,.fulcra-drift th{text-align:right;padding:.15em .7em}"
    ".fulcra-drift td:nth-child(-n+2),.fulcra-drift th:nth-child(-n+2){text-align:left}</style>"
)


@dataclass(frozen=True)
class DriftReport:
    """Clusters then (the rows of the fit) and now (new rows), in the table's own columns and units.

    Attributes
    ----------
    features : tuple of str
        A column of numbers, or "column = level".
    is_share : ndarray of shape (n_features,), bool
        Whether a feature is a level, so that its means are shares of rows.
    sizes_then, sizes_now : ndarray of shape (n_clusters,)
        Rows of each cluster.
    share_p_values : ndarray of shape (n_clusters,)
        Of the difference between the shares.
    means_then, means_now : ndarray of shape (n_clusters, n_features)
        Means of the clusters' rows; NaN where there are none.
    spreads : ndarray of shape (n_clusters, n_features)
        How far the clusters' rows were from their centers then.
    shifts : ndarray of shape (n_clusters, n_features)
        Mean now less mean then, in the cluster's own spread then.
    p_values : ndarray of shape (n_clusters, n_features)
        Of the shifts; NaN where there are too few rows to test.
    n_alarms : int
        New rows beyond the critical level: they belong to none of the known clusters.
    expected_alarm_rate : float
        The share of these while nothing changes.
    alarm_p_value : float
        Of the difference between that and the share found.
    alpha : float
        A p-value of at most this is a flag. All p-values are adjusted for there being many: within the means,
        and within the shares, by Holm's method (1979), and by three for these and the alarms.
    """

    features: tuple[str, ...]
    is_share: NDArray[np.bool_]
    sizes_then: NDArray[np.float64]
    sizes_now: NDArray[np.float64]
    share_p_values: NDArray[np.float64]
    means_then: NDArray[np.float64]
    means_now: NDArray[np.float64]
    spreads: NDArray[np.float64]
    shifts: NDArray[np.float64]
    p_values: NDArray[np.float64]
    n_alarms: int
    expected_alarm_rate: float
    alarm_p_value: float
    alpha: float

    @property
    def shares_then(self) -> NDArray[np.float64]:
        """Share of the rows of the fit in each cluster, (n_clusters,)."""
        shares: NDArray[np.float64] = self.sizes_then / self.sizes_then.sum()
        return shares

    @property
    def shares_now(self) -> NDArray[np.float64]:
        """Share of the new rows in each cluster, (n_clusters,)."""
        shares: NDArray[np.float64] = self.sizes_now / self.sizes_now.sum()
        return shares

    @property
    def alarm_rate(self) -> float:
        """Share of the new rows beyond the critical level."""
        return float(self.n_alarms / self.sizes_now.sum())

    @property
    def moved(self) -> NDArray[np.bool_]:
        """Whether the mean of a feature has moved in a cluster, (n_clusters, n_features)."""
        return self.p_values <= self.alpha

    @property
    def resized(self) -> NDArray[np.bool_]:
        """Whether a cluster has another share of the rows, (n_clusters,)."""
        return self.share_p_values <= self.alpha

    @property
    def alarms_changed(self) -> bool:
        """Whether there are more alarms, or fewer, than while nothing changes."""
        return bool(self.alarm_p_value <= self.alpha)

    @property
    def emptied(self) -> tuple[int, ...]:
        """Clusters that had rows and have none now."""
        return tuple(int(j) for j in np.flatnonzero((self.sizes_then > 0) & (self.sizes_now == 0)))

    @property
    def calm(self) -> bool:
        """Whether nothing is flagged."""
        return not (self.moved.any() or self.resized.any() or self.alarms_changed)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, strings, lists and dicts.

        Returns
        -------
        dict
            'calm', 'alpha', 'headline', 'n_then', 'n_now', 'alarms', and 'clusters': for each a dict of its
            figures, with those of every feature under 'features'. What is not a number is None, so that it
            can be written as JSON.
        """
        return {
            "calm": self.calm,
            "alpha": self.alpha,
            "headline": self.headline,
            "n_then": _plain(self.sizes_then.sum()),
            "n_now": _plain(self.sizes_now.sum()),
            "alarms": {
                "n": self.n_alarms,
                "rate": self.alarm_rate,
                "expected_rate": self.expected_alarm_rate,
                "p_value": self.alarm_p_value,
                "changed": self.alarms_changed,
            },
            "clusters": [
                {
                    "cluster": j,
                    "size_then": _plain(self.sizes_then[j]),
                    "size_now": _plain(self.sizes_now[j]),
                    "share_then": _plain(self.shares_then[j]),
                    "share_now": _plain(self.shares_now[j]),
                    "share_p_value": _plain(self.share_p_values[j]),
                    "resized": bool(self.resized[j]),
                    "features": {
                        name: {
                            "mean_then": _plain(self.means_then[j, f]),
                            "mean_now": _plain(self.means_now[j, f]),
                            "shift": _plain(self.shifts[j, f]),
                            "p_value": _plain(self.p_values[j, f]),
                            "moved": bool(self.moved[j, f]),
                        }
                        for f, name in enumerate(self.features)
                    },
                }
                for j in range(len(self.sizes_then))
            ],
        }

    def to_frame(self, kind: str = "features") -> Any:
        """Return the figures as a data frame.

        Parameters
        ----------
        kind : {'features', 'clusters'}, default='features'
            A row for each cluster and feature, with its means and shift; or a row for each cluster, with its
            shares.

        Returns
        -------
        pandas.DataFrame
            Indexed by 'cluster' and 'feature', or by 'cluster'.

        Raises
        ------
        ImportError
            If pandas is not installed.
        ValueError
            If `kind` is neither.
        """
        import pandas as pd  # noqa: PLC0415 - not a dependency

        clusters = range(len(self.sizes_then))
        if kind == "clusters":
            parts = {
                "size_then": self.sizes_then,
                "size_now": self.sizes_now,
                "share_then": self.shares_then,
                "share_now": self.shares_now,
                "p_value": self.share_p_values,
                "resized": self.resized,
            }
            index: Any = pd.Index(clusters, name="cluster")
        elif kind == "features":
            parts = {
                "mean_then": self.means_then,
                "mean_now": self.means_now,
                "shift": self.shifts,
                "p_value": self.p_values,
                "moved": self.moved,
            }
            index = pd.MultiIndex.from_product([clusters, self.features], names=["cluster", "feature"])
        else:
            raise ValueError(f"kind must be 'features' or 'clusters'; got {kind!r}.")
        return pd.DataFrame({name: part.ravel() for name, part in parts.items()}, index=index)

    def __str__(self) -> str:
        lines = [self.headline, *(f"- {sentence}" for sentence in self.sentences)]
        for rows in (self._moved_cells(), self._cluster_cells()):
            if len(rows) > 1:
                widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
                lines.append("")
                for row in rows:
                    left = [row[place].ljust(widths[place]) for place in range(2)]
                    lines.append("  ".join([*left, *map(str.rjust, row[2:], widths[2:])]).rstrip())
        return "\n".join([*lines, "", self._footnote()])

    def _repr_html_(self) -> str:
        sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.sentences)
        parts = [_TABLE, f"<p><b>{escape(self.headline)}</b></p><ul>{sentences}</ul>"]
        for rows in (self._moved_cells(), self._cluster_cells()):
            if len(rows) > 1:
                written = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
                head = written[0].replace("td>", "th>")
                lines = "".join(f"<tr>{row}</tr>" for row in written[1:])
                parts.append(
                    f'<table class="fulcra-drift"><thead><tr>{head}</tr></thead>'
                    f"<tbody>{lines}</tbody></table>"
                )
        return "".join([*parts, f"<p><small>{escape(self._footnote())}</small></p>"])

    @property
    def headline(self) -> str:
        """What was found, in a sentence."""
        n = f"{_count(self.sizes_now.sum())} new rows"
        if self.calm:
            return f"{n}: nothing has moved, as far as they tell."
        found = []
        n_moved, n_resized = int(self.moved.any(axis=1).sum()), int(self.resized.sum())
        if n_moved:
            found.append(f"{n_moved} of {len(self.sizes_then)} clusters moved")
        if n_resized:
            found.append(f"{n_resized} of {len(self.sizes_then)} have another share of the rows")
        if self.alarms_changed:
            fewer = self.alarm_rate < self.expected_alarm_rate
            found.append("fewer alarms than expected" if fewer else "more alarms than expected")
        return f"{n}: {'; '.join(found)}."

    @property
    def sentences(self) -> list[str]:
        """What else is to be said: alarms, and clusters without new rows."""
        said = [
            f"{self.n_alarms:,} new rows ({_percent(self.alarm_rate)}) belong to no cluster; "
            f"{_percent(self.expected_alarm_rate)} are expected while nothing changes "
            f"({_p_in_words(self.alarm_p_value)})."
        ]
        if self.emptied:
            listed = ", ".join(map(str, self.emptied))
            said.append(f"No new row belongs to cluster {listed}.")
        untested = np.isnan(self.p_values).any(axis=1) & (self.sizes_now > 0)
        if untested.any():
            listed = ", ".join(str(j) for j in np.flatnonzero(untested))
            said.append(f"Too few rows with a value, then or now, to test every feature of cluster {listed}.")
        return said

    def _footnote(self) -> str:
        return (
            f"Flagged (*) is what has p at most {self.alpha:g}, adjusted so that this is the chance of any "
            "flag while nothing has moved."
        )

    def _moved_cells(self) -> list[tuple[str, ...]]:
        """Write what has moved, the largest shift first."""
        rows: list[tuple[str, ...]] = [("cluster", "feature", "mean then", "mean now", "shift (sd)", "p")]
        clusters, places = np.nonzero(self.moved)
        for i in np.argsort(-np.abs(self.shifts[clusters, places]), kind="stable"):
            j, f = clusters[i], places[i]
            then, now = (
                human(means[j, f], self.spreads[j, f], is_share=bool(self.is_share[f]))
                for means in (self.means_then, self.means_now)
            )
            rows.append(
                (
                    str(j),
                    self.features[f],
                    then,
                    now,
                    f"{self.shifts[j, f]:+.2f}",
                    _p_value(self.p_values[j, f]),
                )
            )
        return rows

    def _cluster_cells(self) -> list[tuple[str, ...]]:
        """Write every cluster's shares, and the feature that shifted most."""
        rows: list[tuple[str, ...]] = [
            ("cluster", "largest shift", "sd", "rows then", "rows now", "share then", "share now", "p")
        ]
        for j in range(len(self.sizes_then)):
            known = np.nan_to_num(np.abs(self.shifts[j]), nan=-1.0)
            most = int(known.argmax()) if known.size else -1
            some = most >= 0 and known[most] >= 0
            rows.append(
                (
                    str(j),
                    self.features[most] if some else "-",
                    f"{self.shifts[j, most]:+.2f}" + ("*" if self.moved[j, most] else "") if some else "-",
                    _count(self.sizes_then[j]),
                    _count(self.sizes_now[j]),
                    _percent(self.shares_then[j]),
                    _percent(self.shares_now[j]),
                    _p_value(self.share_p_values[j]) + ("*" if self.resized[j] else ""),
                )
            )
        return rows


def _count(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _p_in_words(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _p_value(value: float) -> str:
    return "-" if np.isnan(value) else "<0.001" if value < 0.001 else f"{value:.3f}"


def _plain(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
