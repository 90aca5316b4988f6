"""PoissonRegressor: by hand, against scikit-learn's and statsmodels, and what must hold for any data."""

import pickle
from typing import Any

import fulcra
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.linear_model
import statsmodels.api as sm
from fulcra.linear_model import PoissonRegressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import d2_tweedie_score

CONTAINERS = (np.asarray, sp.csr_array)
#: Rows and columns: plenty of rows, fewer than columns, one, and enough columns for conjugate gradients.
SHAPES = [(80, 5), (12, 20), (1, 3), (60, 400)]


def problem(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, rng.poisson(np.exp(1 + X @ rng.normal(size=d) / np.sqrt(d))).astype(float) + (n == 1)


def score_equations(
    model: PoissonRegressor, X: Any, y: np.ndarray, weights: Any = None
) -> tuple[np.ndarray, float]:
    """Return the gradient of the mean loss and penalty by the definition, for weights and intercept."""
    weights = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    residuals = weights * (np.exp(X @ model.coef_ + model.intercept_) - y) / weights.sum()
    return X.T @ residuals + model.alpha * model.coef_, float(residuals.sum())


# --- by hand ---


@pytest.mark.parametrize("container", CONTAINERS)
def test_two_groups_have_their_means(container: Any, dtype: type[np.floating]) -> None:
    X = container(np.array([[0], [0], [1], [1]], dtype=dtype))
    model = PoissonRegressor(alpha=0, tol=1e-8).fit(X, [1, 3, 4, 8])
    rtol = 1e-6 if dtype == np.float32 else 1e-10
    assert_allclose(model.predict(X), [2, 2, 6, 6], rtol=rtol)
    assert_allclose(model.coef_, [np.log(3)], rtol=rtol)
    assert_allclose(model.intercept_, np.log(2), rtol=rtol)
    assert model.coef_.dtype == model.predict(X).dtype == np.asarray(model.intercept_).dtype == dtype
    # Deviances: y log(y / mu) - y + mu summed over (1, 3, 4, 8), for the groups' means and for 4.
    own, mean = np.log([1 / 2, 3 / 2, 4 / 6, 8 / 6]), np.log([1 / 4, 3 / 4, 1, 2])
    assert_allclose(model.score(X, [1, 3, 4, 8]), 1 - own @ [1, 3, 4, 8] / (mean @ [1, 3, 4, 8]), rtol=1e-6)


def test_a_strong_penalty_leaves_the_mean() -> None:
    X, y = problem(50, 3)
    model = PoissonRegressor(alpha=1e12).fit(X, y)
    assert_allclose(model.predict(X), y.mean(), rtol=1e-9)
    assert model.score(X, y) == pytest.approx(0, abs=1e-9)


# --- against others and the definition ---


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [1e-3, 1.0])
def test_everything_is_scikit_learns(fit_intercept: bool, shape: Any, weighted: bool, alpha: float) -> None:
    X, y = problem(*shape)
    weights = np.random.default_rng(1).uniform(0.5, 2, size=len(X)) if weighted else None
    params: dict[str, Any] = {"alpha": alpha, "fit_intercept": fit_intercept, "tol": 1e-11}
    ours = PoissonRegressor(**params).fit(X, y, weights)
    theirs = sklearn.linear_model.PoissonRegressor(solver="newton-cholesky", **params).fit(X, y, weights)
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-7, atol=1e-9)
    assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-7, atol=1e-9)
    assert np.shape(ours.intercept_) == np.shape(theirs.intercept_) == ()
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-7)
    if len(y) > 1:
        assert_allclose(ours.score(X, y, weights), theirs.score(X, y, weights), rtol=1e-7, atol=1e-9)
        with np.errstate(invalid="ignore"):
            expected = d2_tweedie_score(y, ours.predict(X), sample_weight=weights, power=1)
        assert_allclose(ours.score(X, y, weights), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("container", CONTAINERS)
def test_maximum_likelihood_is_statsmodels(container: Any) -> None:
    X, y = problem(200, 6)
    weights = np.random.default_rng(1).integers(1, 4, size=200)
    model = PoissonRegressor(alpha=0, tol=1e-11).fit(container(X), y, weights)
    expected = sm.GLM(y, sm.add_constant(X), family=sm.families.Poisson(), freq_weights=weights).fit(
        tol=1e-14
    )
    assert_allclose([model.intercept_, *model.coef_], expected.params, rtol=1e-8)


def test_rates_weighted_by_exposure_are_an_offset() -> None:
    X, y = problem(150, 4)
    exposure = np.random.default_rng(2).uniform(0.2, 5, size=150)
    y = np.random.default_rng(3).poisson(y * exposure).astype(float)
    model = PoissonRegressor(alpha=0, tol=1e-11).fit(X, y / exposure, sample_weight=exposure)
    expected = sm.GLM(y, sm.add_constant(X), family=sm.families.Poisson(), offset=np.log(exposure)).fit(
        tol=1e-14
    )
    assert_allclose([model.intercept_, *model.coef_], expected.params, rtol=1e-8)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", [(700, 12), (700, 600), (150, 700)])
def test_the_score_equations_vanish(container: Any, fit_intercept: bool, shape: Any) -> None:
    X, y = problem(*shape)
    X = container(X * (np.random.default_rng(4).random(X.shape) < 0.2))
    weights = np.random.default_rng(5).integers(0, 3, size=shape[0])
    model = PoissonRegressor(alpha=1e-3, fit_intercept=fit_intercept, tol=1e-7).fit(X, y, weights)
    gradient, of_intercept = score_equations(model, X, y, weights)
    assert np.abs(gradient).max() < 1e-9
    assert not fit_intercept or abs(of_intercept) < 1e-9


def test_solvers_are_names_of_the_same_bits() -> None:
    X, y = problem(60, 4)
    one = PoissonRegressor(solver="lbfgs").fit(X, y)
    assert_array_equal(one.coef_, PoissonRegressor(solver="newton-cholesky").fit(X, y).coef_)


# --- what must hold ---


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("d", [4, 600])
def test_a_weight_is_a_repetition_and_ratios_matter(container: Any, d: int) -> None:
    X, y = problem(50, d)
    times = np.random.default_rng(0).integers(0, 4, size=50)
    model = PoissonRegressor(alpha=0.1, tol=1e-10)
    coef = model.fit(container(X), y, times).coef_
    assert_allclose(coef, model.fit(container(X), y, 7.5 * times).coef_, rtol=1e-9, atol=1e-13)
    repeated = container(np.repeat(X, times, axis=0))
    assert_allclose(coef, model.fit(repeated, np.repeat(y, times)).coef_, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("alpha", [0, 1e-2])
@pytest.mark.parametrize("d", [5, 600])
def test_containers_agree(alpha: float, d: int, dtype: type[np.floating]) -> None:
    X, y = problem(2 * d, d)
    X = (X * (np.random.default_rng(6).random(X.shape) < 0.5)).astype(dtype)
    y = y + 1  # so that the many columns do not mark zeros
    want = PoissonRegressor(alpha=alpha, tol=1e-8).fit(X, y)
    near = {"rtol": 1e-6, "atol": 1e-9} if dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-4}
    names = [f"f{f}" for f in range(d)]
    for other in (
        sp.csr_array(X),
        sp.csc_matrix(X),
        sp.coo_array(X),
        np.asfortranarray(X),
        pd.DataFrame(X, columns=names),
    ):
        found = PoissonRegressor(alpha=alpha, tol=1e-8).fit(other, y)
        assert_allclose(found.coef_, want.coef_, **near)
        assert found.coef_.dtype == dtype
    assert found.feature_names_in_.tolist() == names


def test_float32_is_as_right_as_it_can_be() -> None:
    X, y = problem(5000, 8)
    narrow = X.astype(np.float32)
    want = PoissonRegressor(alpha=0, tol=1e-10).fit(narrow.astype(np.float64), y)
    assert_allclose(PoissonRegressor(alpha=0).fit(narrow, y).coef_, want.coef_, rtol=2e-6)


@pytest.mark.parametrize("d", [4, 400])
def test_scales_and_offsets_cost_no_convergence(d: int) -> None:
    X, y = problem(900, d)
    X = np.round(X * 2**20) / 2**20  # so that the shift is exact
    scales = 2.0 ** np.random.default_rng(7).integers(-27, 28, size=d)
    shift = 2.0**20 * scales
    want = PoissonRegressor(alpha=0, tol=1e-9).fit(X, y)
    found = PoissonRegressor(alpha=0, tol=1e-9).fit(X * scales + shift, y)
    assert_allclose(found.coef_ * scales, want.coef_, rtol=1e-6, atol=1e-8)
    assert found.n_iter_ == want.n_iter_


def test_large_counts_and_outliers_do_not_overflow() -> None:
    X, y = problem(100, 3)
    y[7] = 1e9
    model = PoissonRegressor(alpha=0, tol=1e-8).fit(X, y)
    gradient, of_intercept = score_equations(model, X, y)
    assert max(np.abs(gradient).max(), abs(of_intercept)) < 1e-6 * y.mean()
    model = PoissonRegressor(alpha=0).fit(X, y * 1e290)
    assert np.isfinite(model.coef_).all()
    assert model.intercept_ > 600


def test_from_a_start_far_off() -> None:
    X, y = problem(100, 3)
    model = PoissonRegressor(alpha=0, warm_start=True, tol=1e-10)
    want = model.fit(X, y).coef_
    for far in (50.0, -50.0, 300.0):
        model.coef_, model.intercept_ = np.full(3, far), far
        assert_allclose(model.fit(X, y).coef_, want, rtol=1e-8)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_dependent_columns_give_the_shortest_weights(fit_intercept: bool) -> None:
    X, y = problem(60, 3)
    one = PoissonRegressor(alpha=0, fit_intercept=fit_intercept, tol=1e-9).fit(X, y)
    twice = PoissonRegressor(alpha=0, fit_intercept=fit_intercept, tol=1e-9).fit(np.hstack([X, X]), y)
    assert_allclose(twice.coef_, np.tile(one.coef_ / 2, 2), rtol=1e-7)
    assert_allclose(twice.intercept_, one.intercept_, rtol=1e-7)
    # With y below its mean nowhere reached exactly, rows fewer than columns: predictions are y.
    wide, counts = problem(6, 15)
    model = PoissonRegressor(alpha=0, fit_intercept=fit_intercept, tol=1e-9).fit(wide, counts + 1)
    assert_allclose(model.predict(wide), counts + 1, rtol=1e-6)


def test_constant_columns_have_no_weight() -> None:
    X, y = problem(60, 2)
    model = PoissonRegressor(alpha=0, tol=1e-9).fit(np.column_stack([X, np.full(60, 7.3), np.zeros(60)]), y)
    assert_allclose(model.coef_[2:], 0, atol=1e-12)
    assert_allclose(model.coef_[:2], PoissonRegressor(alpha=0, tol=1e-9).fit(X, y).coef_, rtol=1e-8)


def test_warm_start_goes_on() -> None:
    X, y = problem(100, 6)
    model = PoissonRegressor(alpha=0.01, warm_start=True, max_iter=1)
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        model.fit(X, y)
    assert model.n_iter_ == 1
    model.max_iter = 100
    steps = model.fit(X, y).n_iter_
    assert_allclose(model.coef_, PoissonRegressor(alpha=0.01).fit(X, y).coef_, rtol=1e-7)
    assert steps >= 1
    assert model.fit(X, y).n_iter_ <= 1
    with pytest.raises(ValueError, match="warm_start"):
        model.fit(X[:, :3], y)


def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    for X, y in (problem(3000, 40), problem(300, 1200)):
        for rows in (X, sp.csr_array(np.where(X > 1, X, 0))):
            found = []
            for threads in (1, 2, 5):
                fulcra.set_num_threads(threads)
                found.append(PoissonRegressor(alpha=0.1).fit(rows, y))
            fulcra.set_num_threads(None)
            for other in found[1:]:
                assert_array_equal(found[0].coef_, other.coef_)
                assert found[0].intercept_ == other.intercept_


# --- where no finite weights are best ---


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_column_that_marks_zeros_is_named(container: Any) -> None:
    X, y = problem(80, 3)
    marks = np.zeros(80)
    marks[:5], y[:5] = 1, 0
    X = np.column_stack([X[:, 0], marks, X[:, 1:]])
    with pytest.warns(ConvergenceWarning, match="that of column 1 goes"):
        model = PoissonRegressor(alpha=0).fit(container(X), y)
    assert np.isfinite(model.coef_).all()
    kept = PoissonRegressor(alpha=0).fit(X[5:][:, [0, 2, 3]], y[5:])
    assert_allclose(model.coef_[[0, 2, 3]], kept.coef_, rtol=1e-5)
    assert (model.predict(container(X))[:5] < 1e-6).all()
    frame = pd.DataFrame(X, columns=["age", "closed", "size", "rooms"])
    with pytest.warns(ConvergenceWarning, match="that of column 'closed' goes"):
        PoissonRegressor(alpha=0).fit(frame, y)
    PoissonRegressor(alpha=1e-3).fit(container(X), y)  # and none with a penalty


def test_zeros_alone() -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    for alpha in (0, 1.0):
        with pytest.warns(ConvergenceWarning, match="y is 0 in every row"):
            model = PoissonRegressor(alpha=alpha).fit(X, np.zeros(20))
        assert np.isfinite(model.intercept_)
        assert_allclose(model.predict(X), 0, atol=1e-8)
        assert model.score(X, np.zeros(20)) in (0.0, 1.0)
    # Without an intercept there is a best answer: half of the rows would rise where the others fall.
    model = PoissonRegressor(alpha=1.0, fit_intercept=False, tol=1e-8).fit(X, np.zeros(20))
    assert np.abs(score_equations(model, X, np.zeros(20))[0]).max() < 1e-9


# --- input, and the estimator's own ---


def test_bad_input_is_named_and_nothing_is_lost() -> None:
    X, y = problem(30, 3)
    model = PoissonRegressor().fit(X, y)
    before = model.coef_.copy()
    with pytest.raises(ValueError, match=r"must not be negative; y\[4\] is -1"):
        model.fit(X, np.where(np.arange(30) == 4, -1, y))
    for bad, words in ((np.nan, "NaN"), (np.inf, "infinity")):
        broken = X.copy()
        broken[3, 1] = bad
        for rows in (broken, sp.csr_array(broken)):
            with pytest.raises(ValueError, match=f"{words}: the first is in row 3, column 1"):
                model.fit(rows, y)
            with pytest.raises(ValueError, match=f"{words}: the first is in row 3, column 1"):
                model.predict(rows)
        with pytest.raises(ValueError, match="row 5"):
            model.fit(X, np.where(np.arange(30) == 5, bad, y))
    for weights in (-np.ones(30), np.zeros(30), np.ones(29)):
        with pytest.raises(ValueError, match=r"(?i)sample.weight"):
            model.fit(X, y, weights)
    with pytest.raises(ValueError, match="negative"):
        model.score(X, -y - 1)
    assert_array_equal(model.coef_, before)
    with pytest.raises(NotFittedError):
        PoissonRegressor().predict(X)


@pytest.mark.parametrize(
    "params", [{"alpha": -1}, {"tol": 0}, {"max_iter": 0}, {"solver": "sag"}, {"fit_intercept": 2}]
)
def test_parameters_are_checked(params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(params))):
        PoissonRegressor(**params).fit([[1.0], [2.0]], [1, 2])


def test_known_weights_predict() -> None:
    # exp(0.7 + 0.1 * 3 - 0.5 * 2) = exp(0): one.
    model = PoissonRegressor.from_weights([0.1, -0.5], 0.7, feature_names=["rooms", "distance"])
    assert_allclose(model.predict(pd.DataFrame([[3, 2]], columns=["rooms", "distance"])), [1], rtol=1e-15)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.coef_, model.coef_)


def test_verbose_says_how_it_went(capsys: pytest.CaptureFixture[str]) -> None:
    X, y = problem(30, 3)
    model = PoissonRegressor(verbose=1).fit(X, y)
    assert f"{model.n_iter_} steps" in capsys.readouterr().out
