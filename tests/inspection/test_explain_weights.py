"""Weights in the table's own units: oracles for intervals and effects, sums that are exact, words."""

import json

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import statsmodels.api as sm
from fulcra.inspection import explain_weights
from fulcra.linear_model import LinearRegression
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression as TheirLinearRegression
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PolynomialFeatures, StandardScaler

X, Y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
Y = Y.rename("progression")
LEVELS = ["North", "South", "West"]


def homes(n=300, seed=0):
    """Return prices of homes whose every weight is known."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "square feet": rng.normal(2000, 400, n).round(),
            "bedrooms": rng.integers(1, 6, n),
            "region": rng.choice(LEVELS, n, p=[0.5, 0.3, 0.2]),
            "garage": rng.integers(0, 2, n),
        }
    )
    price = 50_000 + 150 * table["square feet"] + 30_000 * table["bedrooms"]
    price += table["region"].map({"North": 0, "South": 20_000, "West": -10_000}) + 15_000 * table["garage"]
    return table, (price + rng.normal(0, 20_000, n)).rename("price")


HOMES, PRICES = homes()


def piped(last, drop=None):
    scaled = (StandardScaler(), ["square feet", "bedrooms", "garage"])
    return make_pipeline(make_column_transformer(scaled, (OneHotEncoder(drop=drop), ["region"])), last)


def design(table, reference="North"):
    """Return the same columns unscaled, with a constant and a column for each level but one."""
    found = table.drop(columns="region").assign(
        **{level: (table["region"] == level).astype(float) for level in LEVELS if level != reference}
    )
    return sm.add_constant(found.astype(float))


def classes(score, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.uniform(size=len(score)) < 1 / (1 + np.exp(-score)), "yes", "no")


SCORES = (PRICES - PRICES.mean()) / PRICES.std()
BOUGHT = classes(SCORES.to_numpy())


@pytest.mark.parametrize("cov", ["nonrobust", "HC0", "HC3"])
@pytest.mark.parametrize("drop", ["first", None])
def test_intervals_of_a_pipeline_are_those_of_unscaled_columns(drop, cov):
    report = explain_weights(piped(LinearRegression(), drop).fit(HOMES, PRICES), HOMES, PRICES, cov=cov)
    fit = sm.OLS(PRICES, design(HOMES)).fit(cov_type=cov, use_t=True)
    frame = report.to_frame()
    ends = fit.conf_int()
    for name in ("square feet", "bedrooms", "garage"):
        np.testing.assert_allclose(frame.loc[name, ["low", "high"]].astype(float), ends.loc[name], rtol=1e-8)
    if drop == "first":
        assert report.references[report.columns.index("region")] == "North"
        for level in ("South", "West"):
            got = frame.loc[f"region = {level}", ["weight", "low", "high"]].astype(float)
            np.testing.assert_allclose(got, [fit.params[level], *ends.loc[level]], rtol=1e-8)
        return
    # Against the average of the rows: a contrast of the same fit.
    share = HOMES["region"].value_counts(normalize=True)
    for level in LEVELS:
        contrast = pd.Series(0.0, index=fit.params.index)
        contrast[["South", "West"]] = -share[["South", "West"]]
        contrast[[level] if level != "North" else []] += 1
        test = fit.t_test(contrast.to_numpy())
        got = frame.loc[f"region = {level}", ["weight", "low", "high"]].astype(float)
        np.testing.assert_allclose(got, [test.effect[0], *test.conf_int()[0]], rtol=1e-7)


@pytest.mark.parametrize("transformer", [StandardScaler(), MinMaxScaler(), PCA()])
def test_weights_of_scaled_and_turned_columns_are_those_of_the_columns(transformer):
    report = explain_weights(make_pipeline(transformer, LinearRegression()).fit(X, Y), X, Y, alpha=0.1)
    fit = sm.OLS(Y, sm.add_constant(X)).fit()
    np.testing.assert_allclose(report.weights[0], fit.params[1:], rtol=1e-8)
    np.testing.assert_allclose(report.intercept, fit.params.iloc[0], rtol=1e-8)
    np.testing.assert_allclose(np.stack([report.low[0], report.high[0]], 1), fit.conf_int(0.1)[1:], rtol=1e-7)
    np.testing.assert_allclose(report.importance, np.abs(report.weights[0]) * X.std(ddof=0), rtol=1e-9)
    assert report.confidence == pytest.approx(0.9)


def unpenalised(X, y, **params):
    return LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10, **params).fit(X, y)


def test_logistic_odds_and_marginal_effects_are_those_of_statsmodels():
    model = unpenalised(HOMES.drop(columns="region"), BOUGHT)
    table = HOMES.drop(columns="region")
    report = explain_weights(model, table, BOUGHT)
    fit = sm.Logit((BOUGHT == "yes").astype(float), sm.add_constant(table.astype(float))).fit(
        disp=0, tol=1e-12
    )
    np.testing.assert_allclose(report.weights[0], fit.params[1:], rtol=1e-6)
    np.testing.assert_allclose(np.stack([report.low[0], report.high[0]], 1), fit.conf_int()[1:], rtol=1e-5)
    np.testing.assert_allclose(report.ratios[0], np.exp(fit.params[1:]), rtol=1e-6)
    effects = fit.get_margeff(at="overall", method="dydx", dummy=True)
    np.testing.assert_allclose(report.effects[0], effects.margeff, rtol=1e-5)
    got = (report.effects_high - report.effects_low)[0] / 2 / 1.959963984540054
    np.testing.assert_allclose(got, effects.margeff_se, rtol=1e-5)


def test_multinomial_effects_are_those_of_statsmodels():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(rng.normal(size=(400, 3)), columns=list("abc"))
    rows["d"] = rng.gamma(2, size=400)
    scores = rows.to_numpy() @ rng.normal(size=(4, 3)) + rng.gumbel(size=(400, 3))
    y = np.array(["p", "q", "r"])[scores.argmax(axis=1)]
    report = explain_weights(unpenalised(rows, y), rows, y)
    fit = sm.MNLogit(pd.Categorical(y).codes, sm.add_constant(rows)).fit(disp=0, tol=1e-12, maxiter=100)
    effects = fit.get_margeff(at="overall", method="dydx")
    np.testing.assert_allclose(report.effects, np.asarray(effects.margeff).T, rtol=1e-5, atol=1e-9)
    got = (report.effects_high - report.effects_low) / 2 / 1.959963984540054
    np.testing.assert_allclose(got, np.asarray(effects.margeff_se).T, rtol=1e-5)
    # Centred weights are contrasts of the differences from the first class.
    way = np.kron(np.array([[-1 / 3, -1 / 3], [2 / 3, -1 / 3], [-1 / 3, 2 / 3]]), np.eye(5))
    errors = np.sqrt(np.diagonal(way @ np.asarray(fit.cov_params()) @ way.T)).reshape(3, 5)[:, 1:]
    np.testing.assert_allclose((report.high - report.low) / 2 / 1.959963984540054, errors, rtol=1e-5)


def test_poisson_factors_and_effects_are_those_of_statsmodels():
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"a": rng.normal(size=300), "b": rng.integers(0, 2, 300)})
    y = pd.Series(rng.poisson(np.exp(0.5 + 0.3 * rows["a"] - 0.4 * rows["b"])), name="visits")
    model = PoissonRegressor(alpha=0, tol=1e-12, max_iter=1000, solver="newton-cholesky").fit(rows, y)
    report = explain_weights(model, rows, y)
    fit = sm.Poisson(y, sm.add_constant(rows.astype(float))).fit(disp=0, tol=1e-12)
    np.testing.assert_allclose(report.ratios[0], np.exp(fit.params[1:]), rtol=1e-6)
    np.testing.assert_allclose(np.stack([report.low[0], report.high[0]], 1), fit.conf_int()[1:], rtol=1e-5)
    effects = fit.get_margeff(at="overall", method="dydx", dummy=True)
    np.testing.assert_allclose(report.effects[0], effects.margeff, rtol=1e-5)
    got = (report.effects_high - report.effects_low)[0] / 2 / 1.959963984540054
    np.testing.assert_allclose(got, effects.margeff_se, rtol=1e-5)
    assert "multiplies the expected visits by 1." in report.sentences[report.features.index("a")]


def test_the_effect_of_a_level_is_a_change_from_its_reference_by_hand():
    rows = pd.DataFrame({"region": ["N", "N", "S", "S", "W", "W"], "a": [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]})
    y = ["no", "yes", "no", "yes", "yes", "yes"]
    steps = make_column_transformer((OneHotEncoder(drop="first"), ["region"]), ("passthrough", ["a"]))
    model = make_pipeline(steps, LogisticRegression()).fit(rows, y)
    report = explain_weights(model, rows, y)
    (south, west, slope), constant = model[-1].coef_[0], model[-1].intercept_[0]

    def chance(score):
        return 1 / (1 + np.exp(-score))

    base = constant + slope * np.array([0.0, 1.0])
    want = [chance(base + w).mean() - chance(base).mean() for w in (south, west)]
    effects = report.to_frame()["effect"]
    np.testing.assert_allclose(effects[["region = S", "region = W"]], want, rtol=1e-10)
    np.testing.assert_allclose(
        effects["a"],
        np.mean([chance(constant + slope + w) - chance(constant + w) for w in (0, south, west)]),
        rtol=1e-10,
    )
    assert np.isnan(report.low).all()


MODELS = {
    "linear": (piped(LinearRegression()), PRICES),
    "theirs": (piped(TheirLinearRegression(), "first"), PRICES),
    "ridge": (piped(Ridge(3.0)), PRICES),
    "logistic": (piped(LogisticRegression()), BOUGHT),
    "multinomial": (
        piped(LogisticRegression()),
        pd.cut(PRICES, 3, labels=["low", "middle", "high"]).astype(str),
    ),
    "poisson": (piped(PoissonRegressor()), (PRICES / 20_000).round()),
}


@pytest.mark.parametrize("name", MODELS)
def test_contributions_add_up_to_the_prediction(name):
    model, y = MODELS[name]
    model.fit(HOMES, y)
    report = explain_weights(model, HOMES, y)
    want = model.decision_function(HOMES) if hasattr(model, "decision_function") else model.predict(HOMES)
    want = np.log(want) if name == "poisson" else want
    moved = report.contributions()
    assert moved.shape == ((300, 3, 4) if name == "multinomial" else (300, 4))
    got = moved.sum(axis=-1) + report.baseline
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10 * np.abs(want).max())
    # The baseline is the average score; what columns add is 0 on average.
    np.testing.assert_allclose(report.baseline, np.atleast_1d(np.mean(want, axis=0)), rtol=1e-10)
    np.testing.assert_allclose(moved.mean(axis=0), 0, atol=1e-10 * np.abs(want).max())
    np.testing.assert_allclose(report.contributions([5, 7]), moved[[5, 7]])
    new = HOMES.iloc[10:12].assign(bedrooms=9)
    np.testing.assert_allclose(
        report.contributions(new).sum(axis=-1) + report.baseline,
        np.log(model.predict(new))
        if name == "poisson"
        else (model.decision_function(new) if hasattr(model, "decision_function") else model.predict(new)),
        rtol=1e-10,
    )
    one = report.prediction(4)
    assert one.baseline + one.contributions.sum() == pytest.approx(one.score, rel=1e-12)
    if hasattr(model, "predict_proba"):
        chances = model.predict_proba(HOMES)[4]
        assert one.value == pytest.approx(chances[1] if len(chances) == 2 else chances.max(), rel=1e-10)
    else:
        assert one.value == pytest.approx(model.predict(HOMES)[4], rel=1e-10)
    assert one.holds[report.columns.index("region")] == HOMES["region"][4]
    assert "the average" in str(one)
    assert len(one.to_frame()) == 4
    json.dumps(one.to_dict())


def test_weights_with_sample_weight_are_those_of_repeated_rows():
    counts = np.random.default_rng(5).integers(0, 3, len(HOMES))
    repeated = HOMES.loc[HOMES.index.repeat(counts)].reset_index(drop=True)
    targets = PRICES.repeat(counts).reset_index(drop=True)
    model = piped(LinearRegression(), "first")
    model.fit(repeated, targets)
    whole = explain_weights(model, repeated, targets)
    weighted = explain_weights(model, HOMES, PRICES, sample_weight=counts)
    for name in ("weights", "low", "high", "importances", "baseline", "mean", "spread"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(whole, name), rtol=1e-8, err_msg=name)


def test_several_targets_have_weights_of_their_own():
    both = pd.DataFrame({"price": PRICES, "half": PRICES / 2})
    report = explain_weights(piped(LinearRegression(), "first").fit(HOMES, both), HOMES, both)
    alone = explain_weights(piped(LinearRegression(), "first").fit(HOMES, PRICES), HOMES, PRICES)
    assert report.targets == ("price", "half")
    np.testing.assert_allclose(report.low, [alone.low[0], alone.low[0] / 2], rtol=1e-9)
    assert report.prediction(0, "half").score == pytest.approx(alone.prediction(0).score / 2)
    assert len(report.to_frame()) == 2 * len(alone.to_frame())


def test_the_sentence_of_each_kind_of_column():
    report = explain_weights(piped(LinearRegression(), "first").fit(HOMES, PRICES), HOMES, PRICES)
    said = dict(zip([report.features[f] for f in report._features_in_order()], report.sentences, strict=True))
    weight = 100 * report.to_frame().loc["square feet", "weight"]
    assert said["bedrooms"].startswith("each extra unit of bedrooms adds ")
    assert said["garage"].startswith("garage of 1 instead of 0 adds ")
    assert said["region = South"].startswith("region = South, against region = North, adds ")
    assert said["region = West"].startswith("region = West, against region = North, takes ")
    assert said["square feet"].startswith(
        f"each extra 100 of square feet adds {round(weight, -2):,.0f} to price"
    )
    assert said["bedrooms"].endswith(")")
    assert "(95%: " in said["bedrooms"]


def test_penalised_models_have_no_intervals_and_say_why():
    report = explain_weights(piped(Ridge()).fit(HOMES, PRICES), HOMES, PRICES)
    assert np.isnan(report.low).all()
    assert "refitting with alpha=0 gives some" in report.notes[0]
    assert "interval" not in str(report).splitlines()[2]


def test_other_rows_are_refused():
    model = piped(LinearRegression(), "first").fit(HOMES, PRICES)
    with pytest.raises(ValueError, match="fitted"):
        explain_weights(model, HOMES, PRICES[::-1].to_numpy())


def test_bad_input_is_named():
    model = LinearRegression().fit(X, Y)
    with pytest.raises(ValueError, match="y was given without X"):
        explain_weights(model, y=Y)
    with pytest.raises(NotFittedError):
        explain_weights(LinearRegression(), X, Y)
    with pytest.raises(TypeError, match="linear, logistic or Poisson"):
        explain_weights(StandardScaler().fit(X), X, Y)
    report = explain_weights(model, X, Y)
    with pytest.raises(IndexError, match="no row 442"):
        report.prediction(442)
    with pytest.raises(ValueError, match="one row; got 442"):
        report.prediction(X)
    with pytest.raises(ValueError, match="target"):
        report.prediction(0, "price")
    with pytest.raises(ValueError, match="kind must be"):
        report.to_frame("weight")
    with pytest.raises(ValueError, match="needs X"):
        explain_weights(model).contributions(0)
    with pytest.raises(ValueError, match="cov"):
        explain_weights(model, X, Y, cov="HC9")


def test_reports_are_plain_data():
    model = piped(LogisticRegression()).fit(HOMES, BOUGHT)
    report = explain_weights(model, HOMES, BOUGHT)
    parsed = json.loads(json.dumps(report.to_dict()))
    assert parsed["weights"]["yes"]["bedrooms"]["low"] is None
    assert parsed["weights"]["yes"]["bedrooms"]["ratio"] == pytest.approx(
        np.exp(report.weights[0, report.features.index("bedrooms")])
    )
    assert report.to_frame().loc["bedrooms", "importance"] > 0
    assert list(report.to_frame("importance").index) == [report.columns[c] for c in report.order]
    assert list(report.to_frame("findings").columns) == ["kind", "columns", "text"]
    page = report.to_html("Homes <&>", pictures=[b"png"])
    assert "Homes &lt;&amp;&gt;" in page
    assert "cG5n" in page
    assert str(report).startswith("What makes yes more or less likely: 4 columns of 300 rows")


def test_sparse_rows_and_dense_ones_are_the_same():
    rows = X.to_numpy() * (np.random.default_rng(0).uniform(size=X.shape) < 0.5)
    model = LinearRegression().fit(rows, Y)
    dense, sparse = explain_weights(model, rows, Y), explain_weights(model, sp.csr_array(rows), Y)
    for name in ("weights", "low", "importances", "spread"):
        np.testing.assert_allclose(getattr(sparse, name), getattr(dense, name), rtol=1e-9)
    np.testing.assert_allclose(sparse.contributions(range(5)), dense.contributions(range(5)), rtol=1e-9)


def test_a_row_with_a_level_that_no_row_had_is_explained_as_it_is_predicted():
    encoder = OneHotEncoder(handle_unknown="ignore")
    steps = make_column_transformer((encoder, ["region"]), remainder="passthrough")
    model = make_pipeline(steps, LinearRegression()).fit(HOMES, PRICES)
    new = HOMES.iloc[:1].assign(region="Island")
    one = explain_weights(model, HOMES, PRICES).prediction(new)
    assert one.score == pytest.approx(model.predict(new)[0], rel=1e-12)
    assert one.holds[one.columns.index("region")] == "another level"


def test_polynomials_are_of_their_columns():
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False), LinearRegression())
    two = X[["bmi", "bp"]]
    report = explain_weights(model.fit(two, Y), two, Y)
    assert report.columns == ("bmi", "bp", "bmi, bp")
    want = model.predict(two)
    np.testing.assert_allclose(report.contributions().sum(axis=1) + report.baseline, want, rtol=1e-11)


def test_float32_rows_are_explained_in_float64():
    narrow = load_breast_cancer().data.astype(np.float32)
    y = load_breast_cancer().target
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(narrow, y)
    report = explain_weights(model, narrow, y)
    want = model.decision_function(narrow)
    np.testing.assert_allclose(report.contributions().sum(axis=1) + report.baseline, want, atol=1e-4)


def test_weights_alone_are_read_by_name():
    names = ["square feet", "bedrooms", "age", "miles"]
    report = explain_weights(
        LinearRegression.from_weights([150, 30000, -2000, -5000], 50000, feature_names=names)
    )
    assert report.n_rows is None
    assert report.findings == ()
    assert report.sentences[0] == "each extra unit of bedrooms adds 30,000 to y"
    assert report.sentences[-1] == "each extra unit of square feet adds 150 to y"
    assert report.baseline.tolist() == [50_000]
    assert str(report)
    json.dumps(report.to_dict())
    iris = load_iris()
    model = LogisticRegression(max_iter=1000).fit(iris.data, iris.target_names[iris.target])
    said = explain_weights(model).sentences
    assert len(said) == 12
    assert any("setosa" in one for one in said)
