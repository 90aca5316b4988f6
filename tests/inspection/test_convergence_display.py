"""Every history is drawn, each quantity on the scale that its range asks for."""

import numpy as np
import pytest
from fulcra import cluster
from fulcra.inspection import ConvergenceDisplay
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.usefixtures("tidy")

IRIS = load_iris(as_frame=True).data
ROWS = IRIS.to_numpy()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BisectingKMeans", ("inertia", "size", "n_iter", "cut_short", "seconds")),
        ("FuzzyCMeans", ("objective", "shift", "seconds")),
        ("KMeans", ("inertia", "shift", "moved", "evaluated", "seconds")),
        ("KMedians", ("inertia", "shift", "moved", "evaluated", "seconds")),
        ("KMedoids", ("inertia", "swaps", "seconds")),
        ("MahalanobisKMeans", ("inertia", "shift", "moved", "evaluated", "seconds")),
        ("MiniBatchKMeans", ("inertia", "shift", "reassigned", "seconds")),
        ("OnlineKMeans", ("inertia", "drift")),
        ("SphericalKMeans", ("inertia", "shift", "moved", "evaluated", "seconds")),
    ],
)
def test_every_history_is_drawn(name, expected):
    model = getattr(cluster, name)(3, random_state=0).fit(ROWS)
    display = ConvergenceDisplay.from_estimator(make_pipeline(StandardScaler(), model))
    assert display.quantities_ == expected
    first = display.axes_[0].lines[0]
    np.testing.assert_array_equal(first.get_ydata(), model.history_[expected[0]])
    steps = model.history_.get("n_samples", np.arange(1, len(first.get_ydata()) + 1))
    np.testing.assert_array_equal(first.get_xdata(), steps)


def test_scales_follow_the_range():
    fall = 10.0 ** -np.arange(6)
    display = ConvergenceDisplay.from_history(
        {
            "loss": fall,
            "val_loss": 2 * fall,
            "gradient_norm": np.append(fall, 0),
            "weight_norm": np.sqrt(1 + np.arange(6)),
            "step size!": np.full(6, 0.1),
            "balance": fall - 0.5,
        },
        "Stopped.",
        step="epoch",
    )
    assert display.quantities_ == ("loss", "gradient_norm", "weight_norm", "step size!", "balance")
    scales = [panel.get_yscale() for panel in display.axes_]
    assert scales == ["log", "symlog", "linear", "linear", "linear"]
    assert len(display.axes_[0].lines) == 2
    assert display.axes_[0].get_xlabel() == "epoch"


@pytest.mark.parametrize("length", [1, 300])
def test_short_and_long_histories_are_drawn(length):
    display = ConvergenceDisplay.from_history({"inertia": np.arange(length, 0.0, -1), "moved": [0] * length})
    display.figure_.canvas.draw()
    assert display.axes_.shape == (2,)
