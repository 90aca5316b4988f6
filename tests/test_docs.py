"""The examples and promises of the documents."""

import doctest
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_readme_examples_run():
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried >= 8
    assert failed == 0


def test_links_between_documents_hold():
    for document in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        for part in document.read_text(encoding="utf-8").split("](")[1:]:
            target = part.partition(")")[0].partition("#")[0]
            if target and "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links to {target}"
