"""The knives are the silhouettes of the metric, of all rows or of a fair sample."""

import numpy as np
import pytest
from fulcra import cluster
from fulcra.inspection import SilhouetteDisplay
from fulcra.metrics import silhouette_samples, silhouette_score
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.usefixtures("tidy")

IRIS = load_iris(as_frame=True).data
ROWS = IRIS.to_numpy()


def k_means(k, X, **params):
    return cluster.KMeans(k, random_state=0, **params).fit(X)


def test_silhouettes_are_those_of_the_metric():
    model = k_means(3, ROWS)
    display = SilhouetteDisplay.from_estimator(model, ROWS)
    found = silhouette_samples(ROWS, model.labels_)
    np.testing.assert_allclose(display.silhouettes, found)
    assert display.score == pytest.approx(silhouette_score(ROWS, model.labels_))
    np.testing.assert_allclose(display.means, [found[model.labels_ == j].mean() for j in range(3)])
    assert display.standard_error == 0
    cells = [text.get_text() for text in display.texts_]
    assert cells[1::3][:3] == [str(size) for size in np.bincount(model.labels_)]
    assert cells[2::3][:3] == [f"{mean:.2f}" for mean in display.means]


def test_a_pipeline_measures_behind_its_steps():
    model = make_pipeline(StandardScaler(), TheirKMeans(3, n_init=1, random_state=0)).fit(IRIS)
    scaled = StandardScaler().fit_transform(IRIS)
    expected = silhouette_score(scaled, model.predict(IRIS))
    assert SilhouetteDisplay.from_estimator(model, IRIS).score == pytest.approx(expected)
    manhattan = SilhouetteDisplay.from_estimator(model, IRIS, metric="manhattan").score
    assert manhattan == pytest.approx(silhouette_score(scaled, model.predict(IRIS), metric="manhattan"))


def test_a_sample_is_held_against_all_rows_and_has_some_of_each_cluster():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2, 3], [1500, 450, 40, 10])
    X = rng.normal(size=(2000, 2)) + np.array([[0, 0], [3, 0], [0, 3], [4, 4]])[labels]
    every = silhouette_samples(X, labels)
    display = SilhouetteDisplay.from_predictions(X, labels, max_samples=200)
    np.testing.assert_array_equal(np.bincount(display.labels), [150, 45, 30, 10])
    np.testing.assert_array_equal(display.sizes, [1500, 450, 40, 10])
    assert np.isin(display.silhouettes.round(12), every.round(12)).all()
    assert display.means[3] == pytest.approx(every[labels == 3].mean())
    drawn = [
        SilhouetteDisplay._of_labels(
            X, labels, ("0", "1", "2", "3"), metric="euclidean", max_samples=200, random_state=seed
        )
        for seed in range(200)
    ]
    scores = np.array([one.score for one in drawn])
    error = np.mean([one.standard_error for one in drawn])
    # The mean of 200 is within four of its standard errors; their spread is that of a chi-square with 199.
    assert abs(scores.mean() - every.mean()) < 4 * error / np.sqrt(200)
    assert scores.std() == pytest.approx(error, rel=0.2)


def test_a_cluster_without_rows_has_no_silhouette():
    model = cluster.KMeans.from_centers([[0.0], [99.0], [10.0]])
    display = SilhouetteDisplay.from_estimator(model, [[0.0], [1.0], [10.0], [11.0]])
    np.testing.assert_allclose(
        display.means, [(0.9047619 + 0.89473684) / 2, np.nan, (0.9047619 + 0.89473684) / 2]
    )
    assert display.score == pytest.approx(0.8997494)
