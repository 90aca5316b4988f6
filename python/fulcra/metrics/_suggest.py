"""How many clusters? Several answers side by side, and a test of whether there are any."""

from collections import Counter
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fulcra._base import Data, Floats, Interval, check_function_params
from fulcra.metrics._dispersion import davies_bouldin_score, wcss
from fulcra.metrics._estimate import silhouette_estimate
from fulcra.metrics._gap import (
    GapStatistic,
    checked_range,
    dense_rows,
    gap_beside,
    is_coarse,
    log_of,
    one_standard_error,
    quiet_k_means,
    without_clusters,
)
from fulcra.metrics._report import ClusterCountReport
from fulcra.metrics._stability import prediction_strength

#: Standard errors by which log WCSS must fall further than in rows without clusters. With 20 references, rows
#: without clusters reach 4.7 at most in 275 simulations, two groups five deviations apart 7 at least.
_EXCESS = 5.0
#: The share of halvings with a gap between neighbouring clusters; rows without clusters have one in none.
_PARTED = 0.5
#: The prediction strength of clusters that can be found again (Tibshirani and Walther 2005, section 3).
_STRONG = 0.8
#: Up to here silhouettes are exact; beyond, of a sample of rows against all rows.
_EXACT_ROWS = 10_000
_SAMPLE_ROWS = 1_000
_N_INIT = 3


@check_function_params(
    {
        "X": ["array-like"],
        "n_clusters_range": ["array-like", None],
        "n_references": [Interval(Integral, 2, None, closed="left")],
        "n_splits": [Interval(Integral, 2, None, closed="left")],
        "max_samples": [Interval(Integral, 10, None, closed="left")],
        "random_state": ["random_state"],
    }
)
def suggest_n_clusters(
    X: Data,
    n_clusters_range: Iterable[int] | None = None,
    *,
    n_references: int = 20,
    n_splits: int = 5,
    max_samples: int = 5_000,
    random_state: int | np.random.RandomState | None = None,
) -> ClusterCountReport:
    """Suggest how many clusters k-means should look for, and say when there are none.

    First a test. Does log WCSS fall further, at any k, than in uniform rows in a box along the principal axes
    of X, by 5 standard errors ('excess' in the table)? Or is there, at some k, in most halvings a gap between
    neighbouring clusters of the one half in the other ('parted')? If neither, there are no clusters:
    ``n_clusters`` is 1; if only the gaps say so, it is the least k with them. Columns that have few values,
    or one that more than a tenth of the rows share, are never uniform: among the rows to compare with they
    keep their values, dealt out anew.
    If there are clusters, five measures vote, and most votes win; on a tie, of those k the one with the
    highest silhouette.

    - elbow: the k at which the curve of log WCSS bends most, that is, the fall to it exceeds the fall from it
      by most ('bend'). On the logarithm, so that the bend is a ratio and not a matter of scale.
    - silhouette: the highest mean silhouette. Beyond 10,000 rows, of 1000 sampled rows against all.
    - gap: the one-standard-error rule of `gap_statistic`, from k = 2 on.
    - davies_bouldin: the lowest `davies_bouldin_score`.
    - stability: the largest k whose prediction strength (over `n_splits` random halvings), plus its standard
      error, is at least 0.8; no vote where there is none.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The rows; scale columns of different units first, as for k-means.
    n_clusters_range : iterable of int, default=None
        The numbers of clusters to try, each below n_samples; 1 is always among them. None: to 10, or to
        n_samples - 1. Let it reach beyond what you expect: the last k has no bend.
    n_references : int, default=20
        Uniform data sets to compare with.
    n_splits : int, default=5
        Halvings for the prediction strength.
    max_samples : int, default=5000
        Rows, drawn at random, that gap and stability look at; the others look at all.
    random_state : int, RandomState instance or None, default=None
        Draws starts, samples and references.

    Returns
    -------
    ClusterCountReport
        `n_clusters`, `reasons`, `votes` and `table`; prints as a table, `to_dict()`, `to_frame()`.

    Raises
    ------
    ValueError
        If a k is not in 1 to n_samples - 1, X is sparse, or not finite, naming the first such row and column.

    References
    ----------
    Tibshirani, Walther and Hastie (2001), "Estimating the number of clusters in a data set via the gap
    statistic", Journal of the Royal Statistical Society B 63. Tibshirani and Walther (2005), "Cluster
    validation by prediction strength", Journal of Computational and Graphical Statistics 14.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.metrics import suggest_n_clusters
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2)) + 8 * np.array([[0, 0], [1, 0], [0, 1]])[np.arange(300) % 3]
    >>> suggest_n_clusters(X, range(1, 7), random_state=0).votes
    {'elbow': 3, 'silhouette': 3, 'gap': 3, 'davies_bouldin': 3, 'stability': 3}
    >>> suggest_n_clusters(rng.normal(size=(300, 2)), random_state=0).n_clusters
    1
    """
    rows = dense_rows(X)
    candidates = np.union1d(checked_range(n_clusters_range, len(rows), first=2), [1])
    draw = check_random_state(random_state)
    figures, notes = _figures_of_fits(rows, candidates, draw)
    candidates = figures["n_clusters"]
    if len(candidates) == 1:
        what = "All rows are equal." if figures["wcss"][0] == 0 else "No other number of clusters was tried."
        return ClusterCountReport(1, (*notes, what), {}, _in_order(figures))
    some: Floats = rows
    if len(rows) > max_samples:
        some = rows[np.sort(draw.permutation(len(rows))[:max_samples])]
        notes.append(f"Gap and stability look at {max_samples} of the {len(rows)} rows, drawn at random.")
    n_coarse = sum(is_coarse(column) for column in some.T)
    if n_coarse:
        notes.append(
            f"{n_coarse} of {some.shape[1]} columns have few values, or one that many rows share: ties are "
            "no evidence, so these are held against their own values in another order."
        )
    turned, drawn = without_clusters(np.asarray(some, dtype=np.float64))
    gap = gap_beside(
        turned, candidates, lambda: drawn(draw), n_references=n_references, n_init=_N_INIT, draw=draw
    )
    strengths = np.array(
        [
            (1.0, 0.0, 0.0)
            if k == 1
            else prediction_strength(some, k, n_splits=n_splits, n_init=_N_INIT, draw=draw)
            for k in candidates
        ]
    )
    figures |= {"gap": gap.gap, "gap_error": gap.standard_error, "excess": gap.excess()}
    names = "stability", "stability_error", "parted"
    figures |= dict(zip(names, strengths.T, strict=True))
    votes = _votes(figures, gap)
    return _decide(_in_order(figures), votes, notes)


def _figures_of_fits(
    rows: Floats, candidates: NDArray[np.int64], draw: np.random.RandomState
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Cluster all rows for every k, up to the number of distinct rows; what cannot be computed is NaN."""
    total = wcss(rows, np.zeros(len(rows)))
    found: list[tuple[float, ...]] = [(1, total, np.nan, np.nan, np.nan)]
    notes = []
    for k in candidates[1:]:
        model = quiet_k_means(rows, k, _N_INIT, draw)
        if total == 0 or len(np.unique(model.labels_)) < k:
            notes.append(f"X has fewer than {k} distinct rows.")
            break
        m = len(rows) if len(rows) <= _EXACT_ROWS else _SAMPLE_ROWS
        silhouette = silhouette_estimate(rows, model.labels_, sample_size=m, random_state=draw)
        score = davies_bouldin_score(rows, model.labels_)
        found.append((int(k), model.inertia_, silhouette.score, silhouette.standard_error, score))
    names = "n_clusters", "wcss", "silhouette", "silhouette_error", "davies_bouldin"
    figures: dict[str, NDArray[Any]] = {
        name: np.array(values) for name, values in zip(names, zip(*found, strict=True), strict=True)
    }
    empty = np.full(len(found), np.nan)
    figures["bend"] = _bends(figures["n_clusters"], figures["wcss"]) if total > 0 else empty
    return figures, notes


def _bends(candidates: NDArray[np.int64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much log WCSS falls more steeply before each k than behind it."""
    bends = np.full(len(candidates), np.nan)
    falls = -np.diff(log_of(sums, sums[0])) / np.diff(candidates)
    bends[1:-1] = falls[:-1] - falls[1:]
    return bends


def _votes(figures: dict[str, NDArray[Any]], gap: GapStatistic) -> dict[str, int | None]:
    candidates = figures["n_clusters"]
    strong = np.flatnonzero(figures["stability"] + figures["stability_error"] >= _STRONG)[-1]
    places = {
        "elbow": np.nanargmax(figures["bend"]) if np.isfinite(figures["bend"]).any() else 0,
        "silhouette": np.nanargmax(figures["silhouette"]),
        "gap": 1 + one_standard_error(gap.gap[1:], gap.standard_error[1:]),
        "davies_bouldin": np.nanargmin(figures["davies_bouldin"]),
        "stability": strong,
    }
    return {name: int(candidates[place]) if place else None for name, place in places.items()}


def _decide(
    table: dict[str, NDArray[Any]], votes: dict[str, int | None], notes: list[str]
) -> ClusterCountReport:
    candidates, excess, parted = table["n_clusters"], table["excess"], table["parted"]
    best = int(np.argmax(excess[1:])) + 1
    most = f"{excess[best]:.1f} standard errors at k={candidates[best]}; {_EXCESS:g} are asked for"
    with_gap = np.flatnonzero(parted > _PARTED)
    if excess[best] < _EXCESS and not with_gap.size:
        why = (
            "The rows are no more clustered than uniform rows in a box along their principal axes (by "
            f"{most})."
        )
        return ClusterCountReport(1, (why, *notes), votes, table)
    if excess[best] >= _EXCESS:
        reasons = [
            f"The rows are more clustered than uniform rows in a box along their principal axes (by {most})."
        ]
    else:  # what WCSS does not show, its bends and gaps do not count
        chosen = int(candidates[with_gap[0]])
        why = (
            f"There is a gap between neighbouring clusters in {parted[with_gap[0]]:.0%} of the halvings at "
            f"{chosen} clusters, the fewest with one; uniform rows fall as far in WCSS (excess {most})."
        )
        return ClusterCountReport(chosen, (why, *notes), votes, table)
    counts = Counter(vote for vote in votes.values() if vote is not None)
    silhouettes = dict(zip(candidates.tolist(), table["silhouette"].tolist(), strict=True))
    chosen = max(counts, key=lambda k: (counts[k], silhouettes[k]))
    for k in sorted(counts, key=lambda k: (k != chosen, -counts[k], k)):
        names = [name for name, vote in votes.items() if vote == k]
        reasons.append(f"{k} clusters: {', '.join(names)}.")
    if list(counts.values()).count(counts[chosen]) > 1:
        reasons.append(f"The votes are even; {chosen} has the higher silhouette.")
    if votes["stability"] is None:
        reasons.append(f"No clusters are found again in both halves of the rows (strength {_STRONG:g}).")
    return ClusterCountReport(int(chosen), (*reasons, *notes), votes, table)


def _in_order(figures: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Give every report the same columns."""
    names = ["n_clusters", "wcss", "bend", "silhouette", "silhouette_error", "gap", "gap_error"]
    names += ["davies_bouldin", "stability", "stability_error", "excess", "parted"]
    missing = np.full(len(figures["n_clusters"]), np.nan)
    return {name: figures.get(name, missing) for name in names}
