"""DriftDisplay: cells, frames and shares are those of the report, legible for few clusters and for many."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from fulcra._palette import BLUE, VERMILION
from fulcra.cluster import CentroidMonitor, KMeans
from fulcra.inspection._drift_display import DriftDisplay
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.usefixtures("tidy")

IRIS = load_iris(as_frame=True).data
MONITOR = CentroidMonitor(KMeans(3, random_state=0), false_alarm_rate=0.05).fit(IRIS)
LATER = IRIS.assign(**{"sepal width (cm)": IRIS["sepal width (cm)"] + 0.4})[20:]


def frames(display: DriftDisplay) -> set[tuple[int, int]]:
    """Which cells are framed: cluster and place."""
    boxes = [patch for patch in display.axes_[0].patches if isinstance(patch, Rectangle)]
    return {(round(box.get_y() + 0.5), round(box.get_x() + 0.5)) for box in boxes}


def test_cells_frames_and_shares_are_those_of_the_report() -> None:
    display = DriftDisplay.from_estimator(MONITOR, LATER)
    report = display.report
    shifts_ax, shares_ax = display.axes_
    assert display.shown_ == report.features
    np.testing.assert_array_equal(shifts_ax.images[0].get_array(), report.shifts)
    assert frames(display) == set(zip(*map(tuple, np.nonzero(report.moved)), strict=True))
    assert (1, 1) in frames(display)
    low, high = shifts_ax.images[0].get_clim()
    assert low == -high <= -1
    strength = shifts_ax.images[0].get_alpha()
    assert (strength[report.moved] == 1).all()
    assert (strength[~report.moved] < 0.5).all()
    then, now = (dots.get_offsets()[:, 0] for dots in shares_ax.collections[-2:])
    np.testing.assert_allclose(then, report.shares_then)
    np.testing.assert_allclose(now, report.shares_now)
    assert display.figure_ is display.bounding_ax_.figure
    written = {text.get_position(): text.get_text() for text in shifts_ax.texts}
    assert written[1, 1] == f"{report.shifts[1, 1]:+.1f}"


def test_a_share_that_changed_is_red() -> None:
    display = DriftDisplay.from_estimator(MONITOR, IRIS[50:])
    report = display.report
    assert report.resized.any()
    colours = [to_hex(colour).upper() for colour in display.axes_[1].collections[-1].get_facecolors()]
    assert colours == [VERMILION if resized else BLUE for resized in report.resized]
    gone = report.emptied[0]
    assert np.ma.getmaskarray(display.axes_[0].images[0].get_array())[gone].all()


def test_where_all_is_calm_it_says_so() -> None:
    display = DriftDisplay.from_report(MONITOR.drift(IRIS))
    assert display.report.calm
    assert not frames(display)
    assert display.axes_[0].images[0].get_clim() == (-1, 1)
    said = [text.get_text() for ax in display.figure_.axes for text in [*ax.texts, ax.title]]
    assert any(display.report.headline in " ".join(text.split()) for text in said)


@pytest.mark.parametrize("n_clusters", [2, 20])
def test_names_and_numbers_never_overlap(n_clusters: int) -> None:
    table = load_breast_cancer(as_frame=True).data
    model = make_pipeline(StandardScaler(), KMeans(n_clusters, random_state=0))
    monitor = CentroidMonitor(model, false_alarm_rate=0.02, n_splits=3).fit(table[:400])
    names = [f"a rather long name of number {j}" for j in range(n_clusters)]
    display = DriftDisplay.from_estimator(monitor, table[400:], names=names)
    display.figure_.draw_without_rendering()
    shifts_ax = display.axes_[0]
    for labels in (shifts_ax.get_yticklabels(), shifts_ax.get_xticklabels(), shifts_ax.texts):
        boxes = [label.get_window_extent() for label in labels if label.get_text()]
        upright = labels is shifts_ax.get_xticklabels()
        assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2)), upright
    assert len(shifts_ax.get_yticklabels()) == n_clusters


def test_of_many_features_the_flagged_ones_are_drawn() -> None:
    rng = np.random.default_rng(0)
    columns = [f"c{f}" for f in range(80)]
    table = pd.DataFrame(rng.normal(size=(300, 80)), columns=columns)
    monitor = CentroidMonitor(KMeans(2, random_state=0), n_splits=2, false_alarm_rate=0.05).fit(table)
    display = DriftDisplay.from_estimator(monitor, table.assign(c70=table["c70"] + 2))
    assert len(display.shown_) == 30
    assert "c70" in display.shown_
    assert list(display.shown_) == sorted(display.shown_, key=columns.index)
    assert display.shown_.index("c70") in {place for _, place in frames(display)}


def test_it_takes_the_place_of_the_users_axes() -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(14, 4), layout="constrained")
    display = DriftDisplay.from_report(MONITOR.drift(LATER), ax=left)
    figure.draw_without_rendering()
    assert display.bounding_ax_ is left
    assert all(ax.get_position().x1 <= right.get_position().x0 + 0.01 for ax in display.axes_)
    assert display.plot() is display
    assert display.figure_ is not figure


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="must be a fitted CentroidMonitor; got KMeans"):
        DriftDisplay.from_estimator(KMeans(2), IRIS)
    with pytest.raises(TypeError, match=r"what CentroidMonitor.drift returns; got dict"):
        DriftDisplay.from_report({})
    with pytest.raises(NotFittedError):
        DriftDisplay.from_estimator(CentroidMonitor(KMeans(2)), IRIS)
    with pytest.raises(ValueError, match="names has 2 names; there are 3 clusters"):
        DriftDisplay.from_estimator(MONITOR, IRIS, names=["a", "b"])
    with pytest.raises(ValueError, match="alpha"):
        DriftDisplay.from_estimator(MONITOR, IRIS, alpha=2)
