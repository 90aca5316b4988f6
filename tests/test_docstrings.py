"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
from pathlib import Path

import fulcra
import pytest

PACKAGE = Path(fulcra.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.name != "__main__.py"
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0, capsys.readouterr().out


PUBLIC = (
    "FuzzyCMeans",
    "FuzzyCMeans.from_centers",
    "KMeans",
    "KMeans.from_centers",
    "KMedoids",
    "KMedoids.from_centers",
    "align_labels",
    "k_means",
    "kmeans_plusplus",
)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_have_examples(name: str) -> None:
    found = importlib.import_module("fulcra.cluster")
    for part in name.split("."):
        found = getattr(found, part)
    assert ">>>" in (found.__doc__ or "")
