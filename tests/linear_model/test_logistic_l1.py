"""The L1 and elastic-net solver of logistic regression: by hand, by its optimality conditions, and saga."""

from typing import Any

import fulcra
import numpy as np
import pytest
import scipy.sparse as sp
from fulcra import _core
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression

CONTAINERS = (np.asarray, sp.csr_array)
#: Rows, columns and classes: plenty of rows, fewer than columns, several classes of either.
SHAPES = [(120, 6, 2), (40, 90, 2), (120, 6, 3), (50, 60, 4)]


def problem(n: int, d: int, n_classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of which a third is zero, and classes that depend on five columns."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.67)
    scores = X[:, :5] @ rng.normal(size=(5, n_classes)) + rng.gumbel(size=(n, n_classes))
    return X, scores.argmax(axis=1).astype(np.int32)


def fit(X: Any, y: np.ndarray, weights: Any = None, start: Any = None, **params: Any) -> Any:
    given = {"alpha": 1.0, "l1_ratio": 1.0, "fit_intercept": True, "tol": 1e-12, "max_iter": 200} | params
    weights = None if weights is None else np.asarray(weights, dtype=float)
    return _core.logistic_l1(
        X, y, weights, start, n_classes=given.pop("n_classes", int(y.max()) + 1), **given
    )


def probabilities(found: Any, X: Any) -> np.ndarray:
    scores = X @ found.coef.T + found.intercept
    if scores.shape[1] == 1:
        scores = np.column_stack([np.zeros(len(scores)), scores])
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def violation(found: Any, X: Any, y: np.ndarray, weights: Any = None, **params: Any) -> float:
    """Return by how much the optimality conditions are violated, beside the penalty."""
    given = {"alpha": 1.0, "l1_ratio": 1.0, "fit_intercept": True} | params
    p = probabilities(found, X)
    residuals = p - np.eye(p.shape[1])[y]
    residuals *= 1 if weights is None else np.asarray(weights, dtype=float)[:, np.newaxis]
    residuals = residuals[:, -found.coef.shape[0] :]
    l1, l2 = given["alpha"] * given["l1_ratio"], given["alpha"] * (1 - given["l1_ratio"])
    gradient = (X.T @ residuals).T + l2 * found.coef
    off = np.where(
        found.coef == 0, np.maximum(np.abs(gradient) - l1, 0), np.abs(gradient + l1 * np.sign(found.coef))
    )
    of_intercept = np.abs(residuals.sum(axis=0)).max() if given["fit_intercept"] else 0.0
    return float(max(off.max(), of_intercept) / given["alpha"])


# --- by hand ---


@pytest.mark.parametrize("container", CONTAINERS)
def test_one_column_on_paper(container: Any, dtype: type[np.floating]) -> None:
    # x is -1 or 1; of the ones three of four are of class 1, of the others one: the gradient at weight w is
    # 8 p - 6, p = 1 / (1 + exp(-w)), and vanishes with a penalty of 1 where p = 5 / 8.
    X = container(np.repeat([[-1], [1]], 4, axis=0).astype(dtype))
    y = np.array([0, 0, 0, 1, 1, 1, 1, 0], dtype=np.int32)
    found = fit(X, y)
    assert_allclose(found.coef, [[np.log(5 / 3)]], rtol=1e-6)
    assert_allclose(found.intercept, [0], atol=1e-7)
    assert found.converged
    # From a penalty of 2 on, nothing is worth its price.
    assert fit(X, y, alpha=2.0).coef.tolist() == [[0.0]]
    assert fit(X, y, alpha=1.99).coef[0, 0] > 0
    loss = -6 * np.log(5 / 8) - 2 * np.log(3 / 8) + np.log(5 / 3)
    assert found.loss == pytest.approx(loss, rel=1e-12)


# --- the definition, and saga ---


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_optimality_conditions_hold(
    container: Any, shape: Any, l1_ratio: float, fit_intercept: bool, weighted: bool
) -> None:
    X, y = problem(*shape)
    weights = np.random.default_rng(1).integers(0, 3, size=len(X)) if weighted else None
    params: dict[str, Any] = {"alpha": 4.0, "l1_ratio": l1_ratio, "fit_intercept": fit_intercept}
    found = fit(container(X), y, weights, n_classes=shape[2], **params)
    assert found.converged
    assert found.gradient <= 1e-11
    assert violation(found, X, y, weights, **params) < 1e-5
    assert shape[1] == 6 or (found.coef == 0).any()
    assert found.coef.shape == (1 if shape[2] == 2 else shape[2], shape[1])
    if not fit_intercept:
        assert_array_equal(found.intercept, 0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3])
def test_everything_is_sagas(shape: Any, l1_ratio: float) -> None:
    X, y = problem(*shape, seed=2)
    found = fit(X, y, alpha=2.0, l1_ratio=l1_ratio)
    theirs = LogisticRegression(
        C=0.5, l1_ratio=l1_ratio, solver="saga", tol=1e-10, max_iter=100_000, random_state=0
    ).fit(X, y)
    start = np.column_stack([theirs.coef_, theirs.intercept_])
    of_theirs = fit(X, y, alpha=2.0, l1_ratio=l1_ratio, start=start, max_iter=0)
    assert found.loss <= of_theirs.loss * (1 + 1e-12)
    assert_allclose(found.loss, of_theirs.loss, rtol=1e-9)
    assert_allclose(probabilities(found, X), theirs.predict_proba(X), atol=1e-4)
    # Of an even number of classes a column's weights may all move by the same at no cost.
    if l1_ratio < 1 or shape[2] != 4:
        assert_allclose(found.coef, theirs.coef_, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gap_certifies(shape: Any) -> None:
    X, y = problem(*shape, seed=3)
    best = fit(X, y, alpha=0.5).loss
    for tol in (1e-1, 1e-2, 1e-4, 1e-6):
        found = fit(X, y, alpha=0.5, tol=tol)
        assert found.gradient <= tol
        assert found.loss - best <= max(found.gradient, 1e-12) * found.loss
    early = fit(X, y, alpha=0.5, max_iter=1)
    assert not early.converged
    assert early.n_iter == 1
    assert early.loss - best <= early.gradient * early.loss


# --- what must hold ---


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_weight_is_a_repetition(container: Any, n_classes: int) -> None:
    X, y = problem(60, 8, n_classes)
    times = np.random.default_rng(0).integers(0, 4, size=60)
    once = fit(container(X), y, times)
    again = fit(container(np.repeat(X, times, axis=0)), np.repeat(y, times))
    assert_allclose(once.coef, again.coef, atol=1e-6)
    assert_allclose(once.loss, again.loss, rtol=1e-11)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_sparse_rows_and_float32_agree(n_classes: int) -> None:
    X, y = problem(300, 40, n_classes)
    narrow = X.astype(np.float32)
    want = fit(narrow.astype(np.float64), y, alpha=2.0)
    for rows in (narrow, sp.csr_array(narrow), sp.csr_array(narrow.astype(np.float64))):
        found = fit(rows, y, alpha=2.0)
        assert_allclose(found.coef, want.coef, atol=1e-6)
        assert_allclose(found.loss, want.loss, rtol=1e-8)  # centred columns are rounded to their dtype


@pytest.mark.parametrize("n_classes", [2, 3])
def test_an_offset_changes_nothing_but_the_intercept(n_classes: int) -> None:
    X, y = problem(100, 6, n_classes)
    X = np.round(X * 2**20) / 2**20  # so that the shift is exact
    want, found = fit(X, y), fit(X + 2.0**15, y)
    assert_allclose(found.coef, want.coef, atol=1e-6)
    assert found.n_iter <= want.n_iter + 2


def test_scales_take_the_penalty_with_them() -> None:
    # A column times 1e8 with a weight by 1e-8 is the same product, at a price of 1e-8 of what it was.
    X, y = problem(200, 6, 2)
    scales = np.array([1e-8, 1e-4, 1.0, 1e4, 1e8, 1e150])
    found = fit(X * scales, y, max_iter=1000)
    assert found.converged
    assert_array_equal(found.coef[0, :2], 0)
    assert (found.coef[0, 3:] != 0).all()
    assert violation(found, X * scales, y) < 1e150 * 1e-5


def test_constant_and_equal_columns() -> None:
    X, y = problem(80, 5, 2)
    want = fit(X, y, l1_ratio=0.9)
    twin = int(np.abs(want.coef).argmax())
    more = np.column_stack([X, X[:, twin], np.full(80, 7.3), np.zeros(80)])
    found = fit(more, y, l1_ratio=0.9)
    assert_array_equal(found.coef[0, 6:], 0)
    assert_allclose(found.coef[0, twin], found.coef[0, 5], atol=1e-6)
    assert found.loss < want.loss - 1e-6  # halves cost less of the squares than the whole
    lasso = fit(more, y)
    assert lasso.converged
    assert_allclose(lasso.coef[0, twin] + lasso.coef[0, 5], fit(X, y).coef[0, twin], atol=1e-6)


def test_separable_classes_have_finite_weights() -> None:
    X = np.add.outer(np.linspace(-1, 1, 20), [0.0, 3.0])
    y = (X[:, 0] > 0).astype(np.int32)
    for alpha in (1.0, 1e-3, 1e-6):
        found = fit(X, y, alpha=alpha, tol=1e-9)
        assert found.converged
        assert np.isfinite(found.coef).all()
    one = fit(X, np.ones(20, dtype=np.int32), n_classes=2, tol=1e-6)
    assert np.isfinite(one.intercept).all()
    assert one.intercept[0] > 5


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_start_saves_steps(n_classes: int) -> None:
    X, y = problem(200, 30, n_classes)
    cold = fit(X, y, tol=1e-8)
    start = np.column_stack([cold.coef, cold.intercept])
    warm = fit(X, y, start=start, tol=1e-8)
    assert warm.n_iter <= 1 < cold.n_iter
    assert_allclose(warm.coef, cold.coef, atol=1e-5)
    far = fit(X, y, start=np.full_like(start, 1e3), tol=1e-8)
    assert_allclose(far.loss, cold.loss, rtol=1e-8)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("container", CONTAINERS)
def test_the_bits_do_not_depend_on_the_number_of_threads(container: Any, n_classes: int) -> None:
    X, y = problem(2000, 300, n_classes)
    found = []
    for threads in (1, 2, 5):
        fulcra.set_num_threads(threads)
        found.append(fit(container(X), y, alpha=20.0, tol=1e-6))
    fulcra.set_num_threads(None)
    for other in found[1:]:
        assert_array_equal(found[0].coef, other.coef)
        assert_array_equal(found[0].intercept, other.intercept)


def nearly_separable(n: int = 1500, d: int = 6000) -> tuple[Any, np.ndarray]:
    """Return rows of a few words each, rare ones among them, of lengths 1, and classes with little noise."""
    rng = np.random.default_rng(7)
    share = 1 / np.arange(1, d + 1) ** 0.8
    words = rng.choice(d, size=(n, 40), p=share / share.sum())
    X = sp.csr_array((np.ones(words.size), (np.repeat(np.arange(n), 40), words.ravel())), shape=(n, d))
    X.sum_duplicates()
    X.data /= np.sqrt(np.repeat(np.asarray(X.multiply(X).sum(axis=1)), np.diff(X.indptr)))
    X = sp.csr_array((X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32)), shape=(n, d))
    weights = np.where(rng.random(d) < 0.05, 8 * rng.normal(size=d), 0)
    return X, (X @ weights + rng.logistic(size=n) > 0).astype(np.int32)


@pytest.mark.parametrize("C", [1.0, 10.0, 100.0])
def test_nearly_separable_sparse_rows(C: float) -> None:
    # Most rows are far on their side: probabilities are 0 and 1 to rounding, and curvatures vanish.
    X, y = nearly_separable()
    params: dict[str, Any] = {"alpha": 1 / C, "fit_intercept": False}
    best = fit(X, y, **params)
    assert best.converged
    assert violation(best, X, y, **params) < 1e-4
    for tol in (1e-3, 1e-5, 1e-7, 1e-9):
        found = fit(X, y, tol=tol, **params)
        assert found.converged
        assert found.gradient <= tol
        assert found.loss - best.loss <= max(found.gradient, 1e-12) * found.loss
    theirs = LogisticRegression(
        C=C, l1_ratio=1, solver="liblinear", fit_intercept=False, tol=1e-9, max_iter=10_000, random_state=0
    ).fit(X, y)
    start = np.ascontiguousarray(theirs.coef_)
    of_theirs = fit(X, y, start=start, max_iter=0, **params)
    assert best.loss <= of_theirs.loss * (1 + 1e-12)
    assert_allclose(best.loss, of_theirs.loss, rtol=1e-8)


def test_a_weight_whose_rows_are_certain_comes_back() -> None:
    # Gradient and curvature of 1 - 1e-30 are zero: only the penalty says that the weight is too large.
    X, y = nearly_separable()
    params: dict[str, Any] = {"alpha": 0.01, "fit_intercept": False, "tol": 1e-9}
    best = fit(X, y, **params)
    rows = np.bincount(X.indices, minlength=X.shape[1])
    rare = int(np.where(best.coef[0] > 0, rows, len(y)).argmin())
    start = best.coef.copy()
    start[0, rare] += 1000
    found = fit(X, y, start=start, **params)
    assert found.converged
    assert_allclose(found.loss, best.loss, rtol=1e-9)
    assert_allclose(found.coef[0, rare], best.coef[0, rare], atol=1e-3)


@pytest.mark.parametrize("n_classes", [3, 5])
def test_nearly_separable_rows_of_several_classes(n_classes: int) -> None:
    X, _ = nearly_separable(400, 800)
    rng = np.random.default_rng(8)
    weights = np.where(rng.random((800, n_classes)) < 0.05, 20 * rng.normal(size=(800, n_classes)), 0)
    y = (X @ weights + rng.gumbel(size=(400, n_classes))).argmax(axis=1).astype(np.int32)
    found = fit(X, y, alpha=0.01, tol=1e-9)
    assert found.converged
    best = fit(X, y, alpha=0.01, tol=1e-13)
    assert best.converged
    assert violation(best, X, y, alpha=0.01) < 1e-3
    assert found.loss - best.loss <= max(found.gradient, 1e-12) * found.loss


def test_more_coordinates_than_the_first_working_set_has() -> None:
    rng = np.random.default_rng(5)
    X = sp.random_array((1500, 4000), density=0.02, rng=rng, format="csr", data_sampler=rng.standard_normal)
    y = (X @ rng.normal(size=4000) + rng.logistic(size=1500) > 0).astype(np.int32)
    found = fit(X, y, alpha=0.05, tol=1e-8)
    assert found.converged
    assert np.count_nonzero(found.coef) > 512
    assert violation(found, X, y, alpha=0.05) < 1e-2
    # Dense, the products of so many columns are not formed.
    assert_allclose(fit(X.toarray(), y, alpha=0.05, tol=1e-8).loss, found.loss, rtol=1e-8)


# --- input ---


def test_bad_input_is_an_error() -> None:
    X, y = problem(30, 5, 2)
    for change in ({"alpha": 0.0}, {"alpha": np.nan}, {"l1_ratio": 0.0}, {"l1_ratio": 1.1}, {"n_classes": 1}):
        with pytest.raises(ValueError, match=next(iter(change))):
            fit(X, y, **change)
    with pytest.raises(ValueError, match="row 2"):
        fit(X, np.where(np.arange(30) == 2, -1, y).astype(np.int32), n_classes=2)
    with pytest.raises(ValueError, match="y has 29"):
        fit(X, y[1:])
    with pytest.raises(ValueError, match="coef_init"):
        fit(X, y, start=np.zeros((1, 5)))
    for bad in (np.nan, np.inf, 1e300):
        broken = X.copy()
        broken[4, 1] = bad
        for rows in (broken, sp.csr_array(broken)):
            with pytest.raises(_core.NonFiniteError) as caught:
                fit(rows, y)
            assert caught.value.args[1] == 1
