"""Handwritten digits: the ten centroids as images, and which digits each is made of."""

from pathlib import Path

import numpy as np

from fulcra import _palette
from fulcra._demo import canvas
from fulcra.cluster import KMeans

N_CLUSTERS = 10


def draw(path: Path) -> Path:
    """Cluster scikit-learn's digits without their labels, then draw each centroid with its digits.

    Parameters
    ----------
    path : Path
        Where the picture goes.

    Returns
    -------
    path : Path
        The same.
    """
    from sklearn.datasets import load_digits  # noqa: PLC0415  # scikit-learn's datasets load slowly

    bunch = load_digits()
    X, digit = bunch.data.astype(np.float32), bunch.target
    model = KMeans(N_CLUSTERS, n_init=10, random_state=0).fit(X)
    # counts[j, t]: how many images of digit t cluster j holds.
    counts = np.zeros((N_CLUSTERS, 10), int)
    np.add.at(counts, (model.labels_, digit), 1)
    order = np.lexsort((-counts.max(axis=1), counts.argmax(axis=1)))
    named = counts.max(axis=1).sum() / len(X)
    print(
        f"  {len(X):,} images in {N_CLUSTERS} clusters; naming each after its commonest digit is right "
        f"for {named:.1%}"
    )

    made = canvas.figure(10, 6.6)
    canvas.heading(
        made,
        "What ten clusters of handwriting look like",
        f"Centroids of scikit-learn's {len(X):,} digits, found without their labels; "
        f"bars: the digits each is made of ({named:.0%} are its commonest)",
    )
    grid = made.add_gridspec(
        5,
        5,
        left=0.03,
        right=0.97,
        top=0.845,
        bottom=0.045,
        height_ratios=(1.5, 0.42, 0.36, 1.5, 0.42),
        wspace=0.22,
        hspace=0.08,
    )
    for place, cluster in enumerate(order):
        line, column = divmod(place, 5)
        held = counts[cluster]
        image = made.add_subplot(grid[3 * line, column])
        image.imshow(model.cluster_centers_[cluster].reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        image.set_title(
            f"{held.max() / held.sum():.0%} are {held.argmax()}", fontsize=11, color=_palette.INK, pad=5
        )
        canvas.bare(image)
        bars = made.add_subplot(grid[3 * line + 1, column])
        bars.bar(
            range(10), held, color=[_palette.BLUE if t == held.argmax() else _palette.PALE for t in range(10)]
        )
        bars.set_ylim(0, counts.max())
        canvas.bare(bars)
        bars.set_xticks(range(10))
        bars.tick_params(length=0, labelsize=8.5, labelcolor=_palette.QUIET, pad=2)
    return canvas.save(made, path)
