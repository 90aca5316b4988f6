"""The gap statistic: how far the within-cluster sum of squares falls below that of rows without clusters.

Source: Tibshirani, Walther and Hastie (2001), "Estimating the number of clusters in a data set via the gap
statistic", Journal of the Royal Statistical Society B 63.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from fulcra import _core
from fulcra._base import Data, Floats, Interval, StrOptions, check_function_params
from fulcra.cluster import KMeans
from fulcra.metrics._checks import checked
from fulcra.metrics._dispersion import wcss

#: As a share of the total sum of squares: what rows that all lie on their centers are taken to have.
_NOTHING = 1e-30
_LARGEST_SEED = 2**31 - 1
#: Of a column with fewer values than this, or one that a larger share of the rows has, ties are not chance.
_FEW_VALUES, _SHARED = 20, 0.1


@dataclass(frozen=True)
class GapStatistic:
    """The gap statistic for several numbers of clusters; arrays go with `n_clusters_range`.

    Attributes
    ----------
    n_clusters : int
        What the one-standard-error rule says: the smallest k whose gap is at least that of the next k less
        its standard error; the last k where none is.
    n_clusters_range : ndarray of shape (n_candidates,)
        The numbers of clusters.
    gap : ndarray of shape (n_candidates,)
        Mean of the references' log WCSS, less that of X.
    standard_error : ndarray of shape (n_candidates,)
        Of `gap`: the references' standard deviation times ``sqrt(1 + 1 / n_references)``.
    log_wcss : ndarray of shape (n_candidates,)
        Of X.
    reference_log_wcss : ndarray of shape (n_references, n_candidates)
        Of rows without clusters.
    """

    n_clusters: int
    n_clusters_range: NDArray[np.int64]
    gap: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    log_wcss: NDArray[np.float64]
    reference_log_wcss: NDArray[np.float64]

    def excess(self) -> NDArray[np.float64]:
        """Return how much more log WCSS falls from the first k on than in the references, in their errors."""
        falls = self.reference_log_wcss[:, :1] - self.reference_log_wcss
        error = falls.std(axis=0, ddof=1) * np.sqrt(1 + 1 / len(falls))
        more = self.log_wcss[0] - self.log_wcss - falls.mean(axis=0)
        result: NDArray[np.float64] = np.divide(more, error, out=np.zeros_like(more), where=error > 0)
        return result

    def __str__(self) -> str:
        lines = ["  k     gap  standard error"]
        for k, gap, error in zip(self.n_clusters_range, self.gap, self.standard_error, strict=True):
            mark = "  <" if k == self.n_clusters else ""
            lines.append(f"{k:3d}  {gap:6.3f}  {error:14.3f}{mark}")
        return "\n".join(lines)


@check_function_params(
    {
        "X": ["array-like"],
        "n_clusters_range": ["array-like", None],
        "n_references": [Interval(Integral, 2, None, closed="left")],
        "reference": [StrOptions({"principal", "box"})],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }
)
def gap_statistic(
    X: Data,
    n_clusters_range: Iterable[int] | None = None,
    *,
    n_references: int = 20,
    reference: str = "principal",
    n_init: int = 3,
    random_state: int | np.random.RandomState | None = None,
) -> GapStatistic:
    """Compare the WCSS of k-means with that of rows that have no clusters, for several k.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The rows.
    n_clusters_range : iterable of int, default=None
        The numbers of clusters, each below n_samples; None: 1 to 10, or to n_samples - 1. The rule can say
        "no clusters" only where 1 is among them.
    n_references : int, default=20
        Data sets to draw for comparison, each as large as X.
    reference : {'principal', 'box'}, default='principal'
        Where they are drawn from, uniformly: a box along the principal axes of X (the paper's choice b), or
        one along its features (choice a), which takes correlated features for clusters.
    n_init : int, default=3
        Starts of each k-means, for X and for the references alike.
    random_state : int, RandomState instance or None, default=None
        Draws the references and starts.

    Returns
    -------
    GapStatistic
        `n_clusters` by the one-standard-error rule, `gap` and its `standard_error` for each k.

    Raises
    ------
    ValueError
        If a k is not in 1 to n_samples - 1, all rows are equal, or X is sparse, or not finite.

    References
    ----------
    Tibshirani, Walther and Hastie (2001), "Estimating the number of clusters in a data set via the gap
    statistic", Journal of the Royal Statistical Society B 63.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.metrics import gap_statistic
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2)) + 8 * np.array([[0, 0], [1, 0], [0, 1]])[np.arange(300) % 3]
    >>> gap_statistic(X, range(1, 6), random_state=0).n_clusters
    3
    """
    rows = dense_rows(X).astype(np.float64, copy=False)
    candidates = checked_range(n_clusters_range, len(rows), first=1)
    draw = check_random_state(random_state)
    turned = on_principal_axes(rows) if reference == "principal" else rows
    low, high = turned.min(axis=0), turned.max(axis=0)
    return gap_beside(
        rows,
        candidates,
        lambda: draw.uniform(low, high, size=turned.shape),
        n_references=n_references,
        n_init=n_init,
        draw=draw,
    )


def gap_beside(
    rows: NDArray[np.float64],
    candidates: NDArray[np.int64],
    drawn: Callable[[], NDArray[np.float64]],
    *,
    n_references: int,
    n_init: int,
    draw: np.random.RandomState,
) -> GapStatistic:
    """Compare the WCSS of k-means with that of the rows without clusters that `drawn` returns."""
    found = _log_wcss(rows, candidates, n_init, draw)
    references = np.array([_log_wcss(drawn(), candidates, n_init, draw) for _ in range(n_references)])
    gap = references.mean(axis=0) - found
    error = references.std(axis=0) * np.sqrt(1 + 1 / n_references)
    chosen = int(candidates[one_standard_error(gap, error)])
    return GapStatistic(chosen, candidates, gap, error, found, references)


def one_standard_error(gap: NDArray[np.float64], error: NDArray[np.float64]) -> int:
    """Return the first place whose gap is at least the next one less its error; else the last."""
    enough = np.flatnonzero(gap[:-1] >= gap[1:] - error[1:])
    return int(enough[0]) if enough.size else len(gap) - 1


def dense_rows(X: Data) -> Floats:
    """Check rows that uniform rows are to be drawn beside."""
    found = checked(X)
    with found.named():
        _core.cluster_scatter(found.X, None, np.zeros(len(found.X), dtype=np.int32), 1)
    rows: Floats = found.X
    return rows


def checked_range(given: Iterable[int] | None, n_samples: int, *, first: int) -> NDArray[np.int64]:
    """Return numbers of clusters, rising, none of them twice."""
    if given is None:
        given = range(first, min(10, n_samples - 1) + 1) or [1]
    values = np.unique(np.array(list(given)))
    if values.size == 0 or values.ndim != 1 or values.dtype.kind not in "iu":
        raise ValueError("n_clusters_range needs whole numbers, at least one.")
    if values[0] < 1 or values[-1] >= n_samples:
        raise ValueError(
            f"n_clusters_range goes from {values[0]} to {values[-1]}; X with {n_samples} rows allows "
            f"1 to {n_samples - 1}."
        )
    return values.astype(np.int64)


def quiet_k_means(X: Any, n_clusters: int, n_init: int, draw: np.random.RandomState) -> KMeans:
    """Fit k-means; that there are too few distinct rows is seen from the result."""
    model = KMeans(int(n_clusters), n_init=n_init, random_state=draw.randint(_LARGEST_SEED))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X)


def log_of(sums: NDArray[np.float64], total: float) -> NDArray[np.float64]:
    """Return logarithms of sums of squares, that of nothing being very small but finite."""
    logarithms: NDArray[np.float64] = np.log(np.maximum(sums, _NOTHING * total))
    return logarithms


def _log_wcss(
    X: NDArray[np.float64], candidates: NDArray[np.int64], n_init: int, draw: np.random.RandomState
) -> NDArray[np.float64]:
    total = wcss(X, np.zeros(len(X)))
    if total == 0:
        raise ValueError("All rows of X are equal: there is nothing to compare.")
    sums = [total if k == 1 else quiet_k_means(X, k, n_init, draw).inertia_ for k in candidates]
    return log_of(np.array(sums), total)


def without_clusters(
    rows: NDArray[np.float64],
    levels: Sequence[NDArray[np.intp]] = (),
    lean: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> tuple[NDArray[np.float64], Callable[[np.random.RandomState], NDArray[np.float64]]]:
    """Return rows along their axes, and what draws rows like them that have no clusters.

    Numbers are uniform in a box along the principal axes. A column that has few values, or one that many rows
    share, is never uniform, and would pass for clusters: it keeps its values, dealt out anew among the rows.
    Beside such columns the box has the variance of the rows, else their range.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features)
        The rows.
    levels : sequence of ndarray
        Columns that are dealt out together: those that a column of levels became.
    lean : callable
        Leaves fewer axes of the other columns, where they are many.

    Returns
    -------
    turned : ndarray of shape (n_samples, n_axes)
        As k-means sees the rows.
    drawn : callable
        Takes a RandomState, returns (n_samples, n_axes).
    """
    taken = np.zeros(rows.shape[1], dtype=bool)
    for block in levels:
        taken[block] = True
    coarse = [np.array([f]) for f in np.flatnonzero(~taken) if is_coarse(rows[:, f])]
    blocks = [*levels, *coarse]
    for block in coarse:
        taken[block] = True
    others = rows[:, ~taken]
    others = lean(others) if lean is not None and others.shape[1] else others
    turned = on_principal_axes(others) if others.shape[1] else others
    low, high = turned.min(axis=0), turned.max(axis=0)
    if blocks:
        half = np.sqrt(3) * turned.std(axis=0)
        low, high = -half, half

    def drawn(draw: np.random.RandomState) -> NDArray[np.float64]:
        box = draw.uniform(low, high, size=turned.shape)
        return np.hstack([box, *(rows[:, block][draw.permutation(len(rows))] for block in blocks)])

    return np.hstack([turned, *(rows[:, block] for block in blocks)]), drawn


def is_coarse(values: NDArray[np.float64]) -> bool:
    """Whether a column has few values (below 20, each five times on average), or one that a tenth shares."""
    _, counts = np.unique(values, return_counts=True)
    few = len(counts) < min(_FEW_VALUES, len(values) / 5)
    return bool(few or counts.max() > max(_SHARED * len(values), 4))


def on_principal_axes(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows along their principal axes, (n_samples, n_axes): k-means does not see rotations.

    Of each axis the direction is taken in which its largest entry is positive: either is right, and which one
    LAPACK returns differs from machine to machine.
    """
    centered = X - X.mean(axis=0)
    if X.shape[0] < X.shape[1]:
        axes = np.linalg.svd(centered, full_matrices=False)[2].T
    else:
        axes = np.linalg.eigh(centered.T @ centered)[1]
    largest = np.abs(axes).argmax(axis=0)
    return np.asarray(centered @ (axes * np.sign(axes[largest, np.arange(axes.shape[1])])))
