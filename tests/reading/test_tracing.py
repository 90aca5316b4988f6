"""Columns of a model as sums over features of the table: exact, through every kind of step."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from fulcra._reading.tracing import trace
from fulcra._reading.weights import moments, weights
from fulcra.linear_model import LinearRegression
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

N = 120
NUMBERS = ["sqft", "rooms", "age"]


def table():
    rng = np.random.default_rng(0)
    found = pd.DataFrame(
        {
            "sqft": rng.normal(1500, 300, N),
            "rooms": rng.integers(1, 6, N),
            "region": rng.choice(["N", "S", "E", "W"], N, p=[0.5, 0.3, 0.15, 0.05]),
            "age": rng.uniform(0, 50, N),
        }
    )
    found.loc[3, "age"] = np.nan
    return found


HOUSES = table()
PRICE = 100 * HOUSES.sqft + 3e4 * HOUSES.rooms + 5e4 * (HOUSES.region == "S")
TEXTS = ["free money now", "hello dear friend", "free prize money", "meeting at noon"] * 30


def columns(*parts, **params):
    return make_column_transformer(*parts, **params)


SCALED = make_pipeline(SimpleImputer(), StandardScaler())
STEPS = {
    "scaled, one-hot": columns((SCALED, NUMBERS), (OneHotEncoder(drop="first"), ["region"])),
    "names picked late": columns(
        (OneHotEncoder(), lambda X: [name for name in X.columns if name.startswith("re")]),
        (make_pipeline(SimpleImputer(), MinMaxScaler(), MaxAbsScaler()), NUMBERS),
        sparse_threshold=1,
    ),
    "scaled after one-hot": make_pipeline(
        columns((SimpleImputer(), NUMBERS), (OneHotEncoder(sparse_output=False), ["region"])),
        StandardScaler(),
    ),
    "polynomials": columns((make_pipeline(SimpleImputer(), RobustScaler(), PolynomialFeatures(2)), NUMBERS)),
    "functions, splines, bins": columns(
        (make_pipeline(SimpleImputer(), FunctionTransformer(np.log1p)), ["age"]),
        (SplineTransformer(), ["sqft"]),
        (KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), ["rooms"]),
    ),
    "mixtures": columns((make_pipeline(SimpleImputer(), StandardScaler(), PCA(2, whiten=True)), NUMBERS)),
    "selection": columns(
        (make_pipeline(KNNImputer(), PowerTransformer(), SelectKBest(f_regression, k=2)), NUMBERS)
    ),
    "unions": make_pipeline(
        columns((SimpleImputer(), NUMBERS)),
        make_union(StandardScaler(), make_pipeline(PCA(1), MinMaxScaler())),
    ),
    "rows changed": make_pipeline(columns(("passthrough", ["sqft", "rooms"])), Normalizer()),
    "frames between": columns((SCALED, NUMBERS)).set_output(transform="pandas"),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_scores_are_sums_over_features(name, library):
    X = HOUSES if library == "pandas" else pl.from_pandas(HOUSES)
    model = make_pipeline(STEPS[name], Ridge(1e-3)).fit(X, PRICE)
    found = weights(model, X)
    values = found.trace.values
    want = model.predict(X)
    np.testing.assert_allclose(found.intercept + values @ found.weights.T, want[:, np.newaxis], rtol=1e-11)
    moved = found.grouped(values).sum(axis=2) + found.intercept + found.weights @ found.mean
    np.testing.assert_allclose(moved[:, 0], want, rtol=1e-11)
    made = (found.trace.matrix @ values.T).T + found.trace.offset
    rows = found.linear.rows
    np.testing.assert_allclose(made, rows.toarray() if sp.issparse(rows) else rows, rtol=1e-9, atol=1e-9)


def test_features_have_the_names_of_the_table():
    def traced(name):
        steps = STEPS[name].fit(HOUSES, PRICE)
        return trace([steps], HOUSES, list(HOUSES.columns))

    found = traced("scaled, one-hot")
    assert found.features == ("sqft", "rooms", "age", "region = N", "region = S", "region = W")
    assert found.columns == ("sqft", "rooms", "age", "region")
    assert found.references == (None, None, None, "E")
    assert found.levels == (None, None, None, "N", "S", "W")
    found = traced("polynomials")
    assert found.columns == ("a constant", "sqft", "rooms", "age", "sqft, rooms", "sqft, age", "rooms, age")
    assert set(found.features) >= {"sqft", "sqft^2", "rooms age"}
    found = traced("functions, splines, bins")
    assert found.columns == ("age", "sqft", "rooms")
    assert found.features[:2] == ("log1p(age)", "sqft_sp_0")
    assert found.features[-1] == "rooms = 4 to 5"
    assert traced("mixtures").columns == ("sqft", "rooms", "age")
    assert traced("selection").features == ("sqft (PowerTransformer)", "rooms (PowerTransformer)")


def test_rare_levels_are_one():
    encoder = OneHotEncoder(min_frequency=20, drop=["N"])
    model = make_pipeline(columns((encoder, ["region"])), Ridge()).fit(HOUSES, PRICE)
    found = weights(model, HOUSES)
    assert found.trace.features == ("region = S", "region = a rare level")
    assert found.trace.references == ("N",)
    rare = HOUSES.region.isin(["E", "W"])
    np.testing.assert_array_equal(found.trace.values.toarray()[:, 1], rare)


@pytest.mark.parametrize(
    "steps",
    [
        (TfidfVectorizer(),),
        (CountVectorizer(), TfidfTransformer()),
        (CountVectorizer(), TruncatedSVD(3, random_state=0)),
    ],
)
def test_words_are_columns(steps):
    model = make_pipeline(*steps, LogisticRegression()).fit(TEXTS, np.arange(120) % 2)
    found = weights(model, TEXTS)
    assert found.trace.columns[:3] == ("at", "dear", "free")
    scores = found.intercept + found.trace.values @ found.weights.T
    np.testing.assert_allclose(scores[:, 0], model.decision_function(TEXTS), rtol=1e-9, atol=1e-12)


def test_a_column_of_texts_beside_numbers():
    X = HOUSES.assign(note=TEXTS)
    steps = columns((CountVectorizer(), "note"), ("passthrough", ["sqft"]))
    found = weights(make_pipeline(steps, Ridge()).fit(X, PRICE), X)
    assert set(found.trace.columns) >= {"sqft", "note: money"}


def test_without_rows_names_are_there_all_the_same():
    for steps in STEPS.values():
        model = make_pipeline(steps, Ridge()).fit(HOUSES, PRICE)
        bare, full = weights(model), weights(model, HOUSES)
        assert bare.trace.features == full.trace.features
        assert bare.trace.values is None
    union = FeatureUnion([("a", StandardScaler()), ("b", "drop")]).fit(HOUSES[["sqft"]])
    assert trace([union], None, ["sqft"]).features == ("sqft",)
    dropped = ColumnTransformer([("a", "drop", ["sqft"]), ("b", StandardScaler(), ["rooms"])])
    assert trace([dropped.fit(HOUSES)], None, list(HOUSES.columns)).features == ("rooms",)


def test_a_part_that_is_given_no_columns():
    X = np.array([[1.0, 0.0], [2.0, 1.0], [4.0, 0.0]])
    steps = make_column_transformer((StandardScaler(), []), ("passthrough", [1]))
    model = make_pipeline(steps, LinearRegression()).fit(X, [1.0, 3.0, 1.0])
    np.testing.assert_allclose(weights(model, X).weights, [[2.0]], atol=1e-12)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix, sp.csc_array])
def test_moments_of_dense_and_sparse_columns(make):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 3)) * (rng.uniform(size=(50, 3)) < 0.3)
    share = rng.uniform(size=50)
    share /= share.sum()
    values = make(X)
    mean, spread = moments(values.tocsr() if sp.issparse(values) else values, share)
    np.testing.assert_allclose(mean, np.average(X, axis=0, weights=share))
    np.testing.assert_allclose(spread**2, np.average((X - mean) ** 2, axis=0, weights=share))


def test_a_column_of_one_value_has_no_spread():
    X = np.column_stack([np.full(7, 0.1), np.arange(7)])
    mean, spread = moments(X, np.full(7, 1 / 7))
    assert spread[0] == 0
    assert mean[0] == 0.1
    assert weights(LinearRegression().fit(X, np.arange(7)), X).spread[0] == 0
