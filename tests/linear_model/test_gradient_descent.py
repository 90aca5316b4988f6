"""Gradient descent: by hand, towards exact solutions, and its end in words."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from fulcra import set_num_threads
from fulcra.inspection import ConvergenceDisplay
from fulcra.linear_model import GradientDescentClassifier, GradientDescentRegressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
Y = X @ [1.0, -2.0, 0.5] + 3 + 0.1 * RNG.normal(size=80)
CLASSES = np.digitize(Y + RNG.normal(size=80), [2, 4])


def test_two_steps_on_paper() -> None:
    # One row x = 2, y = 1: gradient (p - y) (2, 1). At 0: (-2, -1); then p = 0.5 and (-1, -0.5).
    model = GradientDescentRegressor(max_iter=2)
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        model.fit([[2.0]], [1.0])
    assert_allclose(model.history_["weights"], [[0, 0], [0.2, 0.1], [0.3, 0.15]], rtol=1e-14)
    assert_allclose(model.history_["loss"], [0.5, 0.125, 0.03125], rtol=1e-14)
    assert_allclose(model.history_["gradient_norm"], np.sqrt(5) * np.array([1, 0.5, 0.25]), rtol=1e-14)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"momentum": 0.5},
        {"momentum": 0.5, "nesterovs_momentum": True},
        {"schedule": "step", "decay": 0.9, "decay_every": 200},
        {"init": "he_normal", "random_state": 0},
        {"init": [1.0, 2.0, 3.0, 4.0]},
    ],
)
def test_every_way_leads_to_least_squares(params: dict) -> None:
    model = GradientDescentRegressor(**params, tol=1e-10).fit(X, Y)
    exact = sklearn.linear_model.LinearRegression().fit(X, Y)
    assert_allclose([*model.coef_, model.intercept_], [*exact.coef_, exact.intercept_], rtol=1e-8)
    assert "gradient norm" in model.stop_reason_


def test_adam_and_batches_come_near(dtype: type[np.floating]) -> None:
    exact = sklearn.linear_model.LinearRegression().fit(X, Y)
    for params in ({"solver": "adam"}, {"batch_size": 8, "schedule": "exponential", "decay_every": 10}):
        model = GradientDescentRegressor(**params, tol=1e-3, random_state=0).fit(X.astype(dtype), Y)
        assert_allclose(model.coef_, exact.coef_, atol=0.02)
        assert model.coef_.dtype == dtype


@pytest.mark.parametrize("y", [CLASSES > 0, CLASSES])
def test_the_classifier_is_logistic_regression(y: np.ndarray) -> None:
    model = GradientDescentClassifier(alpha=0.1, tol=1e-9, learning_rate=0.5).fit(X, y)
    exact = sklearn.linear_model.LogisticRegression(C=1 / (0.1 * len(X)), tol=1e-12, max_iter=10000).fit(X, y)
    assert_allclose(model.coef_, exact.coef_, atol=1e-6)
    assert_allclose(model.predict_proba(X), exact.predict_proba(X), atol=1e-6)
    assert_array_equal(model.predict(X), exact.predict(X))


def test_weights_of_rows_sparse_rows_and_several_targets() -> None:
    weights = RNG.integers(0, 3, 80)
    both = np.column_stack([Y, -Y])
    model = GradientDescentRegressor().fit(X, both, weights)
    again = GradientDescentRegressor().fit(np.repeat(X, weights, axis=0), np.repeat(both, weights, axis=0))
    sparse = GradientDescentRegressor().fit(sp.csr_matrix(X), both, weights)
    for other in (again, sparse):
        assert_allclose(model.coef_, other.coef_, rtol=1e-10)
    assert model.coef_.shape == (2, 3)
    assert model.history_["weights"].shape == (model.n_iter_ + 1, 2, 4)
    assert_allclose(model.coef_[0], -model.coef_[1], rtol=1e-10)


def test_a_rate_that_is_too_large_is_named_with_the_column_and_a_rate_that_is_not() -> None:
    table = pd.DataFrame({"age": X[:, 0], "income": 30 * X[:, 1]})
    with pytest.warns(ConvergenceWarning, match="'income' is the steepest"):
        model = GradientDescentRegressor(learning_rate=0.5).fit(table, Y)
    assert np.isfinite(model.coef_).all()
    assert np.mean((Y - model.predict(table)) ** 2) / 2 <= model.history_["loss"][0] * (1 + 1e-12)
    # The largest eigenvalue of the mean of x x^T decides: a rate below 2 / L converges, one above does not.
    wide = np.column_stack([table, np.ones(80)])
    limit = 2 / np.linalg.eigvalsh(wide.T @ wide / 80)[-1]
    assert f"below {limit:.3g}" in model.stop_reason_
    GradientDescentRegressor(learning_rate=0.99 * limit, max_iter=20_000).fit(table, Y)


@pytest.mark.parametrize("several", [False, True])
def test_a_rate_that_oscillates_is_too_large(several: bool) -> None:
    # On one column without an intercept the error is multiplied by 1 - rate x^2 a step: by -1 at 2 / x^2,
    # for ever, and by -1.001 just above.
    column, y = np.array([[2.0]]), np.array([[1.0, 2.0]] if several else [1.0])
    for rate, patience in ((0.50025, 1000), (0.50025, 10)):
        model = GradientDescentRegressor(
            learning_rate=rate, fit_intercept=False, max_iter=30, n_iter_no_change=patience
        )
        with pytest.warns(ConvergenceWarning, match="Column 0 is the steepest"):
            model.fit(column, y)
        assert "below 0.5 it would fall" in model.stop_reason_
    with pytest.warns(ConvergenceWarning, match="max_iter=30"):
        model.set_params(learning_rate=0.499, n_iter_no_change=10).fit(column, y)
    assert "too large" not in model.stop_reason_


def test_softmax_is_at_most_half_as_steep_as_the_squares() -> None:
    # diag(p) - p p^T of p = (1/2, 1/2, 0) has an eigenvalue of 1/2: the bound is reached.
    rows, labels = 30 * X[:, :1], CLASSES
    wide = np.column_stack([rows, np.ones(80)])
    limit = 2 / (0.5 * np.linalg.eigvalsh(wide.T @ wide / 80)[-1])
    model = GradientDescentClassifier(learning_rate=1e9, max_iter=50)
    with pytest.warns(ConvergenceWarning, match=f"below {limit:.3g} it"):
        model.fit(rows, labels)
    model = GradientDescentClassifier(learning_rate=0.9 * limit, max_iter=200)
    with pytest.warns(ConvergenceWarning, match="max_iter=200"):
        losses = model.fit(rows, labels).history_["loss"]
    assert (np.diff(losses) <= 0).all()


def test_the_weights_of_a_long_descent_are_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = GradientDescentRegressor().fit(X, Y)
    assert_array_equal(whole.history_["iteration"], np.arange(whole.n_iter_ + 1))
    monkeypatch.setattr("fulcra.linear_model._gradient_descent.WEIGHTS_KEPT", 4 * 10)
    model = GradientDescentRegressor().fit(X, Y)
    steps = model.history_["iteration"]
    assert 6 <= len(steps) <= 11
    assert len(set(np.diff(steps[:-1]).tolist())) == 1
    assert (steps[0], steps[-1]) == (0, model.n_iter_)
    assert_array_equal(model.history_["weights"], whole.history_["weights"][steps])
    assert len(model.history_["loss"]) == model.n_iter_ + 1


def test_known_weights_classify() -> None:
    table = pd.DataFrame([[1.0, -1.0]], columns=["a", "b"])
    known = GradientDescentClassifier.from_weights(table, 0.5, classes=["yes", "no"], alpha=0.3)
    rows = pd.DataFrame([[3.0, 1.0], [1.0, 3.0]], columns=["a", "b"])
    assert known.predict(rows).tolist() == ["no", "yes"]
    assert (known.alpha, known.classes_.tolist()) == (0.3, ["no", "yes"])
    assert known.feature_names_in_.tolist() == ["a", "b"]
    # One row of weights is that of the second label given: 3 - 1 + 0.5 speaks for "no".
    assert_allclose(known.predict_proba(rows)[0], [1 / (1 + np.exp(-2.5)), 1 / (1 + np.exp(2.5))])
    several = GradientDescentClassifier.from_weights([[1.0], [0.0], [-1.0]], [0, 1, 0], classes=[7, 3, 5])
    assert several.predict([[4.0], [0.5], [-4.0]]).tolist() == [7, 3, 5]
    for coef, wrong in (([[1.0], [2.0]], {}), ([1.0], {"classes": [1, 1]}), ([1.0], {"classes": [1, 2, 3]})):
        with pytest.raises(ValueError, match="classes"):
            GradientDescentClassifier.from_weights(coef, **wrong)


def test_threads_change_no_bit() -> None:
    found = []
    for n_threads in (1, 2):
        set_num_threads(n_threads)
        model = GradientDescentClassifier(tol=0.3).fit(np.tile(X, (400, 1)), np.tile(CLASSES, 400))
        found.append(model.history_["weights"])
    assert_array_equal(*found)


def test_schedules() -> None:
    rates = {}
    for schedule in ("constant", "invscaling", "exponential", "step", "cosine"):
        model = GradientDescentRegressor(schedule=schedule, max_iter=4, decay_every=2)
        with pytest.warns(ConvergenceWarning):
            rates[schedule] = model.fit(X, Y).history_["learning_rate"][:4] / 0.1
    assert_allclose(rates["constant"], 1)
    assert_allclose(rates["invscaling"], np.arange(1, 5) ** -0.5)
    assert_allclose(rates["exponential"], 0.5 ** (np.arange(4) / 2))
    assert_allclose(rates["step"], [1, 1, 0.5, 0.5])
    assert_allclose(rates["cosine"], (1 + np.cos(np.pi * np.arange(4) / 4)) / 2)


def test_warm_starts_go_on_and_a_fit_that_fails_changes_nothing() -> None:
    model = GradientDescentRegressor(max_iter=3, warm_start=True)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, Y)
    before = vars(model).copy()
    with pytest.raises(ValueError, match="row 2, column 1"):
        model.fit(np.where(np.arange(240).reshape(80, 3) == 7, np.nan, X), Y)
    assert vars(model).keys() == before.keys()
    last = model.history_["weights"][-1]
    with pytest.warns(ConvergenceWarning):
        model.fit(X, Y)
    assert_array_equal(model.history_["weights"][0], last)


def test_the_descent_is_drawn() -> None:
    model = GradientDescentRegressor().fit(X, Y)
    display = ConvergenceDisplay.from_estimator(model)
    assert display.quantities_[:2] == ("loss", "gradient_norm")
    assert "weights" in display.quantities_
    lines = display.axes_[-1].lines
    assert [text.get_text() for text in display.axes_[-1].get_legend().texts] == [
        "x0",
        "x1",
        "x2",
        "intercept",
    ]
    for f, line in enumerate(lines):
        assert_array_equal(line.get_xdata(), np.arange(model.n_iter_ + 1))
        assert_array_equal(line.get_ydata(), model.history_["weights"][:, f])
    display.figure_.clear()
    # Twelve weights are too many lines: three norms, by the names of the classes.
    model = GradientDescentClassifier(tol=0.1).fit(X, np.array(["low", "middle", "high"])[CLASSES])
    display = ConvergenceDisplay.from_estimator(model)
    assert display.quantities_[-1] == "weight_norm"
    panel = display.axes_[-1]
    assert [text.get_text() for text in panel.get_legend().texts] == model.classes_.tolist()
    assert_allclose(panel.lines[1].get_ydata(), np.linalg.norm(model.history_["weights"][:, 1], axis=1))
    display.figure_.clear()
