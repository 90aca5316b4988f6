"""The colours of every picture, apart for every kind of colour blindness, and for twenty clusters."""

INK = "#222222"
QUIET = "#767676"
PALE = "#C9CED6"
BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILION = "#D55E00"
# Okabe and Ito's eight.
EIGHT = (BLUE, ORANGE, GREEN, VERMILION, "#56B4E9", "#CC79A7", "#F0E442", "#000000")
#: What a second and third round of the same colours is told apart by.
MARKERS = ("o", "^", "s", "D", "v")
#: The colour map of two directions around a middle.
DIVERGING = "PuOr_r"


def colour(cluster: int) -> str:
    """Return the colour of a cluster, the same in every picture.

    Parameters
    ----------
    cluster : int
        Its index, from 0.

    Returns
    -------
    str
        As #RRGGBB; the ninth cluster has that of the first again, and another `marker`.
    """
    return EIGHT[cluster % len(EIGHT)]


def marker(cluster: int) -> str:
    """Return the marker of a cluster: one shape for each eight colours.

    Parameters
    ----------
    cluster : int
        Its index, from 0.

    Returns
    -------
    str
        As matplotlib has it.
    """
    return MARKERS[cluster // len(EIGHT) % len(MARKERS)]
