"""Which public names the pages document themselves."""

import importlib
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1]


def named(path: str) -> Any:
    """Return the object that a dotted path names.

    Parameters
    ----------
    path : str
        Such as ``fulcra.cluster.KMeans``.

    Returns
    -------
    object
        The object.
    """
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def with_pages() -> dict[str, Path]:
    """Find the names that pages document themselves.

    Returns
    -------
    dict of str to Path
        Dotted paths, and the page that documents each.
    """
    directive = re.compile(r"^\.\. auto(?:class|function):: (\S+)$", re.MULTILINE)
    pages = sorted(DOCS.rglob("*.md"))
    return {path: page for page in pages for path in directive.findall(page.read_text("utf-8"))}
