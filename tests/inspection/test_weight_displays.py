"""Pictures of weights: what is drawn is what the report says, and every text can be read."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from fulcra.inspection import (
    CoefficientDisplay,
    ContributionDisplay,
    RegularizationPathDisplay,
    explain_weights,
)
from fulcra.linear_model import LinearRegression
from legible import assert_legible
from matplotlib.figure import Figure
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LassoCV,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeCV,
    lasso_path,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

pytestmark = pytest.mark.usefixtures("tidy")

X, Y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
Y = Y.rename("progression")
CELLS, MALIGNANT = load_breast_cancer(return_X_y=True, as_frame=True)
IRIS = load_iris(as_frame=True)


def wide(d, n=300):
    rng = np.random.default_rng(0)
    names = [f"a column with a long name, no. {j}" for j in range(d)]
    table = pd.DataFrame(rng.normal(size=(n, d)), columns=names)
    y = table.to_numpy() @ rng.normal(size=d) + rng.normal(size=n)
    return table, pd.Series(y, name="$a_b$ \N{EURO SIGN}")


def leveled():
    table, y = wide(3)
    levels = ["north by north-west", "$x$", "south"]
    table["region = of all"] = np.random.default_rng(1).choice(levels, len(table))
    steps = make_column_transformer((OneHotEncoder(), ["region = of all"]), remainder=StandardScaler())
    return make_pipeline(steps, LinearRegression()), table, y


def several():
    names = IRIS.target_names[IRIS.target]
    return make_pipeline(StandardScaler(), LogisticRegression()), IRIS.data, names


def ten_classes():
    table, y = wide(30)
    names = [f"the class no. {j}" for j in range(10)]
    return LogisticRegression(), table, pd.qcut(y, 10, labels=names).astype(str)


CASES = {
    "2": lambda: (LinearRegression(), *wide(2)),
    "10": lambda: (make_pipeline(StandardScaler(), LinearRegression()), X, Y),
    "40": lambda: (LinearRegression(), *wide(40)),
    "levels": leveled,
    "classes": several,
    "ten classes": ten_classes,
    "probability": lambda: (make_pipeline(StandardScaler(), LogisticRegression()), CELLS, MALIGNANT),
    "count": lambda: (PoissonRegressor(max_iter=1000), X / X.std(), Y),
    "one": lambda: (LinearRegression(), X[["bmi"]], Y),
}


@pytest.mark.parametrize("name", CASES)
def test_coefficients_are_legible(name):
    model, table, y = CASES[name]()
    display = CoefficientDisplay.from_estimator(model.fit(table, y), table, y)
    texts = [text.get_text() for text in assert_legible(display.figure_)]
    # Of ten classes there is room for fewer features.
    assert len(display.shown_) == min(len(display.report.features), 14 if name == "ten classes" else 30)
    assert len({label.get_text() for label in display.ax_.get_yticklabels()}) == len(display.shown_)
    assert any(text.startswith(("What ", "Weights")) for text in texts)


@pytest.mark.parametrize("name", CASES)
def test_contributions_are_legible(name):
    model, table, y = CASES[name]()
    display = ContributionDisplay.from_estimator(model.fit(table, y), table, 3, y=y)
    texts = assert_legible(display.figure_)
    assert len(display.shown_) == min(table.shape[1], 12)
    assert {"the average", "the prediction"} <= {text.get_text() for text in texts}
    assert all(text in texts for text in display.texts_)


@pytest.mark.parametrize("model", [Lasso(0.1), Ridge(10.0)])
@pytest.mark.parametrize("d", [1, 2, 40])
def test_paths_are_legible(model, d):
    table, y = wide(d)
    display = RegularizationPathDisplay.from_estimator(model.fit(table, y), table, y)
    texts = assert_legible(display.figure_)
    assert len(display.named_) == min(d, 15)
    assert all(text in texts for text in display.texts_)


def test_small_axes_of_the_user():
    figure = Figure(figsize=(13, 5), layout="constrained")
    axes = figure.subplots(1, 3)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(CELLS, MALIGNANT)
    displays = [
        CoefficientDisplay.from_estimator(model, CELLS, MALIGNANT, max_features=12, ax=axes[0]),
        ContributionDisplay.from_estimator(model, CELLS, 0, ax=axes[1]),
        RegularizationPathDisplay.from_estimator(model, CELLS, MALIGNANT, ax=axes[2]),
    ]
    for display, ax in zip(displays, axes, strict=True):
        assert display.ax_ is ax
        assert display.figure_ is figure
        assert display.plot(ax=Figure().add_subplot()) is display
    assert plt.get_fignums() == []
    assert_legible(figure)


def test_dots_and_lines_are_effects_of_a_deviation_and_their_intervals():
    model = LinearRegression().fit(X, Y)
    display = CoefficientDisplay.from_estimator(model, X, Y)
    report, ax = display.report, display.ax_
    size = X.std(ddof=0).to_numpy(copy=True)
    size[list(X).index("sex")] = 1  # of two values, 1 and 2
    order = np.argsort(-np.abs(report.weights[0] * size), kind="stable")
    assert display.shown_ == tuple(X.columns[order])
    dots = np.array([line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"])
    np.testing.assert_allclose(dots, (report.weights[0] * size)[order])
    lines = np.array([line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2][1:])
    np.testing.assert_allclose(lines, np.stack([report.low[0] * size, report.high[0] * size], 1)[order])
    hollow = [line.get_markerfacecolor() == "white" for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(hollow, ((report.low[0] < 0) & (report.high[0] > 0))[order])
    again = CoefficientDisplay.from_report(report, max_features=3, ax=Figure().add_subplot())
    assert again.shown_ == display.shown_[:3]
    assert "Without 7 features" in again.ax_.get_xlabel().replace("\n", " ")


def test_bars_lead_from_the_average_to_the_prediction():
    model = LinearRegression().fit(X, Y)
    display = ContributionDisplay.from_prediction(explain_weights(model, X).prediction(7), max_columns=5)
    bars = display.ax_.patches
    assert len(bars) == 5
    starts = [bar.get_x() for bar in bars]
    ends = [bar.get_x() + bar.get_width() for bar in bars]
    assert starts[0] == pytest.approx(model.predict(X).mean())
    np.testing.assert_allclose(starts[1:], ends[:-1])
    assert ends[-1] == pytest.approx(model.predict(X)[7])
    assert display.shown_[-1] == "6 other columns"


def test_the_path_is_that_of_scikit_learn():
    model = LassoCV(cv=3).fit(X, Y)
    display = RegularizationPathDisplay.from_estimator(model, X, Y)
    tried = np.unique(np.append(model.alphas_, model.alpha_))
    alphas, coefs, _ = lasso_path(X - X.mean(), Y - Y.mean(), alphas=tried)
    np.testing.assert_allclose(np.sort(display.alphas), np.sort(alphas))
    want = coefs[:, np.argsort(alphas)] * X.std(ddof=0).to_numpy()[:, np.newaxis]
    got = np.asarray(display.coefs)[:, np.argsort(display.alphas)]
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)
    assert display.chosen == model.alpha_


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        (ElasticNet(0.3), lambda alpha: ElasticNet(alpha, tol=1e-10, max_iter=100_000).fit(X, Y).coef_),
        (RidgeCV([0.1, 1.0, 10.0]), lambda alpha: Ridge(alpha).fit(X, Y).coef_),
    ],
)
def test_paths_of_other_models_are_their_fits(model, weights):
    display = RegularizationPathDisplay.from_estimator(model.fit(X, Y), X, Y, alphas=[10.0, 0.1, 1.0])
    for alpha, column in zip(display.alphas, np.asarray(display.coefs).T, strict=True):
        np.testing.assert_allclose(column / X.std(ddof=0), weights(alpha), rtol=2e-3, atol=1e-3)


def test_a_path_of_logistic_regression_ends_in_its_weights():
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(CELLS, MALIGNANT)
    display = RegularizationPathDisplay.from_estimator(model, CELLS, MALIGNANT)
    assert display.chosen == 2.0
    place = np.argmin(np.abs(display.alphas - 2.0))
    np.testing.assert_allclose(np.asarray(display.coefs)[:, place], model[-1].coef_[0], rtol=1e-3, atol=1e-3)


def test_bad_input_is_named():
    model = Ridge().fit(X, Y)
    with pytest.raises(ValueError, match="above 0"):
        RegularizationPathDisplay.from_path([1.0, 0.0], np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"shape \(n_features, 2\)"):
        RegularizationPathDisplay.from_path([1.0, 2.0], np.ones((2, 3)))
    with pytest.raises(ValueError, match="1 names; coefs has 2 rows"):
        RegularizationPathDisplay.from_path([1.0, 2.0], np.ones((2, 2)), feature_names=["a"])
    with pytest.raises(TypeError, match="Lasso"):
        RegularizationPathDisplay.from_estimator(LinearRegression().fit(X, Y), X, Y)
    with pytest.raises(ValueError, match="target must be"):
        RegularizationPathDisplay.from_estimator(model, X, Y, target=3)
    with pytest.raises(TypeError, match="explain_weights returns"):
        CoefficientDisplay.from_report(model)
    with pytest.raises(ValueError, match="max_features"):
        CoefficientDisplay.from_estimator(model, X, Y, max_features=0)
    with pytest.raises(TypeError, match="WeightReport"):
        ContributionDisplay.from_prediction(model)
    with pytest.raises(ValueError, match="max_columns"):
        ContributionDisplay.from_estimator(model, X, 0, max_columns=1)
    with pytest.raises(ValueError, match="X is needed"):
        ContributionDisplay.from_estimator(model, None, 0)
