"""What `explain_clusters` returns: what each cluster is, whether it is real, who is typical, who is not."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._reading.numbers import human

#: Features that the text and the page show of each cluster; the frame has all.
_SHOWN = 5
#: Clusters that the text shows.
_MOST_CLUSTERS = 50
_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;color:#222;max-width:60em;margin:2em auto;padding:0 1em}"
    "img{max-width:100%}"
)
_TABLE = (
    "<style>.fulcra-clusters td,.fulcra-clusters th{text-align:right;padding:.15em .7em}"
    ".fulcra-clusters td:first-child,.fulcra-clusters th:first-child{text-align:left}</style>"
)


@dataclass(frozen=True)
class ClusterReport:
    """What the clusters of a model are, in the table's own columns and units.

    Attributes
    ----------
    names : tuple of str
        A short name for each cluster; "not distinct" where nothing that sets it apart was found again in
        halves of the rows, or where all clusters together are pieces of one cloud. No other name comes twice.
    features : tuple of str
        A column of numbers, or "column = level".
    is_share : ndarray of shape (n_features,), bool
        Whether a feature is a level, so that its means are shares of rows.
    labels : ndarray of shape (n_samples,), intp
        Each row's cluster; -1 for none.
    sizes : ndarray of shape (n_clusters,), float64
        Rows, or the sums of their weights.
    centers : ndarray of shape (n_clusters, n_features)
        The model's centers in the table's units; the means where there is no way back.
    means : ndarray of shape (n_clusters, n_features)
        Means of the clusters' rows, in the table's units.
    mean, spread : ndarray of shape (n_features,)
        Mean and standard deviation of all rows, in the table's units.
    differences, low, high : ndarray of shape (n_clusters, n_features)
        Mean of the cluster less that of all other rows, in standard deviations of all rows, with its
        confidence interval; on the scale on which the model measures.
    scores : ndarray of shape (n_clusters, n_features)
        Mean of the cluster less that of all rows, in the same unit.
    confirmed : ndarray of shape (n_clusters, n_features), bool
        Whether the difference was found again in halves of the rows, and the cluster is distinct.
    stability : ndarray of shape (n_clusters,)
        0 to 1: the mean Jaccard similarity of the cluster with the one found in its place when halves of the
        rows are clustered anew. From 0.75 on it is the same cluster.
    excess : float
        By how many standard errors log WCSS falls further than in uniform rows, from one cluster to these;
        from 4 on there are clusters. NaN where that cannot be said.
    parted : float
        The share of looks at rows that the clusters were not made of in which there is a gap between one of
        them and its nearest neighbour; from one half on there are clusters, whatever `excess` says.
    typical, borderline, outliers : tuple of list
        For each cluster, what some rows are called (their index): the nearest to its center; those with
        another center nearly as near, the most doubtful first; those much farther from the center than rows
        of one group ever are.
    n_borderline : ndarray of shape (n_clusters,), int64
        How many rows have another center at most a tenth farther than their own.
    confidence : float
        That of the intervals.
    """

    names: tuple[str, ...]
    features: tuple[str, ...]
    is_share: NDArray[np.bool_]
    labels: NDArray[np.intp]
    sizes: NDArray[np.float64]
    centers: NDArray[np.float64]
    means: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    differences: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    scores: NDArray[np.float64]
    confirmed: NDArray[np.bool_]
    stability: NDArray[np.float64]
    excess: float
    parted: float
    typical: tuple[list[Any], ...]
    borderline: tuple[list[Any], ...]
    outliers: tuple[list[Any], ...]
    n_borderline: NDArray[np.int64]
    confidence: float

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of all rows (or weights) in each cluster, (n_clusters,)."""
        total = self.sizes.sum()
        return self.sizes / total if total > 0 else self.sizes

    def drivers(self, cluster: int) -> list[int]:
        """Return which features set a cluster apart, the largest difference first.

        Parameters
        ----------
        cluster : int
            Its index.

        Returns
        -------
        list of int
            Indices of `features`; only differences that were found again.
        """
        order = self._by_difference(cluster)
        return [f for f in order if self.confirmed[cluster, f]]

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the labels as plain numbers, strings, lists and dicts.

        Returns
        -------
        dict
            'n_rows', 'excess', 'parted', 'headline', 'confidence', and 'clusters': for each a dict of its
            figures, with those of every feature under 'features'. What is not a number is None, so that it
            can be written as JSON.
        """
        return {
            "n_rows": len(self.labels),
            "excess": _plain(self.excess),
            "parted": _plain(self.parted),
            "headline": self._headline(),
            "confidence": self.confidence,
            "clusters": [
                {
                    "cluster": j,
                    "name": self.names[j],
                    "size": _plain(self.sizes[j]),
                    "share": _plain(self.shares[j]),
                    "stability": _plain(self.stability[j]),
                    "typical": [_plain(row) for row in self.typical[j]],
                    "borderline": [_plain(row) for row in self.borderline[j]],
                    "n_borderline": int(self.n_borderline[j]),
                    "outliers": [_plain(row) for row in self.outliers[j]],
                    "features": {
                        name: {
                            "center": _plain(self.centers[j, f]),
                            "mean": _plain(self.means[j, f]),
                            "difference": _plain(self.differences[j, f]),
                            "low": _plain(self.low[j, f]),
                            "high": _plain(self.high[j, f]),
                            "confirmed": bool(self.confirmed[j, f]),
                        }
                        for f, name in enumerate(self.features)
                    },
                }
                for j in range(len(self.names))
            ],
        }

    def to_frame(self, kind: str = "clusters") -> Any:
        """Return the figures as a data frame.

        Parameters
        ----------
        kind : {'clusters', 'features'}, default='clusters'
            A row for each cluster, with its center in the table's columns; or a row for each cluster and
            feature, with difference and interval.

        Returns
        -------
        pandas.DataFrame
            Indexed by 'cluster', or by 'cluster' and 'feature'.

        Raises
        ------
        ImportError
            If pandas is not installed.
        ValueError
            If `kind` is neither.
        """
        import pandas as pd  # noqa: PLC0415 - not a dependency

        clusters = range(len(self.names))
        if kind == "clusters":
            figures = {
                "name": list(self.names),
                "size": self.sizes,
                "share": self.shares,
                "stability": self.stability,
                "n_borderline": self.n_borderline,
                "n_outliers": [len(rows) for rows in self.outliers],
            }
            head = pd.DataFrame(figures, index=pd.Index(clusters, name="cluster"))
            named = [f"{name} (center)" if name in figures else name for name in self.features]
            centers = pd.DataFrame(self.centers, index=head.index, columns=named)
            return pd.concat([head, centers], axis=1)
        if kind != "features":
            raise ValueError(f"kind must be 'clusters' or 'features'; got {kind!r}.")
        index = pd.MultiIndex.from_product([clusters, self.features], names=["cluster", "feature"])
        parts = ("centers", "means", "differences", "low", "high", "confirmed")
        titles = ("center", "mean", "difference", "low", "high", "confirmed")
        cells = {title: getattr(self, part).ravel() for title, part in zip(titles, parts, strict=True)}
        return pd.DataFrame(cells, index=index)

    def __str__(self) -> str:
        lines = [self._headline()]
        for j, name in enumerate(self.names[:_MOST_CLUSTERS]):
            lines += ["", f"{j}  {name}: {self._about(j)}"]
            rows: list[tuple[str, ...]] = [self._headings(), *self._figures(j)]
            widths = [max(len(cells[place]) for cells in rows) for place in range(len(rows[0]))]
            for cells in rows if len(rows) > 1 else ():
                padded = map(str.rjust, cells[1:], widths[1:])
                lines.append(f"     {cells[0]:<{widths[0]}}  {'  '.join(padded)}".rstrip())
            lines += [f"     {sentence}" for sentence in self._members(j)]
        if len(self.names) > _MOST_CLUSTERS:
            lines += ["", f"{len(self.names) - _MOST_CLUSTERS} more clusters: to_frame() has them all."]
        return "\n".join([*lines, "", *self._footnotes()])

    def _repr_html_(self) -> str:
        parts = [_TABLE, f"<p><b>{escape(self._headline())}</b></p>"]
        head = "".join(f"<th>{escape(cell)}</th>" for cell in self._headings())
        for j, name in enumerate(self.names):
            parts.append(f"<h3>{j} &middot; {escape(name)}</h3><p>{escape(self._about(j))}</p>")
            rows = ("".join(f"<td>{escape(cell)}</td>" for cell in cells) for cells in self._figures(j))
            body = "".join(f"<tr>{row}</tr>" for row in rows)
            if body:
                parts.append(
                    f'<table class="fulcra-clusters"><thead><tr>{head}</tr></thead>'
                    f"<tbody>{body}</tbody></table>"
                )
            parts += [f"<p>{escape(sentence)}</p>" for sentence in self._members(j)]
        return "".join([*parts, *(f"<p><small>{escape(note)}</small></p>" for note in self._footnotes())])

    def to_html(self, title: str = "Clusters", pictures: Iterable[bytes] = ()) -> str:
        """Return the report as a page that needs no other file.

        Parameters
        ----------
        title : str, default='Clusters'
            Its heading.
        pictures : iterable of bytes, default=()
            PNG files, shown above the figures.

        Returns
        -------
        str
            HTML.
        """
        images = "".join(
            f'<img alt="" src="data:image/png;base64,{b64encode(picture).decode()}">' for picture in pictures
        )
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{images}"
            f"{self._repr_html_()}</body></html>\n"
        )

    @property
    def is_structured(self) -> bool:
        """Whether there are clusters at all, not pieces of one cloud; yes, where nothing can be said."""
        return is_structure(self.excess, self.parted)

    def _headline(self) -> str:
        k, n = len(self.names), len(self.labels)
        said = f"{k} cluster{'s' * (k != 1)} of {n:,} row{'s' * (n != 1)}"
        again = int((self.stability >= STABLE).sum())
        if k <= 1:
            return f"{said}."
        if not self.is_structured:
            return (
                f"{said}: pieces of one cloud, no more clustered than rows without clusters "
                f"({self.excess:.1f} standard errors; {_EXCESS:g} are asked for). The figures describe the "
                "pieces."
            )
        if self.excess >= _EXCESS:
            real = f"more clustered than rows without clusters (by {self.excess:.1f} standard errors)"
        elif self.parted > _PARTED:
            real = f"with a gap between neighbours in {self.parted:.0%} of the looks"
        else:
            real = "whether they are more than pieces of one cloud cannot be said"
        return f"{said}: {real}; {again} of {k} are found again in halves of the rows."

    def _about(self, j: int) -> str:
        rows = f"{self.sizes[j]:,.0f}" if float(self.sizes[j]).is_integer() else f"{self.sizes[j]:,.4g}"
        plural = "" if self.sizes[j] == 1 else "s"
        return f"{rows} row{plural} ({self.shares[j]:.0%}), stability {self.stability[j]:.2f}"

    def _headings(self) -> tuple[str, ...]:
        return "", "center", "all rows", "difference", f"{self.confidence:.0%} interval", ""

    def _figures(self, j: int) -> list[tuple[str, ...]]:
        """Write the features that the cluster differs most in; first those that were found again."""
        drivers = self.drivers(j)
        order = drivers + [f for f in self._by_difference(j) if f not in drivers]
        return [
            (
                self.features[f],
                self._in_units(self.centers[j, f], f),
                self._in_units(self.mean[f], f),
                _signed(self.differences[j, f]),
                f"{_signed(self.low[j, f])} to {_signed(self.high[j, f])}",
                "" if self.confirmed[j, f] else "not found again",
            )
            for f in order[: max(_SHOWN, min(len(drivers), 2 * _SHOWN))]
        ]

    def _by_difference(self, j: int) -> list[int]:
        return [int(f) for f in np.argsort(-np.abs(np.nan_to_num(self.differences[j])), kind="stable")]

    def _in_units(self, value: float, f: int) -> str:
        return human(value, self.spread[f], is_share=bool(self.is_share[f]))

    def _footnotes(self) -> list[str]:
        if len(self.names) == 1:
            return []
        return [
            "Differences are from the mean of the other rows, in standard deviations of all rows. Not found "
            "again: in fewer than nine of ten looks at rows that the clusters were not made of."
        ]

    def _members(self, j: int) -> list[str]:
        said = []
        if self.typical[j]:
            said.append(f"typical: {_listed(self.typical[j])}")
        if self.n_borderline[j]:
            said.append(f"borderline: {_listed(self.borderline[j])} (of {self.n_borderline[j]:,})")
        if self.outliers[j]:
            said.append(f"outliers: {_listed(self.outliers[j])}")
        return said


#: From here on a cluster found in other rows is the same cluster (Hennig 2007, section 5).
STABLE = 0.75
#: Standard errors by which log WCSS must fall further than in uniform rows. Of one k, uniform rows reach 3 at
#: most in some thousand simulations; groups three deviations apart in unscaled columns 5 at least, less where
#: scaled columns of noise stand beside them.
_EXCESS = 4.0
#: The share of looks with a gap between neighbours. Rows without clusters of nine kinds, heavy-tailed ones
#: among them, have one in none; a curved cloud cut in three in a third.
_PARTED = 0.5


def is_structure(excess: float, parted: float) -> bool:
    """Say whether there are clusters at all; yes, where nothing can be said."""
    return parted > _PARTED or not excess < _EXCESS


def _signed(value: float) -> str:
    return f"{value:+.2f}" if np.isfinite(value) else "-"


def _listed(rows: list[Any]) -> str:
    return ", ".join(str(row) for row in rows)


def _plain(value: Any) -> Any:
    """Return a number or a row's name as JSON has it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
