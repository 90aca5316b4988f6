"""What `CentroidMonitor.explain` returns: where a row stands, and which features are to blame."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._reading.numbers import human

#: Features that the text shows; the frame has all.
_SHOWN = 10


@dataclass(frozen=True)
class RowReport:
    """A row held against the cluster that it is nearest to, in the table's own columns and units.

    Attributes
    ----------
    zone : str
        'normal', 'warning' or 'critical'.
    cluster : int
        The nearest center.
    distance : float
        From it, in the cluster's own spread.
    warning_level, critical_level : float
        Where the zones begin.
    features : tuple of str
        A column of numbers, or "column = level".
    values : ndarray of shape (n_features,)
        The row's.
    centers, spreads : ndarray of shape (n_features,)
        The cluster's.
    is_share : ndarray of shape (n_features,), bool
        Whether a feature is a level.
    """

    zone: str
    cluster: int
    distance: float
    warning_level: float
    critical_level: float
    features: tuple[str, ...]
    values: NDArray[np.float64]
    centers: NDArray[np.float64]
    spreads: NDArray[np.float64]
    is_share: NDArray[np.bool_]

    @property
    def deviations(self) -> NDArray[np.float64]:
        """Value less center, in the cluster's own spread, (n_features,)."""
        return (self.values - self.centers) / self.spreads

    @property
    def contributions(self) -> NDArray[np.float64]:
        """Share of each feature in the sum of the squared deviations, (n_features,)."""
        squares = np.nan_to_num(np.square(self.deviations))
        total = squares.sum()
        shares: NDArray[np.float64] = squares / total if total > 0 else squares
        return shares

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, strings and dicts.

        Returns
        -------
        dict
            'zone', 'cluster', 'distance', the levels, and 'features': for each a dict with 'value', 'center',
            'spread', 'deviation' and 'contribution', the largest first; NaN is None.
        """
        return {
            "zone": self.zone,
            "cluster": self.cluster,
            "distance": self.distance,
            "warning_level": self.warning_level,
            "critical_level": self.critical_level,
            "features": {
                self.features[f]: {
                    name: float(part[f]) if np.isfinite(part[f]) else None
                    for name, part in self._parts().items()
                }
                for f in self._order()
            },
        }

    def to_frame(self) -> Any:
        """Return the features as a data frame.

        Returns
        -------
        pandas.DataFrame
            A row for each feature, the largest contribution first; indexed by 'feature'.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        import pandas as pd  # noqa: PLC0415 - not a dependency

        order = self._order()
        index = pd.Index([self.features[f] for f in order], name="feature")
        return pd.DataFrame({name: part[order] for name, part in self._parts().items()}, index=index)

    def __str__(self) -> str:
        rows = self._cells()
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        lines = [
            f"  {row[0]:<{widths[0]}}  {'  '.join(map(str.rjust, row[1:], widths[1:]))}".rstrip()
            for row in rows
        ]
        return "\n".join([self._headline(), *lines])

    def _repr_html_(self) -> str:
        head, *body = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in self._cells())
        lines = "".join(f"<tr>{row}</tr>" for row in body)
        return (
            f"<p><b>{escape(self._headline())}</b></p><table><thead><tr>"
            f"{head.replace('td>', 'th>')}</tr></thead>"
            f"<tbody>{lines}</tbody></table>"
        )

    def _headline(self) -> str:
        return (
            f"{self.zone}: {self.distance:.2f} from the center of cluster {self.cluster}, in its own spread "
            f"(warning above {self.warning_level:.2f}, critical above {self.critical_level:.2f})"
        )

    def _parts(self) -> dict[str, NDArray[np.float64]]:
        return {
            "value": self.values,
            "center": self.centers,
            "spread": self.spreads,
            "deviation": self.deviations,
            "contribution": self.contributions,
        }

    def _order(self) -> NDArray[np.intp]:
        return np.argsort(-self.contributions, kind="stable")

    def _cells(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("", "value", "center", "spread", "deviation", "contribution")]
        for f in self._order()[:_SHOWN]:
            unit, share = self.spreads[f], bool(self.is_share[f])
            figures = (
                human(part[f], unit, is_share=share) for part in (self.values, self.centers, self.spreads)
            )
            deviation = self.deviations[f]
            said = f"{deviation:+.1f}" if np.isfinite(deviation) else "-"
            rows.append((self.features[f], *figures, said, f"{self.contributions[f]:.0%}"))
        return rows
