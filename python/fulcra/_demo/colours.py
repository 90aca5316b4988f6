"""Plain names for colours: the nearest of a short list, as the eye judges nearness."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = {
    "black": "#0b0b0b",
    "charcoal": "#2b2d2f",
    "slate": "#4b535b",
    "grey": "#7d7f80",
    "silver": "#b4b6b8",
    "white": "#f8f8f6",
    "ivory": "#efe9d8",
    "cream": "#e6dcb8",
    "sand": "#cbb88c",
    "taupe": "#93826c",
    "umber": "#5c4a38",
    "chocolate": "#3a2416",
    "rust": "#8e3b1f",
    "brick": "#a8483a",
    "red": "#c8202a",
    "maroon": "#5a1620",
    "rose": "#d59a98",
    "terracotta": "#c66a45",
    "orange": "#e38a2e",
    "amber": "#d8a53a",
    "gold": "#c9a227",
    "yellow": "#ecd24a",
    "khaki": "#a69a66",
    "olive": "#6b6a35",
    "dark olive": "#3a3c1f",
    "moss": "#5d7338",
    "green": "#3f8a3f",
    "forest": "#24482a",
    "sage": "#98a68c",
    "teal": "#2f7d7a",
    "pine": "#1d3b3a",
    "mint": "#b4dcc6",
    "pale sky": "#dbe6ef",
    "mist": "#c5d0da",
    "sky": "#a3c1dc",
    "steel": "#7c98b3",
    "denim": "#47688c",
    "navy": "#1f2f4f",
    "blue": "#2b5fb3",
    "ink": "#161b26",
    "lavender": "#b9add6",
    "violet": "#6b4a99",
    "plum": "#5d3454",
    "magenta": "#b3397f",
}


def name_all(colours: NDArray[Any]) -> list[str]:
    """Name colours so that no name comes twice: the closest pair of colour and name is matched first.

    Parameters
    ----------
    colours : ndarray of shape (n_colours, 3)
        Red, green and blue, 0 to 1; at most as many as there are names.

    Returns
    -------
    names : list of str
        One for each colour.
    """
    known = np.array(
        [[int(code[place : place + 2], 16) / 255 for place in (1, 3, 5)] for code in NAMES.values()]
    )
    gaps = np.linalg.norm(lab(colours)[:, None] - lab(known), axis=2)
    found = [""] * len(colours)
    words = list(NAMES)
    for _ in found:
        i, j = np.unravel_index(gaps.argmin(), gaps.shape)
        found[i] = words[j]
        gaps[i], gaps[:, j] = np.inf, np.inf
    return found


def codes(colours: NDArray[Any]) -> list[str]:
    """Write colours as #rrggbb.

    Parameters
    ----------
    colours : ndarray of shape (n_colours, 3)
        Red, green and blue, 0 to 1.

    Returns
    -------
    codes : list of str
        One for each colour.
    """
    levels: Iterable[Any] = np.rint(np.clip(colours, 0, 1) * 255).astype(int)
    return ["#{:02x}{:02x}{:02x}".format(*level) for level in levels]


def lab(colours: NDArray[Any]) -> NDArray[np.float64]:
    """Turn sRGB into CIE 1976 L*a*b* (daylight D65), where equal distances look about equally far.

    Parameters
    ----------
    colours : ndarray of shape (n_colours, 3)
        Red, green and blue, 0 to 1.

    Returns
    -------
    lab : ndarray of shape (n_colours, 3)
        Lightness 0 to 100, green to red, blue to yellow.
    """
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratios = linear @ to_xyz.T / to_xyz.sum(axis=1)
    roots = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), ratios / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = roots.T
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=1)
