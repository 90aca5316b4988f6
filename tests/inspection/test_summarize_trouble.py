"""Rows that are not those of the fit, weights without a unique or finite value, and models with a penalty."""

import json
import warnings
from typing import Any

import numpy as np
import pytest
import sklearn.linear_model as peer
from fulcra.inspection import summarize
from fulcra.linear_model import LinearRegression, Ridge
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

N = 120
RNG = np.random.default_rng(3)
X = RNG.normal(size=(N, 3))
Y = X @ [1.0, 2.0, 3.0] + RNG.normal(size=N)
BINARY = Y + RNG.logistic(size=N) > 0
THREE = np.digitize(Y + 2 * RNG.logistic(size=N), [-2, 2])
COUNTS = RNG.poisson(np.exp(0.5 * X[:, 0]))


def fitted(model: Any, X: Any, y: Any) -> Any:
    """Fit, and let it stop where it stops."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


# Rows that are those of the fit


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (LinearRegression(), Y),
        (peer.LinearRegression(), Y),
        (Ridge(), Y),
        (Ridge(fit_intercept=False), Y),
        (peer.Ridge(solver="sag", random_state=0), Y),
        (peer.RidgeCV(), Y),
        (peer.BayesianRidge(), Y),
        (peer.Lasso(0.1), Y),
        (peer.LassoCV(), Y),
        (peer.ElasticNet(0.1), Y),
        (peer.ElasticNetCV(), Y),
        (peer.Lasso(0.1, positive=True), Y),
        (LinearRegression(positive=True), Y),
        *((peer.LogisticRegression(C=C), y) for C in (np.inf, 1.0) for y in (BINARY, THREE)),
        *(
            (peer.LogisticRegression(C=np.inf, solver=solver), BINARY)
            for solver in ("newton-cg", "newton-cholesky")
        ),
        (peer.LogisticRegression(C=0.5, solver="liblinear"), BINARY),
        (peer.LogisticRegression(C=0.5, l1_ratio=1, solver="saga", max_iter=1000, random_state=0), BINARY),
        (peer.LogisticRegression(C=0.5, l1_ratio=0.5, solver="saga", max_iter=1000, random_state=0), THREE),
        (peer.LogisticRegression(C=np.inf, class_weight="balanced"), BINARY),
        (peer.LogisticRegression(class_weight={0: 1, 1: 2, 2: 0.5}), THREE),
        (peer.PoissonRegressor(alpha=0), COUNTS),
        (peer.PoissonRegressor(), COUNTS),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
def test_default_fits_pass_and_other_rows_do_not(model: Any, y: np.ndarray) -> None:
    weights = np.random.default_rng(0).uniform(0.5, 2, size=N)
    for given in (None, weights):
        model = fitted(model, X, y) if given is None else model.fit(X, y, sample_weight=given)
        summary = summarize(model, X, y, sample_weight=given, n_resamples=0)
        assert not any("could not be checked" in note for note in summary.notes)
        with pytest.raises(ValueError, match="not the data this was fitted on"):
            summarize(model, X, np.roll(y, 7), sample_weight=given, n_resamples=0)
    # Other rows of the same kind: the difference is nothing but chance.
    rows = np.random.default_rng(1).normal(size=(N, 3))
    with pytest.raises(ValueError, match="not the data this was fitted on"):
        summarize(model, rows, y, sample_weight=weights, n_resamples=0)


def test_a_large_default_fit_passes() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200_000, 4))
    labels = rng.random(200_000) < 1 / (1 + np.exp(-rows.sum(axis=1)))
    model = peer.LogisticRegression(C=np.inf).fit(rows, labels)
    assert np.isfinite(summarize(model, rows, labels).std_errors).all()
    with pytest.raises(ValueError, match="not the data this was fitted on"):
        summarize(model, rows[:100_000], labels[:100_000])


def test_the_refusal_names_the_column_that_shows_it() -> None:
    model = LinearRegression().fit(X, Y)
    with pytest.raises(ValueError, match="depends on 'x1'"):
        summarize(model, X, Y + 10 * X[:, 1])
    with pytest.raises(ValueError, match="depends on intercept"):
        summarize(model, X, Y + 1)


def test_a_fit_that_stopped_early_is_refused_with_the_reason() -> None:
    model = fitted(peer.LogisticRegression(C=np.inf, max_iter=2), X * [1, 100, 1e4], BINARY)
    with pytest.raises(ValueError, match="stopped early, at max_iter=2"):
        summarize(model, X * [1, 100, 1e4], BINARY)


def test_a_fit_that_stopped_a_little_early_says_by_how_much() -> None:
    exact = peer.LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(X, BINARY)
    errors = summarize(exact, X, BINARY).std_errors
    exact.coef_[0, 1] += 0.03 * errors[2]
    summary = summarize(exact, X, BINARY)
    assert any("0.03 standard errors short of the best weight of x1" in note for note in summary.notes)
    np.testing.assert_array_equal(summary.coef[1:], exact.coef_[0])


def test_weights_of_other_models_are_refused() -> None:
    with pytest.raises(ValueError, match="sample_weight differs"):
        summarize(LinearRegression().fit(X, Y, sample_weight=np.arange(1, N + 1)), X, Y)


@pytest.mark.parametrize("model", [Ridge(0.5), peer.Lasso(0.01, tol=1e-8, max_iter=100_000)])
def test_a_penalty_lets_more_columns_than_rows_pass(model: Any) -> None:
    rows = np.random.default_rng(0).normal(size=(15, 30))
    summary = summarize(model.fit(rows, Y[:15]), rows, Y[:15], n_resamples=3)
    assert not any("could not be checked" in note for note in summary.notes)
    with pytest.raises(ValueError, match="not the data this was fitted on"):
        summarize(model, rows, Y[15:30], n_resamples=0)


# Weights without a unique value


def test_columns_that_are_made_of_each_other_are_named() -> None:
    rows = np.column_stack([X, X[:, 0] + X[:, 1], np.full(N, 7.0), np.zeros(N)])
    summary = summarize(LinearRegression().fit(rows, Y), rows, Y)
    # The intercept shares its value with the constant column.
    np.testing.assert_array_equal(np.isnan(summary.std_errors), [1, 1, 1, 0, 1, 1, 1])
    less = summarize(LinearRegression().fit(X, Y), X, Y)
    assert summary.std_errors[3] == pytest.approx(less.std_errors[3], rel=1e-12)
    assert (summary.df_model, summary.df_resid) == (3, N - 4)
    notes = " ".join(summary.notes)
    assert "x0, x1 and x3 are made of each other" in notes
    assert "x4 does not vary" in notes
    assert "x5 is 0 in every row" in notes


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("kind", ["linear", "logistic", "multinomial", "poisson"])
def test_a_column_twice_is_named_by_every_model(kind: str, offset: float) -> None:
    rows = np.column_stack([X, X[:, 2]]) + offset
    y, model = {
        "linear": (Y, LinearRegression()),
        "logistic": (BINARY, peer.LogisticRegression(C=np.inf)),
        "multinomial": (THREE, peer.LogisticRegression(C=np.inf)),
        "poisson": (COUNTS, peer.PoissonRegressor(alpha=0)),
    }[kind]
    if offset and kind != "linear":  # scikit-learn's solvers do not get there
        pipeline = make_pipeline(StandardScaler(with_std=False), model).fit(rows, y)
        summary = summarize(pipeline, rows, y)
    else:
        summary = summarize(model.fit(rows, y), rows, y)
    lost = np.isnan(np.atleast_2d(summary.std_errors)).all(axis=0)
    np.testing.assert_array_equal(lost[1:], [False, False, True, True])
    assert any("x2 and x3 are made of each other" in note for note in summary.notes)


def test_as_many_weights_as_rows_leave_no_errors() -> None:
    rows = np.random.default_rng(0).normal(size=(10, 20))
    summary = summarize(LinearRegression().fit(rows, Y[:10]), rows, Y[:10])
    assert np.isnan(summary.std_errors).all()
    assert summary.df_resid == 0
    assert any("fit any 10 rows" in note for note in summary.notes)
    one = summarize(LinearRegression().fit(X[:1], Y[:1]), X[:1], Y[:1])
    assert np.isnan(one.std_errors).all()
    json.dumps(one.to_dict(), allow_nan=False)


def test_a_perfect_fit_is_said_to_be_one() -> None:
    exact = X @ [1.0, 2.0, 3.0]
    for cov in ("nonrobust", "HC3"):
        summary = summarize(LinearRegression().fit(X, exact), X, exact, cov=cov)
        assert summary.r_squared == 1
        assert (summary.std_errors < 1e-14).all()
        assert any("perfect" in note for note in summary.notes)
    constant = summarize(LinearRegression().fit(X, np.ones(N)), X, np.ones(N))
    assert (constant.std_errors == 0).all()
    assert np.isnan(constant.r_squared)
    str(constant)


def test_a_row_that_alone_decides_a_weight() -> None:
    rows = np.column_stack([X, np.arange(N) == 5])
    model = LinearRegression().fit(rows, Y)
    summary = summarize(model, rows, Y, cov="HC3")
    assert np.isnan(summary.std_errors).all()
    assert any("'HC1' is" in note for note in summary.notes)
    assert np.isfinite(summarize(model, rows, Y, cov="HC1").std_errors).all()


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
@pytest.mark.parametrize("cov", ["nonrobust", "HC3"])
def test_units_change_nothing_but_the_units(scale: float, cov: str) -> None:
    plain = summarize(LinearRegression().fit(X, Y), X, Y, cov=cov)
    columns = summarize(LinearRegression().fit(X * scale, Y), X * scale, Y, cov=cov)
    np.testing.assert_allclose(columns.std_errors[1:] * scale, plain.std_errors[1:], rtol=1e-10)
    target = summarize(LinearRegression().fit(X, Y * scale), X, Y * scale, cov=cov)
    np.testing.assert_allclose(target.std_errors / scale, plain.std_errors, rtol=1e-10)
    np.testing.assert_allclose(target.conf_int / scale, plain.conf_int, rtol=1e-10)
    for found in (columns, target):
        np.testing.assert_allclose(found.statistic[1:], plain.statistic[1:], rtol=1e-9)
        np.testing.assert_allclose(
            [found.f_statistic, found.r_squared, found.jarque_bera, found.breusch_pagan],
            [plain.f_statistic, plain.r_squared, plain.jarque_bera, plain.breusch_pagan],
            rtol=1e-9,
        )
    assert target.aic == pytest.approx(plain.aic + 2 * N * np.log(scale), rel=1e-12)
    assert target.sigma / scale == pytest.approx(plain.sigma, rel=1e-12)


# Separation


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cholesky"])
def test_separated_classes_are_named(solver: str) -> None:
    labels = X[:, 0] + X[:, 1] > 0
    model = fitted(peer.LogisticRegression(C=np.inf, solver=solver, max_iter=1000), X, labels)
    summary = summarize(model, X, labels)
    assert np.isnan(summary.std_errors).all()
    assert any("separated" in note and "x0 and x1" in note for note in summary.notes)


def test_separated_classes_of_three() -> None:
    labels = np.digitize(X[:, 2], [-1, 1])
    model = fitted(peer.LogisticRegression(C=np.inf, max_iter=1000), X, labels)
    summary = summarize(model, X, labels)
    assert np.isnan(summary.std_errors).all()
    assert any("separated" in note and "x2" in note for note in summary.notes)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cholesky"])
def test_a_level_that_only_one_class_has_is_named(solver: str) -> None:
    level = (np.arange(N) % 7 == 0) & BINARY
    rows = np.column_stack([X, level])
    model = fitted(peer.LogisticRegression(C=np.inf, solver=solver, max_iter=1000), rows, BINARY)
    summary = summarize(model, rows, BINARY)
    np.testing.assert_array_equal(np.isnan(summary.std_errors), [0, 0, 0, 0, 1])
    assert any(note.startswith("x3 tells some rows' class for certain") for note in summary.notes)


def test_separation_by_no_column_alone_is_found() -> None:
    # Where x0 + x1 is above 0, all are True; below, labels are a matter of chance, and the columns are mixed.
    labels = BINARY | (X[:, 0] + X[:, 1] > 0)
    steep = np.column_stack([np.maximum(X[:, 0] + X[:, 1], 0) + X[:, 1], X[:, 1], X[:, 2]])
    model = fitted(peer.LogisticRegression(C=np.inf, max_iter=5000, tol=1e-7), steep, labels)
    summary = summarize(model, steep, labels)
    np.testing.assert_array_equal(np.isnan(summary.std_errors), [0, 1, 1, 0])


def test_a_level_without_counts_is_named() -> None:
    level = (np.arange(N) % 3 == 0) & (COUNTS == 0)
    rows = np.column_stack([X, level])
    model = fitted(peer.PoissonRegressor(alpha=0, max_iter=1000, tol=1e-8), rows, COUNTS)
    summary = summarize(model, rows, COUNTS)
    np.testing.assert_array_equal(np.isnan(summary.std_errors), [0, 0, 0, 0, 1])
    assert any("x3 tells rows without counts apart" in note for note in summary.notes)


def test_steep_is_not_separated() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, 2))
    labels = rng.random(2000) < 1 / (1 + np.exp(-12 * rows[:, 0]))
    model = peer.LogisticRegression(C=np.inf, solver="newton-cholesky").fit(rows, labels)
    assert np.isfinite(summarize(model, rows, labels).std_errors).all()


# Penalties


@pytest.mark.parametrize(
    ("model", "y", "cure"),
    [
        (Ridge(), Y, "refitting with alpha=0"),
        (peer.Lasso(0.1), Y, "LinearRegression"),
        (peer.Lars(n_nonzero_coefs=2), Y, "LinearRegression"),
        (peer.SGDRegressor(random_state=0), Y, "LinearRegression"),
        (peer.LogisticRegression(), BINARY, "refitting with C=np.inf"),
        (peer.LogisticRegression(), THREE, "refitting with C=np.inf"),
        (peer.PoissonRegressor(), COUNTS, "refitting with alpha=0"),
        (LinearRegression(positive=True), Y, "refitting with positive=False"),
        (peer.LogisticRegression(C=np.inf, class_weight="balanced"), BINARY, "class_weight=None"),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
def test_penalised_models_have_no_intervals_and_say_how_to_get_some(model: Any, y: Any, cure: str) -> None:
    summary = summarize(model.fit(X, y), X, y, n_resamples=10)
    assert summary.penalised
    for figure in (summary.std_errors, summary.statistic, summary.p_values, summary.conf_int):
        assert np.isnan(figure).all()
    assert cure in summary.notes[0]
    assert summary.stability is not None
    assert summary.stability.shape == summary.coef.shape
    assert ((summary.stability >= 0) & (summary.stability <= 1)).all()
    assert "stability" in str(summary)
    assert "interval" not in str(summary).split("\n\n")[1]


def test_without_a_penalty_there_is_no_stability() -> None:
    summary = summarize(Ridge(alpha=0).fit(X, Y), X, Y)
    assert summary.stability is None
    assert np.isfinite(summary.std_errors).all()
    same = summarize(LinearRegression().fit(X, Y), X, Y)
    np.testing.assert_allclose(summary.std_errors, same.std_errors, rtol=1e-12)


def test_the_bootstrap_is_that_of_refits_to_drawn_rows() -> None:
    summary = summarize(Ridge(2.0).fit(X, Y), X, Y, n_resamples=30, random_state=5)
    draw, weights = np.random.RandomState(5), []
    for _ in range(30):
        rows = draw.randint(N, size=N)
        model = Ridge(2.0).fit(X[rows], Y[rows])
        weights.append([model.intercept_, *model.coef_])
    np.testing.assert_allclose(summary.bootstrap_sd, np.std(weights, axis=0, ddof=1), rtol=1e-9)
    same = np.sign(weights) == np.sign(summary.coef)
    np.testing.assert_allclose(summary.stability, same.mean(axis=0))
    again = summarize(Ridge(2.0).fit(X, Y), X, Y, n_resamples=30, random_state=5)
    np.testing.assert_array_equal(summary.bootstrap_sd, again.bootstrap_sd)


def test_refits_do_not_search_again() -> None:
    searched = peer.RidgeCV(alphas=[3.0]).fit(X, Y)
    plain = peer.Ridge(alpha=3.0).fit(X, Y)
    ours, theirs = (summarize(model, X, Y, n_resamples=10) for model in (searched, plain))
    np.testing.assert_allclose(ours.bootstrap_sd, theirs.bootstrap_sd, rtol=1e-12)


# What is given


def test_steps_in_front_are_named_and_their_columns_too() -> None:
    model = make_pipeline(StandardScaler(), PolynomialFeatures(include_bias=False), LinearRegression())
    summary = summarize(model.fit(X, Y), X, Y)
    assert summary.steps == ("StandardScaler", "PolynomialFeatures")
    assert summary.terms[:3] == ("intercept", "x0", "x1")
    assert "x0 x1" in summary.terms
    rows = model[:-1].transform(X)
    direct = summarize(LinearRegression().fit(rows, Y), rows, Y)
    np.testing.assert_allclose(summary.std_errors, direct.std_errors, rtol=1e-12)


def test_one_hot_columns_of_a_frame() -> None:
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"town": np.array(["a", "b", "c"])[np.arange(N) % 3]})
    model = make_pipeline(OneHotEncoder(drop="first"), LinearRegression()).fit(table, Y)
    assert summarize(model, table, Y).terms == ("intercept", "town_b", "town_c")
    target = pd.Series(Y, name="price")
    assert summarize(model, table, target).target == "price"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cov": "HC4"}, "cov"),
        ({"alpha": 0.0}, "alpha"),
        ({"cov": "cluster"}, "needs groups"),
        ({"groups": np.arange(N)}, "groups are for cov='cluster'"),
        ({"cov": "cluster", "groups": np.zeros(N)}, "two groups at least"),
        ({"cov": "cluster", "groups": np.arange(N - 1)}, "inconsistent numbers of samples"),
        ({"sample_weight": -np.ones(N)}, "must not be negative"),
        ({"n_resamples": -1}, "n_resamples"),
    ],
)
def test_parameters_are_checked(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        summarize(LinearRegression().fit(X, Y), X, Y, **given)


def test_rows_targets_and_models_are_checked() -> None:
    model = LinearRegression().fit(X, Y)
    broken = X.copy()
    broken[4, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN: the first is in row 4, column 'x1'"):
        summarize(model, broken, Y)
    with pytest.raises(ValueError, match="row 2 is not"):
        summarize(model, X, np.where(np.arange(N) == 2, np.inf, Y))
    with pytest.raises(ValueError, match="X has 2 columns; the model has 3 weights"):
        summarize(model, X[:, :2], Y)
    with pytest.raises(ValueError, match="inconsistent"):
        summarize(model, X, Y[:-1])
    several = np.column_stack([Y, Y])
    with pytest.raises(ValueError, match="y has 2 columns; summarize takes one"):
        summarize(LinearRegression().fit(X, several), X, several)
    with pytest.raises(ValueError, match="must not be None"):
        summarize(model, None, None)
    labels = peer.LogisticRegression(C=np.inf).fit(X, BINARY)
    with pytest.raises(ValueError, match=r"y\[0\] is 2; the model knows the classes"):
        summarize(labels, X, np.full(N, 2))
    counts = peer.PoissonRegressor(alpha=0).fit(X, COUNTS)
    with pytest.raises(ValueError, match="counts, not negative"):
        summarize(counts, X, -COUNTS)
    with pytest.raises(TypeError, match="got a StandardScaler"):
        summarize(StandardScaler().fit(X), X, Y)
    with pytest.raises(TypeError, match="the class LinearRegression"):
        summarize(LinearRegression, X, Y)
    with pytest.raises(NotFittedError):
        summarize(LinearRegression(), X, Y)
