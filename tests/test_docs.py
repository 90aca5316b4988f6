"""The examples and promises of the documents."""

import doctest
import importlib
import inspect
import pkgutil
import re
import shlex
import sys
from pathlib import Path

import fulcra
import pytest
from fulcra import cli, datasets
from matplotlib import pyplot
from sklearn.base import BaseEstimator

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "_extensions"))

#: Made while the site is built.
MADE = ("gallery/",)
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
ROOMS = sorted(
    f"fulcra.{module.name}"
    for module in pkgutil.iter_modules(fulcra.__path__)
    if module.ispkg and not module.name.startswith("_")
)
FENCE = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples(page: Path) -> str:
    """Return the examples of a page in their order; a call of the command line as one of Python."""
    found = []
    for kind, text in FENCE.findall(page.read_text("utf-8")):
        assert text.startswith({"python": ">>> ", "console": "$ fulcra "}[kind]), text
        found.append(as_python(text) if kind == "console" else text)
    return "\n".join(found)


def as_python(console: str) -> str:
    calls = re.sub(r"^\$ fulcra (.*)$", r">>> call_fulcra('\1')", console, flags=re.MULTILINE)
    return re.sub(r"^$(?=\n)", "<BLANKLINE>", calls, flags=re.MULTILINE)


def call_fulcra(words: str) -> None:
    assert cli.main(shlex.split(words)) == 0


def test_readme_examples_run():
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried >= 8
    assert failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_examples_of_pages_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    known = {"call_fulcra": call_fulcra}
    test = doctest.DocTestParser().get_doctest(examples(page), known, page.name, str(page), 0)
    with pyplot.rc_context():
        assert doctest.DocTestRunner(optionflags=FLAGS).run(test).failed == 0, capsys.readouterr().out
    pyplot.close("all")


def test_command_line_page_names_every_option(capsys: pytest.CaptureFixture[str]):
    text = (DOCS / "command-line.md").read_text("utf-8")
    for command in ("cluster", "demo", "bench"):
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
        options = set(re.findall(r"^  (--?[\w-]+)", capsys.readouterr().out, re.MULTILINE)) - {"-h"}
        assert {f"fulcra {command}", *options} <= set(re.findall(r"`(-[\w-]+|fulcra \w+)", text))


def test_data_sets_page_and_gate_install_what_loaders_read():
    page = (DOCS / "data-sets.md").read_text("utf-8")
    gate = (ROOT / ".ci" / "run").read_text("utf-8")
    for name in datasets.__all__:
        assert f"`{name}`" in page
        for requirement in re.findall(
            r"pip install --no-deps ([\w.=-]+\w)", getattr(datasets, name).__doc__ or ""
        ):
            assert re.search(rf"^.*`{name}`.*--no-deps {requirement}`.*$", page, re.MULTILINE)
            assert f" {requirement}" in gate


def test_links_between_documents_hold():
    for document in (*ROOT.glob("*.md"), *PAGES):
        for part in document.read_text(encoding="utf-8").split("](")[1:]:
            target = part.partition(")")[0].partition("#")[0]
            if target and "://" not in target and not target.removeprefix("../").startswith(MADE):
                assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_pages_are_in_the_contents():
    contents = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    listed = {
        (page.parent / f"{entry}.md").resolve()
        for page in PAGES
        for tree in contents.findall(page.read_text("utf-8"))
        for line in tree.splitlines()
        for entry in re.findall(r"[^\s<>]+(?=>?$)", line)
    }
    assert {page for page in PAGES if page != DOCS / "index.md"} == {page for page in listed if page.exists()}


def test_reference_lists_every_module():
    directives = re.compile(r"^\.\. public-names:: (\S+)$", re.MULTILINE)
    listed = sorted(
        name for page in (DOCS / "api").glob("*.rst") for name in directives.findall(page.read_text("utf-8"))
    )
    assert listed == sorted(["fulcra", *ROOMS])


def test_every_estimator_has_a_page_and_a_place_in_the_choice():
    from documented import named, with_pages  # noqa: PLC0415  # of the site's own extensions

    pages = with_pages()
    documented = {named(path): page for path, page in pages.items()}
    assert len(documented) == len(pages)  # nothing is documented twice
    choice = (DOCS / "which-centroid.md").read_text("utf-8")
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in module.__all__:
            found = getattr(module, name)
            if inspect.isclass(found) and issubclass(found, BaseEstimator):
                assert documented[found].parent == DOCS / "estimators", name
                assert f"](estimators/{documented[found].name})" in choice, name
