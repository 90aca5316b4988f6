"""Write docs/share-of-distances.md: how many distances k-means computes, iteration by iteration.

Run it with `python -m benches.cluster.share_of_distances`; it needs the extra `bench`.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from fulcra import _palette
from fulcra._bench import cases, data, machine, report
from fulcra._demo import canvas
from fulcra.cluster import KMeans
from numpy.typing import NDArray

DOCS = Path(__file__).parents[2] / "docs"
ITERATIONS = 60
SHOWN = (1, 2, 4, 6, 8, 10, 15, 20, 30, 40, 50, 60)

CASES: dict[str, tuple[Callable[[], NDArray[Any]], int]] = {
    "groups, 200,000 x 128, k 256": (partial(data.mixture, 200_000, 128, 256), 256),
    "groups, 100,000 x 16, k 256": (partial(data.mixture, 100_000, 16, 256), 256),
    "MNIST, 5,000 x 784, k 100": (data.mnist, 100),
    "a photograph, 273,280 x 3, k 256": (data.china_pixels, 256),
    "uniform noise, 100,000 x 32, k 512": (
        lambda: np.random.default_rng(0).random((100_000, 32), dtype=np.float32),
        512,
    ),
}

TEXT = """\
# Share of distances

Lloyd's k-means asks in every iteration for the distance of every row to every center. `KMeans` with
`algorithm="auto"`, its default, computes only those that can matter (ARCHITECTURE.md says how), with the same
bits as `algorithm="lloyd"`, which computes all. `history_["evaluated"]` is the share of them, by iteration;
here it is for some data, from rows drawn as starting centers, until no row changes its cluster or for
{iterations} iterations.

While many rows change their cluster, keeping account costs more than it spares, and all are computed.
Where rows are short that stays so: they are scored sooner than their bounds are looked up. A sample of the
rows says before each iteration whether bounds would pay. Where they would not, all distances are computed
and bounds are tried again some iterations later: hence the jumps. What pays depends on the processor: these
shares are those with {level} instructions, and the sooner distances are computed, the fewer are left out.

![Share of the distances computed, by iteration](pictures/share-of-distances.png)

{table}

`python -m benches.cluster.share_of_distances` writes this page.
"""


def main() -> None:
    """Fit all cases, draw and write."""
    shares = {}
    for name, (make, n_clusters) in CASES.items():
        X = make()
        model = KMeans(n_clusters, init=cases._rows(X, n_clusters), n_init=1, max_iter=ITERATIONS, tol=0).fit(
            X
        )
        shares[name] = model.history_["evaluated"]
        print(f"{name}: {shares[name].mean():.0%} of the distances in {model.n_iter_} iterations", flush=True)
    rows = [
        (name, *(f"{share[i - 1]:.0%}" if i <= len(share) else "-" for i in SHOWN), f"{share.mean():.0%}")
        for name, share in shares.items()
    ]
    table = report.markdown(("data \\ iteration", *map(str, SHOWN), "all"), rows)
    level = machine.describe()["fulcra uses"]
    text = TEXT.format(iterations=ITERATIONS, level=level, table=table)
    (DOCS / "share-of-distances.md").write_text(text, encoding="utf-8")
    (DOCS / "pictures").mkdir(exist_ok=True)
    _draw(shares, DOCS / "pictures" / "share-of-distances.png")


def _draw(shares: dict[str, NDArray[np.float64]], path: Path) -> None:
    made = canvas.figure(10, 5)
    canvas.heading(
        made,
        "Late in a fit fewer distances are computed",
        "Share of the n x k distances that KMeans computes, by iteration; the labels are those of all.",
    )
    axes = made.add_axes((0.07, 0.12, 0.62, 0.7))
    for color, (name, share) in zip(_palette.EIGHT, shares.items(), strict=False):
        axes.plot(np.arange(1, len(share) + 1), share, color=color, linewidth=2, label=name)
    axes.set_xlabel("iteration", color=_palette.INK)
    axes.set_ylim(0, 1.03)
    axes.set_xlim(1, ITERATIONS)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(axis="y", color=_palette.PALE, linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False, fontsize=9.5)
    canvas.save(made, path)


if __name__ == "__main__":
    main()
