"""A table at the right of a picture, whose rows point at what they are of; needs matplotlib."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from numpy.typing import NDArray

from fulcra._palette import INK, QUIET
from fulcra.inspection._drawing import BODY, TINY
from fulcra.inspection._texts import Arranger

_POINTS = 72.0


def beside_axis(
    ax: Axes,
    points: NDArray[np.float64],
    cells: Sequence[Sequence[str]],
    colours: Sequence[str],
    heading: Sequence[str] = (),
) -> list[Text]:
    """Write a table at the right of axes, each row as near to its height as the others let it.

    Parameters
    ----------
    ax : Axes
        The table is within them: `room_beside` says how much room it takes.
    points : ndarray of shape (n, 2)
        Where the lines to the rows of the table begin, in data coordinates.
    cells : sequence of sequence of str
        The columns of each row: the first is flush left, the others flush right.
    colours : sequence of str
        Of the lines, one for each row.
    heading : sequence of str, default=()
        Of the columns.

    Returns
    -------
    list of Text
        The cells, row by row, and the heading.
    """
    rows = [_row(ax, row, INK) for row in cells]
    top = _row(ax, heading, QUIET)
    lines = [ax.plot([], [], color=shade, linewidth=0.9, clip_on=False, zorder=3)[0] for shade in colours]
    swatches = [Rectangle((0, 0), 0, 0, facecolor=shade, edgecolor="none", zorder=3) for shade in colours]
    for swatch in swatches:
        ax.add_artist(swatch)
        swatch.set_transform(ax.transAxes)
        swatch.set_in_layout(False)
    everything = [*rows, top] if heading else rows

    def arrange(renderer: Any) -> None:
        scale = ax.figure.figure.dpi / _POINTS
        box = ax.bbox
        room = box.height - (BODY * 2 * scale if heading else BODY * 0.6 * scale)
        size = float(np.clip(room / scale / max(len(rows), 1) / 1.3, TINY - 1, BODY))
        shown = min(len(rows), max(1, int(room / scale / (size * 1.25))))
        some = np.unique(np.linspace(0, len(rows) - 1, shown).round().astype(int)) if rows else np.arange(0)
        for cell in (cell for row in everything for cell in row):
            cell.set_fontsize(size)
            cell.set_visible(True)  # what is not has no extent
        widths = np.array(
            [[Text.get_window_extent(cell, renderer).width for cell in row] for row in everything]
        ).max(axis=0)
        line_height = size * 1.25 * scale
        wanted = ax.transData.transform(points)
        found = spread_out(wanted[some, 1], line_height, box.y0 + line_height / 2, box.y0 + room)
        ends = box.x1 - (widths + 8 * scale)[::-1].cumsum()[::-1] + widths
        ends[0] = left = box.x1 - (widths[1:] + 8 * scale).sum() - widths[0] - 10 * scale
        for j, row in enumerate(rows):
            for part in (*row, lines[j], swatches[j]):
                part.set_visible(j in some)
        for j, y in zip(some, found, strict=True):
            _move(ax, rows[j], ends, y)
            bend = left - 16 * scale
            way = ax.transData.inverted().transform([wanted[j], [bend, y], [left - 11 * scale, y]])
            lines[j].set_data(way[:, 0], way[:, 1])
            low = ax.transAxes.inverted().transform([left - 11 * scale, y - size * 0.4 * scale])
            high = ax.transAxes.inverted().transform([left - 4 * scale, y + size * 0.4 * scale])
            swatches[j].set_bounds(*low, *(high - low))
        if heading:
            _move(ax, top, ends, box.y1 - size * 0.6 * scale)

    ax.add_artist(Arranger(arrange))
    return [cell for row in everything for cell in row]


def _row(ax: Axes, cells: Sequence[str], shade: str) -> list[Text]:
    row = [
        ax.text(
            0.5,
            0.5,
            cell,
            transform=ax.transAxes,
            ha="right" if place else "left",
            va="center_baseline",
            fontsize=BODY,
            color=shade,
            parse_math=False,
        )
        for place, cell in enumerate(cells)
    ]
    for text in row:
        text.set_in_layout(False)
    return row


def _move(ax: Axes, row: list[Text], ends: NDArray[np.float64], y: float) -> None:
    places = ax.transAxes.inverted().transform(np.column_stack([ends, np.full(len(ends), y)]))
    for cell, place in zip(row, places, strict=True):
        cell.set_position(tuple(place))


def room_beside(ax: Axes, cells: Sequence[Sequence[str]], heading: Sequence[str], width: float) -> float:
    """Return the share of the axes' width that `beside_axis` takes, at most six tenths.

    Parameters
    ----------
    ax : Axes
        The axes.
    cells : sequence of sequence of str
        The rows of the table.
    heading : sequence of str
        Its heading.
    width : float
        Of the axes, in inches.

    Returns
    -------
    float
        The share.
    """
    probe = ax.text(0, 0, "", fontsize=BODY, parse_math=False)
    taken = 0.0
    for column in zip(*cells, *([heading] if heading else []), strict=True):
        widths = []
        for cell in set(column):
            probe.set_text(cell)
            widths.append(probe.get_window_extent().width / ax.figure.figure.dpi)
        taken += max(widths) + 8 / _POINTS
    probe.remove()
    return min(0.6, (taken + 42 / _POINTS) / width)


def spread_out(wanted: NDArray[np.float64], gap: float, lowest: float, highest: float) -> NDArray[np.float64]:
    """Move heights apart by as little as it takes, in squares.

    Parameters
    ----------
    wanted : ndarray of shape (n,)
        Where they want to be.
    gap : float
        The least distance of two.
    lowest, highest : float
        Where all must be; given that there is room.

    Returns
    -------
    ndarray of shape (n,)
        In the order of `wanted`.
    """
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(wanted))
    # With the gaps taken off, they must not fall: an isotonic regression, by pooling violators.
    pools: list[list[float]] = []
    for value in wanted[order] - steps:
        pools.append([float(value), 1.0])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, n), (other, m) = pools[-2:]
            pools[-2:] = [[(one * n + other * m) / (n + m), n + m]]
    fitted = np.array([value for value, n in pools for _ in range(int(n))])
    top = highest - (steps[-1] if len(steps) else 0)
    found = np.empty(len(wanted))
    found[order] = np.clip(fitted, lowest, max(lowest, top)) + steps
    return found
