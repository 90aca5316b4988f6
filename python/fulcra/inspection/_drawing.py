"""What every picture shares: its axes, numbers and names as people write them, texts that never overlap."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fulcra._errors import MissingError
from fulcra._palette import INK, QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Sizes of text, in points.
TITLE, BODY, SMALL, TINY = 11.0, 9.0, 8.0, 6.0
#: Width of a letter on average, in sizes of its text: DejaVu Sans, the widest of the usual ones.
_LETTER = 0.58
_POINTS = 72.0
#: Degrees at which long names are written.
_SLANT = 40
#: Between panels, in inches, for the numbers and titles of the axes.
_GAP_ACROSS, _GAP_DOWN = 0.8, 0.62


def require_matplotlib(caller: str) -> None:
    """Ask for matplotlib before any work is done.

    Parameters
    ----------
    caller : str
        Who needs it.

    Raises
    ------
    MissingError
        If it is not installed; the message holds the line that installs it.
    """
    try:
        import matplotlib  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise MissingError(f'{caller} needs matplotlib: pip install "fulcra[plot]"') from None


def axes_of(ax: Any, width: float, height: float) -> "Axes":
    """Return the user's axes, or those of a new figure.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        The user's; with None, pyplot makes a figure, so that a notebook shows it.
    width, height : float
        Of the new figure, in inches.

    Returns
    -------
    matplotlib.axes.Axes
        To draw on.

    Raises
    ------
    TypeError
        If `ax` is something else.
    """
    if ax is not None:
        from matplotlib.axes import Axes as AnyAxes  # noqa: PLC0415 - an extra

        if not isinstance(ax, AnyAxes):
            raise TypeError(f"ax must be one matplotlib Axes, or None for a new figure; got {described(ax)}.")
        return ax
    import matplotlib.pyplot as plt  # noqa: PLC0415 - chooses a backend

    made: Axes = plt.subplots(figsize=(width, height), layout="constrained")[1]
    return made


def described(thing: Any) -> str:
    """Return what somebody has given, for a message: its type, and its shape where it has one.

    Parameters
    ----------
    thing : object
        Never written itself: tables are long.

    Returns
    -------
    str
        "ndarray of shape (150, 4)".
    """
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    shape = getattr(thing, "shape", None)
    if isinstance(thing, list | tuple):
        return f"{type(thing).__name__} of length {len(thing)}"
    return type(thing).__name__ + (f" of shape {shape}" if isinstance(shape, tuple) else "")


def check_model_and_rows(model: Any, X: Any) -> None:
    """Tell a model from a table, where a caller may have swapped them.

    Parameters
    ----------
    model : object
        Should be an estimator.
    X : object
        Should be array-like.

    Raises
    ------
    TypeError
        If either is not.
    """
    if not hasattr(model, "fit") and not hasattr(model, "predict"):
        raise TypeError(
            f"model must be a fitted clusterer, or a Pipeline that ends in one; got {described(model)}."
        )
    is_model = hasattr(X, "fit") or hasattr(X, "get_params")
    if is_model or isinstance(X, str) or not (hasattr(X, "__len__") or hasattr(X, "shape")):
        raise TypeError(f"X must be a table, a row for each sample; got {described(X)}.")


def check_rows_and_labels(X: Any, labels: Any) -> tuple[int, int]:
    """Tell a table from its labels, where a caller may have swapped them.

    Parameters
    ----------
    X : object
        Should have rows and columns.
    labels : object
        Should be one for each row.

    Returns
    -------
    n_samples, n_features : int
        The shape of X.

    Raises
    ------
    TypeError
        If either is no array.
    ValueError
        If they have other dimensions.
    """
    shapes = []
    for name, thing in (("X", X), ("labels", labels)):
        shape = getattr(thing, "shape", None)
        if shape is None and not isinstance(thing, str) and hasattr(thing, "__len__"):
            shape = np.asarray(thing, dtype=object).shape
        if not isinstance(shape, tuple):
            raise TypeError(f"{name} must be array-like; got {described(thing)}.")
        shapes.append(shape)
    if len(shapes[0]) != 2:
        raise ValueError(
            f"X must have shape (n_samples, n_features), and labels shape (n_samples,); got shapes "
            f"{shapes[0]} and {shapes[1]}."
        )
    return int(shapes[0][0]), int(shapes[0][1])


def panels(host: "Axes", n: int, n_columns: int, *, title: str, subtitle: str, least: float) -> list["Axes"]:
    """Put small axes, and a headline above them, into the place of one.

    Parameters
    ----------
    host : matplotlib.axes.Axes
        Its frame is taken off.
    n : int
        How many panels.
    n_columns : int
        At most so many side by side.
    title, subtitle : str
        The headline; the subtitle is broken into as many lines as it takes.
    least : float
        Width that a panel needs, in inches; there are fewer columns where that does not fit.

    Returns
    -------
    list of matplotlib.axes.Axes
        Row by row.
    """
    from matplotlib.gridspec import GridSpecFromSubplotSpec  # noqa: PLC0415

    figure: Any = host.figure
    width, height = inches(host)
    laid_out = figure.figure.get_layout_engine() is not None
    host.set_axis_off()
    n_columns = max(1, min(n, n_columns, int(width / least)))
    n_rows = -(-n // n_columns)
    lines = [
        *((line, TITLE, INK) for line in wrapped(title, letters(width, TITLE)).splitlines()),
        *((line, BODY, QUIET) for line in wrapped(subtitle, letters(width, BODY)).splitlines()),
    ]
    # Panels have titles of their own; an engine keeps those clear of the headline.
    head = (sum(size for _, size, _ in lines) * 1.3 + (2 if laid_out else 26)) / _POINTS
    across, down = (0.0, 0.0) if laid_out else (_GAP_ACROSS, _GAP_DOWN)
    room = max(height - head, 0.3 * height)
    place = host.get_subplotspec()
    ratios: dict[str, Any] = {"height_ratios": [max(height - room, 1e-3), room], "hspace": 0.0}
    outer: Any
    if place is None:
        box = host.get_position()
        edges = {"left": box.x0, "right": box.x1, "bottom": box.y0, "top": box.y1}
        outer = figure.add_gridspec(2, 1, **edges, **ratios)
    else:
        outer = GridSpecFromSubplotSpec(2, 1, subplot_spec=place, **ratios)
    _write(figure.add_subplot(outer[0]), lines)
    gaps: dict[str, float] = {}
    if not laid_out:
        gaps["wspace"] = across / max(0.2, (width - across * (n_columns - 1)) / n_columns)
        gaps["hspace"] = down / max(0.2, (room - down * (n_rows - 1)) / n_rows)
    grid = GridSpecFromSubplotSpec(n_rows, n_columns, subplot_spec=outer[1], **gaps)
    return [figure.add_subplot(grid[i // n_columns, i % n_columns]) for i in range(n)]


def _write(ax: Any, lines: list[tuple[str, float, str]]) -> None:
    """Write lines from the top of axes that hold nothing else."""
    ax.set_axis_off()
    down = 0.0
    for line, size, shade in lines:
        text = ax.annotate(
            line,
            (0, 1),
            xytext=(0, -down),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
            fontsize=size,
            color=shade,
            parse_math=False,
            annotation_clip=False,
        )
        text.set_in_layout(False)
        down += size * 1.3


def inches(ax: "Axes") -> tuple[float, float]:
    """Return width and height of axes, in inches, once the layout is known.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Any.

    Returns
    -------
    tuple of two floats
        Of the box between the axes' spines.
    """
    figure = ax.figure.figure
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
    return ax.bbox.width / figure.dpi, ax.bbox.height / figure.dpi


def letters(width: float, size: float) -> int:
    """Return how many letters fit, about.

    Parameters
    ----------
    width : float
        The room, in inches.
    size : float
        Of the text, in points.

    Returns
    -------
    int
        At least 8.
    """
    return max(8, int(width * _POINTS / (size * _LETTER)))


def wrapped(text: str, width: int) -> str:
    """Break a text into lines.

    Parameters
    ----------
    text : str
        Line breaks in it stay.
    width : int
        Letters to a line.

    Returns
    -------
    str
        The same words.
    """
    return "\n".join(line for part in text.split("\n") for line in textwrap.wrap(part, width))


def shortened(text: Any, width: int, n_lines: int = 1) -> str:
    """Cut a name to a length, with an ellipsis where something is missing.

    Parameters
    ----------
    text : object
        What `str` makes of it is the name.
    width : int
        Letters to a line.
    n_lines : int, default=1
        Lines that it may take.

    Returns
    -------
    str
        The name, broken between words where that is possible.
    """
    lines = textwrap.wrap(" ".join(str(text).split()), width) or [""]
    if len(lines) <= n_lines:
        return "\n".join(lines)
    kept, last = lines[: n_lines - 1], " ".join(lines[n_lines - 1 :])
    return "\n".join([*kept, last[: width - 1].rstrip(" ,;:") + "…"])


def told_apart(texts: Sequence[Any], width: int, n_lines: int = 1) -> list[str]:
    """Cut names so that different ones stay different.

    As `shortened` does, but in their middle where what is left of several would be the same; of the levels of
    a column, the column.

    Parameters
    ----------
    texts : sequence
        Names.
    width : int
        Letters to a line.
    n_lines : int, default=1
        Lines that each may take.

    Returns
    -------
    list of str
        Different for different names; where nothing else helps they are numbered.
    """
    full = [" ".join(str(text).split()) for text in texts]
    cut = [shortened(text, width, n_lines) for text in full]
    if n_lines == 1:
        cut = [_with_level(text, width) if len(text) > width else text for text in full]
    for way in (_without_middle, _from_difference, _from_both_ends, _numbered):
        same: dict[str, list[int]] = {}
        for i, text in enumerate(cut):
            same.setdefault(text, []).append(i)
        for those in same.values():
            if len({full[i] for i in those}) > 1:
                alike = [len(set(column)) == 1 for column in zip(*(full[i] for i in those), strict=False)]
                start = [*alike, False].index(False)
                for i in those:
                    lines = textwrap.wrap(full[i], width)
                    if len(lines) > n_lines:
                        last = full[i]
                        for line in lines[: n_lines - 1]:
                            last = last.removeprefix(line).lstrip()
                        # What the lines before hold comes off the front of what differs.
                        before = len(full[i]) - len(last)
                        said = way(last, width, max(start - before, 0), full.index(full[i]))
                        cut[i] = "\n".join([*lines[: n_lines - 1], said])
    return cut


def _with_level(text: str, width: int) -> str:
    """Keep all of the level in "column = level", and three letters of the column."""
    name, equals, level = text.rpartition(" = ")
    room = width - 1 - len(equals + level)
    return f"{name[:room].rstrip()}…{equals}{level}" if equals and room >= 3 else shortened(text, width)


def _without_middle(text: str, width: int, start: int, place: int) -> str:
    head = (width - 1) // 2
    return f"{text[:head].rstrip()}…{text[head + 1 - width :].lstrip()}"


def _from_difference(text: str, width: int, start: int, place: int) -> str:
    head = max(1, width // 4)
    rest = text[max(start - 1, head) :].lstrip()
    return f"{text[:head].rstrip()}…{shortened(rest, max(width - head - 1, 1))}"


def _from_both_ends(text: str, width: int, start: int, place: int) -> str:
    head = max(1, width // 4)
    rest = text[max(start - 1, head) :].lstrip()
    room = width - head - 1
    tail = max(1, room // 2)
    if len(rest) > room:
        rest = f"{rest[: max(room - tail - 1, 0)].rstrip()}…{rest[-tail:].lstrip()}"
    return f"{text[:head].rstrip()}…{rest}"


def _numbered(text: str, width: int, start: int, place: int) -> str:
    number = str(place)
    return f"{text[: max(width - 1 - len(number), 0)].rstrip()}…{number}"


def name_columns(ax: "Axes", names: Sequence[Any]) -> None:
    """Write the names of columns below: level where they fit, else on a slant, else upright.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Column f is at x = f; the limits are known.
    names : sequence
        One for each column.
    """
    given = [str(name) for name in names]
    room = inches(ax)[0] / float(np.ptp(ax.get_xlim())) * _POINTS
    width = int(room / (SMALL * 0.62))
    level = told_apart(given, max(width, 2), 3)
    style: dict[str, Any] = {"fontsize": SMALL, "color": INK, "parse_math": False}
    if any("…" in name for name in level) or any(
        len(word) > width for name in given for word in name.split()
    ):
        level = told_apart(given, 24)
        if room * np.sin(np.radians(_SLANT)) >= 1.25 * SMALL:
            style |= {"rotation": _SLANT, "ha": "right", "va": "top", "rotation_mode": "anchor"}
        else:
            style |= {"rotation": 90, "fontsize": float(np.clip(room / 1.25, TINY - 1, SMALL))}
    ax.set_xticks(np.arange(len(given)), level, **style)


def cluster_names(names: Sequence[Any] | None, n_clusters: int) -> tuple[str, ...]:
    """Return a name for each cluster: the user's, or numbers from 0.

    Parameters
    ----------
    names : sequence or None
        One for each cluster.
    n_clusters : int
        How many there are.

    Returns
    -------
    tuple of str
        The names.

    Raises
    ------
    ValueError
        If they are not as many as the clusters.
    """
    if names is None:
        return tuple(str(j) for j in range(n_clusters))
    given = tuple(str(name) for name in names)
    if len(given) != n_clusters:
        raise ValueError(f"names has {len(given)} names; there are {n_clusters} clusters.")
    return given


def numbered(labels: Any, n_samples: int) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Number labels of any kind as the colours of clusters, and name these.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        Whole numbers from 0 keep their number, -1 is a row without a cluster; others are numbered in order.
    n_samples : int
        How many there must be.

    Returns
    -------
    codes : ndarray of shape (n_samples,), intp
        The cluster of each row; -1 for none.
    names : tuple of str
        One for each cluster.

    Raises
    ------
    ValueError
        If there are not as many labels as rows.
    """
    given = np.asarray(labels)
    if given.shape != (n_samples,):
        raise ValueError(f"labels must be one for each of the {n_samples} rows; got shape {given.shape}.")
    if given.dtype.kind in "iu" and given.min(initial=0) >= -1 and given.max(initial=0) < 10 * n_samples + 10:
        return given.astype(np.intp), tuple(str(j) for j in range(int(given.max(initial=-1)) + 1))
    found, codes = np.unique(given, return_inverse=True)
    return codes.astype(np.intp), tuple(str(label) for label in found)


def plural(n: int, what: str) -> str:
    """Write a number of things.

    Parameters
    ----------
    n : int
        How many.
    what : str
        One of them.

    Returns
    -------
    str
        "1 cluster", "2,000 clusters".
    """
    return f"{n:,} {what}" + ("" if n == 1 else "s")
