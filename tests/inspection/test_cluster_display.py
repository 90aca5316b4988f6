"""The map of the clusters shows rows where they are, and borders where the model has them."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from fulcra import cluster
from fulcra._palette import colour
from fulcra.inspection import ClusterDisplay
from matplotlib.colors import to_rgb
from sklearn.cluster import DBSCAN
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

pytestmark = pytest.mark.usefixtures("tidy")

IRIS = load_iris(as_frame=True).data
ROWS = IRIS.to_numpy()


def k_means(k, X, **params):
    return cluster.KMeans(k, random_state=0, **params).fit(X)


def cluster_at(borders, points):
    """Return in whose polygon each point is, by the signs of all its sides."""
    found = np.full(len(points), -1)
    for j, polygon in borders.polygons.items():
        sides = np.roll(polygon, -1, axis=0) - polygon
        to = points[:, np.newaxis] - polygon
        turns = sides[:, 0] * to[..., 1] - sides[:, 1] * to[..., 0]
        found[(turns > -1e-9 * np.abs(turns).max()).all(axis=1)] = j
    return found


def test_the_border_between_two_centers_is_half_way():
    display = ClusterDisplay.from_estimator(
        cluster.KMeans.from_centers([[0.0, 0.0], [2.0, 0.0]]), np.array([[0.0, 0.0], [2.0, 0.0], [1.5, 1.0]])
    )
    left, right = display.borders.polygons[0], display.borders.polygons[1]
    assert left[:, 0].max() == pytest.approx(1)
    assert right[:, 0].min() == pytest.approx(1)
    assert display.borders.view == pytest.approx((-0.1, 2.1, -0.05, 1.05))


@pytest.mark.parametrize("kind", [cluster.KMeans, TheirKMeans])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_two_columns_have_the_models_own_borders_behind_a_scaler(kind, dtype):
    X = IRIS.iloc[:, 2:].astype(dtype)
    model = make_pipeline(StandardScaler(), kind(5, n_init=1, random_state=0)).fit(X)
    display = ClusterDisplay.from_estimator(model, X)
    view = display.borders.view
    places = np.random.default_rng(0).uniform(view[::2], view[1::2], (2000, 2))
    said = model.predict(pd.DataFrame(places, columns=X.columns).astype(dtype))
    assert np.mean(cluster_at(display.borders, places) == said) > 0.999  # all but some on the borders
    np.testing.assert_allclose(
        display.centers, model[0].inverse_transform(model[-1].cluster_centers_), rtol=1e-6
    )
    assert sorted(map(tuple, display.points)) == sorted(map(tuple, X.to_numpy()))


def test_more_columns_have_the_section_of_the_space():
    model = k_means(4, ROWS)
    display = ClusterDisplay.from_estimator(model, ROWS)
    plane = PCA(2).fit(ROWS)
    np.testing.assert_allclose(display.centers, plane.transform(model.cluster_centers_), atol=1e-9)
    on_plane = plane.inverse_transform(display.points)
    np.testing.assert_array_equal(cluster_at(display.borders, display.points), model.predict(on_plane))
    share = np.mean(model.predict(on_plane) == display.labels)
    assert f"{int(100 * share)}% of the rows" in display.note
    assert f"{plane.explained_variance_ratio_[0]:.0%}" in display.ax_.get_xlabel()
    assert "petal" not in display.ax_.get_xlabel()  # an array has no names
    named = ClusterDisplay.from_estimator(k_means(4, IRIS), IRIS)
    assert f"petal length (cm) {plane.components_[0, 2]:+.2f}" in named.ax_.get_xlabel()


def test_borders_that_are_not_straight_are_what_predict_says():
    X = ROWS[:, [0, 2]]
    model = cluster.KMedians(3, random_state=0).fit(X)
    borders = ClusterDisplay.from_estimator(model, X).borders
    assert borders.polygons is None
    up, across = borders.grid.shape
    low_x, high_x, low_y, high_y = borders.view
    x = low_x + (np.arange(across) + 0.5) * (high_x - low_x) / across
    y = low_y + (np.arange(up) + 0.5) * (high_y - low_y) / up
    for i in (0, up // 2, up - 1):
        np.testing.assert_array_equal(
            borders.grid[i], model.predict(np.column_stack([x, np.full(across, y[i])]))
        )


def test_a_logarithm_before_the_model_bends_the_borders_and_is_asked_nothing_below_0():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"income": rng.lognormal(10, 1, 200), "rent": rng.lognormal(7, 1, 200)})
    model = make_pipeline(FunctionTransformer(np.log, np.exp), k_means(3, X)).fit(X)
    display = ClusterDisplay.from_estimator(model, X)
    assert display.borders.polygons is None
    assert display.borders.view[0] == X["income"].min()
    np.testing.assert_allclose(display.centers, np.exp(model[-1].cluster_centers_))


def test_borders_are_left_out_where_they_would_mislead():
    X = load_digits().data
    model = k_means(10, X, n_init=1)
    assert ClusterDisplay.from_estimator(model, X).borders is None
    assert ClusterDisplay.from_estimator(model, X, borders=True).borders is not None
    assert ClusterDisplay.from_estimator(k_means(2, ROWS), ROWS, borders=False).borders is None


def test_one_column_is_drawn_along_x():
    display = ClusterDisplay.from_estimator(
        cluster.KMeans.from_centers([[0.0], [4.0]]), [[0.0], [1.0], [4.0]]
    )
    assert sorted(display.points[:, 0]) == [0, 1, 4]
    assert display.borders.polygons[0][:, 0].max() == pytest.approx(2)


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("n_features", [1, 4])
def test_a_few_rows_are_drawn(n, k, n_features):
    centers = ROWS[[0, 60, 120]][:k, :n_features]
    display = ClusterDisplay.from_estimator(
        cluster.KMeans.from_centers(centers), ROWS[:n, :n_features], random_state=1
    )
    assert np.isfinite(display.points).all()
    assert display.points.shape == (n, 2)
    assert len(display.borders.polygons) == k or n_features == 4


def test_sparse_rows_are_drawn_as_dense_ones_are():
    X = ROWS - (ROWS > 5) * ROWS
    dense = ClusterDisplay.from_estimator(k_means(3, X), X)
    sparse = ClusterDisplay.from_estimator(k_means(3, sp.csr_matrix(X)), sp.csr_matrix(X))
    np.testing.assert_allclose(np.abs(sparse.points), np.abs(dense.points), atol=1e-8)
    assert set(sparse.borders.polygons) == set(dense.borders.polygons)


def test_levels_and_texts_are_drawn():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.integers(18, 80, 90), "plan": rng.choice(["basic", "plus"], 90)})
    steps = make_column_transformer((StandardScaler(), ["age"]), (OneHotEncoder(), ["plan"]))
    model = make_pipeline(steps, cluster.KMeans(2, random_state=0)).fit(X)
    assert "age" in ClusterDisplay.from_estimator(model, X).ax_.get_xlabel()
    gower = cluster.KMedoids(2, metric="gower", random_state=0).fit(X)
    assert ClusterDisplay.from_estimator(gower, X).borders is None
    texts = ["cats and dogs", "dogs and cats play", "stocks fall", "stocks fall today"] * 5
    model = make_pipeline(TfidfVectorizer(), cluster.KMeans(2, random_state=0)).fit(texts)
    assert "stocks" in ClusterDisplay.from_estimator(model, texts).ax_.get_xlabel()


def test_many_rows_are_sampled():
    X = np.random.default_rng(0).normal(size=(30_000, 3))
    model = k_means(2, X, n_init=1)
    displays = [ClusterDisplay.from_estimator(model, X, max_samples=500) for _ in range(2)]
    assert displays[0].points.shape == (500, 2)
    np.testing.assert_array_equal(displays[0].points, displays[1].points)
    assert "500 of 30,000 rows" in displays[0].ax_.get_title()


def test_labels_keep_their_colours_and_minus_one_is_no_cluster():
    labels = np.where(ROWS[:, 2] < 2, 5, -1)
    display = ClusterDisplay.from_predictions(ROWS, labels)
    (drawn,) = display.rows_
    shades = drawn.get_facecolors()[:, :3]
    np.testing.assert_allclose(shades[display.labels == 5], [to_rgb(colour(5))] * 50)
    assert len(np.unique(shades, axis=0)) == 2
    assert [text.get_text() for text in display.texts_ if text.get_visible()][-1] == "5"
    texts = ClusterDisplay.from_predictions(ROWS, load_iris().target_names[load_iris().target]).texts_
    assert {text.get_text() for text in texts} == {"setosa", "versicolor", "virginica"}
    noisy = DBSCAN(0.5).fit(ROWS)
    assert (ClusterDisplay.from_estimator(noisy, ROWS).labels == -1).sum() == (noisy.labels_ == -1).sum()


def test_given_centers_are_in_the_plane_of_the_rows():
    centers = k_means(3, ROWS).cluster_centers_
    display = ClusterDisplay.from_predictions(ROWS, k_means(3, ROWS).labels_, centers)
    np.testing.assert_allclose(display.centers, PCA(2).fit(ROWS).transform(centers), atol=1e-9)
