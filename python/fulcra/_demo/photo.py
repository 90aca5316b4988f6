"""The colours of a photograph: a palette, and the picture drawn with nothing else.

Clustered by lightness and hue as the eye sees them (L*a*b*): by red, green and blue, twelve centres go to the
sky and the shadows, and the red of the columns is lost.
"""

from pathlib import Path

import numpy as np

from fulcra import _palette
from fulcra._bench import data
from fulcra._demo import canvas, colours
from fulcra.cluster import KMeans

N_COLOURS = 12
PHOTOS = {"left": 0.03, "right": 0.97, "top": 0.825, "bottom": 0.285, "wspace": 0.03}
SWATCHES = {"left": 0.03, "right": 0.97, "top": 0.245, "bottom": 0.125, "wspace": 0.06}


def draw(path: Path) -> Path:
    """Cluster the pixels of china.jpg into few colours and draw palette and photographs side by side.

    Parameters
    ----------
    path : Path
        Where the picture goes.

    Returns
    -------
    path : Path
        The same.
    """
    photo = data.china()
    pixels = data.china_pixels()
    seen = colours.lab(pixels).astype(np.float32)
    labels = KMeans(N_COLOURS, n_init=4, random_state=0).fit_predict(seen)
    members = np.bincount(labels, minlength=N_COLOURS)
    means = np.stack([np.bincount(labels, part, N_COLOURS) for part in pixels.T], axis=1) / members[:, None]
    order = np.argsort(-members)
    palette, shares = means[order], members[order] / len(pixels)
    names, codes = colours.name_all(palette), colours.codes(palette)
    n_original = len(np.unique(photo.reshape(-1, 3), axis=0))
    print(f"  {len(pixels):,} pixels of {n_original:,} colours; the {N_COLOURS} that stand for them best:")
    for name, code, share in zip(names, codes, shares, strict=True):
        print(f"    {code}  {name:<11} {share:6.1%}")

    made = canvas.figure(10, 5.75)
    canvas.heading(
        made,
        "A photograph in twelve colours",
        f"china.jpg from scikit-learn: {len(pixels):,} pixels clustered by lightness and hue (L*a*b*)",
    )
    shown = (
        (f"original, {n_original:,} colours", photo),
        (
            f"drawn with its {N_COLOURS} cluster colours",
            means[labels].reshape(photo.shape),
        ),
    )
    for axes, (title, picture) in zip(made.subplots(1, 2, gridspec_kw=PHOTOS), shown, strict=True):
        axes.imshow(picture)
        axes.set_title(title, fontsize=10.5, color=_palette.INK, loc="left", pad=5)
        canvas.bare(axes)
    strip = made.subplots(1, N_COLOURS, gridspec_kw=SWATCHES)
    for axes, colour, name, code, share in zip(strip, palette, names, codes, shares, strict=True):
        axes.set_facecolor(tuple(colour))
        canvas.bare(axes)
        axes.text(0, -0.13, name, fontsize=9.5, color=_palette.INK, va="top", transform=axes.transAxes)
        axes.text(0, -0.36, code, fontsize=8.5, color=_palette.QUIET, va="top", transform=axes.transAxes)
        axes.text(
            0, -0.58, f"{share:.1%}", fontsize=8.5, color=_palette.QUIET, va="top", transform=axes.transAxes
        )
    return canvas.save(made, path)
