"""
The colours and the regions of a photograph
===========================================

A photograph has more colours than anybody can name. Twelve centroids are a palette that stands for them, and
five cut the picture into sky, water, roofs, trees
and shadow. No label is given, only pixels.

The photograph comes with scikit-learn; pillow reads it.
"""

# %%
# Distances should be what the eye sees
# -------------------------------------
# In red, green and blue, twelve centroids go to the sky and the shadows, and the red of the columns is lost.
# L*a*b* (lightness, green to red, blue to yellow) is made so that equal distances look about equally far.
import io

import matplotlib.pyplot as plt
import numpy as np
from fulcra.cluster import KMeans
from fulcra.datasets import load_centroids, load_china
from PIL import Image


def lab(colours):
    """Turn sRGB, 0 to 255, into CIE L*a*b* in daylight (D65)."""
    colours = np.asarray(colours) / 255
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratios = linear @ to_xyz.T / to_xyz.sum(axis=1)
    x, y, z = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), ratios * (29 / 6) ** 2 / 3 + 4 / 29).T
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=1)


china = load_china()
pixels, seen = china.data, lab(china.data)


def drawn(labels):
    """Draw the photograph with the mean colour of each label."""
    means = np.array([pixels[labels == j].mean(axis=0) for j in range(labels.max() + 1)])
    return means.round().astype(np.uint8)[labels].reshape(china.image.shape)


# %%
# A palette of twelve
# -------------------
palette = KMeans(12, n_init=4, random_state=0).fit(seen)
twelve = drawn(palette.labels_)
error = np.linalg.norm(seen - lab(twelve.reshape(-1, 3)), axis=1).mean()


def png_size(picture, n_colours=None):
    """Return the size of a PNG in kB, with a palette where the number of colours is given."""
    image = Image.fromarray(picture)
    file = io.BytesIO()
    (image if n_colours is None else image.quantize(n_colours, dither=0)).save(file, "png", optimize=True)
    return len(file.getvalue()) / 1000


whole, small = png_size(china.image), png_size(twelve, 12)

# %%
# Five regions, and what they are
# -------------------------------
# The brightest part of the lake has the colour of the sky, so the height in the picture is a fourth column,
# worth 40 steps of lightness from top to bottom. The centers then say which region is which: roofs are the
# reddest, trees the yellowest of the rest; sky, water and shadow follow by their lightness.
height = np.repeat(np.linspace(0, 40, len(china.image)), china.image.shape[1])
five = KMeans(5, n_init=4, random_state=0).fit(np.column_stack((seen, height)))
lightness, redness, yellowness, _ = five.cluster_centers_.T
roofs = redness.argmax()
trees = np.where(np.arange(5) == roofs, -np.inf, yellowness).argmax()
shadow, water, sky = (j for j in lightness.argsort() if j not in (roofs, trees))
regions = {"sky": sky, "water and haze": water, "roofs": roofs, "trees": trees, "shadow": shadow}
shares = {name: np.mean(five.labels_ == j) for name, j in regions.items()}

# %%
# Centroids from a text
# ---------------------
# Three colours that are known beforehand (sky, grass, building: a text's illustration, not fitted to any
# picture) label the pixels as well, without a fit.
known = load_centroids("colours")
by_text = KMeans.from_centers(lab(known.data)).predict(seen)
sky_by_text = np.mean(by_text == known.target_names.index("sky"))

# %%
# The picture
# -----------
n_colours = len(np.unique(pixels, axis=0))
figure, axes = plt.subplot_mosaic(
    [["photograph", "palette"], ["photograph", "swatches"], ["regions", "text"]],
    figsize=(9, 7),
    height_ratios=(10, 0.8, 10.8),
    layout="constrained",
)
swatches = np.unique(twelve.reshape(-1, 3), axis=0)
swatches = swatches[lab(swatches)[:, 0].argsort()]
for name, title, picture in (
    ("photograph", f"The photograph: {n_colours:,} colours", china.image),
    ("palette", f"Twelve colours, {error:.1f} L*a*b* away on average", twelve),
    ("swatches", "", swatches[np.newaxis]),
    ("regions", "Five regions, in their mean colours", drawn(five.labels_)),
    ("text", "Sky, grass and building by a text's centroids", drawn(by_text)),
):
    axes[name].imshow(picture, aspect="auto" if name == "swatches" else "equal")
    axes[name].set_title(title, fontsize=10, loc="left")
    axes[name].set_anchor("N")
    axes[name].set_axis_off()

# %%
# What to do
# ----------
print(f"Twelve colours instead of {n_colours:,}: {small:.0f} kB instead of {whole:.0f} kB as PNG.")
print("Regions: " + ", ".join(f"{name} {share:.1%}" for name, share in shares.items()) + ".")
print(f"By the text's centroids the sky is {sky_by_text:.1%}: the rest of it is paler than the text's sky.")
print(
    "Decision: palette for thumbnails; cut the sky out by the photograph's own centroids, not by the text's."
)
if plt.get_backend().lower() != "agg":
    plt.show()
