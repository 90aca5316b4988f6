"""Rows in two dimensions: two columns as they are, more in the plane in which they spread most."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import check_random_state, resample

from fulcra._base import Data
from fulcra._reading.clustering import Clustering, clustering, rows_at
from fulcra._reading.columns import columns
from fulcra._reading.undoing import steps_before, undone
from fulcra.inspection._borders import Borders, Predict, View, borders_of, in_blocks, scores_of_centers

#: Rows that must stand on the ground of their own cluster for it to be drawn.
_HONEST = 2 / 3
#: Features that the name of a component mentions, and how large they must be beside the largest.
_CHIEF, _LARGE = 3, 0.4
_SPREAD = "Rows are spread from bottom to top at random."


@dataclass(frozen=True)
class Plane:
    """Rows, centers and borders as they are drawn.

    Attributes
    ----------
    points : ndarray of shape (n_drawn, 2)
        The rows.
    labels : ndarray of shape (n_drawn,), intp
        The cluster of each; -1 for none.
    n_samples : int
        Rows that there are.
    n_clusters : int
        Clusters that there are.
    centers : ndarray of shape (n_clusters, 2), or None
        NaN where one is not known.
    axis_names : tuple of two tuples of str
        Each the axis itself, and the features that it is made of mostly, the largest first.
    borders : Borders or None
        Which cluster each place belongs to.
    note : str
        What the borders mean, or why there are none.
    """

    points: NDArray[np.float64]
    labels: NDArray[np.intp]
    n_samples: int
    n_clusters: int
    centers: NDArray[np.float64] | None
    axis_names: tuple[tuple[str, ...], tuple[str, ...]]
    borders: Borders | None = None
    note: str = ""


def plane_of_model(model: Any, X: Data, *, borders: str | bool, max_samples: int, random_state: Any) -> Plane:
    """Draw rows as a model sees them.

    Parameters
    ----------
    model : estimator
        A fitted clusterer, or a Pipeline that ends in one.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The rows.
    borders : {'auto', True, False}
        Whether borders are wanted; 'auto': where they tell the truth about most rows.
    max_samples : int
        Rows to draw.
    random_state : int, RandomState instance or None
        Draws them.

    Returns
    -------
    Plane
        What to draw.
    """
    draw = check_random_state(random_state)
    X = X if sp.issparse(X) or hasattr(X, "shape") else _as_array(X)
    n_samples = int(X.shape[0])
    if hasattr(steps_before(model)[1], "predict"):
        X = sampled(X, max_samples, draw)
        found = clustering(model, X)
    else:  # its labels are of all rows
        found = clustering(model, X)
        some = sampled(np.arange(n_samples), max_samples, draw)
        X = rows_at(X, some)
        found = replace(found, rows=rows_at(found.rows, some), labels=found.labels[some])
    own = _few_numbers(X)
    plane, section = (
        _in_own_columns(model, X, own, found, draw)
        if own is not None
        else _in_the_models_columns(found, _names(found, model, X), draw)
    )
    return _with_borders(replace(plane, n_samples=n_samples), section, borders)


def plane_of_rows(
    X: Data,
    labels: NDArray[np.intp],
    n_clusters: int,
    centers: NDArray[np.float64] | None,
    *,
    max_samples: int,
    random_state: Any,
) -> Plane:
    """Draw rows whose clusters are given; as `plane_of_model`, without borders.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The rows.
    labels : ndarray of shape (n_samples,), intp
        The cluster of each; -1 for none.
    n_clusters : int
        Clusters that there are.
    centers : ndarray of shape (n_clusters, n_features), or None
        None: the means of the rows.
    max_samples : int
        Rows to draw.
    random_state : int, RandomState instance or None
        Draws them.

    Returns
    -------
    Plane
        What to draw.
    """
    draw = check_random_state(random_state)
    X = X if sp.issparse(X) or hasattr(X, "shape") else _as_array(X)
    some = sampled(np.arange(X.shape[0]), max_samples, draw)
    rows = rows_at(X.tocsr() if sp.issparse(X) else X, some)
    found = Clustering([], None, rows, labels[some], n_clusters, centers)
    return replace(
        _in_the_models_columns(found, _names(found, None, rows), draw)[0], n_samples=int(X.shape[0])
    )


def sampled(rows: Any, max_samples: int, draw: np.random.RandomState) -> Any:
    """Return at most so many rows, in random order, so that no cluster hides another.

    Parameters
    ----------
    rows : {ndarray, sparse matrix, data frame} of shape (n_samples, ...)
        All rows.
    max_samples : int
        How many to keep.
    draw : RandomState
        Draws them.

    Returns
    -------
    {ndarray, sparse matrix, data frame}
        Of the same kind.
    """
    n_samples = int(rows.shape[0])
    if n_samples == 0:
        raise ValueError("X has no rows.")
    return resample(rows, replace=False, n_samples=min(n_samples, max_samples), random_state=draw)


def _as_array(X: Data) -> NDArray[Any]:
    found = np.asarray(X)
    return found if found.dtype.kind in "biuf" else np.asarray(X, dtype=object)


def _few_numbers(X: Any) -> NDArray[np.float64] | None:
    """Return the columns of X if they are one or two of numbers."""
    if len(X.shape) != 2 or X.shape[1] > 2:
        return None
    table = columns(X)
    if len(table.names) != X.shape[1] or not table.is_number.all():
        return None
    values: NDArray[np.float64] = _dense(table.values)
    return values


def _dense(rows: Any) -> NDArray[Any]:
    return rows.toarray() if sp.issparse(rows) else np.asarray(rows)


def _like(rows: Any, values: NDArray[np.float64]) -> Any:
    """Return values as rows of the same kind: with names where the model knows the columns by these."""
    dtype = np.asarray(rows[:1]).dtype
    # A center of float32 is not compared with rows of float64 by scikit-learn.
    values = values.astype(dtype) if dtype.kind == "f" else values
    if hasattr(rows, "iloc"):
        return type(rows)(values, columns=rows.columns)
    if hasattr(rows, "columns"):
        return type(rows)(values, schema=list(rows.columns))
    return values


@dataclass(frozen=True)
class _Section:
    """A plane through the space in which a model tells clusters apart."""

    predict: Predict
    n_features: int  # numbers in a row of the model
    affine: tuple[NDArray[np.float64], NDArray[np.float64]] | None  # origin and axes in the model's space
    centers: NDArray[np.float64] | None  # in the model's space
    holds_rows: bool  # or are these beside it?
    view: View


_Drawn = tuple[Plane, _Section | None]


def _in_own_columns(
    model: Any, X: Any, values: NDArray[np.float64], found: Clustering, draw: np.random.RandomState
) -> _Drawn:
    """Draw the table's own columns; a single one along x, its rows spread at random along y."""
    single = values.shape[1] == 1
    names = tuple((str(name),) for name in _names(replace(found, transformers=[]), model, X))
    centers = None
    if found.centers is not None:
        centers = undone(found.transformers, found.centers)
        centers = centers if centers.shape[1] == values.shape[1] else None
    points, middle = (_strip(values, centers, draw)) if single else (values, centers)
    plane = Plane(
        points,
        found.labels,
        len(points),
        found.n_clusters,
        middle,
        (names[0], ("",) if single else names[1]),
        note=_SPREAD if single else "",
    )

    def table(at: NDArray[np.float64]) -> Any:
        return _like(X if not sp.issparse(X) else values, at[:, :1] if single else at)

    def ask(at: NDArray[np.float64]) -> Clustering:
        with np.errstate(all="ignore"):
            return clustering(model, table(at))

    if not hasattr(found.clusterer, "predict"):
        return plane, None
    for view in (view_of(points, middle), view_of(points, middle, room=0.0)):
        try:
            # Where the steps before the model are affine, three points say all; if not, predictions disagree.
            base, across, up, _ = _dense(ask(_corners(view)).rows).astype(np.float64)
        except ValueError:  # beyond what those steps take: a logarithm of less than 0, say
            continue
        axes = np.array([(across - base) / (view[1] - view[0]), (up - base) / (view[3] - view[2])])
        affine = base - np.array([view[0], view[2]]) @ axes, axes
        return plane, _Section(lambda at: ask(at).labels, 2, affine, found.centers, True, view)
    return replace(plane, note="No borders: the model takes some rows, and not what lies between them."), None


def _corners(view: View) -> NDArray[np.float64]:
    return np.array([[view[0], view[2]], [view[1], view[2]], [view[0], view[3]], [view[1], view[3]]])


def _strip(
    values: NDArray[np.float64], centers: NDArray[np.float64] | None, draw: np.random.RandomState
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    points = np.column_stack([values[:, 0], draw.uniform(-1, 1, len(values))])
    return points, None if centers is None else np.column_stack([centers[:, 0], np.zeros(len(centers))])


def _in_the_models_columns(found: Clustering, names: list[str], draw: np.random.RandomState) -> _Drawn:
    """Draw the rows as the model sees them, in the plane of their first two principal components."""
    rows, centers = found.rows, found.centers
    numeric = sp.issparse(rows) or np.asarray(rows).dtype.kind in "biuf"
    if numeric:
        values = rows.tocsr().astype(np.float64) if sp.issparse(rows) else np.asarray(rows, dtype=np.float64)
    else:  # text, categories: levels count as much as numbers do
        table = columns(rows)
        values, names, centers = table.values, list(table.names), None
        spread = np.nanstd(values, axis=0)
        values = np.divide(values, spread, out=np.zeros_like(values), where=spread > 0)
    if not sp.issparse(values) and np.isnan(values).any():
        known = ~np.isnan(values)
        means = np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        values, numeric = np.where(known, values, means), False
    n_features = values.shape[1]
    labels: list[tuple[str, ...]]
    if n_features <= 2:
        origin, axes = np.zeros(n_features), np.zeros((2, n_features))
        axes[range(n_features), range(n_features)] = 1.0
        labels = [*((name,) for name in names), *((("",),) * (2 - n_features))]
    else:
        origin, axes, shares = _principal(values, centers)
        labels = [_component(i, axes[i], shares, names) for i in range(2)]
    if n_features == 1:
        points, middle = _strip(_dense(values), centers, draw)
    else:
        points = np.asarray(values @ axes.T) - origin @ axes.T
        middle = None if centers is None else (centers - origin) @ axes.T
    plane = Plane(
        points,
        found.labels,
        len(points),
        found.n_clusters,
        middle,
        (labels[0], labels[1]),
        note=_SPREAD if n_features == 1 else "",
    )
    if not numeric or not hasattr(found.clusterer, "predict"):
        return plane, None
    like = rows if not sp.issparse(rows) else np.empty((0, n_features), dtype=rows.dtype)
    classes = getattr(found.clusterer, "classes_", None)

    def predict(at: NDArray[np.float64]) -> NDArray[np.intp]:
        said = np.asarray(found.clusterer.predict(_like(like, origin + at @ axes)))
        return (said if classes is None else np.searchsorted(classes, said)).astype(np.intp)

    return plane, _Section(
        predict, n_features, (origin, axes), centers, n_features <= 2, view_of(points, middle)
    )


def _principal(
    rows: Any, centers: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Return the mean, the first two components and their shares of variance, if rows are enough for that."""
    from sklearn.decomposition import PCA  # noqa: PLC0415 - half of scikit-learn

    own = True
    if rows.shape[0] < 3 and centers is not None:
        # A row or two span no plane; with the centers they do.
        rows, own = np.vstack([_dense(rows), centers]), False
    spread = rows.max(axis=0) - rows.min(axis=0)
    if not np.isfinite(float(spread.max()) * float(spread.max()) * rows.shape[0]):
        raise ValueError("Input X contains values too large for their variance in float64. Scale the data.")
    if rows.shape[0] < 3 or not (spread.count_nonzero() if sp.issparse(spread) else spread.any()):
        return np.asarray(rows.mean(axis=0)).ravel(), np.eye(2, rows.shape[1]), None
    solver = "arpack" if sp.issparse(rows) else "auto"
    found = PCA(n_components=2, svd_solver=solver, random_state=0).fit(rows)
    return found.mean_, found.components_, found.explained_variance_ratio_ if own else None


def _component(
    i: int, weights: NDArray[np.float64], shares: NDArray[np.float64] | None, names: list[str]
) -> tuple[str, ...]:
    chief = [
        f"{names[f]} {'-+'[int(weights[f] > 0)]}{abs(weights[f]):.2f}"
        for f in np.argsort(-np.abs(weights), kind="stable")[:_CHIEF]
        if abs(weights[f]) >= _LARGE * np.abs(weights).max()
    ]
    share = "" if shares is None else f" ({_percent(shares[i])} of the variance)"
    return (f"Component {i + 1}{share}", *chief)


def _percent(share: float) -> str:
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _names(found: Clustering, model: Any, X: Any) -> list[str]:
    """Return what the model's columns are called."""
    n = found.rows.shape[1] if found.transformers or len(X.shape) < 2 else X.shape[1]
    names: Any = getattr(found.rows if found.transformers else X, "columns", None)
    if names is None and found.transformers:
        names = getattr(X, "columns", None)
        try:
            for transformer in found.transformers:
                if transformer is not None and transformer != "passthrough":
                    names = transformer.get_feature_names_out(names)
            names = [str(name).rpartition("__")[2] for name in names]
        except (AttributeError, ValueError, TypeError):
            names = None
    if names is None:
        names = getattr(model, "feature_names_in_", None)
    return [str(name) for name in names] if names is not None and len(names) == n else _numbered(n)


def _numbered(n: int) -> list[str]:
    return [f"x{f}" for f in range(n)]


def view_of(points: NDArray[np.float64], centers: NDArray[np.float64] | None, room: float = 0.05) -> View:
    """Return what the axes show: all rows and centers, and some room.

    Parameters
    ----------
    points : ndarray of shape (n_drawn, 2)
        The rows.
    centers : ndarray of shape (n_clusters, 2), or None
        The centers.
    room : float, default=0.05
        At each side, as a share of what the rows take.

    Returns
    -------
    tuple of four floats
        Least and largest x, least and largest y.
    """
    some = points if centers is None else np.vstack([points, centers])
    bounds = []
    for values in some.T:
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        beside = room * (high - low) if high > low else 0.5 * max(abs(high), 1.0)
        bounds += [low - beside, high + beside]
    return bounds[0], bounds[1], bounds[2], bounds[3]


def _with_borders(plane: Plane, section: _Section | None, wanted: str | bool) -> Plane:
    if section is None or wanted is False:
        return plane
    note = plane.note
    if not section.holds_rows:
        on_ground = in_blocks(section.predict, plane.points, section.n_features) == plane.labels
        share = f"{np.floor(100 * on_ground.mean()):.0f}%"
        if wanted == "auto" and on_ground.mean() < _HONEST:
            return replace(
                plane,
                note=f"No borders: only {share} of the rows would stand on the ground of their cluster, as "
                "the others differ in what the plane does not show.",
            )
        note = (
            "Ground: what the model predicts in this plane, through the mean of the rows; "
            f"{share} of the rows stand on that of their own cluster."
        )
    scores, centers = None, section.centers
    if section.affine is not None and centers is not None and np.isfinite(centers).all():
        scores = scores_of_centers(centers, *section.affine)
    found = borders_of(section.predict, section.n_features, scores, section.view)
    if found is None:
        note = "No borders: the rows are too long to ask for them finely."
    return replace(plane, borders=found, note=note)
