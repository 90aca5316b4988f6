"""The panels mark what the report says."""

import numpy as np
import pytest
from fulcra.inspection import ElbowDisplay
from fulcra.metrics import suggest_n_clusters
from sklearn.datasets import load_iris

pytestmark = pytest.mark.usefixtures("tidy")

IRIS = load_iris(as_frame=True).data
ROWS = IRIS.to_numpy()


def test_the_votes_and_the_recommendation_are_marked():
    report = suggest_n_clusters(ROWS, range(1, 7), n_references=5, n_splits=2, random_state=0)
    display = ElbowDisplay.from_report(report)
    votes = [
        None,
        *(report.votes[name] for name in ("elbow", "silhouette", "gap", "davies_bouldin", "stability")),
    ]
    assert display.axes_.shape == (6,)
    for panel, vote in zip(display.axes_, votes, strict=True):
        (band,) = panel.patches
        left, right = band.get_extents().transformed(panel.transData.inverted()).intervalx
        assert (left + right) / 2 == pytest.approx(report.n_clusters)
        circles = panel.collections[-1].get_offsets()
        assert [x for x, _ in circles] == ([vote] if vote is not None else [])
    x, y = display.axes_[1].lines[0].get_data()
    np.testing.assert_array_equal(x, range(1, 7))
    np.testing.assert_allclose(y, report.table["wcss"] / report.table["wcss"][0])
    assert display.axes_[0].lines[-1].get_ydata()[0] == 5
    assert display.axes_[5].lines[-1].get_ydata()[0] == 0.8


def test_no_clusters_are_shown_as_one():
    X = np.random.default_rng(0).normal(size=(80, 2))
    display = ElbowDisplay.from_data(X, range(1, 5), n_references=5, n_splits=2, random_state=0)
    assert display.report.n_clusters == 1
    left, right = (
        display.axes_[0].patches[0].get_extents().transformed(display.axes_[0].transData.inverted()).intervalx
    )
    assert left < 1 < right < 2
    same = ElbowDisplay.from_data(np.ones((9, 2)), range(1, 4), random_state=0)
    assert all(not len(line.get_xdata()) for panel in same.axes_ for line in panel.lines)
