"""Two float32 data sets on which ||x||^2 - 2 x.c + ||c||^2 loses the distances it is made of.

Both are judged by direct differences in float64 (`plain.true_nearest`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans as SklearnKMeans

from fulcra import _palette
from fulcra._bench import data, plain, report
from fulcra._demo import canvas
from fulcra._errors import WrongAnswerError
from fulcra.cluster import KMeans

N_OFFSET = 8
N_BLOBS = 33
SLICE = 12
PANELS = {"left": 0.085, "right": 0.97, "top": 0.805, "bottom": 0.105, "wspace": 0.06}


@dataclass(frozen=True)
class Offset:
    """Rows far from the origin, labelled by `predict` of both libraries from the same centres."""

    X: NDArray[np.float32]  # (n_samples, 3)
    centers: NDArray[np.float32]  # (N_OFFSET, 3)
    labels: dict[str, NDArray[Any]]  # by library: what predict says, (n_samples,)
    wrong: dict[str, float]  # by library: share of rows whose centre is not their nearest


@dataclass(frozen=True)
class Blobs:
    """Two far blobs, fitted by both libraries from the same centres."""

    wrong: dict[str, float]  # by library: share of `labels_` that are not the nearest of its own centres
    excess: dict[str, float]  # by library: `inertia_` over the true inertia of its own centres, less 1


def offset() -> Offset:
    """Label 20,000 rows at 1,000,000 with a spread of 50.

    Returns
    -------
    found : Offset
        The labels, and the share of rows whose centre is not their nearest.
    """
    X = data.far_offset()
    # scikit-learn's fit centres the rows, so its centres are good: only its predict is looked at here.
    theirs = SklearnKMeans(N_OFFSET, n_init=1, random_state=0).fit(X)
    centers = theirs.cluster_centers_
    nearest, _ = plain.true_nearest(X, centers)
    labels = {"scikit-learn": theirs.predict(X), "fulcra": KMeans.from_centers(centers).predict(X)}
    return Offset(X, centers, labels, {name: float((got != nearest).mean()) for name, got in labels.items()})


def blobs() -> Blobs:
    """Fit 33 clusters to rows at -1000 or +1000 plus unit noise.

    Returns
    -------
    found : Blobs
        Shares of wrong labels, and how far the reported inertia is off.
    """
    X = data.two_far_blobs()
    start = X[np.random.default_rng(1).permutation(len(X))[:N_BLOBS]]
    wrong, excess = {}, {}
    kinds: dict[str, Any] = {"scikit-learn": SklearnKMeans, "fulcra": KMeans}
    for name, kind in kinds.items():
        fitted = kind(N_BLOBS, init=start, n_init=1).fit(X)
        nearest, squares = plain.true_nearest(X, fitted.cluster_centers_)
        wrong[name] = float((fitted.labels_ != nearest).mean())
        excess[name] = float(fitted.inertia_ / squares.sum() - 1)
    return Blobs(wrong, excess)


def draw(path: Path) -> Path:
    """Show both cases in a table and the first one in a picture.

    Parameters
    ----------
    path : Path
        Where the picture goes.

    Returns
    -------
    path : Path
        The same.

    Raises
    ------
    WrongAnswerError
        If a label of fulcra's is not the nearest centre.
    """
    far, two = offset(), blobs()
    if far.wrong["fulcra"] or two.wrong["fulcra"]:
        raise WrongAnswerError("fulcra gave a row a centre that is not its nearest")
    names = ("scikit-learn", "fulcra")
    report.show(
        "Two float32 data sets, judged by direct differences in float64",
        ("", *names),
        [
            (
                "20,000 x 3 at 1,000,000 +- 50, predict: rows given a centre that is not their nearest",
                *(f"{far.wrong[name]:.1%}" for name in names),
            ),
            (
                "20,000 x 16 at -1000 or +1000, fit: labels that are not the nearest centre",
                *(f"{two.wrong[name]:.1%}" for name in names),
            ),
            (
                "the same: inertia_ against that of its own centres",
                *(f"{two.excess[name]:+.2%}" for name in names),
            ),
        ],
    )
    return _picture(far, path)


def _picture(far: Offset, path: Path) -> Path:
    """Colour the rows of a thin slice by the centre each library gives them."""
    made = canvas.figure(10, 5.75)
    canvas.heading(
        made,
        "Rows at 1,000,000 \u00b1 50 in float32, coloured by the centre they are given",
        f"{len(far.X):,} rows, the same {len(far.centers)} centres for both; "
        f"drawn: the slice whose third column lies within {SLICE} of 1,000,000",
    )
    shifted = far.X.astype(np.float64) - 1e6
    shown = np.abs(shifted[:, 2]) < SLICE
    panels = made.subplots(1, 2, sharex=True, sharey=True, gridspec_kw=PANELS)
    for axes, (name, labels) in zip(panels, far.labels.items(), strict=True):
        colours = np.array(_palette.EIGHT)[labels[shown]]
        axes.scatter(*shifted[shown, :2].T, s=9, c=colours, linewidths=0)
        axes.set_title(
            f"{name}: {far.wrong[name]:.1%} are not given their nearest",
            fontsize=10.5,
            color=_palette.INK,
            loc="left",
        )
        axes.set_xlabel("first column \u2212 1,000,000", color=_palette.QUIET)
        axes.tick_params(colors=_palette.QUIET, labelleft=axes is panels[0])
        axes.set_xlim(-184, 184)
        axes.set_ylim(-172, 172)  # in the panels' proportions, so that distances look alike both ways
        for spine in axes.spines.values():
            spine.set_color(_palette.PALE)
    panels[0].set_ylabel("second column \u2212 1,000,000", color=_palette.QUIET)
    return canvas.save(made, path)
