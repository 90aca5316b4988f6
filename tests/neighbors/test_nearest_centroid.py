"""NearestCentroid: by hand, against scikit-learn's and the definitions, and what must hold for any data."""

import pickle
from typing import Any

import fulcra
import fulcra.cluster
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.neighbors
from conftest import SIMD_LEVELS, RunPython
from fulcra import _core
from fulcra.neighbors import NearestCentroid
from numpy.testing import assert_allclose, assert_array_equal
from oracles import nearest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

IRIS, SPECIES = load_iris(return_X_y=True)
CONTAINERS = (np.asarray, sp.csr_array)


# --- by hand ---


def test_means_and_medians_on_paper(dtype: type[np.floating]) -> None:
    X = np.array([[0, 0], [2, 0], [7, 1], [7, 3], [1, 8]], dtype=dtype)
    y = np.array(["a", "a", "b", "b", "b"])
    for container in CONTAINERS:
        means = NearestCentroid().fit(container(X), y)
        assert_array_equal(means.centroids_, [[1, 0], [5, 4]])
        # In the first feature 1 + 1 + 4 + 4 + 16, in the second 9 + 1 + 16; three degrees of freedom.
        assert_allclose(means.within_class_std_dev_, np.sqrt([26 / 3, 26 / 3]))
        medians = NearestCentroid(metric="manhattan").fit(container(X), y)
        assert_array_equal(medians.centroids_, [[1, 0], [7, 3]])
        # Half way to both: the first. 4 + 1.5 against 2 + 1.5.
        assert means.predict(container(np.array([[3, 2], [5, 1]], dtype=dtype))).tolist() == ["a", "b"]
        assert medians.predict(container(np.array([[4, 1.5], [5, 1.5]], dtype=dtype))).tolist() == ["a", "b"]


def test_shrinking_on_paper() -> None:
    # Centroids -2 and 2 around 0, pooled deviation sqrt(4 / 2), and m = sqrt(1 / 2 - 1 / 4): one deviation is
    # 1 / 2 (sqrt(2) + sqrt(2)) = sqrt(2), so the centroids are sqrt(2) deviations from the mean.
    X = [[-3.0], [-1.0], [1.0], [3.0]]
    for threshold, left in ((None, 2), (np.sqrt(2) / 4, 1.5), (np.sqrt(2), 0), (5, 0)):
        model = NearestCentroid(shrink_threshold=threshold).fit(X, [0, 0, 1, 1])
        assert_allclose(model.within_class_std_dev_, [np.sqrt(2)])
        assert_allclose(model.centroids_, [[-left], [left]], atol=1e-15)
        assert_allclose(model.deviations_, [[-left / np.sqrt(2)], [left / np.sqrt(2)]], atol=1e-15)


# --- against scikit-learn and the definitions ---


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
@pytest.mark.parametrize("shrink", [None, 0.5])
@pytest.mark.parametrize("priors", ["uniform", "empirical", [0.2, 0.3, 0.5]])
def test_everything_is_scikit_learns(metric: str, shrink: float | None, priors: Any) -> None:
    X, y = IRIS[20:], SPECIES[20:]
    parameters = {"metric": metric, "shrink_threshold": shrink, "priors": priors}
    ours = NearestCentroid(**parameters).fit(X, y)
    theirs = sklearn.neighbors.NearestCentroid(**parameters).fit(X, y)
    for name in ("centroids_", "deviations_", "within_class_std_dev_", "class_prior_", "classes_"):
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-12)
    assert_array_equal(ours.predict(IRIS), theirs.predict(IRIS))
    assert ours.score(X, y) == theirs.score(X, y)
    for name in ("decision_function", "predict_proba", "predict_log_proba"):
        assert hasattr(ours, name) == hasattr(theirs, name) == (metric == "euclidean")
        if hasattr(ours, name):
            assert_allclose(getattr(ours, name)(IRIS), getattr(theirs, name)(IRIS), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
@pytest.mark.parametrize("priors", ["uniform", "empirical"])
def test_sparse_rows_are_the_same_rows(metric: str, priors: str, dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(300, 20)) * (rng.random((300, 20)) < 0.4)).astype(dtype)
    y = rng.integers(0, 4, size=300)
    X[:, 3] += y
    dense = NearestCentroid(metric, priors=priors, shrink_threshold=0.1).fit(X, y)
    for container in (sp.csr_array, sp.csr_matrix, sp.csc_matrix, sp.coo_array):
        sparse = NearestCentroid(metric, priors=priors, shrink_threshold=0.1).fit(container(X), y)
        assert_allclose(sparse.centroids_, dense.centroids_, rtol=1e-12, atol=1e-14)
        assert_allclose(sparse.within_class_std_dev_, dense.within_class_std_dev_, rtol=1e-12)
        assert_array_equal(sparse.predict(container(X)), dense.predict(X))
        if metric == "euclidean":
            assert_allclose(sparse.predict_proba(container(X)), dense.predict_proba(X), rtol=1e-6)


def test_centroids_and_predictions_are_those_of_the_definition(dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30_000, 7)).astype(dtype) + dtype(1000)  # more than a block of rows
    y = rng.integers(0, 5, size=len(X))
    model = NearestCentroid().fit(X, y)
    wide = X.astype(np.float64)
    assert_allclose(model.centroids_, [wide[y == j].mean(axis=0) for j in range(5)], rtol=1e-13)
    assert_array_equal(model.predict(X), nearest(X, model.centroids_))
    squares = ((wide - model.centroids_[y]) ** 2).sum(axis=0)
    assert_allclose(model.within_class_std_dev_, np.sqrt(squares / (len(X) - 5)), rtol=1e-12)
    medians = NearestCentroid("manhattan").fit(X, y)
    assert_array_equal(medians.centroids_, [np.median(wide[y == j], axis=0) for j in range(5)])
    apart = np.abs(wide[:, np.newaxis] - medians.centroids_).sum(axis=2)
    assert_array_equal(medians.predict(X), apart.argmin(axis=1))
    assert_allclose(model.predict_proba(X).sum(axis=1), 1)


# --- what must hold ---


def test_the_order_of_the_rows_does_not_matter() -> None:
    order = np.random.default_rng(0).permutation(150)
    for metric in ("euclidean", "manhattan"):
        one, other = NearestCentroid(metric).fit(IRIS, SPECIES), NearestCentroid(metric)
        assert_allclose(other.fit(IRIS[order], SPECIES[order]).centroids_, one.centroids_, rtol=1e-13)


def test_a_feature_that_does_not_vary_within_classes_keeps_its_centroids() -> None:
    X = np.array([[0.0, 1, 5], [0, 2, 5], [1, 5, 5], [1, 7, 5]])
    with pytest.warns(UserWarning, match="at least 1 zero standard deviation"):
        model = NearestCentroid(shrink_threshold=0.1).fit(X, [0, 0, 1, 1])
    assert np.isfinite(model.centroids_).all()
    assert_array_equal(model.centroids_[:, 2], 5)
    assert_array_equal(model.predict(X), [0, 0, 1, 1])
    with pytest.warns(UserWarning, match="at least 1 zero standard deviation"):
        alone = NearestCentroid().fit([[0.0], [1.0]], ["x", "y"])
    assert_array_equal(alone.predict([[0.4], [0.6]]), ["x", "y"])


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
@pytest.mark.parametrize("container", CONTAINERS)
def test_any_number_of_threads_gives_the_bits_of_one(metric: str, container: Any) -> None:
    rng = np.random.default_rng(0)
    X, y = container(rng.normal(size=(40_000, 9))), rng.integers(0, 3, size=40_000)
    found = []
    for threads in (1, 2, 3):
        fulcra.set_num_threads(threads)
        model = NearestCentroid(metric).fit(X, y)
        found.append((model.centroids_.tobytes(), model.deviations_.tobytes(), model.predict(X).tobytes()))
    assert found[1:] == found[:1] * 2


LEVELS = """
import hashlib
import numpy as np
import scipy.sparse as sp
from fulcra.neighbors import NearestCentroid
rng = np.random.default_rng(0)
for kind in (np.float32, np.float64):
    X, y = rng.normal(size=(5000, 11)).astype(kind), rng.integers(0, 4, size=5000)
    for rows in (X, sp.csr_array(X * (X > 1))):
        for metric in ("euclidean", "manhattan"):
            model = NearestCentroid(metric).fit(rows, y)
            parts = model.centroids_, model.deviations_, model.within_class_std_dev_, model.predict(rows)
            print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
"""


@pytest.mark.parametrize("level", SIMD_LEVELS)
def test_every_instruction_set_gives_the_bits_of_the_portable_code(level: str, run_python: RunPython) -> None:
    best = _core.simd_level()
    if best not in SIMD_LEVELS or SIMD_LEVELS.index(level) > SIMD_LEVELS.index(best):
        pytest.skip(f"this processor has no {level}; its best level is {best}")
    assert run_python(LEVELS, FULCRA_SIMD=level) == run_python(LEVELS, FULCRA_SIMD="portable")


def test_names_pickles_and_both_homes() -> None:
    frame = pd.DataFrame(IRIS, columns=["a", "b", "c", "d"])
    model = NearestCentroid().fit(frame, SPECIES)
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(frame), model.predict(frame))
    assert fulcra.cluster.NearestCentroid is NearestCentroid


# --- bad input ---


@pytest.mark.parametrize(
    ("parameters", "X", "y", "message"),
    [
        ({"metric": "cosine"}, IRIS, SPECIES, "metric"),
        ({"shrink_threshold": 0}, IRIS, SPECIES, "shrink_threshold"),
        ({"priors": "equal"}, IRIS, SPECIES, "priors"),
        ({"priors": [-1, 1, 1]}, IRIS, SPECIES, "priors must be non-negative"),
        ({"priors": [0, 0, 0]}, IRIS, SPECIES, "priors are zero for every class"),
        ({"priors": [0.5, 0.5]}, IRIS, SPECIES, r"priors has shape \(2,\); y has 3 classes"),
        ({"priors": [0.5, np.nan, 0.5]}, IRIS, SPECIES, "priors contains NaN"),
        ({}, IRIS, None, "requires y to be passed"),
        ({}, IRIS, SPECIES[1:], "inconsistent numbers of samples"),
        ({}, IRIS, np.zeros(150), "has to be greater than one; got 1 class"),
        ({}, IRIS, IRIS[:, 0], "Unknown label type"),
        ({}, np.ones((4, 2)), [0, 0, 1, 1], "All features have zero variance"),
        ({}, sp.csr_array(np.ones((4, 2))), [0, 0, 1, 1], "All features have zero variance"),
    ],
)
def test_unusable_input_is_named_and_nothing_is_lost(parameters: Any, X: Any, y: Any, message: str) -> None:
    model = NearestCentroid().fit(IRIS, SPECIES)
    before = {**vars(model), **parameters}
    with pytest.raises(ValueError, match=message):
        model.set_params(**parameters).fit(X, y)
    assert vars(model) == before


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
@pytest.mark.parametrize("way", ["fit", "predict", "by priors", "predict_proba"])
@pytest.mark.parametrize("container", CONTAINERS)
def test_what_is_not_finite_is_named(metric: str, way: str, container: Any, dtype: type[np.floating]) -> None:
    if metric == "manhattan" and way == "predict_proba":
        metric = "euclidean"
    priors = "uniform" if way == "predict" else [0.25, 0.25, 0.5]
    model = NearestCentroid(metric, priors=priors).fit(IRIS, SPECIES)
    call = {"fit": lambda X: model.fit(X, SPECIES), "predict_proba": getattr(model, "predict_proba", None)}
    for value, kind in ((np.nan, "NaN"), (np.inf, "infinity")):
        X = IRIS.astype(dtype)
        X[117, 2] = X[140, 0] = value
        with pytest.raises(ValueError, match=f"Input X contains {kind}: the first is in row 117, column 2"):
            call.get(way, model.predict)(container(X))


def test_nothing_works_before_fit() -> None:
    for name in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(NearestCentroid(), name)(IRIS)


def test_the_core_checks_its_labels() -> None:
    for labels in ([0, 1], [0] * 149 + [3], [0] * 149 + [-1]):
        with pytest.raises(ValueError, match="label"):
            _core.class_centroids(IRIS, np.array(labels, dtype=np.int32), 3, False)
