"""SilhouetteDisplay: how well each row lies in its cluster."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fulcra._base import Data, Interval, StrOptions, check_function_params
from fulcra._palette import INK, PALE, QUIET, colour
from fulcra._reading.clustering import clustering
from fulcra.inspection._drawing import (
    BODY,
    SMALL,
    TITLE,
    axes_of,
    check_model_and_rows,
    check_rows_and_labels,
    cluster_names,
    inches,
    letters,
    plural,
    require_matplotlib,
    told_apart,
)
from fulcra.metrics._checks import Labelled, check_number_of_labels, checked_labels
from fulcra.metrics._silhouette import of_rows

#: Rows of each cluster that a sample has at least, so that its knife has a shape.
_AT_LEAST = 30
#: The gap between two clusters, as a share of all rows.
_GAP = 0.012

_SHARED: dict[str, list[Any]] = {
    "names": ["array-like", None],
    "metric": [StrOptions({"euclidean", "manhattan"})],
    "max_samples": [Interval(Integral, 2, None, closed="left")],
    "random_state": ["random_state"],
}


class SilhouetteDisplay:
    """Silhouettes of the rows, sorted within each cluster: the knives of Rousseeuw (1987).

    A bar to the right is a row that is nearer to its own cluster than to the next, one to the left a row that
    is not. A cluster is as high as its share of the rows; a tick within it is its mean, the dashed line that
    of all rows. `from_estimator` and `from_predictions` make one; the constructor takes what is drawn.

    Parameters
    ----------
    silhouettes : array-like of shape (n_drawn,)
        Those of the rows drawn, in [-1, 1].
    labels : array-like of shape (n_drawn,)
        The cluster of each, from 0.
    sizes : array-like of shape (n_clusters,), default=None
        Rows that each cluster has, where some are not drawn; None: all are.
    names : sequence of str, default=None
        Of the clusters; None: their numbers.
    standard_error : float, default=0.0
        Of the mean of all rows, where some are not drawn.

    Attributes
    ----------
    means : ndarray of shape (n_clusters,)
        The mean silhouette of each cluster; NaN for one without rows.
    score : float
        The mean silhouette of all rows.
    ax_ : matplotlib.axes.Axes
        The axes.
    figure_ : matplotlib.figure.Figure
        Its figure.
    texts_ : list of matplotlib.text.Text
        The table of the clusters.

    See Also
    --------
    fulcra.metrics.silhouette_samples : The numbers.

    References
    ----------
    Rousseeuw (1987), "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis",
    Journal of Computational and Applied Mathematics 20. Cochran (1977), "Sampling techniques", 3rd edition,
    sections 5.3 and 5.4, for a mean from a sample of each cluster.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from fulcra.cluster import KMeans
    >>> from fulcra.inspection import SilhouetteDisplay
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data
    >>> display = SilhouetteDisplay.from_estimator(KMeans(3, random_state=0).fit(X), X)
    >>> print(f"{display.score:.3f}")
    0.553
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        silhouettes: Data,
        labels: Data,
        *,
        sizes: Data = None,
        names: Sequence[str] | None = None,
        standard_error: float = 0.0,
    ) -> None:
        self.silhouettes = silhouettes
        self.labels = labels
        self.sizes = sizes
        self.names = names
        self.standard_error = standard_error

    @property
    def means(self) -> NDArray[np.float64]:
        """The mean silhouette of each cluster, (n_clusters,); NaN for one without rows."""
        labels, sizes = np.asarray(self.labels), self._sizes()
        counts = np.bincount(labels, minlength=len(sizes))
        sums = np.bincount(labels, np.asarray(self.silhouettes, dtype=np.float64), len(sizes))
        means = np.full(len(sizes), np.nan)
        np.divide(sums, counts, out=means, where=counts > 0)
        return means

    @property
    def score(self) -> float:
        """The mean silhouette of all rows: of clusters' means, by their sizes."""
        sizes, means = self._sizes(), self.means
        known = sizes > 0
        return float(sizes[known] @ means[known] / sizes.sum())

    def _sizes(self) -> NDArray[np.float64]:
        n_clusters = 0 if self.names is None else len(self.names)
        sizes = np.bincount(self.labels, minlength=n_clusters) if self.sizes is None else self.sizes
        return np.asarray(sizes, dtype=np.float64)

    @classmethod
    @check_function_params(_SHARED)
    def from_estimator(
        cls,
        model: Any,
        X: Data,
        *,
        names: Sequence[str] | None = None,
        metric: str = "euclidean",
        max_samples: int = 2_000,
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
    ) -> Self:
        """Draw the silhouettes of rows in the clusters of a fitted model.

        Parameters
        ----------
        model : estimator
            A fitted clusterer, ours or scikit-learn's, or a Pipeline that ends in one: distances are then of
            the rows behind its other steps.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows, as `predict` takes them.
        names : sequence of str, default=None
            Of the clusters; None: their numbers.
        metric : {'euclidean', 'manhattan'}, default='euclidean'
            Of the distances; 'manhattan' for arrays only.
        max_samples : int, default=2000
            Rows to draw; of more, a sample of each cluster in proportion to its size, 30 rows at least. Each
            row drawn is held against all rows, so its silhouette is exact, and means are unbiased.
        random_state : int, RandomState instance or None, default=0
            Draws the sample.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        SilhouetteDisplay
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
            If the rows are not in 2 to n_samples - 1 clusters; if X does not suit the model, or `names` are
            not as many as its clusters.
        """
        require_matplotlib("SilhouetteDisplay.from_estimator")
        check_model_and_rows(model, X)
        found = clustering(model, X)
        return cls._of_labels(
            found.rows,
            found.labels,
            cluster_names(names, found.n_clusters),
            metric=metric,
            max_samples=max_samples,
            random_state=random_state,
        ).plot(ax=ax)

    @classmethod
    @check_function_params(_SHARED)
    def from_predictions(
        cls,
        X: Data,
        labels: Data,
        *,
        names: Sequence[str] | None = None,
        metric: str = "euclidean",
        max_samples: int = 2_000,
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
    ) -> Self:
        """Draw the silhouettes of rows in clusters that are known, whoever found them.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows.
        labels : array-like of shape (n_samples,)
            The cluster of each row, of any type that sorts.
        names : sequence of str, default=None
            Of the clusters, in the order of the labels; None: the labels.
        metric : {'euclidean', 'manhattan'}, default='euclidean'
            As in `from_estimator`.
        max_samples : int, default=2000
            As in `from_estimator`.
        random_state : int, RandomState instance or None, default=0
            Draws the sample.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        SilhouetteDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there are not 2 to n_samples - 1 different labels, or not as many as rows; if X is not finite,
            or `names` are not as many as the clusters.
        """
        require_matplotlib("SilhouetteDisplay.from_predictions")
        check_rows_and_labels(X, labels)
        known, codes = np.unique(np.asarray(labels), return_inverse=True)
        given = tuple(str(label) for label in known) if names is None else cluster_names(names, len(known))
        return cls._of_labels(
            X, codes, given, metric=metric, max_samples=max_samples, random_state=random_state
        ).plot(ax=ax)

    @classmethod
    def _of_labels(
        cls,
        X: Data,
        labels: NDArray[np.intp],
        names: tuple[str, ...],
        *,
        metric: str,
        max_samples: int,
        random_state: Any,
    ) -> Self:
        rows = checked_labels(X, labels)
        n_samples = rows.X.shape[0]
        check_number_of_labels(rows.n_clusters, n_samples)
        numbers = np.unique(labels)  # of clusters that have rows, as `rows.labels` numbers them
        which = _sample(rows, max_samples, check_random_state(random_state))
        found = of_rows(rows, which, metric)
        if numbers[0] < 0:  # rows that belong to no cluster count as others do, and are not drawn
            inside = labels[which] >= 0
            which, found = which[inside], found[inside]
        sizes = np.bincount(labels[labels >= 0], minlength=len(names))
        drawn = labels[which]
        return cls(
            found, drawn, sizes=sizes, names=names, standard_error=_standard_error(found, drawn, sizes)
        )

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        SilhouetteDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib("SilhouetteDisplay.plot")
        from fulcra.inspection._side_table import beside_axis, room_beside  # noqa: PLC0415 - needs matplotlib

        sizes, means = self._sizes(), self.means
        silhouettes, labels = np.asarray(self.silhouettes, dtype=np.float64), np.asarray(self.labels)
        k = len(sizes)
        ax = axes_of(ax, 8, max(5.0, 1.2 + 0.17 * k))
        self.ax_, self.figure_ = ax, ax.figure
        total, score = sizes.sum(), self.score
        heights = sizes / total
        tops = 1 + _GAP * k - np.concatenate([[0], np.cumsum(heights + _GAP)[:-1]])
        least = min(-0.05, float(silhouettes.min()) - 0.02)
        for j in np.flatnonzero(sizes).tolist():
            knife = np.sort(silhouettes[labels == j])[::-1]
            edges = tops[j] - heights[j] * np.arange(len(knife) + 1) / len(knife)
            ax.fill_betweenx(
                edges, np.append(knife, knife[-1]), 0, step="post", color=colour(j), linewidth=0, zorder=2
            )
            ends = [tops[j], tops[j] - heights[j]]
            ax.plot([means[j]] * 2, ends, color="white", linewidth=2.6, solid_capstyle="butt", zorder=2.5)
            ax.plot([means[j]] * 2, ends, color=INK, linewidth=1.3, solid_capstyle="butt", zorder=2.6)
        bottom = float(tops[-1] - heights[-1]) - _GAP
        ax.plot(
            [score] * 2, [bottom, tops[0] + _GAP], color=INK, linewidth=1, linestyle=(0, (5, 3)), zorder=3
        )
        ax.plot([0, 0], [bottom, tops[0]], color=INK, linewidth=0.8, zorder=3)
        known = told_apart(cluster_names(self.names, k), 26)
        cells = [
            (name, f"{int(size):,}", "-" if np.isnan(mean) else f"{mean:.2f}".replace("-", "\N{MINUS SIGN}"))
            for name, size, mean in zip(known, sizes, means, strict=True)
        ]
        heading = ("cluster", "rows", "mean")
        width, _ = inches(ax)
        share = room_beside(ax, cells, heading, width)
        ax.set_xlim(least, 1 + (1 - least) * share / (1 - share))
        ax.set_ylim(bottom, tops[0] + 2 * _GAP)
        reached = np.array([silhouettes[labels == j].max(initial=0) for j in range(k)])
        self.texts_ = beside_axis(
            ax,
            np.column_stack([reached + 0.01, tops - heights / 2]),
            cells,
            [colour(j) for j in range(k)],
            heading,
        )
        self._label(ax, least, width, share)
        return self

    def _label(self, ax: Any, least: float, width: float, share: float) -> None:
        n_drawn, total = len(np.asarray(self.labels)), int(self._sizes().sum())
        error = f" ± {self.standard_error:.3f} (standard error)" if self.standard_error else ""
        drawn = f"{n_drawn:,} of {total:,} rows" if n_drawn < total else plural(total, "row")
        ax.set_title(
            f"Mean silhouette {self.score:.3f}{error}, {drawn}".replace("-", "\N{MINUS SIGN}"),
            fontsize=TITLE,
            color=INK,
        )
        step = 0.25 if width * (1 - share) > 2 else 0.5
        ticks = step * np.arange(np.ceil(least / step), 1 / step + 1)
        ax.set_xticks(
            ticks, [f"{tick + 0:g}".replace("-", "\N{MINUS SIGN}") for tick in ticks], fontsize=SMALL
        )
        says = "Silhouette: 1 is deep inside the own cluster, 0 between two, below that nearer to another one"
        ax.set_xlabel(says if len(says) <= letters(width, BODY) else "Silhouette", fontsize=BODY, color=INK)
        ax.set_yticks([])
        ax.tick_params(colors=QUIET)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.spines["bottom"].set_bounds(least, 1)
        ax.spines["bottom"].set_color(PALE)


def _sample(rows: Labelled, max_samples: int, draw: np.random.RandomState) -> NDArray[np.int64]:
    """Draw rows of each cluster in proportion to its size, and some of each."""
    n_samples = rows.X.shape[0]
    if n_samples <= max_samples:
        return np.arange(n_samples)
    counts = np.bincount(rows.labels)
    wanted = np.minimum(counts, np.maximum(_AT_LEAST, np.rint(counts * (max_samples / n_samples))))
    order = draw.permutation(n_samples)
    order = order[np.argsort(rows.labels[order], kind="stable")]
    starts = np.cumsum(counts) - counts
    place = np.arange(n_samples) - np.repeat(starts, counts)
    return np.sort(order[place < np.repeat(wanted, counts)]).astype(np.int64)


def _standard_error(found: NDArray[np.float64], labels: NDArray[np.intp], sizes: NDArray[np.intp]) -> float:
    """Return that of the mean over all rows (Cochran 1977, equation 5.12)."""
    variance = 0.0
    for j in np.flatnonzero(sizes):
        own = found[labels == j]
        if 1 < len(own) < sizes[j]:
            rest = 1 - len(own) / sizes[j]
            variance += (sizes[j] / sizes.sum()) ** 2 * own.var(ddof=1) / len(own) * rest
    return float(np.sqrt(variance))
