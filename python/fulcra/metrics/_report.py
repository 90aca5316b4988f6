"""What `suggest_n_clusters` returns: a recommendation, why, and the figures behind it."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The columns of the table as they are printed, and the vote that each belongs to.
_HEADINGS = {
    "n_clusters": "k",
    "wcss": "WCSS",
    "bend": "bend",
    "silhouette": "silhouette",
    "gap": "gap",
    "davies_bouldin": "Davies-Bouldin",
    "stability": "stability",
    "excess": "excess",
}
_VOTES = {
    "bend": "elbow",
    "silhouette": "silhouette",
    "gap": "gap",
    "davies_bouldin": "davies_bouldin",
    "stability": "stability",
}


@dataclass(frozen=True)
class ClusterCountReport:
    """How many clusters there are, by several measures side by side.

    Attributes
    ----------
    n_clusters : int
        The recommendation; 1 is "no clusters".
    reasons : tuple of str
        Why, in sentences.
    votes : dict of str to int or None
        What 'elbow', 'silhouette', 'gap', 'davies_bouldin' and 'stability' say by themselves, given that
        there are clusters; None is no opinion.
    table : dict of str to ndarray of shape (n_candidates,)
        By number of clusters ('n_clusters'): 'wcss', 'bend', 'silhouette' and its 'silhouette_error', 'gap'
        and 'gap_error', 'davies_bouldin', 'stability' and 'stability_error', 'excess', 'parted'. NaN where a
        figure is not defined; see `suggest_n_clusters` for what each is.
    """

    n_clusters: int
    reasons: tuple[str, ...]
    votes: dict[str, int | None]
    table: dict[str, NDArray[Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, strings, lists and dicts.

        Returns
        -------
        dict
            Keys 'n_clusters', 'reasons', 'votes' and 'table'; NaN is None, so that it can be written as JSON.
        """
        table = {
            name: [None if np.isnan(value) else value.item() for value in values]
            for name, values in self.table.items()
        }
        return {
            "n_clusters": self.n_clusters,
            "reasons": list(self.reasons),
            "votes": dict(self.votes),
            "table": table,
        }

    def to_frame(self) -> Any:
        """Return the table as a data frame.

        Returns
        -------
        pandas.DataFrame
            One row for each number of clusters, which is the index.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        import pandas as pd  # noqa: PLC0415 - not a dependency

        return pd.DataFrame(self.table).set_index("n_clusters")

    def __str__(self) -> str:
        cells = [list(_HEADINGS.values()), *self._cells()]
        widths = [max(len(row[place]) for row in cells) for place in range(len(_HEADINGS))]
        lines = ["  ".join(map(str.rjust, row, widths)).rstrip() for row in cells]
        return "\n".join([self._headline(), *(f"- {reason}" for reason in self.reasons), "", *lines])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in _HEADINGS.values())
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self._cells()
        )
        reasons = "".join(f"<li>{escape(reason)}</li>" for reason in self.reasons)
        return (
            f"<p><b>{self._headline()}</b></p><ul>{reasons}</ul>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def _headline(self) -> str:
        return "No clusters." if self.n_clusters == 1 else f"{self.n_clusters} clusters."

    def _cells(self) -> list[list[str]]:
        """Write the figures; a star marks what a measure votes for."""
        rows = []
        for place, k in enumerate(self.table["n_clusters"]):
            row = [str(k)]
            for name in list(_HEADINGS)[1:]:
                value = self.table[name][place]
                text = "-" if np.isnan(value) else f"{value:.4g}" if name == "wcss" else f"{value:.3f}"
                row.append(text + ("*" if self.votes.get(_VOTES.get(name, "")) == k else " "))
            rows.append(row)
        return rows
