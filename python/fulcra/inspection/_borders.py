"""The borders between clusters in a plane: exact where they are straight, else as a grid of predictions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Points across and up at which the model is asked, and numbers in all of these points' rows.
_ACROSS, _UP, _NUMBERS = 600, 375, 1 << 27
#: Fewer points than this draw borders as stairs.
_ENOUGH = 10_000
#: Numbers in a block of rows.
_BLOCK = 1 << 22
#: Points so near to a border, as a share of the range of all scores, say nothing about it.
_CLOSE = 1e-4

Predict = Callable[[NDArray[np.float64]], NDArray[np.intp]]
View = tuple[float, float, float, float]


@dataclass(frozen=True)
class Borders:
    """Which cluster each place of a plane belongs to.

    Attributes
    ----------
    view : tuple of four floats
        Least and largest x, least and largest y.
    polygons : dict of int to ndarray of shape (n_corners, 2), or None
        The convex region of each cluster that has one, exactly; None where regions are of other shapes.
    grid : ndarray of shape (n_up, n_across), intp, or None
        Then what the model predicts at the middle of each cell, from the least x and y on.
    """

    view: View
    polygons: dict[int, NDArray[np.float64]] | None
    grid: NDArray[np.intp] | None


@dataclass(frozen=True)
class Scores:
    """Scores that are linear in the plane, the lowest of which wins.

    Attributes
    ----------
    slopes : ndarray of shape (n_clusters, 2)
        By x and y.
    offsets : ndarray of shape (n_clusters,)
        At 0, 0.
    """

    slopes: NDArray[np.float64]
    offsets: NDArray[np.float64]


def scores_of_centers(
    centers: NDArray[np.float64], origin: NDArray[np.float64], axes: NDArray[np.float64]
) -> Scores:
    """Return squared distances from centers of the points ``origin + p @ axes``, less what all have.

    Parameters
    ----------
    centers : ndarray of shape (n_clusters, n_features)
        In the space that the plane lies in.
    origin : ndarray of shape (n_features,)
        The point 0, 0 of the plane.
    axes : ndarray of shape (2, n_features)
        Its directions, of any length and angle.

    Returns
    -------
    Scores
        ``||o + pA - c||² - ||o + pA - c'||²`` has no term in p².
    """
    away = centers - origin
    return Scores(-2 * away @ axes.T, np.einsum("jf,jf->j", away, away))


def borders_of(predict: Predict, n_features: int, scores: Scores | None, view: View) -> Borders | None:
    """Ask a model for its clusters all over a view.

    Parameters
    ----------
    predict : callable
        Takes points of shape (m, 2), returns the cluster of each.
    n_features : int
        Numbers in a row of the model.
    scores : Scores or None
        What a model says that takes the nearest center, if this is one: it is asked.
    view : tuple of four floats
        Least and largest x, least and largest y.

    Returns
    -------
    Borders or None
        Polygons, if the scores agree with the model wherever it was asked; else the grid, or None where rows
        are so long that a fine enough grid takes too long.
    """
    share = min(1.0, np.sqrt(_NUMBERS / max(n_features, 1) / (_ACROSS * _UP)))
    across, up = max(16, round(_ACROSS * share)), max(10, round(_UP * share))
    x = view[0] + (np.arange(across) + 0.5) * (view[1] - view[0]) / across
    y = view[2] + (np.arange(up) + 0.5) * (view[3] - view[2]) / up
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    found = in_blocks(predict, points, n_features)
    if scores is not None and _agree(scores, points, found):
        return Borders(view, cells(scores, view), None)
    if across * up < _ENOUGH:
        return None
    return Borders(view, None, found.reshape(up, across))


def in_blocks(predict: Predict, points: NDArray[np.float64], n_features: int) -> NDArray[np.intp]:
    """Ask for the clusters of points, so many at a time that their rows fit memory.

    Parameters
    ----------
    predict : callable
        Takes points of shape (m, 2), returns the cluster of each.
    points : ndarray of shape (n, 2)
        All of them.
    n_features : int
        Numbers in a row of the model.

    Returns
    -------
    ndarray of shape (n,), intp
        The clusters.
    """
    length = max(1, _BLOCK // max(n_features, 1))
    parts = [predict(points[start : start + length]) for start in range(0, len(points), length)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.intp)


def _agree(scores: Scores, points: NDArray[np.float64], found: NDArray[np.intp]) -> bool:
    if found.min() < 0 or found.max() >= len(scores.offsets):
        return False
    length = max(1, _BLOCK // len(scores.offsets))
    for start in range(0, len(points), length):
        part = slice(start, start + length)
        values = points[part] @ scores.slopes.T + scores.offsets
        theirs = np.take_along_axis(values, found[part, np.newaxis], axis=1)[:, 0]
        if np.any(theirs - values.min(axis=1) > _CLOSE * np.ptp(values)):
            return False
    return True


def cells(scores: Scores, view: View) -> dict[int, NDArray[np.float64]]:
    """Return where each cluster's score is the lowest: the cells of a power diagram (Aurenhammer 1987).

    Parameters
    ----------
    scores : Scores
        Of equal ones, the first has the cell.
    view : tuple of four floats
        Least and largest x, least and largest y.

    Returns
    -------
    dict of int to ndarray of shape (n_corners, 2)
        A convex polygon for each cluster that has a cell within the view.
    """
    slopes, offsets = scores.slopes, scores.offsets
    corners = np.array([[view[0], view[2]], [view[1], view[2]], [view[1], view[3]], [view[0], view[3]]])
    _, first = np.unique(np.column_stack([slopes, offsets]), axis=0, return_index=True)
    tiny = 1e-12 * max(float(np.ptp(corners @ slopes.T + offsets)), np.finfo(float).tiny)
    found = {}
    for i in np.sort(first):
        steepness, excess = slopes[i] - slopes, offsets[i] - offsets
        polygon = corners
        # One cut a side of the cell: by the score that is lower than this one by most, somewhere on it.
        for _ in range(len(offsets)):
            by = (polygon @ steepness.T + excess).max(axis=0)
            j = int(by.argmax())
            if by[j] <= tiny:
                break
            polygon = _cut(polygon, polygon @ steepness[j] + excess[j])
            if len(polygon) < 3:
                break
        if len(polygon) >= 3:
            found[int(i)] = polygon
    return found


def _cut(polygon: NDArray[np.float64], heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is left of a convex polygon where the heights are at most 0 (Sutherland, Hodgman 1974)."""
    kept = []
    for here, there in zip(range(len(polygon)), np.roll(range(len(polygon)), -1), strict=True):
        if heights[here] <= 0:
            kept.append(polygon[here])
        if (heights[here] <= 0) != (heights[there] <= 0):
            part = heights[here] / (heights[here] - heights[there])
            kept.append(polygon[here] + part * (polygon[there] - polygon[here]))
    return np.array(kept).reshape(-1, 2)
