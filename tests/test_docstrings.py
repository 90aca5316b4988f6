"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
from pathlib import Path

import fulcra
import fulcra.cluster
import fulcra.inspection
import fulcra.linear_model
import fulcra.metrics
import pytest

PACKAGE = Path(fulcra.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.name != "__main__.py"
)

FROM_CENTERS = tuple(
    f"{name}.from_centers"
    for name in (
        "FuzzyCMeans",
        "KMeans",
        "KMedoids",
        "MahalanobisKMeans",
        "MiniBatchKMeans",
        "OnlineKMeans",
        "SphericalKMeans",
    )
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("room", "name"),
    [
        *(("cluster", name) for name in fulcra.cluster.__all__ if not name.endswith("Report")),
        *(("cluster", name) for name in FROM_CENTERS),
        *(("linear_model", name) for name in fulcra.linear_model.__all__ if name != "WeightedSum"),
        *(
            ("linear_model", f"{name}.from_weights")
            for name in (
                "GradientDescentClassifier",
                "Lasso",
                "LinearRegression",
                "LogisticRegression",
                "PoissonRegressor",
                "Ridge",
                "RidgeCV",
                "SGDClassifier",
                "SGDRegressor",
            )
        ),
        # What functions return is shown by their examples.
        *(("metrics", name) for name in fulcra.metrics.__all__ if name.islower()),
        *(
            ("inspection", name)
            for name in fulcra.inspection.__all__
            if not name.endswith(("Report", "Summary"))
        ),
    ],
)
def test_public_names_have_examples(room: str, name: str) -> None:
    found = importlib.import_module(f"fulcra.{room}")
    for part in name.split("."):
        found = getattr(found, part)
    assert ">>>" in (found.__doc__ or "")
