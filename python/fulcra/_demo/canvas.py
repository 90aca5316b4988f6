"""Pictures without pyplot: the user's backend, figures and style stay as they are."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fulcra._errors import MissingError
from fulcra._palette import INK, QUIET

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def require_matplotlib() -> None:
    """Ask for matplotlib before any work is done.

    Raises
    ------
    MissingError
        If it is not installed; the message holds the line that installs it.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingError('the pictures need matplotlib: pip install "fulcra[demo]"')


def figure(width: float, height: float) -> "Figure":
    """Make an empty figure that belongs to no window.

    Parameters
    ----------
    width, height : float
        In inches; 10 wide fills a notebook's column.

    Returns
    -------
    figure : matplotlib.figure.Figure
        White, on an Agg canvas.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  # an extra, and slow to load
    from matplotlib.figure import Figure  # noqa: PLC0415

    made = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(made)
    return made


def heading(made: "Figure", title: str, subtitle: str) -> None:
    """Write a title and the sentence that says what to see, flush left at the top.

    Parameters
    ----------
    made : matplotlib.figure.Figure
        Written on in place.
    title, subtitle : str
        One line each.
    """
    height = made.get_figheight()
    made.text(0.03, 1 - 0.14 / height, title, fontsize=15, fontweight="bold", color=INK, va="top")
    made.text(0.03, 1 - 0.46 / height, subtitle, fontsize=10.5, color=QUIET, va="top")


def bare(axes: Any) -> None:
    """Take frame and ticks off.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Changed in place.
    """
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def save(made: "Figure", path: Path) -> Path:
    """Write the figure as a PNG.

    Parameters
    ----------
    made : matplotlib.figure.Figure
        What to write.
    path : Path
        Where to; an older file of that name is replaced.

    Returns
    -------
    path : Path
        The same.
    """
    made.savefig(path, dpi=144, facecolor="white")
    return path
