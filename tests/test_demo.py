"""The demo: it runs, its pictures show something, its table is there, and nothing else is touched."""

import subprocess
import sys

import numpy as np
import pytest
from fulcra._demo import colours
from PIL import Image

# In a process of its own: the pictures must not load pyplot, which would choose the user's backend.
SCRIPT = """
import sys
from fulcra.cli import main
code = main(["demo", "--out", "pictures"])
assert "matplotlib.pyplot" not in sys.modules
sys.exit(code)
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_it_says_where_the_pictures_are_and_writes_nothing_else(demo):
    folder, said = demo
    assert [path.name for path in folder.iterdir()] == ["pictures"]
    written = {path.name for path in (folder / "pictures").iterdir()}
    assert written == {"photo.png", "digits.png", "rounding.png"}
    for name in written:
        assert str((folder / "pictures" / name).resolve()) in said


@pytest.mark.parametrize("name", ["photo", "digits", "rounding"])
def test_pictures_show_something(demo, name):
    folder, _ = demo
    with Image.open(folder / "pictures" / f"{name}.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    height, width, _ = pixels.shape
    assert width == 1440
    assert 800 <= height <= 1000
    inked = (pixels < 250).any(axis=2)
    assert inked.mean() > 0.1
    # Nothing runs over the edge: the outermost pixels are paper.
    margin = np.ones_like(inked)
    margin[5:-5, 5:-5] = False
    assert not inked[margin].any()


def test_the_tables_are_printed(demo):
    _, said = demo
    assert "vs scikit-learn" in said
    assert "photo: 25 iterations, 64 colours" in said
    (wrong,) = (line for line in said.splitlines() if "rows given a centre that is not their nearest" in line)
    theirs, ours = wrong.split()[-2:]
    assert float(theirs.rstrip("%")) > 50
    assert ours == "0.0%"


def test_lab_of_known_colours():
    # White, black, and sRGB red as CIE 1976 gives it under D65.
    lab = colours.lab(np.array([[1.0, 1, 1], [0, 0, 0], [1, 0, 0]]))
    np.testing.assert_allclose(lab, [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]], atol=0.05)


def test_colour_names_are_the_nearest_and_never_twice():
    names = list(colours.NAMES)
    codes = list(colours.NAMES.values())
    known = np.array([[int(code[place : place + 2], 16) for place in (1, 3, 5)] for code in codes]) / 255
    assert colours.name_all(known) == names
    assert colours.codes(known) == codes
    assert len(set(colours.name_all(np.full((5, 3), 0.5)))) == 5
