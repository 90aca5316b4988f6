"""Write docs/growth.md: how the time of a fit grows with rows, clusters and features.

Run it with `python -m benches.cluster.growth`; it needs the extra `bench`.
"""

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from fulcra import _palette
from fulcra._bench import cases, data, report, timing
from fulcra._demo import canvas
from fulcra.cluster import KMeans
from numpy.typing import NDArray

DOCS = Path(__file__).parents[2] / "docs"
ITERATIONS = 10
ROUNDS = 5
THREADS = 2
#: What grows, over two decades, and what stays: (n_samples, n_features, n_clusters).
GROWING = {
    "rows": ((10_000, 31_623, 100_000, 316_228, 1_000_000), (None, 16, 64)),
    "clusters": ((10, 32, 100, 316, 1_000), (100_000, 32, None)),
    "features": ((8, 25, 80, 253, 800), (50_000, None, 64)),
}

TEXT = """\
# How the time of a fit grows

{iterations} iterations of `KMeans` on overlapping groups, float32, {threads} threads, medians of {rounds}.
The exponent is the slope of the line through the points where both axes are logarithmic: 1 is in proportion,
and less is slower growth than that.

![Seconds of a fit by rows, clusters and features](pictures/growth.png)

{table}

What does not grow with the rows (checks, memory, threads that are woken) brings exponents below 1; so it does
with clusters and features that each row has to be read and added up, and that many clusters and long rows are
scored in whole numbers first.

`python -m benches.cluster.growth` writes this page.
"""


def main() -> None:
    """Time all fits, draw and write."""
    with timing.threads(THREADS):
        seconds = {
            what: [_seconds(_shape(fixed, size)) for size in sizes]
            for what, (sizes, fixed) in GROWING.items()
        }
    rows = []
    for what, (sizes, fixed) in GROWING.items():
        slope = _exponent(sizes, seconds[what])
        stays = _words(fixed)
        rows += [
            (
                what,
                stays,
                f"{size:,}",
                f"{report.milliseconds(spent)} ms",
                f"{slope:.2f}" if size == sizes[-1] else "",
            )
            for size, spent in zip(sizes, seconds[what], strict=True)
        ]
        print(f"{what}: exponent {slope:.2f}", flush=True)
    table = report.markdown(("what grows", "what stays", "size", "time", "exponent"), rows)
    text = TEXT.format(iterations=ITERATIONS, rounds=ROUNDS, threads=THREADS, table=table)
    (DOCS / "growth.md").write_text(text, encoding="utf-8")
    _draw(seconds, DOCS / "pictures" / "growth.png")


def _shape(fixed: tuple[int | None, ...], size: int) -> tuple[int, int, int]:
    n_samples, n_features, n_clusters = (size if value is None else value for value in fixed)
    return n_samples, n_features, n_clusters


def _words(fixed: tuple[int | None, ...]) -> str:
    names = ("n", "d", "k")
    return ", ".join(
        f"{name} {value:,}" for name, value in zip(names, fixed, strict=True) if value is not None
    )


def _seconds(shape: tuple[int, int, int]) -> float:
    X: NDArray[Any] = data.mixture(*shape)
    model = KMeans(shape[2], init=cases._rows(X, shape[2]), n_init=1, max_iter=ITERATIONS, tol=0)
    model.fit(X)
    spent = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        model.fit(X)
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def _exponent(sizes: tuple[int, ...], seconds: list[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def _draw(seconds: dict[str, list[float]], path: Path) -> None:
    made = canvas.figure(11, 4.2)
    canvas.heading(
        made,
        "Time grows in proportion to rows, and more slowly than clusters and features",
        f"Seconds of {ITERATIONS} iterations (points); dashed: in proportion, from the last point.",
    )
    for place, (what, (sizes, fixed)) in enumerate(GROWING.items()):
        axes = made.add_axes((0.06 + 0.325 * place, 0.16, 0.26, 0.6))
        measured = seconds[what]
        proportional = [measured[-1] * size / sizes[-1] for size in sizes]
        axes.loglog(sizes, proportional, color=_palette.PALE, linestyle="--", linewidth=1.5)
        axes.loglog(sizes, measured, color=_palette.EIGHT[0], marker="o", linewidth=2)
        axes.set_title(_words(fixed), color=_palette.INK, fontsize=10, loc="left")
        axes.set_xlabel(what, color=_palette.INK)
        axes.grid(axis="y", color=_palette.PALE, linewidth=0.6)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    canvas.save(made, path)


if __name__ == "__main__":
    main()
