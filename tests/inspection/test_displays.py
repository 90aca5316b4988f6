"""What all pictures keep to: the user's axes and settings, clear errors, no pyplot unasked."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from fulcra import cluster
from fulcra.inspection import (
    CentroidProfileDisplay,
    ClusterDisplay,
    ConvergenceDisplay,
    ElbowDisplay,
    SilhouetteDisplay,
)
from fulcra.metrics import suggest_n_clusters
from matplotlib.figure import Figure
from sklearn.base import clone
from sklearn.cluster import DBSCAN
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.usefixtures("tidy")

IRIS = load_iris(as_frame=True).data
ROWS = IRIS.to_numpy()


def k_means(k, X, **params):
    return cluster.KMeans(k, random_state=0, **params).fit(X)


DISPLAYS = (ClusterDisplay, SilhouetteDisplay, CentroidProfileDisplay)


@pytest.mark.parametrize("display", DISPLAYS)
def test_the_users_axes_are_drawn_on_without_pyplot(display):
    ax = Figure().add_subplot()
    drawn = display.from_estimator(k_means(3, ROWS), ROWS, ax=ax)
    assert drawn.ax_ is ax
    assert drawn.figure_ is ax.figure
    assert plt.get_fignums() == []
    again = drawn.plot(ax=Figure().add_subplot())
    assert again is drawn
    assert again.ax_ is not ax


def test_panels_take_the_place_of_the_users_axes():
    figure = Figure(figsize=(12, 5))
    left, right = figure.subplots(1, 2)
    ConvergenceDisplay.from_estimator(k_means(3, ROWS), ax=left)
    report = suggest_n_clusters(ROWS, range(1, 4), n_references=2, n_splits=2, random_state=0)
    display = ElbowDisplay.from_report(report, ax=right)
    assert display.figure_ is figure
    assert plt.get_fignums() == []
    outer = right.get_position()
    for panel in display.axes_:
        inner = panel.get_position()
        assert outer.x0 - 1e-9 <= inner.x0 < inner.x1 <= outer.x1 + 1e-9
        assert outer.y0 - 1e-9 <= inner.y0 < inner.y1 <= outer.y1 + 1e-9


@pytest.mark.parametrize("display", DISPLAYS)
def test_bad_input_is_named(display):
    model = k_means(3, ROWS)
    with pytest.raises(ValueError, match="2 names; there are 3 clusters"):
        display.from_estimator(model, ROWS, names=["a", "b"])
    with pytest.raises(NotFittedError):
        display.from_estimator(cluster.KMeans(3), ROWS)
    with pytest.raises(TypeError, match="clusterer"):
        display.from_estimator(StandardScaler().fit(ROWS), ROWS)
    with pytest.raises(ValueError, match="5 features"):
        display.from_estimator(model, np.ones((9, 5)))


def test_more_bad_input_is_named():
    with pytest.raises(ValueError, match="no rows"):
        ClusterDisplay.from_estimator(k_means(3, ROWS), ROWS[:0])
    with pytest.raises(ValueError, match=r"150 rows; got shape \(2,\)"):
        ClusterDisplay.from_predictions(ROWS, [0, 1])
    with pytest.raises(ValueError, match=r"shape \(2, 4\)"):
        ClusterDisplay.from_predictions(ROWS, np.arange(150) % 2, np.ones((2, 3)))
    with pytest.raises(ValueError, match="Number of labels is 1"):
        SilhouetteDisplay.from_estimator(k_means(1, ROWS), ROWS)
    with pytest.raises(ValueError, match="kind"):
        CentroidProfileDisplay.from_estimator(k_means(3, ROWS), ROWS, kind="pie")
    with pytest.raises(ValueError, match="same shape"):
        CentroidProfileDisplay(np.ones((2, 3)), np.ones((2, 3)), feature_names="ab").plot()
    with pytest.raises(TypeError, match="suggest_n_clusters"):
        ElbowDisplay.from_report({"n_clusters": 3})
    with pytest.raises(TypeError, match="explain_clusters"):
        CentroidProfileDisplay.from_report({"names": ()})
    with pytest.raises(NotFittedError):
        ConvergenceDisplay.from_estimator(cluster.KMeans(3))
    with pytest.raises(ValueError, match="empty"):
        ConvergenceDisplay.from_history({"inertia": []})
    with pytest.raises(ValueError, match="'why'"):
        ConvergenceDisplay.from_history({"why": ["a", "b"]})


@pytest.mark.parametrize("display", DISPLAYS)
def test_swapped_arguments_are_told_by_type_and_shape(display):
    model = k_means(3, ROWS)
    for given, said in ((ROWS, r"ndarray of shape \(150, 4\)"), (IRIS, r"DataFrame of shape \(150, 4\)")):
        with pytest.raises(TypeError, match=f"model must be a fitted clusterer.* got {said}.$"):
            display.from_estimator(given, model)
    with pytest.raises(TypeError, match=r"X must be a table.* got KMeans.$"):
        display.from_estimator(model, model)
    with pytest.raises(TypeError, match=r"ax must be one matplotlib Axes.* got str.$"):
        display.from_estimator(model, ROWS, ax="ax")
    with pytest.raises(TypeError, match=r"got ndarray of shape \(2,\).$"):
        display.from_estimator(model, ROWS, ax=np.array([None, None]))


@pytest.mark.parametrize("display", [ClusterDisplay, SilhouetteDisplay])
def test_swapped_rows_and_labels_are_told_by_shape(display):
    labels = k_means(3, ROWS).labels_
    with pytest.raises(ValueError, match=r"got shapes \(150,\) and \(150, 4\).$"):
        display.from_predictions(labels, ROWS)
    with pytest.raises(ValueError, match=r"got shapes \(150,\) and \(150, 4\).$"):
        display.from_predictions(labels.tolist(), IRIS)
    with pytest.raises(TypeError, match=r"labels must be array-like; got KMeans.$"):
        display.from_predictions(ROWS, k_means(3, ROWS))


def test_a_fitted_model_without_a_history_is_told_from_one_that_is_not_fitted():
    theirs = TheirKMeans(3, n_init=1, random_state=0)
    for model in (theirs, make_pipeline(StandardScaler(), theirs)):
        with pytest.raises(NotFittedError):
            ConvergenceDisplay.from_estimator(clone(model))
        with pytest.raises(TypeError, match="sklearn's KMeans keeps no history_"):
            ConvergenceDisplay.from_estimator(clone(model).fit(ROWS))
    with pytest.raises(TypeError, match=r"got ndarray of shape \(150, 4\).$"):
        ConvergenceDisplay.from_estimator(ROWS)


@pytest.mark.parametrize("kind", ["heatmap", "parallel"])
def test_no_clusters_have_no_profile(kind):
    noise = DBSCAN(eps=1e-9, min_samples=3).fit(ROWS)
    with pytest.raises(ValueError, match="There are no clusters to draw"):
        CentroidProfileDisplay.from_estimator(noise, ROWS, kind=kind)
    assert ClusterDisplay.from_estimator(noise, ROWS).ax_.get_title().startswith("0 clusters")


@pytest.mark.parametrize("scale", [1e100, 1e140])
def test_values_too_large_are_named(scale):
    with pytest.raises(ValueError, match=r"too large.*Scale the data"):
        CentroidProfileDisplay.from_estimator(k_means(3, ROWS * scale), ROWS * scale)
    with pytest.raises(ValueError, match=r"too large.*Scale the data"):
        ClusterDisplay.from_predictions(ROWS * 1e160, np.arange(150) % 3)


def test_without_matplotlib_the_error_says_what_to_install(run_python):
    said = run_python(
        """
import sys
sys.modules["matplotlib"] = None
from fulcra.cluster import KMeans
from fulcra.inspection import ClusterDisplay
from fulcra.inspection import CentroidProfileDisplay
from fulcra.inspection import ConvergenceDisplay
from fulcra.inspection import ElbowDisplay
from fulcra.inspection import SilhouetteDisplay
X = [[0.0], [1.0], [9.0]]
model = KMeans(2, random_state=0).fit(X)
for draw in (
    lambda: ClusterDisplay.from_estimator(model, X),
    lambda: SilhouetteDisplay.from_estimator(model, X),
    lambda: CentroidProfileDisplay.from_estimator(model, X),
    lambda: ConvergenceDisplay.from_estimator(model),
    lambda: ElbowDisplay.from_data(X),
):
    try:
        draw()
    except ImportError as error:
        print(str(error))
"""
    )
    assert said.count('pip install "fulcra[plot]"') == 5


def test_pyplot_is_left_alone_where_axes_are_given(run_python):
    said = run_python(
        """
import io
import sys
from fulcra.cluster import KMeans, KMedians
from fulcra.inspection import ClusterDisplay
from fulcra.inspection import CentroidProfileDisplay
from fulcra.inspection import ConvergenceDisplay
from fulcra.inspection import SilhouetteDisplay
assert "matplotlib" not in sys.modules
from matplotlib.figure import Figure
X = [[0.0, 1.0], [1.0, 0.0], [9.0, 8.0], [9.0, 9.0]]
model = KMeans(2, random_state=0).fit(X)
for draw in (
    lambda ax: ClusterDisplay.from_estimator(KMedians(2, random_state=0).fit(X), X, ax=ax),
    lambda ax: SilhouetteDisplay.from_estimator(model, X, ax=ax),
    lambda ax: CentroidProfileDisplay.from_estimator(model, X, ax=ax),
    lambda ax: CentroidProfileDisplay.from_estimator(model, X, kind="parallel", ax=ax),
    lambda ax: ConvergenceDisplay.from_estimator(model, ax=ax),
):
    figure = Figure()
    draw(figure.add_subplot())
    figure.savefig(io.BytesIO())
print("matplotlib.pyplot" in sys.modules)
"""
    )
    assert said == "False\n"


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("columns", [2, 4])
@pytest.mark.parametrize("scaled", [False, True])
def test_polars_is_taken_as_pandas_is(display, columns, scaled):
    known = IRIS.iloc[:, :columns]
    other = pl.DataFrame({name: known[name].to_numpy() for name in known})
    model = cluster.KMeans(3, random_state=0)
    if scaled:
        model = make_pipeline(StandardScaler(), model).set_output(transform="pandas")
    first, second = (display.from_estimator(model.fit(X), X) for X in (known, other))
    assert first.ax_.get_xlabel() == second.ax_.get_xlabel()
    one, two = (getattr(shown, "points", getattr(shown, "silhouettes", None)) for shown in (first, second))
    np.testing.assert_allclose(*((one, two) if one is not None else (first.centers, second.centers)))
