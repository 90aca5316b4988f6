"""Ridge: by hand, against scikit-learn's and the definition, and what must hold for any data."""

import pickle
from typing import Any

import fulcra
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from fulcra.linear_model import LinearRegression, Ridge
from numpy.testing import assert_allclose, assert_array_equal
from oracles import exact_least_squares, least_squares
from sklearn.exceptions import NotFittedError

CONTAINERS = (np.asarray, sp.csr_array)
#: Rows, columns and targets: plenty of rows, fewer than columns, one.
SHAPES = [(60, 5, None), (60, 5, 1), (60, 5, 3), (5, 9, None), (5, 9, 2), (1, 3, None)]
SOLVERS = ("auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga")


def problem(n: int, d: int, t: int | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X, targets = rng.normal(size=(n, d)), () if t is None else (t,)
    return X, X @ rng.normal(size=(d, *targets)) + 3 + rng.normal(size=(n, *targets))


# --- by hand ---


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_line_on_paper(container: Any, dtype: type[np.floating]) -> None:
    # Means 2 and 4: (x - 2)·(y - 4) = 6 over 2 + alpha.
    X = container(np.array([[1], [2], [3]], dtype=dtype))
    for alpha, want in ((0.0, 3), (1.0, 2), (4.0, 1)):
        model = Ridge(alpha).fit(X, [2, 2, 8])
        assert_allclose(model.coef_, [want], rtol=1e-6)
        assert_allclose(model.intercept_, 4 - 2 * want, rtol=1e-6, atol=1e-6)
        assert model.coef_.dtype == model.predict(X).dtype == dtype
    assert Ridge(1e300).fit(X, [2, 2, 8]).predict(X).tolist() == [4, 4, 4]
    # Through 0: 30 / (14 + 1).
    assert_allclose(Ridge(fit_intercept=False).fit(X, [2, 2, 8]).coef_, [2], rtol=1e-6)


def test_the_penalty_counts_in_the_units_of_x() -> None:
    X, y = problem(50, 4)
    scaled = X * [1, 10, 100, 0.01]
    assert_allclose(Ridge(2.0).fit(scaled, y).coef_, least_squares(scaled, y, 2.0)[0], rtol=1e-10)


# --- against scikit-learn and the definition ---


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [1e-6, 1.0, 1e6])
def test_everything_is_scikit_learns(fit_intercept: bool, shape: Any, weighted: bool, alpha: float) -> None:
    X, y = problem(*shape)
    weights = np.random.default_rng(1).uniform(0.5, 2, size=len(X)) if weighted else None
    ours = Ridge(alpha, fit_intercept=fit_intercept).fit(X, y, weights)
    theirs = sklearn.linear_model.Ridge(alpha, fit_intercept=fit_intercept, solver="svd").fit(X, y, weights)
    for name in ("coef_", "intercept_"):
        assert np.shape(getattr(ours, name)) == np.shape(getattr(theirs, name))
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8, atol=1e-12)
    assert ours.predict(X).shape == theirs.predict(X).shape
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9, atol=1e-10)
    assert ours.n_iter_ == 1


def test_each_target_has_its_penalty() -> None:
    X, y = problem(40, 5, 3)
    alphas = [0.0, 1.0, 100.0]
    model = Ridge(alphas).fit(X, y)
    for t, alpha in enumerate(alphas):
        assert_allclose(model.coef_[t], least_squares(X, y[:, t], alpha)[0], rtol=1e-10)
    wide, several = problem(6, 20, 3)
    model = Ridge(alphas).fit(wide, several)
    for t, alpha in enumerate(alphas):
        assert_allclose(model.coef_[t], least_squares(wide, several[:, t], alpha)[0], rtol=1e-8, atol=1e-11)


def test_solvers_are_names_of_the_same_bits() -> None:
    X, y = problem(50, 4, 2)
    want = Ridge().fit(X, y)
    for solver in SOLVERS:
        model = Ridge(solver=solver, max_iter=1, tol=0.5, random_state=1).fit(X, y)
        assert_array_equal(model.coef_, want.coef_)
        assert model.solver_ == (solver if solver != "auto" else "cholesky")


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix, sp.csc_matrix, sp.coo_array])
def test_sparse_rows_are_the_same_rows(
    container: Any, positive: bool, fit_intercept: bool, dtype: type[np.floating]
) -> None:
    rng = np.random.default_rng(3)
    X = (rng.normal(size=(300, 20)) * (rng.random((300, 20)) < 0.3)).astype(dtype)
    y, weights = rng.normal(size=(300, 2)) + 4, rng.uniform(size=300)
    model = Ridge([1.0, 3.0], positive=positive, fit_intercept=fit_intercept)
    dense = model.fit(X, y, weights)
    expected = dense.coef_, dense.intercept_
    sparse = model.fit(container(X), y, weights)
    near = {"rtol": 1e-9, "atol": 1e-10} if dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-5}
    assert_allclose(sparse.coef_, expected[0], **near)
    assert_allclose(sparse.intercept_, expected[1], **near)


def test_a_tiny_penalty_on_columns_that_depend_on_each_other() -> None:
    X, y = problem(30, 3)
    X = np.round(X * 2**20) / 2**20
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    for alpha in (1e-2, 1e-6):
        model = Ridge(alpha).fit(X, y)
        want = exact_least_squares(X, y, alpha)
        assert_allclose([model.intercept_, *model.coef_], want, rtol=1e-6)


@pytest.mark.parametrize("shape", [(30, 3), (6, 15)])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("alpha", [1e-300, 1e-30, 1e-20, 1e-14, 1e-8])
def test_hardly_any_penalty_leaves_the_weights_of_minimum_norm(
    shape: Any, container: Any, alpha: float
) -> None:
    X, y = problem(*shape)
    X = np.column_stack([X, X[:, 0], X[:, 1] * 100])
    X[-1] = X[0]
    model, want = Ridge(alpha).fit(container(X), y), LinearRegression().fit(X, y)
    assert_allclose(model.coef_, want.coef_, rtol=1e-6 if alpha == 1e-8 else 1e-9, atol=1e-12)
    assert_allclose(model.intercept_, want.intercept_, rtol=1e-6)


def test_a_tiny_penalty_holds_back_what_one_of_columns_of_other_sizes_could_say() -> None:
    # By hand: (1, 1e-8) b = (1, 1) beside penalties of 1e-16: the second weight is 1e-8 / (1e-16 + 1e-16).
    X = np.array([[1.0, 0.0], [0.0, 1e-8]])
    model = Ridge(1e-16, fit_intercept=False).fit(X, [1.0, 1.0])
    assert_allclose(model.coef_, [1.0, 5e7], rtol=1e-12)


# --- what must hold ---


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("positive", [False, True])
def test_a_weight_is_a_repetition(container: Any, positive: bool) -> None:
    X, y = problem(40, 4, 2)
    times = np.random.default_rng(0).integers(0, 4, size=40)
    once = Ridge(positive=positive).fit(container(X), y, times)
    coef, intercept = once.coef_, once.intercept_
    again = once.fit(container(np.repeat(X, times, axis=0)), np.repeat(y, times, axis=0))
    assert_allclose(coef, again.coef_, rtol=1e-10, atol=1e-12)
    assert_allclose(intercept, again.intercept_, rtol=1e-10, atol=1e-12)


def test_an_offset_of_a_million_costs_no_digits() -> None:
    X, y = problem(2000, 5)
    X = np.round(X * 2**20) / 2**20  # so that the shift is exact
    assert_allclose(Ridge(10.0).fit(X + 2.0**20, y).coef_, Ridge(10.0).fit(X, y).coef_, rtol=1e-9)


def test_constant_and_duplicate_columns_are_no_trouble() -> None:
    X, y = problem(30, 2)
    model = Ridge(2.0).fit(np.column_stack([X, X[:, 0], np.full(30, 7.3)]), y)
    assert model.coef_[3] == pytest.approx(0, abs=1e-12)
    assert model.coef_[0] == pytest.approx(model.coef_[2], rel=1e-10)


def test_weights_shrink_as_the_penalty_grows() -> None:
    X, y = problem(20, 40)
    sizes = [np.linalg.norm(Ridge(alpha).fit(X, y).coef_) for alpha in np.logspace(-3, 6, 10)]
    assert (np.diff(sizes) < 0).all()


@pytest.mark.parametrize("shape", [(40_000, 9), (200, 900)])
def test_any_number_of_threads_gives_the_bits_of_one(shape: Any, dtype: type[np.floating]) -> None:
    X, y = problem(*shape, 2)
    X = X.astype(dtype)
    found = []
    for threads in (1, 2, 3):
        fulcra.set_num_threads(threads)
        model = Ridge([1.0, 2.0]).fit(X, y)
        found.append((model.coef_.tobytes(), model.intercept_.tobytes(), model.predict(X).tobytes()))
    assert found[1:] == found[:1] * 2


# --- weights that are not negative ---


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", [(200, 6), (10, 30)])
def test_positive_weights_are_the_best_of_their_kind(fit_intercept: bool, shape: Any) -> None:
    X, y = problem(*shape, 2)
    alphas = np.array([0.5, 20.0])
    model = Ridge(alphas, positive=True, fit_intercept=fit_intercept).fit(X, y)
    assert model.solver_ == "nnls"
    # Karush, Kuhn, Tucker: the gradient is 0 where a weight is above 0, and not below 0 elsewhere.
    gradient = X.T @ (X @ model.coef_.T + model.intercept_ - y) + alphas * model.coef_.T
    used = model.coef_.T > 0
    assert 0 < used.sum() < used.size
    assert (np.abs(gradient[used]) < 1e-9).all()
    assert (gradient[~used] > -1e-9).all()
    if fit_intercept:
        assert_allclose((model.predict(X) - y).sum(axis=0), 0, atol=1e-9)


# --- scikit-learn's house ---


def test_names_pickles_and_known_weights() -> None:
    X, y = problem(20, 2)
    frame = pd.DataFrame(X, columns=["a", "b"])
    model = Ridge().fit(frame, y)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(frame), model.predict(frame))
    known = Ridge.from_weights(model.coef_, model.intercept_, feature_names=["a", "b"], alpha=3.0)
    assert known.alpha == 3
    assert_array_equal(known.predict(frame), model.predict(frame))


# --- bad input ---

X4 = np.arange(8.0).reshape(4, 2) ** 2
Y4 = [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("parameters", "X", "y", "message"),
    [
        ({"alpha": -1}, X4, Y4, "alpha"),
        ({"alpha": np.nan}, X4, Y4, "alpha"),
        ({"alpha": [-1.0]}, X4, Y4, "alpha must not be negative; got -1.0"),
        ({"alpha": [np.nan]}, X4, Y4, "alpha contains NaN"),
        ({"alpha": [1, 2]}, X4, Y4, "Number of targets and number of penalties do not correspond: 2 != 1"),
        ({"alpha": [[1.0]]}, X4, Y4, r"one for each target; its shape is \(1, 1\)"),
        ({"solver": "newton"}, X4, Y4, "solver"),
        ({"solver": "lbfgs"}, X4, Y4, "'lbfgs' solver can be used only when positive=True"),
        ({"solver": "svd", "positive": True}, X4, Y4, "solver='svd' does not support positive fitting"),
        ({"solver": "cholesky"}, sp.csr_array(X4), Y4, "does not support fitting the intercept on sparse"),
        ({"solver": "svd"}, sp.csr_array(X4), Y4, "'svd' does not support sparse data; solver='auto' does"),
        ({}, X4, None, "requires y to be passed"),
        ({}, X4, [1, np.nan, 3, 4], "Input y contains NaN: the first is in row 1"),
        ({}, np.where(X4 == 9, np.nan, X4), Y4, "Input X contains NaN: the first is in row 1, column 1"),
        ({"positive": True}, np.where(X4 == 9, np.nan, X4), Y4, "NaN: the first is in row 1, column 1"),
    ],
)
def test_unusable_input_is_named_and_nothing_is_lost(parameters: Any, X: Any, y: Any, message: str) -> None:
    model = Ridge().fit(X4, Y4)
    before = {**vars(model), **parameters}
    with pytest.raises(ValueError, match=message):
        model.set_params(**parameters).fit(X, y)
    assert vars(model) == before


def test_nothing_works_before_fit() -> None:
    with pytest.raises(NotFittedError):
        Ridge().predict(X4)
