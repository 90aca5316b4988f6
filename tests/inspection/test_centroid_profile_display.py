"""Colours, texts and lines are the centers of the model in the table's units."""

import numpy as np
import pandas as pd
import pytest
from fulcra import cluster
from fulcra.inspection import CentroidProfileDisplay, explain_clusters
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

pytestmark = pytest.mark.usefixtures("tidy")

IRIS = load_iris(as_frame=True).data
ROWS = IRIS.to_numpy()


def k_means(k, X, **params):
    return cluster.KMeans(k, random_state=0, **params).fit(X)


def test_the_heat_map_has_scores_as_colours_and_centers_as_text():
    X = pd.DataFrame({"age": [20.0, 30.0, 60.0, 70.0], "rent": [900.0, 1100.0, 1500.0, 1500.0]})
    model = cluster.KMeans.from_centers([[25.0, 1000.0], [65.0, 1500.0]], feature_names=["age", "rent"])
    display = CentroidProfileDisplay.from_estimator(model, X, names=["young", "old"])
    expected = (np.array([[25, 1000], [65, 1500]]) - X.mean().to_numpy()) / X.std().to_numpy()
    np.testing.assert_allclose(display.im_.get_array(), expected)
    assert [text.get_text() for text in display.texts_] == ["25", "1,000", "65", "1,500"]
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["young (50%)", "old (50%)"]
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["age", "rent"]


def test_parallel_axes_share_one_scale():
    model = make_pipeline(StandardScaler(), cluster.KMeans(3, random_state=0)).fit(IRIS)
    display = CentroidProfileDisplay.from_estimator(model, IRIS, kind="parallel")
    lines = [line for line in display.ax_.lines if line.get_marker() not in ("None", "")]
    expected = model[-1].cluster_centers_ * np.sqrt(149 / 150)  # StandardScaler divides by n, not n - 1
    np.testing.assert_allclose([line.get_ydata() for line in lines], expected, atol=1e-12)


def test_levels_are_shares():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.integers(18, 80, 200), "plan": rng.choice(["basic", "plus", "top"], 200)})
    steps = make_column_transformer((StandardScaler(), ["age"]), (OneHotEncoder(), ["plan"]))
    model = make_pipeline(steps, cluster.KMeans(3, random_state=0)).fit(X)
    display = CentroidProfileDisplay.from_estimator(model, X)
    cells = np.array([text.get_text() for text in display.texts_]).reshape(3, 4)
    shares = pd.get_dummies(X["plan"]).groupby(model.predict(X)).mean().to_numpy()
    assert cells[:, 1:].tolist() == [[f"{100 * share:.0f}%" for share in row] for row in shares]


def test_a_report_gives_the_same_picture_under_its_names():
    model = k_means(2, IRIS)
    report = explain_clusters(model, IRIS, random_state=0, n_resamples=5)
    display = CentroidProfileDisplay.from_report(report)
    direct = CentroidProfileDisplay.from_estimator(model, IRIS)
    np.testing.assert_allclose(display.im_.get_array(), direct.im_.get_array())
    assert display.names == report.names
    assert [text.get_text() for text in display.texts_] == [text.get_text() for text in direct.texts_]


def test_features_that_differ_least_are_left_out():
    X = load_breast_cancer(as_frame=True).data
    display = CentroidProfileDisplay.from_estimator(k_means(3, X), X, max_features=7)
    largest = np.abs(display.scores).max(axis=0)
    assert sorted(display.shown_) == display.shown_.tolist()
    assert set(display.shown_) == set(np.argsort(-largest)[:7])
    assert display.im_.get_array().shape == (3, 7)
    assert "23 features" in display.ax_.get_title()


def test_mean_and_spread_follow_from_centers_and_scores():
    rng = np.random.default_rng(0)
    centers, mean, spread = rng.normal(size=(5, 3)), np.array([1.0, -4.0, 0.0]), np.array([2.0, 0.5, 3.0])
    display = CentroidProfileDisplay(centers, (centers - mean) / spread, feature_names="abc")
    np.testing.assert_allclose(display._scale(), [mean, spread])
