"""What each kind of centre makes of the same rows: two long groups, a round one, and a few rows far away."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from fulcra import _palette, cluster
from numpy.typing import NDArray

N_GROUPS = 3
KINDS: dict[str, Callable[[], Any]] = {
    "KMeans": lambda: cluster.KMeans(N_GROUPS, n_init=10, random_state=0),
    "MiniBatchKMeans": lambda: cluster.MiniBatchKMeans(N_GROUPS, random_state=0),
    "OnlineKMeans": lambda: cluster.OnlineKMeans(N_GROUPS, init_size=100, random_state=0),
    "BisectingKMeans": lambda: cluster.BisectingKMeans(N_GROUPS, n_init=10, random_state=0),
    "KMeans, trim=0.03": lambda: cluster.KMeans(N_GROUPS, n_init=10, trim=0.03, random_state=0),
    "KMedians": lambda: cluster.KMedians(N_GROUPS, n_init=10, random_state=0),
    "KMedoids": lambda: cluster.KMedoids(N_GROUPS, random_state=0),
    "SphericalKMeans": lambda: cluster.SphericalKMeans(N_GROUPS, n_init=10, random_state=0),
    "MahalanobisKMeans": lambda: cluster.MahalanobisKMeans(N_GROUPS, n_init=20, random_state=0),
    "MahalanobisKMeans, 'full'": lambda: cluster.MahalanobisKMeans(
        N_GROUPS, covariance="full", n_init=20, random_state=0
    ),
    "FuzzyCMeans": lambda: cluster.FuzzyCMeans(N_GROUPS, random_state=0),
    "NearestCentroid": cluster.NearestCentroid,
}


def rows() -> tuple[NDArray[Any], NDArray[Any]]:
    """Draw the rows, (n, 2), and the group of each; rows far away belong to the third."""
    rng = np.random.default_rng(3)
    along = rng.uniform(-1, 1, (2, 140)) * np.array([[3.6], [3.6]])
    strips = [
        np.c_[6.8 + t, 3.4 + 0.6 * t + step] + rng.normal(0, 0.28, (140, 2))
        for t, step in zip(along, (-0.95, 0.95), strict=True)
    ]
    ball = rng.normal((2.4, 8.2), 0.6, (120, 2))
    far = rng.uniform((12.5, 9.2), (14.2, 10.6), (6, 2))
    X = np.concatenate([*strips, ball, far])
    y = np.repeat([0, 1, 2], [140, 140, 126])
    order = rng.permutation(len(X))  # a stream has them mixed
    return X[order], y[order]


def panel(axes: Any, name: str) -> None:
    """Draw one kind: its regions, its labels, its centres."""
    X, y = rows()
    model = KINDS[name]()
    model.fit(X, y) if name == "NearestCentroid" else model.fit(X)
    centers = model.centroids_ if name == "NearestCentroid" else model.cluster_centers_
    labels = y if name == "NearestCentroid" else model.labels_
    seen = centers * 10 if name == "SphericalKMeans" else centers
    # The same colour for what lies at the same place: clusters are numbered as they come.
    order = np.argsort(np.argsort(cluster.align_labels(np.array([[7, 2], [7, 5], [2, 8]]), seen)))

    low, high = np.array([-1.0, -1.5]), np.array([15.5, 12.0])
    across, up = np.meshgrid(*(np.linspace(a, b, 350) for a, b in zip(low, high, strict=True)))
    grid = np.c_[across.ravel(), up.ravel()]
    regions = order[np.asarray(model.predict(grid), dtype=int)].reshape(across.shape)
    axes.contourf(across, up, regions, levels=[-0.5, 0.5, 1.5, 2.5], colors=_palette.EIGHT[:3], alpha=0.13)
    axes.contour(across, up, regions, levels=[0.5, 1.5], colors=_palette.QUIET, linewidths=0.6)
    strength = model.u_.max(axis=1) if name == "FuzzyCMeans" else np.ones(len(X))
    trimmed = getattr(model, "trimmed_", np.zeros(len(X), bool))
    for group in range(N_GROUPS):
        mine = (order[np.asarray(labels, dtype=int)] == group) & ~trimmed
        axes.scatter(
            *X[mine].T, s=7, c=_palette.colour(group), alpha=0.15 + 0.85 * strength[mine] ** 3, linewidths=0
        )
    axes.scatter(*X[trimmed].T, s=10, c=_palette.QUIET, marker="x", linewidths=0.7)
    if name == "SphericalKMeans":
        for group, center in zip(order, centers, strict=True):
            axes.plot(*np.c_[[0, 0], center * 20], color=_palette.colour(group), lw=1.4)
    else:
        axes.scatter(
            *centers.T, s=90, c=_palette.INK, marker="X", edgecolors="white", linewidths=1.1, zorder=3
        )
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[], aspect="equal")
    axes.set_title(name, fontsize=10, loc="left", color=_palette.INK)
    for spine in axes.spines.values():
        spine.set_color(_palette.PALE)


def beside(names: Sequence[str]) -> None:
    """Draw some kinds beside each other, three in a row at most."""
    n_across = min(len(names), 3)
    n_down = -(-len(names) // n_across)
    made, panels = plt.subplots(
        n_down, n_across, figsize=(3.05 * n_across, 2.75 * n_down), layout="constrained", squeeze=False
    )
    for axes in panels.flat[len(names) :]:
        axes.remove()
    for axes, name in zip(panels.flat, names, strict=False):
        panel(axes, name)
    made.get_layout_engine().set(w_pad=0.06, h_pad=0.06)
