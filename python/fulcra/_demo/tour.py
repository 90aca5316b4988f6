"""The demo from beginning to end: cluster, draw, time, and say where the pictures are."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fulcra
from fulcra import _core
from fulcra._demo import digits, photo, race, rounding
from fulcra._demo.canvas import require_matplotlib


def run(folder: Path) -> list[Path]:
    """Cluster, time, draw, and say where the pictures are.

    Parameters
    ----------
    folder : Path
        Where the pictures go; made if missing.

    Returns
    -------
    pictures : list of Path
        The files written.

    Raises
    ------
    MissingError
        If matplotlib or pillow is not installed.
    OSError
        If the folder cannot be made or written to.
    WrongAnswerError
        If fulcra and scikit-learn disagree where they must not.
    """
    require_matplotlib()
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    threads = fulcra.get_num_threads()
    print(f"fulcra {fulcra.__version__}, {_core.simd_level()} kernels, {threads} thread{'s' * (threads > 1)}")
    print(f"Pictures go to {folder}")
    pictures = []
    with _step("The colours of a photograph"):
        pictures.append(photo.draw(folder / "photo.png"))
    with _step("Handwritten digits"):
        pictures.append(digits.draw(folder / "digits.png"))
    with _step("The same work by scikit-learn and by plain NumPy"):
        race.show()
    with _step("Where float32 misleads"):
        pictures.append(rounding.draw(folder / "rounding.png"))
    print("\nPictures:")
    for picture in pictures:
        print(f"  {picture}")
    print("\nA table of your own: fulcra cluster table.csv")
    return pictures


@contextmanager
def _step(title: str) -> Iterator[None]:
    """Say what is going on, and how long it took."""
    print(f"\n{title} ...", flush=True)
    start = time.perf_counter()
    yield
    print(f"  ({time.perf_counter() - start:.1f} s)")
