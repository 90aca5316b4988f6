"""RidgeCV: leave-one-out by refitting without each row, and scikit-learn's."""

import pickle
from typing import Any

import fulcra
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from fulcra import _core
from fulcra.linear_model import Ridge, RidgeCV
from numpy.testing import assert_allclose, assert_array_equal
from oracles import least_squares
from sklearn import config_context
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, LeaveOneOut

CONTAINERS = (np.asarray, sp.csr_array)
ALPHAS = [0.01, 0.1, 1.0, 10.0, 100.0]
PLAIN: Any = {"fit_intercept": True, "weights": None}
#: Rows, columns and targets: plenty of rows, one more than columns, as many, fewer.
SHAPES = [(40, 5, None), (40, 5, 1), (40, 5, 3), (13, 12, 2), (12, 12, None), (12, 30, None), (12, 30, 2)]


def problem(n: int, d: int, t: int | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X, targets = rng.normal(size=(n, d)), () if t is None else (t,)
    return X, X @ rng.normal(size=(d, *targets)) + 3 + rng.normal(size=(n, *targets))


def left_out(X: np.ndarray, y: np.ndarray, alpha: Any, *, fit_intercept: bool, weights: Any) -> np.ndarray:
    """Errors of fits that really leave a row out, by stacked rows and LAPACK."""
    errors = np.empty_like(y)
    heavy = np.ones(len(X)) if weights is None else weights
    for i in range(len(X)):
        rest = np.arange(len(X)) != i
        share = heavy[rest] / heavy[rest].sum()
        middle, level = (share @ X[rest], share @ y[rest]) if fit_intercept else (0 * X[0], 0 * y[0])
        roots = np.sqrt(heavy[rest])[:, np.newaxis]
        tall = np.vstack(
            [(X[rest] - middle) * roots, np.sqrt(alpha) * np.eye(X.shape[1])]
        )  # alpha: of all columns, or of each
        right = np.vstack([(y[rest] - level) * roots, np.zeros((X.shape[1], y.shape[1]))])
        errors[i] = y[i] - level - (X[i] - middle) @ np.linalg.lstsq(tall, right, rcond=None)[0]
    return errors


# --- leaving out a row ---


def test_three_rows_on_paper() -> None:
    # Without the first of x = (0, 1, 3), y = (5, 2, 6): means 2 and 4, and a slope of 4 over 2 + alpha.
    model = RidgeCV([2.0], store_cv_results=True).fit([[0.0], [1.0], [3.0]], [5.0, 2.0, 6.0])
    assert model.cv_results_[0, 0] == pytest.approx((5 - (4 - 2 * 1)) ** 2)
    assert model.alpha_ == 2.0
    assert model.best_score_ == pytest.approx(-model.cv_results_.mean())


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("container", CONTAINERS)
def test_errors_are_those_of_fits_without_the_row(
    fit_intercept: bool, shape: Any, weighted: bool, container: Any
) -> None:
    X, y = problem(*shape)
    X += 3
    weights = np.random.default_rng(1).integers(0, 4, size=len(X)) + 0.5 if weighted else None
    model = RidgeCV(ALPHAS, fit_intercept=fit_intercept, store_cv_results=True).fit(container(X), y, weights)
    found = model.cv_results_.reshape(len(X), -1, len(ALPHAS))
    heavy = 1.0 if weights is None else weights[:, np.newaxis]
    for at, alpha in enumerate(ALPHAS):
        want = left_out(X, y.reshape(len(X), -1), alpha, fit_intercept=fit_intercept, weights=weights)
        assert_allclose(found[:, :, at], heavy * want**2, rtol=1e-8, atol=1e-12)
    scores = -found.mean(axis=(0, 1))
    assert model.alpha_ == ALPHAS[np.argmax(scores)]
    assert model.best_score_ == pytest.approx(scores.max(), rel=1e-12)


@pytest.mark.parametrize("shape", [(30, 6), (30, 29), (30, 60)])
@pytest.mark.parametrize("alpha", [1e-12, 1e-9, 1e-6])
def test_hardly_any_penalty_on_columns_that_depend_on_each_other(shape: Any, alpha: float) -> None:
    X, y = problem(*shape)
    X[:, 1] = X[:, 0]
    X[:, 2] *= 1e4
    errors, kept = _core.ridge_leave_one_out(
        X, y[:, np.newaxis], None, np.array([alpha]), fit_intercept=True, keep=True
    )
    want = left_out(X, y[:, np.newaxis], alpha, fit_intercept=True, weights=None)
    assert_allclose(kept[0], want, rtol=1e-5, atol=1e-7 * np.abs(want).max())
    assert_allclose(errors, (kept**2).mean(axis=1), rtol=1e-12)


def test_a_row_that_alone_decides_a_weight_is_left_out_too() -> None:
    # Only the last row knows the last column: without it the weight is 0.
    X, y = problem(30, 4)
    X[:, 3] = 0
    X[29, 3] = 1.0
    for alpha in (1e-14, 1e-10, 1e-2):
        _, kept = _core.ridge_leave_one_out(
            X, y[:, np.newaxis], None, np.array([alpha]), fit_intercept=True, keep=True
        )
        coef, intercept = least_squares(X[:29, :3], y[:29], alpha)
        assert_allclose(kept[0, 29, 0], y[29] - X[29, :3] @ coef - intercept, rtol=1e-6)


def test_rows_without_weight_are_predicted_and_do_not_count() -> None:
    X, y = problem(20, 3)
    weights = np.ones(20)
    weights[4] = 0
    model = RidgeCV([2.0], scoring="neg_mean_absolute_error", store_cv_results=True).fit(X, y, weights)
    rest = np.arange(20) != 4
    alone = Ridge(2.0).fit(X[rest], y[rest])
    assert_allclose(model.coef_, alone.coef_, rtol=1e-10)
    assert_allclose(model.cv_results_[4], alone.predict(X[4:5]), rtol=1e-10)
    wide, targets = problem(8, 20)
    model = RidgeCV([2.0], store_cv_results=True).fit(wide, targets, weights[:8])
    assert model.cv_results_[4, 0] == 0
    same = RidgeCV([2.0], store_cv_results=True).fit(wide[rest[:8]], targets[rest[:8]])
    assert_allclose(model.cv_results_[rest[:8]], same.cv_results_, rtol=1e-9)


def test_copies_of_rows_keep_each_others_place() -> None:
    X, y = problem(10, 25)
    X[1] = X[0]
    # As alpha falls, what is left of a row whose copy stays is the difference of their targets.
    _, kept = _core.ridge_leave_one_out(
        X, y[:, np.newaxis], None, np.array([1e-11]), fit_intercept=True, keep=True
    )
    assert_allclose(kept[0, :2, 0], [y[0] - y[1], y[1] - y[0]], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
def test_huge_and_tiny_columns_and_targets(scale: float) -> None:
    X, y = problem(30, 4)
    plain = RidgeCV([1.0, 5.0], store_cv_results=True).fit(X, y)
    many = RidgeCV([1.0, 5.0], store_cv_results=True).fit(X, y * scale)
    assert_allclose(many.coef_ / scale, plain.coef_, rtol=1e-10)
    # One column in other units has no say, or is free.
    moved = RidgeCV([1.0], store_cv_results=True).fit(X * [1, 1, 1, scale], y)
    rest, held = (X[:, :3], [1.0, 1, 1]) if scale < 1 else (X, [1.0, 1, 1, 0])
    want = left_out(rest, y[:, np.newaxis], np.array(held), **PLAIN)
    assert_allclose(moved.cv_results_, want**2, rtol=1e-9)
    near = min(max(scale, 1e-100), 1e100)  # whose squares, the penalties, are numbers
    for shape in ((30, 4), (8, 20)):
        X, y = problem(*shape)
        plain = RidgeCV([1.0, 5.0], store_cv_results=True).fit(X, y)
        moved = RidgeCV(np.array([1.0, 5.0]) * near**2, store_cv_results=True).fit(X * near, y)
        assert_allclose(moved.cv_results_, plain.cv_results_, rtol=1e-9)


def test_an_offset_of_a_million_costs_no_digits() -> None:
    X, y = problem(200, 5)
    X = np.round(X * 2**20) / 2**20  # so that the shift is exact
    near = RidgeCV(ALPHAS, store_cv_results=True).fit(X, y)
    far = RidgeCV(ALPHAS, store_cv_results=True).fit(X + 2.0**20, y)
    assert_allclose(far.cv_results_, near.cv_results_, rtol=1e-7)


# --- scikit-learn's ---


@pytest.mark.parametrize(
    "scoring", [None, "r2", "neg_mean_absolute_error", lambda m, X, y, **_: m.predict(X).sum()]
)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("per_target", [False, True])
def test_everything_is_scikit_learns(scoring: Any, shape: Any, weighted: bool, per_target: bool) -> None:
    X, y = problem(*shape)
    if per_target and y.ndim == 1 and scoring is not None:
        y = y[:, np.newaxis]  # scikit-learn needs two dimensions
    weights = np.random.default_rng(1).uniform(0.5, 2, size=len(X)) if weighted else None
    options = {"scoring": scoring, "alpha_per_target": per_target, "store_cv_results": True}
    ours = RidgeCV(ALPHAS, **options).fit(X, y, weights)
    theirs = sklearn.linear_model.RidgeCV(ALPHAS, **options).fit(X, y, weights)
    for name in ("alpha_", "best_score_", "coef_", "intercept_", "cv_results_"):
        assert np.size(getattr(ours, name)) == np.size(getattr(theirs, name)), name
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8, atol=1e-10, err_msg=name)
    for name in ("coef_", "intercept_", "cv_results_"):
        assert np.shape(getattr(ours, name)) == np.shape(getattr(theirs, name)), name


@pytest.mark.parametrize("cv", [3, KFold(4), LeaveOneOut()])
@pytest.mark.parametrize("scoring", [None, "neg_mean_squared_error"])
@pytest.mark.parametrize("container", CONTAINERS)
def test_other_splits_are_scikit_learns(cv: Any, scoring: Any, container: Any) -> None:
    if isinstance(cv, LeaveOneOut) and scoring is None:
        scoring = "neg_mean_absolute_error"  # R² of one row is not defined
    X, y = problem(24, 4)
    options = {"alphas": [0.0, *ALPHAS], "cv": cv, "scoring": scoring}
    ours = RidgeCV(**options).fit(container(X), y)
    theirs = sklearn.linear_model.RidgeCV(**options).fit(X, y)
    assert ours.alpha_ == theirs.alpha_
    for name in ("best_score_", "coef_", "intercept_"):
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8)
    assert not hasattr(ours, "cv_results_")


def test_the_weights_are_ridges_bit_for_bit(dtype: type[np.floating]) -> None:
    for shape in SHAPES:
        X, y = problem(*shape)
        model = RidgeCV(ALPHAS, alpha_per_target=True).fit(X.astype(dtype), y)
        same = Ridge(model.alpha_).fit(X.astype(dtype), y)
        assert_array_equal(model.coef_, same.coef_)
        assert_array_equal(model.intercept_, same.intercept_)
        assert model.coef_.dtype == model.predict(X.astype(dtype)).dtype == dtype


def test_any_number_of_threads_gives_the_bits_of_one(dtype: type[np.floating]) -> None:
    for shape in ((3000, 40, 2), (150, 300, 1)):
        X, y = problem(*shape)
        found = []
        for threads in (1, 2, 3):
            fulcra.set_num_threads(threads)
            model = RidgeCV(ALPHAS, store_cv_results=True).fit(X.astype(dtype), y)
            found.append((model.coef_.tobytes(), model.cv_results_.tobytes(), model.best_score_))
        assert found[1:] == found[:1] * 2


@pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix, sp.csc_matrix, sp.coo_array])
@pytest.mark.parametrize("shape", [(120, 20, 2), (20, 60, 1)])
def test_sparse_rows_are_the_same_rows(container: Any, shape: Any, dtype: type[np.floating]) -> None:
    X, y = problem(*shape)
    X = (X * (X > 0.5)).astype(dtype)
    weights = np.random.default_rng(0).uniform(size=len(X))
    dense = RidgeCV(ALPHAS, store_cv_results=True).fit(X, y, weights)
    sparse = RidgeCV(ALPHAS, store_cv_results=True).fit(container(X), y, weights)
    assert sparse.alpha_ == dense.alpha_
    near = {"rtol": 1e-8, "atol": 1e-11} if dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-5}
    assert_allclose(sparse.cv_results_, dense.cv_results_, **near)
    assert_allclose(sparse.coef_, dense.coef_, **near)


def test_sparse_rows_of_many_columns_are_iterated_over_at_the_end() -> None:
    X = sp.random(60, 3000, 0.01, "csr", random_state=0, dtype=np.float64)
    y = np.random.default_rng(0).normal(size=60)
    sparse = RidgeCV(ALPHAS, store_cv_results=True).fit(X, y)
    dense = RidgeCV(ALPHAS, store_cv_results=True).fit(X.toarray(), y)
    assert_allclose(sparse.cv_results_, dense.cv_results_, rtol=1e-8)
    assert_allclose(sparse.coef_, dense.coef_, rtol=1e-6, atol=1e-9)


# --- scikit-learn's house ---


def test_scorers_are_told_what_they_ask_for() -> None:
    X, y = problem(30, 3)
    weights = np.random.default_rng(0).uniform(size=30)
    with config_context(enable_metadata_routing=True):
        scorer = get_scorer("neg_mean_squared_error").set_score_request(sample_weight=True)
        routed = RidgeCV(ALPHAS, scoring=scorer).fit(X, y, sample_weight=weights)
        deaf = get_scorer("neg_mean_squared_error").set_score_request(sample_weight=False)
        other = RidgeCV(ALPHAS, scoring=deaf).fit(X, y, sample_weight=weights)
        theirs = sklearn.linear_model.RidgeCV(ALPHAS, scoring=deaf).fit(X, y, sample_weight=weights)
    plain = RidgeCV(ALPHAS, scoring="neg_mean_squared_error").fit(X, y, sample_weight=weights)
    assert routed.best_score_ == pytest.approx(plain.best_score_, rel=1e-12)
    assert other.best_score_ == pytest.approx(theirs.best_score_, rel=1e-9)
    with pytest.raises(ValueError, match=r"enable_metadata_routing=True; got \['groups'\]"):
        RidgeCV().fit(X, y, groups=weights)


def test_frames_pickles_and_what_is_forgotten() -> None:
    X, y = problem(30, 3)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = RidgeCV(store_cv_results=True).fit(frame, pd.Series(y))
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(frame), model.predict(frame))
    model.set_params(store_cv_results=False, cv=3).fit(X, y)
    assert not hasattr(model, "cv_results_")
    assert not hasattr(model, "feature_names_in_")
    known = RidgeCV.from_weights([1.0, 2.0], 3.0)
    assert known.predict([[1.0, 1.0]]).tolist() == [6]


def test_svd_of_sparse_rows_is_warned_of() -> None:
    X, y = problem(30, 3)
    with pytest.warns(FutureWarning, match="'svd' mode is not supported for sparse X"):
        model = RidgeCV(gcv_mode="svd").fit(sp.csr_array(X), y)
    assert_allclose(model.coef_, RidgeCV(gcv_mode="eigen").fit(X, y).coef_, rtol=1e-9)


X4, Y4 = np.array([[1.0, 0], [2, 9], [4, 1], [8, 2]]), [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("parameters", "X", "y", "message"),
    [
        ({"alphas": [1, -1]}, X4, Y4, r"alphas\[1\] == -1, must be > 0"),
        ({"alphas": [0.0, 1.0]}, X4, Y4, r"alphas\[0\] == 0.0, must be > 0"),
        ({"alphas": [0.0]}, X4, Y4, "alphas == 0.0, must be > 0"),
        ({"alphas": [-1.0, 1.0], "cv": 2}, X4, Y4, r"alphas\[0\] == -1.0, must be >= 0"),
        ({"alphas": 0.0}, X4, Y4, "alphas"),
        ({"alphas": pd.Series([1.0, -2.0])}, X4, Y4, "alphas must be above 0; the lowest is -2.0"),
        ({"alphas": [[1.0, 2.0]]}, X4, Y4, "alphas"),
        ({"alphas": np.array([])}, X4, Y4, "alphas|0 sample"),
        ({"alphas": [np.inf]}, X4, Y4, "alphas contains infinity"),
        ({"alphas": [np.nan, 1.0]}, X4, Y4, "NaN"),
        ({"scoring": "nonsense"}, X4, Y4, "scoring"),
        ({"gcv_mode": "qr"}, X4, Y4, "gcv_mode"),
        ({"cv": 2, "store_cv_results": True}, X4, Y4, "cv!=None and store_cv_results=True are incompatible"),
        ({"cv": 2, "alpha_per_target": True}, X4, Y4, "cv!=None and alpha_per_target=True are incompatible"),
        ({}, X4[:1], [1.0], "leaves out a row and needs another one: X has n_samples=1"),
        ({}, X4, None, "requires y to be passed"),
        ({}, X4, [1, np.nan, 3, 4], "Input y contains NaN: the first is in row 1"),
        ({}, np.where(X4 == 9, np.nan, X4), Y4, "Input X contains NaN: the first is in row 1, column 1"),
        (
            {},
            np.where(np.eye(3, 9) == 1, np.inf, 2.0),
            [1, 2, 3],
            "infinity: the first is in row 0, column 0",
        ),
        ({}, sp.csr_array(np.where(X4 == 9, np.nan, X4)), Y4, "Input X contains NaN: the first is in row 1"),
    ],
)
def test_unusable_input_is_named_and_nothing_is_lost(parameters: Any, X: Any, y: Any, message: str) -> None:
    model = RidgeCV().fit(X4, Y4)
    before = {**vars(model), **parameters}
    with pytest.raises((ValueError, TypeError), match=message):
        model.set_params(**parameters).fit(X, y)
    assert vars(model).keys() == before.keys()
    assert model.coef_ is before["coef_"]


def test_the_core_checks_its_shapes() -> None:
    y, alphas = np.ones((4, 1)), np.ones(2)
    for arguments in (
        (X4, y[:3], None, alphas),
        (X4, y, np.ones(3), alphas),
        (X4, y, None, -alphas),
        (X4, y, None, alphas * np.inf),
        (X4[:1], y[:1], None, alphas),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            _core.ridge_leave_one_out(*arguments, fit_intercept=True, keep=False)


def test_nothing_works_before_fit() -> None:
    with pytest.raises(NotFittedError):
        RidgeCV().predict(X4)
