"""Texts that find free places anew each time a picture is drawn, whatever its size; needs matplotlib."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from fulcra._palette import INK, QUIET
from fulcra.inspection._drawing import BODY, SMALL, TINY

_POINTS = 72.0
#: Free room around a text, in points.
_ROOM = 1.5
#: Directions to try around a point: up, right, down, left, then between.
_TURNS = np.radians([90, 0, 270, 180, 45, 135, 315, 225, 67, 113, 22, 158, 338, 202, 293, 247])
_WAYS = np.column_stack([np.cos(_TURNS), np.sin(_TURNS)])
#: Distances to try, by half a line of text.
_STEPS = 24
#: How near points are that crowd each other, in points; from how many on letters are smaller; from how many
#: on one order and size only is tried.
_CROWD, _SOME, _MANY = 40.0, 12, 60


class Arranger(Artist):
    """Draws nothing; moves others just before they are drawn, when the size of everything is known.

    Parameters
    ----------
    arrange : callable
        Takes the renderer, and moves them.
    """

    def __init__(self, arrange: Callable[[Any], None]) -> None:
        super().__init__()
        self._arrange = arrange
        self.set_zorder(-1000)
        self.set_in_layout(False)

    def draw(self, renderer: Any) -> None:
        """Move them.

        Parameters
        ----------
        renderer : matplotlib.backend_bases.RendererBase
            What draws.
        """
        self._arrange(renderer)


def beside_points(
    ax: Axes,
    points: NDArray[np.float64],
    names: Sequence[str],
    ranks: NDArray[np.float64],
    radius: float,
) -> list[Annotation]:
    """Write names near points: no two overlap, none covers a point, all stay within the axes.

    Where not all find a place other orders and smaller letters are tried; the most that can be placed are,
    and the others left out.

    Parameters
    ----------
    ax : Axes
        To write on.
    points : ndarray of shape (n, 2)
        In data coordinates; NaN has no name.
    names : sequence of str
        One for each point.
    ranks : ndarray of shape (n,)
        The highest is placed first.
    radius : float
        Of the points' markers, in points.

    Returns
    -------
    list of Annotation
        The texts.
    """
    texts = [
        ax.annotate(
            name,
            (x, y),
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            color=INK,
            zorder=6,
            parse_math=False,
            annotation_clip=False,
            linespacing=1.05,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.6, "shrinkA": 0, "shrinkB": radius},
        )
        for (x, y), name in zip(points, names, strict=True)
    ]
    for text in texts:
        text.set_in_layout(False)
    by_rank = np.argsort(-ranks, kind="stable")

    def place_all(renderer: Any, order: NDArray[np.intp]) -> int:
        scale = ax.figure.figure.dpi / _POINTS
        anchors = ax.transData.transform(points)
        reach = radius * scale
        inside = Bbox([[ax.bbox.x0 + 2, ax.bbox.y0 + 2], [ax.bbox.x1 - 2, ax.bbox.y1 - 2]])
        seen = np.asarray(((anchors >= inside.min) & (anchors <= inside.max)).all(axis=1))
        boxes = np.column_stack([anchors[seen] - reach, anchors[seen] + reach])
        taken = _Taken(inside, reach, len(boxes), boxes, np.empty((0, 4)))
        for j in order:
            text = texts[j]
            text.set_visible(bool(seen[j]))
            if not seen[j]:
                continue
            extent = Text.get_window_extent(text, renderer)
            half = np.array([extent.width, extent.height]) / 2 + (2 + _ROOM) * scale
            # Lines that cross, or that pass over other points, are better than no name.
            tries = (taken.free_place(anchors[j], half, leniency) for leniency in range(3))
            place = next((found for found in tries if found is not None), None)
            text.set_visible(place is not None)
            if place is not None:
                text.set_position(tuple((place - anchors[j]) / scale))
                # Right beside its point a name needs no line, which looks like a minus.
                gaps = np.abs(place - anchors[j]) - half
                text.arrow_patch.set_visible(bool(gaps.max() > reach + 3 * scale))
                taken = replace(
                    taken,
                    boxes=np.vstack([taken.boxes, [*(place - half), *(place + half)]]),
                    threads=np.vstack([taken.threads, [*anchors[j], *place]]),
                )
        return len(taken.threads) - int(np.count_nonzero(seen))

    def attempt(renderer: Any, size: float, order: NDArray[np.intp]) -> int:
        for text in texts:
            text.set_fontsize(size)
            text.set_visible(True)  # what is not has no extent
        return place_all(renderer, order)

    def arrange(renderer: Any) -> None:
        anchors = ax.transData.transform(np.nan_to_num(points)) * (_POINTS / ax.figure.figure.dpi)
        gaps = np.hypot(*(anchors[:, np.newaxis] - anchors).T)
        crowded = np.argsort(-np.exp(-gaps / _CROWD).sum(axis=0), kind="stable")
        sizes = (BODY, SMALL, TINY + 1, TINY)[len(points) > _SOME :][: 4 if len(points) <= _MANY else 1]
        orders = (by_rank, crowded) if len(points) <= _MANY else (by_rank,)
        best: tuple[int, float, NDArray[np.intp]] | None = None
        for size, order in itertools.product(sizes, orders):
            left_out = -attempt(renderer, size, order)
            if not left_out:
                return
            if best is None or left_out < best[0]:
                best = left_out, size, order
        if best is not None:
            attempt(renderer, *best[1:])

    ax.add_artist(Arranger(arrange))
    return texts


@dataclass(frozen=True)
class _Taken:
    """What a name must keep clear of, in pixels."""

    inside: Bbox
    reach: float  # of a marker, from its middle
    n_markers: int
    boxes: NDArray[np.float64]  # of markers, then of names, (n, 4): x0, y0, x1, y1
    threads: NDArray[np.float64]  # the lines from points to their names, (m, 4): from x, y to x, y

    def free_place(
        self, anchor: NDArray[np.float64], half: NDArray[np.float64], leniency: int
    ) -> NDArray[np.float64] | None:
        """Return the nearest middle of a free box around a point: it meets nothing, nor does the line to it.

        With a leniency of 1 the line may cross other lines, of 2 markers as well.
        """
        # The box touches the marker when the step is 0, in every direction.
        steps = np.arange(_STEPS)[:, np.newaxis, np.newaxis] * half[1]
        middles = (anchor + _WAYS * (half + self.reach) + _WAYS * steps).reshape(-1, 2)
        low, high = middles - half, middles + half
        free = (low >= self.inside.min).all(axis=1) & (high <= self.inside.max).all(axis=1)
        tried, boxes = np.flatnonzero(free), self.boxes
        left, bottom = low[tried].T[..., np.newaxis]
        right, top = high[tried].T[..., np.newaxis]
        meets = (boxes[:, 0] < right) & (boxes[:, 1] < top) & (boxes[:, 2] > left) & (boxes[:, 3] > bottom)
        in_the_way = boxes[self.n_markers if leniency > 1 else 0 :]
        beside = (in_the_way[:, :2] > anchor).any(axis=1) | (in_the_way[:, 2:] < anchor).any(axis=1)
        for place in tried[~meets.any(axis=1)]:
            middle = middles[place]
            line = np.concatenate([anchor, middle])[np.newaxis]
            if place >= len(_WAYS) and _enter(line, in_the_way[beside]).any():
                continue
            if _enter(self.threads, np.concatenate([low[place], high[place]])[np.newaxis]).any():
                continue
            if not leniency and _cross(line, self.threads).any():
                continue
            found: NDArray[np.float64] = middle
            return found
        return None


def _enter(lines: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether lines enter boxes, one of either and many of the other (Liang and Barsky 1984)."""
    start, way = lines[:, :2], lines[:, 2:] - lines[:, :2]
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (boxes[:, :2] - start) / way, (boxes[:, 2:] - start) / way
    beside = (way == 0) & ((start <= boxes[:, :2]) | (start >= boxes[:, 2:]))
    first = np.where(way == 0, -np.inf, np.minimum(one, other)).max(axis=1)
    last = np.where(way == 0, np.inf, np.maximum(one, other)).min(axis=1)
    entered: NDArray[np.bool_] = (np.maximum(first, 0) < np.minimum(last, 1)) & ~beside.any(axis=1)
    return entered


def _cross(line: NDArray[np.float64], lines: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a line crosses others."""

    def side(of: NDArray[Any], points: NDArray[Any]) -> NDArray[np.float64]:
        way, to = of[:, 2:] - of[:, :2], points - of[:, :2]
        turned: NDArray[np.float64] = way[:, 0] * to[:, 1] - way[:, 1] * to[:, 0]
        return turned

    parted = side(line, lines[:, :2]) * side(line, lines[:, 2:]) < 0
    crossed: NDArray[np.bool_] = parted & (side(lines, line[:, :2]) * side(lines, line[:, 2:]) < 0)
    return crossed


def in_cells(ax: Axes, cells: Sequence[Sequence[str]], dark: NDArray[np.bool_]) -> list[Text]:
    """Write into the cells of a heat map, all in one size; nothing where that would be too small to read.

    Parameters
    ----------
    ax : Axes
        Cell i, j is around y = i, x = j.
    cells : sequence of sequence of str
        The rows.
    dark : ndarray of shape (n_rows, n_columns), bool
        Cells that ask for white letters.

    Returns
    -------
    list of Text
        Row by row.
    """
    texts = [
        ax.text(
            j,
            i,
            cell,
            ha="center",
            va="center",
            fontsize=BODY,
            color="white" if dark[i, j] else INK,
            parse_math=False,
        )
        for i, row in enumerate(cells)
        for j, cell in enumerate(row)
    ]
    for text in texts:
        text.set_in_layout(False)

    largest: dict[float, tuple[float, float]] = {}

    def arrange(renderer: Any) -> None:
        scale = ax.figure.figure.dpi / _POINTS
        corners = ax.transData.transform([[0, 0], [1, 1]])
        room = np.abs(corners[1] - corners[0]) - 3 * scale
        if scale not in largest:  # measured once: there may be hundreds
            for text in texts:
                text.set_fontsize(BODY)
                text.set_visible(True)
            extents = [Text.get_window_extent(text, renderer) for text in texts]
            widest = max((extent.width for extent in extents), default=1.0)
            largest[scale] = widest, max((extent.height for extent in extents), default=1.0)
        size = BODY * min(1.0, *(room / largest[scale]))
        for text in texts:
            text.set_fontsize(max(size, 1.0))
            text.set_visible(bool(size >= TINY))

    ax.add_artist(Arranger(arrange))
    return texts


def where_there_is_room(ax: Axes, written: Sequence[tuple[float, float, str]]) -> list[Text]:
    """Write small numbers left of places; none that meets one before it or leaves the axes.

    Where a column of numbers is wider than the gap between columns, no numbers are written at all.

    Parameters
    ----------
    ax : Axes
        To write on.
    written : sequence of tuple
        x, y and the number.

    Returns
    -------
    list of Text
        In that order.
    """
    texts: list[Text] = [
        ax.annotate(
            number,
            (x, y),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=SMALL - 1,
            color=QUIET,
            zorder=2,
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.7},
        )
        for x, y, number in written
    ]
    for text in texts:
        text.set_in_layout(False)

    def arrange(renderer: Any) -> None:
        step = float(np.ptp(ax.transData.transform([[0, 0], [1, 0]])[:, 0]))
        for text in texts:
            text.set_visible(True)  # what is not has no extent
        extents = [text.get_window_extent(renderer) for text in texts]
        room = max((extent.width for extent in extents), default=0.0) < 0.8 * step
        placed: list[Bbox] = []
        for text, extent in zip(texts, extents, strict=True):
            free = room and extent.x0 >= ax.bbox.x0 and not any(extent.overlaps(other) for other in placed)
            free = free and ax.bbox.y0 <= extent.y0 and extent.y1 <= ax.bbox.y1
            text.set_visible(bool(free))
            if free:
                placed.append(extent)

    ax.add_artist(Arranger(arrange))
    return texts
