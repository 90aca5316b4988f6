"""Whether the texts of a picture can be read: what is drawn, where, and what overlaps."""

import numpy as np
from matplotlib.text import Text


def written(figure):
    """Return the texts that are drawn, apart from those of ticks out of view."""
    figure.draw_without_rendering()
    hidden = set()
    for ax in figure.findobj(lambda artist: hasattr(artist, "get_xaxis")):
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (high - low)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not ax.axison or not low - slack <= tick.get_loc() <= high + slack:
                    hidden.update(map(id, tick.findobj(Text)))
            if not ax.axison:
                hidden.update(map(id, axis.findobj(Text)))
    return [
        text
        for text in figure.findobj(Text)
        if id(text) not in hidden and text.get_visible() and text.get_text().strip()
    ]


def corners(text):
    """Return the corners of a text, turned with it, (4, 2) in pixels."""
    turn, box = text.get_rotation(), Text.get_window_extent(text)
    if turn % 90 == 0:
        return np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]])
    # What a turned box takes up is w cos + h sin by w sin + h cos.
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    w, h = np.linalg.solve([[cos, sin], [sin, cos]], [box.width, box.height])
    flat = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    return flat @ np.array([[cos, sin], [-sin, cos]]) + [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]


def overlap(one, other):
    """Whether two convex shapes have more in common than a pixel's width (the separating axis theorem)."""
    for shape in (one, other):
        for side in np.roll(shape, -1, axis=0) - shape:
            across = np.array([-side[1], side[0]]) / max(np.hypot(*side), 1e-9)
            a, b = one @ across, other @ across
            if min(a.max(), b.max()) - max(a.min(), b.min()) <= 1:
                return False
    return True


def assert_legible(figure):
    texts = written(figure)
    boxes = [corners(text) for text in texts]
    size = figure.get_size_inches() * figure.dpi
    for text, box in zip(texts, boxes, strict=True):
        assert (box >= -1).all(), f"{text.get_text()!r} leaves the figure"
        assert (box <= size + 1).all(), f"{text.get_text()!r} leaves the figure"
        assert text.get_fontsize() >= 5
    low, high = np.min(boxes, axis=1), np.max(boxes, axis=1)
    near = (low[:, np.newaxis] < high).all(axis=2) & (low < high[:, np.newaxis]).all(axis=2)
    for i, j in np.argwhere(np.triu(near, 1)):
        said = f"{texts[i].get_text()!r} overlaps {texts[j].get_text()!r}"
        assert not overlap(boxes[i], boxes[j]), said
    return texts
