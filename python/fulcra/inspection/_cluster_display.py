"""ClusterDisplay: rows, centers and the borders between clusters."""

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from fulcra._base import Data, Interval, StrOptions, check_function_params
from fulcra._palette import INK, MARKERS, PALE, QUIET, colour
from fulcra.inspection._borders import Borders
from fulcra.inspection._drawing import (
    BODY,
    TITLE,
    axes_of,
    check_model_and_rows,
    check_rows_and_labels,
    cluster_names,
    inches,
    letters,
    numbered,
    plural,
    require_matplotlib,
    shortened,
    told_apart,
    wrapped,
)
from fulcra.inspection._plane import Plane, plane_of_model, plane_of_rows, view_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARED: dict[str, list[Any]] = {
    "names": ["array-like", None],
    "max_samples": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
}


class ClusterDisplay:
    """A map of the clusters: rows, centers, and the borders between clusters.

    `from_estimator` and `from_predictions` make one; the constructor takes what is drawn.

    Parameters
    ----------
    points : array-like of shape (n_drawn, 2)
        The rows in the plane.
    labels : array-like of shape (n_drawn,)
        The cluster of each row, from 0; -1 for none.
    centers : array-like of shape (n_clusters, 2), default=None
        The centers in the plane; NaN where one is not known.
    names : sequence of str, default=None
        Of the clusters; None: their numbers.
    axis_names : tuple of two str, or of two sequences of str, default=("", "")
        What the axes show; of a sequence, as many as there is room for, the first by itself.
    borders : Borders, default=None
        Which cluster each place belongs to.
    title, note : str, default=""
        Above the picture, and below it.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes.
    figure_ : matplotlib.figure.Figure
        Its figure.
    rows_ : list of matplotlib.collections.PathCollection
        The rows, one for each kind of marker.
    texts_ : list of matplotlib.text.Annotation
        The clusters' names.

    See Also
    --------
    SilhouetteDisplay : How well each row lies in its cluster.
    CentroidProfileDisplay : What the centers are like.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from fulcra.cluster import KMeans
    >>> from fulcra.inspection import ClusterDisplay
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris(as_frame=True).data
    >>> display = ClusterDisplay.from_estimator(KMeans(3, random_state=0).fit(X), X)
    >>> print(display.ax_.get_xlabel().split(":")[0])
    Component 1 (92% of the variance)
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        points: Data,
        labels: Data,
        *,
        centers: Data = None,
        names: Sequence[str] | None = None,
        axis_names: Sequence[Any] = ("", ""),
        borders: Borders | None = None,
        title: str = "",
        note: str = "",
    ) -> None:
        self.points = points
        self.labels = labels
        self.centers = centers
        self.names = names
        self.axis_names = axis_names
        self.borders = borders
        self.title = title
        self.note = note

    @classmethod
    @check_function_params({"borders": [StrOptions({"auto"}), "boolean"], **_SHARED})
    def from_estimator(
        cls,
        model: Any,
        X: Data,
        *,
        names: Sequence[str] | None = None,
        borders: str | bool = "auto",
        max_samples: int = 10_000,
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
    ) -> Self:
        """Draw rows, and what a fitted model says of them.

        One or two columns of numbers are drawn as they are, in the table's own units, whatever steps of a
        Pipeline come before the model. More are drawn as the model sees them, behind those steps, in the
        plane of their first two principal components; each axis says how much of the variance it shows and
        which features it is made of mostly.

        Parameters
        ----------
        model : estimator
            A fitted clusterer, ours or scikit-learn's, or a Pipeline that ends in one.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows, as `predict` takes them. A model without `predict` is taken at its `labels_`; X must be
            the rows of its fit.
        names : sequence of str, default=None
            Of the clusters; None: their numbers.
        borders : {'auto', True, False}, default='auto'
            Whether the ground is coloured by what `predict` says of it. Where there are more than two
            features that is a section: of all places, those in the plane drawn, which goes through the mean
            of the rows. A row off that plane may belong to another cluster than the ground that it seems to
            stand on. 'auto': only if two rows of three or more stand on the ground of their own cluster. The
            picture says which share does, or why there are no borders.
        max_samples : int, default=10000
            Rows to draw, chosen at random; components are of these, too.
        random_state : int, RandomState instance or None, default=0
            Draws the rows.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        ClusterDisplay
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

        Notes
        -----
        Borders between nearest centers are straight, in a section too: exact polygons, as long as the model
        agrees with them wherever it is asked (at 225,000 places, or fewer where rows are long). Other models'
        borders are drawn from those answers.

        References
        ----------
        Aurenhammer (1987), "Power diagrams: properties, algorithms and applications", SIAM Journal on
        Computing 16.
        """
        require_matplotlib("ClusterDisplay.from_estimator")
        check_model_and_rows(model, X)
        plane = plane_of_model(model, X, borders=borders, max_samples=max_samples, random_state=random_state)
        return cls._of_plane(plane, cluster_names(names, plane.n_clusters)).plot(ax=ax)

    @classmethod
    @check_function_params({"centers": ["array-like", None], **_SHARED})
    def from_predictions(
        cls,
        X: Data,
        labels: Data,
        centers: Data = None,
        *,
        names: Sequence[str] | None = None,
        max_samples: int = 10_000,
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
    ) -> Self:
        """Draw rows whose clusters are known, whoever found them; there are no borders.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows. Up to two columns are drawn as they are, more in the plane of their first two principal
            components.
        labels : array-like of shape (n_samples,)
            The cluster of each row. Whole numbers from 0 keep their colour, and -1 is no cluster; labels of
            other kinds are numbered in order.
        centers : array-like of shape (n_clusters, n_features), default=None
            In the order of the labels; None draws none.
        names : sequence of str, default=None
            Of the clusters; None: the labels.
        max_samples : int, default=10000
            Rows to draw, chosen at random.
        random_state : int, RandomState instance or None, default=0
            Draws the rows.
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        ClusterDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there are not as many labels as rows, as many columns of `centers` as of X, or as many `names`
            as clusters.
        """
        require_matplotlib("ClusterDisplay.from_predictions")
        n_samples, n_features = check_rows_and_labels(X, labels)
        codes, known = numbered(labels, n_samples)
        if centers is not None:
            centers = check_array(
                centers, dtype=np.float64, ensure_all_finite="allow-nan", input_name="centers"
            )
            if centers.shape != (len(known), n_features):
                raise ValueError(
                    f"centers must have shape {(len(known), n_features)}, a row for each of the clusters; "
                    f"got {centers.shape}."
                )
        plane = plane_of_rows(
            X, codes, len(known), centers, max_samples=max_samples, random_state=random_state
        )
        return cls._of_plane(plane, known if names is None else cluster_names(names, len(known))).plot(ax=ax)

    @classmethod
    def _of_plane(cls, plane: Plane, names: tuple[str, ...]) -> Self:
        n_drawn = len(plane.points)
        drawn = (
            f"{n_drawn:,} of {plane.n_samples:,} rows"
            if n_drawn < plane.n_samples
            else plural(n_drawn, "row")
        )
        none = int(np.count_nonzero(plane.labels < 0))
        return cls(
            plane.points,
            plane.labels,
            centers=plane.centers,
            names=names,
            axis_names=plane.axis_names,
            borders=plane.borders,
            title=f"{plural(plane.n_clusters, 'cluster')}, {drawn}",
            note=plane.note + (f" {plural(none, 'row')}, in grey, in no cluster." if none else ""),
        )

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            To draw on; None: a new figure.

        Returns
        -------
        ClusterDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib("ClusterDisplay.plot")
        from fulcra.inspection._texts import beside_points  # noqa: PLC0415 - needs matplotlib

        ax = axes_of(ax, 8, 5.5)
        points, labels = np.asarray(self.points, dtype=np.float64), np.asarray(self.labels)
        centers = None if self.centers is None else np.asarray(self.centers, dtype=np.float64)
        self.ax_, self.figure_ = ax, ax.figure
        if self.borders is not None:
            _draw_ground(ax, self.borders)
        self.rows_ = _draw_rows(ax, points, labels)
        view = view_of(points, centers)
        ax.set_xlim(view[:2])
        ax.set_ylim(view[2:])
        self._label(ax)
        n_clusters = int(labels.max(initial=-1)) + 1
        if self.names is not None:
            n_clusters = len(self.names)
        anchors = _means(points, labels, n_clusters)
        if centers is not None:
            anchors = _draw_centers(ax, centers, anchors)
        names = told_apart(cluster_names(self.names, n_clusters), 22, 2)
        counts = np.bincount(labels[labels >= 0], minlength=n_clusters).astype(np.float64)
        self.texts_ = beside_points(ax, anchors, names, counts, 1.0 if centers is None else 5.0)
        return self

    def _label(self, ax: "Axes") -> None:
        width, _ = inches(ax)
        room = letters(width, BODY)
        x = _fitting(self.axis_names[0], room)
        x += ("\n" if x and self.note else "") + wrapped(self.note, room)
        ax.set_xlabel(x, fontsize=BODY, color=INK, parse_math=False)
        y = _fitting(self.axis_names[1], letters(inches(ax)[1], BODY))  # what is below has its room by now
        ax.set_ylabel(y, fontsize=BODY, color=INK, parse_math=False)
        if not y:
            ax.set_yticks([])
        ax.tick_params(labelsize=8, colors=QUIET)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_title(wrapped(self.title, letters(width, TITLE)), fontsize=TITLE, color=INK, parse_math=False)


def _fitting(name: Any, width: int) -> str:
    """Write what an axis shows, and as many of the features behind it as there is room for."""
    if isinstance(name, str):
        return shortened(name, width)
    text = shortened(name[0], width) if name else ""
    start = f"{text}: "
    features = [feature.rpartition(" ") for feature in name[1:]]
    labels = told_apart([label for label, _, _ in features], 24)
    for label, (_, _, weight) in zip(labels, features, strict=True):
        longer = f"{start}{label} {weight}"
        if len(longer) > width:
            break
        text, start = longer, f"{longer}, "
    return text


def _draw_ground(ax: "Axes", borders: Borders) -> None:
    from matplotlib.collections import PolyCollection  # noqa: PLC0415
    from matplotlib.colors import to_rgba  # noqa: PLC0415

    view = borders.view
    if borders.polygons is not None:
        ax.add_collection(
            PolyCollection(
                list(borders.polygons.values()),
                facecolors=[to_rgba(colour(j), 0.16) for j in borders.polygons],
                edgecolors=QUIET,
                linewidths=0.8,
                zorder=0.5,
            ),
            autolim=False,
        )
    elif borders.grid is not None:
        grid = borders.grid
        picture = np.array([to_rgba(colour(j), 0.16) for j in range(int(grid.max()) + 1)])[
            np.maximum(grid, 0)
        ]
        ax.imshow(picture, origin="lower", extent=view, aspect="auto", interpolation="nearest", zorder=0.4)
        up, across = grid.shape
        x = view[0] + (np.arange(across) + 0.5) * (view[1] - view[0]) / across
        y = view[2] + (np.arange(up) + 0.5) * (view[3] - view[2]) / up
        for j in np.unique(grid)[1:]:
            ax.contour(x, y, grid == j, levels=[0.5], colors=[QUIET], linewidths=0.8, zorder=0.5)


def _draw_rows(ax: "Axes", points: NDArray[np.float64], labels: NDArray[np.intp]) -> list[Any]:
    """Draw the rows in their order, in the colours of their clusters, one marker at a time."""
    from matplotlib.colors import to_rgba  # noqa: PLC0415

    n = len(points)
    size = float(np.clip(9000 / max(n, 1), 5, 28))
    shades = np.array([to_rgba(colour(j)) for j in range(int(labels.max(initial=0)) + 1)] + [to_rgba(PALE)])
    kinds = np.where(labels < 0, 0, labels // 8 % len(MARKERS))
    drawn = []
    for kind in np.unique(kinds):
        some = kinds == kind
        drawn.append(
            ax.scatter(
                points[some, 0],
                points[some, 1],
                s=size,
                c=shades[labels[some]],
                marker=MARKERS[kind],
                edgecolors=INK,
                linewidths=0.25,
                alpha=0.8,
                rasterized=n > 2000,
                zorder=2,
            )
        )
    return drawn


def _means(points: NDArray[np.float64], labels: NDArray[np.intp], n_clusters: int) -> NDArray[np.float64]:
    """Return the means of the rows drawn, where names stand if there are no centers."""
    inside = (labels >= 0) & np.isfinite(points).all(axis=1)
    means = np.full((n_clusters, 2), np.nan)
    counts = np.bincount(labels[inside], minlength=n_clusters)
    for axis in range(2):
        sums = np.bincount(labels[inside], points[inside, axis], n_clusters)
        np.divide(sums, counts, out=means[:, axis], where=counts > 0)
    return means


def _draw_centers(
    ax: "Axes", centers: NDArray[np.float64], means: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Draw crosses on the centers; return these, or the means of the rows where one is not known."""
    known = np.asarray(np.isfinite(centers).all(axis=1))
    x, y = centers[known].T
    ax.scatter(x, y, s=95, marker="P", c="white", edgecolors="none", zorder=4)
    shades = [colour(j) for j in np.flatnonzero(known).tolist()]
    ax.scatter(x, y, s=60, marker="P", c=shades, edgecolors=INK, linewidths=0.9, zorder=5)
    found: NDArray[np.float64] = np.where(known[:, np.newaxis], centers, means)
    return found
