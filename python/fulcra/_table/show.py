"""The answer for the eye and for programs: a picture, a page and JSON."""

import importlib.util
import io
import json
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from fulcra._errors import MissingError
from fulcra._table.errors import TableError
from fulcra._table.write import in_place_of

#: What matplotlib writes without another package.
PICTURES = (".png", ".svg", ".pdf")
_DPI = 144
#: Inches.
_WIDTH, _HEIGHT = 16.0, 6.5
#: From here on the table of centers is drawn below the rows rather than beside them.
_MANY = 12


def require_matplotlib() -> None:
    """Ask for matplotlib before any work is done.

    Raises
    ------
    MissingError
        If it is not installed; the message holds the line that installs it.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingError('pictures need matplotlib: pip install "fulcra[table]"')


def picture(model: Any, frame: Any, report: Any, form: str = "png") -> bytes:
    """Draw the rows by cluster, beside what each cluster is like.

    Parameters
    ----------
    model : sklearn.pipeline.Pipeline
        Fitted.
    frame : pandas.DataFrame
        The rows.
    report : ClusterReport
        Of both.
    form : str, default='png'
        As matplotlib names it.

    Returns
    -------
    bytes
        The file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - an extra, and slow to load
    from matplotlib.figure import Figure  # noqa: PLC0415

    from fulcra.inspection._centroid_profile_display import CentroidProfileDisplay  # noqa: PLC0415
    from fulcra.inspection._cluster_display import ClusterDisplay  # noqa: PLC0415
    from fulcra.inspection._naming import NOT_DISTINCT  # noqa: PLC0415

    # Clusters that are not distinct all have one name; by its number each is found in the report.
    names = [str(j) if name == NOT_DISTINCT else f"{j} {name}" for j, name in enumerate(report.names)]
    below = max(len(report.names), len(report.features)) > _MANY
    drawn = Figure(figsize=(_WIDTH, _HEIGHT * (1 + below)), facecolor="white", layout="constrained")
    FigureCanvasAgg(drawn)
    left, right = drawn.subplots(2, 1) if below else drawn.subplots(1, 2)
    ClusterDisplay.from_estimator(model, frame, names=names, ax=left)
    CentroidProfileDisplay.from_report(replace(report, names=tuple(names)), ax=right)
    held = io.BytesIO()
    drawn.savefig(held, format=form, dpi=_DPI, facecolor="white")
    return held.getvalue()


def page(report: Any, title: str, paragraphs: list[str], drawn: bytes) -> str:
    """Return the report as one page, with the picture and what was decided about the columns in it.

    Parameters
    ----------
    report : ClusterReport
        What was found.
    title : str
        The page's heading.
    paragraphs : list of str
        What stands below the heading.
    drawn : bytes
        A PNG.

    Returns
    -------
    str
        HTML that needs no other file.
    """
    said = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    whole: str = report.to_html(title=title, pictures=[drawn])
    return whole.replace("</h1>", f"</h1>{said}", 1)


def write_json(content: dict[str, Any], path: Path) -> None:
    """Write JSON.

    Parameters
    ----------
    content : dict
        Plain numbers, strings, lists and dicts.
    path : Path
        Where to.
    """
    with in_place_of(path) as part:
        part.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def check_places(places: dict[str, Path], source: str) -> None:
    """See that everything that is asked for can be written, before any work is done.

    Parameters
    ----------
    places : dict of str to Path
        Files to write, by the option that names them.
    source : str
        The table, which is never written to.

    Raises
    ------
    TableError
        If a folder is missing, a file is a folder or the table itself, two are the same, or a picture's
        suffix is none that can be drawn.
    """
    taken: dict[Path, str] = {} if source == "-" else {Path(source).resolve(): "the table itself"}
    for option, path in places.items():
        if not path.parent.is_dir():
            raise TableError(f"{option} {path}: there is no folder {path.parent}")
        if path.is_dir():
            raise TableError(f"{option} {path}: it is a folder; name a file")
        if source != "-" and path.exists() and Path(source).exists() and path.samefile(source):
            raise TableError(f"{option} {path}: this is the table itself; name another file")
        whose = taken.setdefault(path.resolve(), option)
        if whose != option:
            raise TableError(f"{option} {path}: this is {whose}; name another file")
    drawn = places.get("--plot")
    if drawn is not None and drawn.suffix.lower() not in PICTURES:
        raise TableError(f"--plot {drawn}: pictures are {', '.join(PICTURES)}")
