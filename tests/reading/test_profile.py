"""Means, centers and differences by cluster."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import scipy.stats
from fulcra._reading import profile as profile_module
from fulcra._reading.profile import compared, moments, profile
from fulcra.cluster import KMeans, KMedoids, MahalanobisKMeans, MiniBatchKMeans, SphericalKMeans
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import DBSCAN, AgglomerativeClustering, MeanShift
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], [60, 50, 40])
X = RNG.normal(size=(150, 3)) + np.array([[0, 0, 0], [6, 0, 1], [0, 6, 2]])[LABELS]


def test_sums_by_cluster_against_numpy(monkeypatch: pytest.MonkeyPatch, dtype: type[np.floating]) -> None:
    monkeypatch.setattr(profile_module, "_ROWS_AT_A_TIME", 32)
    values = (X + 1e6).astype(dtype).astype(np.float64)
    values[5, 1] = np.nan
    weights = RNG.integers(1, 4, size=150).astype(np.float64)
    found = moments(values, weights, LABELS, 4)
    repeated, labels = np.repeat(values, weights.astype(int), axis=0), np.repeat(LABELS, weights.astype(int))
    for j in range(3):
        assert_allclose(found.means()[j], np.nanmean(repeated[labels == j], axis=0), rtol=1e-14)
        assert_allclose(found.variances()[j], np.nanvar(repeated[labels == j], axis=0, ddof=1), rtol=1e-9)
    assert np.isnan(found.means()[3]).all()
    mean, spread = found.overall()
    assert_allclose(mean, np.nanmean(repeated, axis=0), rtol=1e-14)
    assert_allclose(spread, np.nanstd(repeated, axis=0, ddof=1), rtol=1e-9)
    sparse = moments(sp.csr_matrix(X), weights, LABELS, 4)
    dense = moments(X, weights, LABELS, 4)
    assert_allclose(sparse.means(), dense.means(), rtol=1e-12)
    assert_allclose(sparse.variances(), dense.variances(), rtol=1e-9)


def test_rows_without_a_cluster_take_no_part() -> None:
    labels = np.where(np.arange(150) % 10 == 0, -1, LABELS)
    found = moments(X, np.ones(150), labels, 3)
    inside = labels >= 0
    assert_allclose(found.means(), moments(X[inside], np.ones(inside.sum()), labels[inside], 3).means())
    for values in (X, sp.csr_matrix(X)):
        assert moments(values, np.ones(150), np.full(150, -1), 3).weight.sum() == 0


def test_intervals_are_those_of_welch() -> None:
    differences, low, high = compared(moments(X, np.ones(150), LABELS, 3), 0.9)
    for j in range(3):
        test = scipy.stats.ttest_ind(X[j == LABELS], X[j != LABELS], equal_var=False)
        interval = test.confidence_interval(0.9)
        unit = X.std(axis=0, ddof=1)
        means = X[j == LABELS].mean(axis=0) - X[j != LABELS].mean(axis=0)
        assert_allclose(differences[j], means / unit, rtol=1e-12)
        assert_allclose(low[j], interval.low / unit, rtol=1e-9)
        assert_allclose(high[j], interval.high / unit, rtol=1e-9)


def test_intervals_at_the_edges() -> None:
    # One row; a column that does not vary; a column that does not vary within clusters.
    values = np.array([[0.0, 5.0, 1.0], [1.0, 5.0, 2.0], [3.0, 5.0, 2.0], [4.0, 5.0, 2.0]])
    differences, low, high = compared(moments(values, np.ones(4), np.array([0, 1, 1, 1]), 2), 0.95)
    assert (low[:, 0] < differences[:, 0]).all()
    assert np.isfinite(high[:, 0]).all()
    assert_array_equal(differences[:, 1], 0)
    assert_array_equal(low[:, 2], high[:, 2])
    alone = compared(moments(values, np.ones(4), np.zeros(4, dtype=np.intp), 1), 0.95)
    assert np.isnan(alone[0][:, [0, 2]]).all()


def test_centers_return_to_the_tables_units_and_differences_stay_on_the_models_scale() -> None:
    table = pd.DataFrame({"spent": np.exp(X[:, 0]), "id": np.arange(150), "age": 40 + 10 * X[:, 1]})[
        ["spent", "age"]
    ]
    logs = FunctionTransformer(np.log, inverse_func=np.exp, feature_names_out="one-to-one")
    model = make_pipeline(logs, StandardScaler(), KMeans(3, random_state=0))
    table["age"] -= table["age"].min() - 1
    model.fit(table)
    found = profile(model, table)
    assert found.features == ("spent", "age")
    logged = np.log(table.to_numpy())
    for j in range(3):
        inside = found.labels == j
        assert_allclose(found.centers[j], np.exp(logged[inside].mean(axis=0)), rtol=1e-9)
        assert_allclose(found.means[j], table.to_numpy()[inside].mean(axis=0), rtol=1e-12)
        gaps = logged[inside].mean(axis=0) - logged[~inside].mean(axis=0)
        assert_allclose(found.differences[j], gaps / logged.std(axis=0, ddof=1), rtol=1e-9)


@pytest.mark.parametrize(
    "model",
    [
        KMeans(3, random_state=0),
        TheirKMeans(3, random_state=0),
        MiniBatchKMeans(3, random_state=0),
        MahalanobisKMeans(3, random_state=0),
        KMedoids(3, random_state=0),
        GaussianMixture(3, random_state=0),
        AgglomerativeClustering(3),
        MeanShift(bandwidth=3),
        DBSCAN(eps=1.0),
        KMeans.from_centers([[0, 0, 0], [6, 0, 1], [0, 6, 2]]),
    ],
    ids=lambda model: f"{type(model).__module__}.{type(model).__name__}",
)
def test_every_kind_of_clusterer(model: Any) -> None:
    if not hasattr(model, "cluster_centers_"):
        model.fit(X)
    found = profile(model, X)
    labels = model.predict(X) if hasattr(model, "predict") else model.labels_
    assert_array_equal(found.labels, labels)
    assert_array_equal(found.sizes, np.bincount(labels[labels >= 0], minlength=len(found.sizes)))
    own, other = found.found.nearest_two()
    if hasattr(model, "transform"):
        distances = np.sort(model.transform(X), axis=1)
        assert_allclose(own, distances[:, 0], rtol=1e-6)
        assert_allclose(other, distances[:, 1], rtol=1e-6)
    else:
        assert np.isnan(own[labels < 0]).all()


def test_classes_of_a_nearest_centroid_are_clusters() -> None:
    names = np.array(["a", "b", "c"])[LABELS]
    found = profile(NearestCentroid().fit(X, names), X)
    assert_allclose(found.centers, [X[j == LABELS].mean(axis=0) for j in range(3)], atol=1e-12)


def test_texts_are_described_by_their_words() -> None:
    texts = ["red apple", "green apple", "red car", "fast car", "fast red car", "sweet green apple"]
    model = make_pipeline(TfidfVectorizer(), SphericalKMeans(2, random_state=0)).fit(texts)
    found = profile(model, texts)
    assert found.features == ("apple", "car", "fast", "green", "red", "sweet")
    fruit = model.predict(["apple"])[0]
    assert found.differences[fruit, 0] > 1
    assert found.differences[fruit, 1] < -1


def test_columns_that_the_model_does_not_see_are_left_out() -> None:
    table = pd.DataFrame({"id": np.arange(150), "a": X[:, 0], "b": X[:, 1]})
    model = make_pipeline(make_column_transformer((StandardScaler(), ["a", "b"])), KMeans(3, random_state=0))
    assert profile(model.fit(table), table).features == ("a", "b")


def test_a_weight_is_a_repetition() -> None:
    weights = RNG.integers(1, 4, size=150)
    model = KMeans.from_centers([[0, 0, 0], [6, 0, 1], [0, 6, 2]])
    one = profile(model, X, sample_weight=weights)
    many = profile(model, np.repeat(X, weights, axis=0))
    for name in ("sizes", "centers", "means", "mean", "spread", "differences", "low", "high"):
        assert_allclose(getattr(one, name), getattr(many, name), rtol=1e-9)


def test_wrong_models_are_named() -> None:
    with pytest.raises(NotFittedError):
        profile(KMeans(3), X)
    with pytest.raises(TypeError, match="the class KMeans"):
        profile(KMeans, X)
    with pytest.raises(TypeError, match="StandardScaler"):
        profile(StandardScaler().fit(X), X)
    with pytest.raises(TypeError, match="got a LinearRegression"):
        profile(LinearRegression().fit(X, LABELS), X)
    with pytest.raises(ValueError, match="cannot label new rows: X must be the 150 rows"):
        profile(AgglomerativeClustering(3).fit(X), X[:10])
    with pytest.raises(ValueError, match="sample_weight"):
        profile(KMeans(3).fit(X), X, sample_weight=-np.ones(150))


def test_columns_are_found_by_their_names_in_any_order() -> None:
    table = pd.DataFrame({"age": 40 + X[:, 0], "income": 5e4 + 1e3 * X[:, 1], "id": np.arange(150)})
    steps = ColumnTransformer([("s", StandardScaler(), ["age", "income"])])
    model = make_pipeline(steps, KMeans(3, random_state=0)).fit(table[["age", "income"]])
    want = profile(model, table[["age", "income"]])
    for columns in (["income", "age"], ["id", "income", "age"]):
        found = profile(model, table[columns])
        assert found.features == ("age", "income")
        assert_array_equal(found.labels, want.labels)
        assert_array_equal(found.centers, want.centers)
        assert_array_equal(found.differences, want.differences)


def test_functions_are_believed_as_far_as_they_keep_columns() -> None:
    table = pd.DataFrame({"a": X[:, 2], "b": X[:, 0]})
    for swap in (lambda frame: frame[["b", "a"]], lambda frame: frame[["b"]]):
        model = make_pipeline(FunctionTransformer(swap), KMeans(2, random_state=0)).fit(table)
        found = profile(model, table)
        inside = found.labels == 0
        for f, name in enumerate(found.features):
            gap = table[name][inside].mean() - table[name][~inside].mean()
            assert found.differences[0, f] == pytest.approx(gap / table[name].std())
            assert found.centers[0, f] == pytest.approx(table[name][inside].mean())


def test_weights_that_are_shares_count_as_rows() -> None:
    model = KMeans.from_centers([[0, 0, 0], [6, 0, 1], [0, 6, 2]])
    whole, shares = profile(model, X), profile(model, X, sample_weight=np.full(150, 1 / 150))
    for name in ("spread", "differences", "low", "high"):
        assert_allclose(getattr(shares, name), getattr(whole, name), rtol=1e-9)
    # Half of the rows weigh nothing: the others are as many as they are.
    weights = np.where(np.arange(150) % 2, 0.01, 0.0)
    assert_allclose(profile(model, X, sample_weight=weights).sizes.sum(), 75)


def test_stored_values_far_from_zero_keep_their_digits() -> None:
    far = X + 1e8
    sparse, dense = (moments(values, np.ones(150), LABELS, 3) for values in (sp.csr_matrix(far), far))
    assert_allclose(sparse.variances(), dense.variances(), rtol=1e-6)
    assert_allclose(sparse.means(), dense.means(), rtol=1e-15)


def test_texts_beside_numbers_columns_by_steps_and_missing_booleans() -> None:
    table = pd.DataFrame({"text": ["red car", "green apple"] * 75, "a": X[:, 0], "b": X[:, 1]})
    parts = [("t", TfidfVectorizer(), "text"), ("s", StandardScaler(), ["a", "b"])]
    model = make_pipeline(ColumnTransformer(parts, sparse_threshold=0), KMeans(3, random_state=0)).fit(table)
    assert profile(model, table).features[-2:] == ("a", "b")
    every_other = ColumnTransformer([("s", StandardScaler(), slice(0, 3, 2))])
    frame = table[["a", "b"]].assign(c=X[:, 2])
    found = profile(make_pipeline(every_other, KMeans(3, random_state=0)).fit(frame), frame)
    assert found.features == ("a", "c")
    flags = frame.assign(flag=pd.array([True, None, False] * 50, dtype="boolean"))
    picked = ColumnTransformer([("s", StandardScaler(), ["a", "b", "c"])])
    fitted = make_pipeline(picked, KMeans(3, random_state=0)).fit(flags)
    assert profile(fitted, flags).features == ("a", "b", "c")


def test_values_too_large_for_their_variance_are_named() -> None:
    with pytest.raises(ValueError, match="too large for their variance"):
        profile(KMeans(2, random_state=0).fit(X * 1e145), X * 1e145)
