"""Which examples can run here: some read tables that come inside other packages.

An example whose data are not installed is shown with its code and a note, and not run. The gate installs all.
"""

import ast
import re
from pathlib import Path

from fulcra import datasets
from fulcra._errors import MissingError
from sphinx.application import Sphinx

EXAMPLES = Path(__file__).parents[2] / "examples"


def missing(example: Path) -> str:
    """Say what an example lacks.

    Parameters
    ----------
    example : Path
        A script.

    Returns
    -------
    str
        What to install, or "" where it can run.
    """
    for node in ast.walk(ast.parse(example.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "fulcra.datasets":
            for alias in node.names:
                if alias.name == "load_centroids":  # takes a name, and needs no package
                    continue
                try:
                    getattr(datasets, alias.name)()
                except MissingError as error:
                    return str(error)
    return ""


def runnable() -> str:
    """Return a regular expression of the examples that can run, as sphinx-gallery takes it.

    Returns
    -------
    str
        Matches their paths, and no other.
    """
    names = [re.escape(path.name) for path in sorted(EXAMPLES.glob("plot_*.py")) if not missing(path)]
    return rf"/({'|'.join(names)})$" if names else r"(?!)"


def _note(app: Sphinx, page: str, source: list[str]) -> None:
    """Head the page of an example that was not run with the reason."""
    example = EXAMPLES / f"{page.removeprefix('gallery/')}.py"
    if page.startswith("gallery/plot_") and example.exists() and (lacks := missing(example)):
        source[0] = f".. note:: Not run when these pages were made. {lacks}\n\n{source[0]}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Head the pages of examples that were not run with the reason.

    Parameters
    ----------
    app : Sphinx
        What the site is built by.

    Returns
    -------
    dict
        That pages may be read and written in parallel.
    """
    app.connect("source-read", _note)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
