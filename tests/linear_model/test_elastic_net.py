"""Lasso and ElasticNet: by hand, against scikit-learn's and the conditions for a minimum."""

import pickle
import warnings
from typing import Any

import fulcra
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from fulcra.linear_model import ElasticNet, Lasso, LinearRegression, Ridge
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

CONTAINERS = (np.asarray, np.asfortranarray, sp.csr_array, sp.csc_matrix)
SHAPES = [(60, 8), (40, 100), (300, 30), (1, 3)]
EXACT: dict[str, Any] = {"tol": 1e-12, "max_iter": 100_000}


def problem(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + 1
    return X, 3 * X[:, 0] - X[:, 1] + 4 + rng.normal(size=n)


# --- by hand ---


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_line_on_paper(container: Any, dtype: type[np.floating]) -> None:
    # Means 2 and 4: (x - 2)·(y - 4) / 3 is 2, (x - 2)·(x - 2) / 3 is 2/3.
    X = container(np.array([[1], [2], [3]], dtype=dtype))
    for alpha, want in ((0.5, 2.25), (1.0, 1.5), (2.0, 0.0), (1e300, 0.0)):
        model = Lasso(alpha, tol=1e-12).fit(X, [2, 2, 8])
        assert_allclose(model.coef_, [want], rtol=1e-6)
        assert_allclose(model.intercept_, 4 - 2 * want, rtol=1e-6, atol=1e-6)
        assert model.coef_.dtype == model.predict(X).dtype == dtype
    # (2 - 1/2) / (2/3 + 1/2)
    assert_allclose(ElasticNet(1.0, tol=1e-12).fit(X, [2, 2, 8]).coef_, [9 / 7], rtol=1e-5)


def test_absolute_values_make_zeros_and_squares_do_not() -> None:
    X, y = problem(100, 20)
    assert (Lasso(0.3).fit(X, y).coef_[2:] == 0).sum() >= 15
    assert (Ridge(30.0).fit(X, y).coef_ != 0).all()
    assert Lasso(0.3).fit(X, y).sparse_coef_.nnz <= 5


# --- against scikit-learn and the definition ---


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_everything_is_scikit_learns(fit_intercept: bool, shape: Any, positive: bool, weighted: bool) -> None:
    X, y = problem(*shape)
    weights = np.random.default_rng(1).uniform(0.5, 2, size=len(X)) if weighted else None
    for name, params in (("Lasso", {}), ("ElasticNet", {"l1_ratio": 0.7})):
        given = {"alpha": 0.05, "positive": positive, "fit_intercept": fit_intercept, **EXACT, **params}
        theirs = getattr(sklearn.linear_model, name)(**given).fit(X, y, weights)
        for container in CONTAINERS:
            ours = getattr(fulcra.linear_model, name)(**given).fit(container(X), y, weights)
            assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-7)
            assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-7)
            assert np.shape(ours.coef_) == np.shape(theirs.coef_)
            assert ours.dual_gap_ <= 1e-12 * ((y - y.mean() * fit_intercept) ** 2).mean() * 4


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
def test_the_gap_is_that_of_the_definition(l1_ratio: float) -> None:
    X, y = problem(80, 30)
    alpha, n = 0.2, 80
    model = ElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-3).fit(X, y)
    Z, t = X - X.mean(axis=0), y - y.mean()
    w, l1, l2 = model.coef_, alpha * l1_ratio * n, alpha * (1 - l1_ratio) * n
    r = t - Z @ w
    primal = r @ r / 2 + l1 * np.abs(w).sum() + l2 / 2 * w @ w
    if l1_ratio:
        s = min(1, l1 / np.abs(Z.T @ r - l2 * w).max())
        dual = s * r @ t - s**2 / 2 * (r @ r + l2 * w @ w)
    else:
        dual = r @ t - r @ r / 2 - ((Z.T @ r) ** 2).sum() / (2 * l2)
    assert_allclose(model.dual_gap_ * n, primal - dual, rtol=1e-6, atol=1e-10 * t @ t)
    assert model.dual_gap_ * n <= 1e-3 * t @ t


def test_each_target_has_weights_of_its_own() -> None:
    X, y = problem(50, 10)
    several = np.column_stack([y, -2 * y, X[:, 3]])
    model = Lasso(0.1, **EXACT).fit(X, several)
    assert model.coef_.shape == (3, 10)
    assert model.dual_gap_.shape == model.intercept_.shape == (3,)
    assert len(model.n_iter_) == 3
    for t in range(3):
        one = Lasso(0.1, **EXACT).fit(X, several[:, t])
        assert_allclose(model.coef_[t], one.coef_, atol=1e-9)
    assert Lasso(0.1).fit(X, several[:, :1]).coef_.shape == (10,)


def test_a_weight_is_a_repetition() -> None:
    X, y = problem(60, 12)
    times = np.random.default_rng(2).integers(0, 4, size=60)
    weighted = Lasso(0.1, **EXACT).fit(X, y, times)
    repeated = Lasso(0.1, **EXACT).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    assert_allclose(weighted.coef_, repeated.coef_, atol=1e-9)
    assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-9)


# --- what must hold for any data ---


def test_badly_scaled_columns_converge_without_a_warning() -> None:
    X, y = problem(200, 12)
    # In float64 no gap can tell more: of the largest column the penalty is 1e-8 of what its products are.
    scales = 10.0 ** np.linspace(-3, 3, 12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Lasso(1e-5, tol=1e-10).fit(X * scales, y)
    assert model.dual_gap_ <= 1e-10 * y.var()


@pytest.mark.parametrize("size", [1e-140, 1e-30, 1e30, 1e140])
def test_huge_and_tiny_data(size: float) -> None:
    X, y = problem(50, 6)
    want = Lasso(0.1, **EXACT).fit(X, y).coef_
    assert_allclose(Lasso(0.1 * size, **EXACT).fit(X * size, y).coef_ * size, want, rtol=1e-8)
    assert_allclose(Lasso(0.1 * size, **EXACT).fit(X, y * size).coef_ / size, want, rtol=1e-8)


@pytest.mark.parametrize("container", CONTAINERS)
def test_constant_and_duplicate_columns(container: Any) -> None:
    X, y = problem(50, 4)
    more = np.column_stack([X, X[:, 0], np.full(50, 7.0), np.zeros(50)])
    model = Lasso(0.1, **EXACT).fit(container(more), y)
    assert_array_equal(model.coef_[-2:], 0)
    assert_allclose(model.predict(more), Lasso(0.1, **EXACT).fit(X, y).predict(X), atol=1e-7)


def test_correlated_columns_take_few_passes() -> None:
    X, y = problem(300, 40)
    X = X @ (np.eye(40) + 5)  # a condition number of 200
    model = Lasso(1e-3, tol=1e-12).fit(X, y)
    assert model.dual_gap_ <= 1e-12 * y.var()
    for container in (sp.csr_array, sp.csc_array):
        assert_allclose(Lasso(1e-3, tol=1e-12).fit(container(X), y).coef_, model.coef_, atol=1e-7)


def test_float32_is_as_right_as_the_data_are() -> None:
    X, y = problem(200, 30)
    X = X.astype(np.float32)
    wide, narrow = (Lasso(0.05, **EXACT).fit(given, y) for given in (X.astype(np.float64), X))
    assert_allclose(narrow.coef_, wide.coef_, rtol=1e-6)
    assert narrow.coef_.dtype == np.float32


def test_without_a_penalty_it_warns_and_is_least_squares() -> None:
    X, y = problem(50, 4)
    with pytest.warns(UserWarning, match="alpha=0"):
        model = Lasso(0.0, tol=1e-20).fit(X, y)
    assert_allclose(model.coef_, LinearRegression().fit(X, y).coef_, rtol=1e-8)


def test_too_few_passes_warn_and_keep_what_was_found() -> None:
    X, y = problem(50, 30)
    with pytest.warns(ConvergenceWarning, match="alpha=0.001"):
        model = Lasso(1e-3, max_iter=1, tol=1e-12).fit(X, y)
    assert model.n_iter_ == 1
    assert np.isfinite(model.coef_).all()


def test_warm_start_goes_on_from_where_it_was() -> None:
    X, y = problem(50, 30)
    model = Lasso(1e-2, warm_start=True, tol=1e-8).fit(X, y)
    first = model.coef_.copy()
    assert model.fit(X, y).n_iter_ == 0
    assert_array_equal(model.coef_, first)
    with pytest.raises(ValueError, match=r"\(1, 29\)"):
        model.fit(X[:, 1:], y)


def test_the_order_of_unchecked_rows_does_not_matter() -> None:
    X, y = problem(20, 10)
    want = ElasticNet(tol=1e-6).fit(X, y)
    assert_array_equal(ElasticNet(tol=1e-6).fit(X, y, check_input=False).coef_, want.coef_)
    fortran = ElasticNet(tol=1e-6).fit(np.asfortranarray(X), y, check_input=False)
    assert_allclose(fortran.coef_, want.coef_, rtol=1e-9)


def test_columns_near_the_largest_float_are_refused() -> None:
    X, y = problem(20, 3)
    X[:, 1] *= 1e304
    with pytest.raises(ValueError, match="column 1 of X holds values beyond"):
        Lasso().fit(X, y)


def test_what_is_not_finite_is_named() -> None:
    X, y = problem(20, 3)
    X[7, 1] = np.nan
    for container in CONTAINERS:
        with pytest.raises(ValueError, match="NaN: the first is in row 7, column 1"):
            Lasso().fit(container(X), y)
    with pytest.raises(ValueError, match="column 'b'"):
        Lasso().fit(pd.DataFrame(X, columns=["a", "b", "c"]), y)


def test_a_wrong_matrix_of_products_is_refused() -> None:
    X, y = problem(20, 3)
    with pytest.raises(ValueError, match="did not pass validation"):
        Lasso(precompute=np.eye(3), fit_intercept=False).fit(X, y)
    with pytest.raises(ValueError, match=r"needs \(3, 3\)"):
        Lasso(precompute=np.eye(4)).fit(X, y)


def test_weights_that_are_known_and_pickles() -> None:
    model = Lasso.from_weights([2.0, 0.0], 1.0, alpha=0.3)
    assert model.predict([[1.0, 5.0]]).tolist() == [3.0]
    again = pickle.loads(pickle.dumps(model))
    assert again.sparse_coef_.nnz == 1
    assert again.alpha == 0.3


def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    X, y = problem(2_000, 200)
    found = []
    before = fulcra.get_num_threads()
    try:
        for threads in (1, 2, 4):
            fulcra.set_num_threads(threads)
            found.append(Lasso(0.02, tol=1e-8).fit(X, y).coef_)
    finally:
        fulcra.set_num_threads(before)
    for other in found[1:]:
        assert_array_equal(other, found[0])
