"""The API reference: every public name of a module, from its `__all__`, so that none can be forgotten.

``.. public-names:: fulcra.metrics`` lists the names of a module in a table and documents those that no other
page does. A name has a page of its own where a Markdown page says ``autoclass::`` or ``autofunction::``.
"""

import importlib
import inspect
import re
from typing import Any

from documented import named, with_pages
from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx


def _summary(found: Any) -> str:
    """Return the first sentence or paragraph of a docstring, in one line."""
    return " ".join((inspect.getdoc(found) or "").partition("\n\n")[0].split())


class PublicNames(Directive):
    """A table of a module's names, and the entries that no page has."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Write both as reStructuredText in the directive's place."""
        (module,) = self.arguments
        names = importlib.import_module(module).__all__
        elsewhere = {id(named(path)): path for path in with_pages()}
        table = [".. list-table::", "   :class: names", "   :widths: 1 3", ""]
        entries: list[str] = [f".. currentmodule:: {module}", ""]
        for name in sorted(names, key=lambda name: (name.islower(), name)):
            found = named(f"{module}.{name}")
            path = elsewhere.get(id(found), f"{module}.{name}")
            table += [f"   * - :py:obj:`{name} <{path}>`", f"     - {_summary(found)}"]
            if id(found) in elsewhere:
                continue
            if inspect.isclass(found):
                entries += [f".. autoclass:: {name}", "   :members:", "   :inherited-members:", ""]
            else:
                entries += [f".. autofunction:: {name}", ""]
        self.state_machine.insert_input(StringList([*table, "", *entries], source=module), module)
        return []


def _foreign(*event: Any) -> bool | None:
    """Leave out methods that are scikit-learn's: the page on all estimators names them once."""
    _app, _what, _name, found, _skip, _options = event
    home = getattr(found, "__module__", None) or ""
    return True if inspect.isroutine(found) and not home.startswith("fulcra") else None


def _escape(*event: Any) -> None:
    """Let ``shape (n_iter_,)`` not be taken for a link: those of reStructuredText end in an underscore."""
    lines = event[-1]
    for i, line in enumerate(lines):
        if re.match(r"[\w, ]+ : ", line):
            lines[i] = re.sub(r"\b(\w+)_(?=[,)])", r"\1\\_", line)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive, and leave out methods that scikit-learn documents.

    Parameters
    ----------
    app : Sphinx
        What the site is built by.

    Returns
    -------
    dict
        That pages may be read and written in parallel.
    """
    app.add_directive("public-names", PublicNames)
    app.connect("autodoc-skip-member", _foreign)
    app.connect("autodoc-process-docstring", _escape, priority=100)  # before numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
