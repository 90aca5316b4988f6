"""LinearRegression: by hand, against scikit-learn's and the definition, and what must hold for any data."""

import pickle
from typing import Any

import fulcra
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from conftest import SIMD_LEVELS, RunPython
from fulcra import _core
from fulcra.linear_model import LinearRegression
from numpy.testing import assert_allclose, assert_array_equal
from oracles import least_squares
from sklearn import config_context
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

CONTAINERS = (np.asarray, sp.csr_array)
#: Rows, columns and targets: plenty of rows, fewer than columns, one.
SHAPES = [(60, 5, None), (60, 5, 1), (60, 5, 3), (5, 9, None), (5, 9, 2), (1, 3, None)]
PATIENTS, PROGRESS = load_diabetes(return_X_y=True, scaled=False)


def problem(n: int, d: int, t: int | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X, targets = rng.normal(size=(n, d)), () if t is None else (t,)
    return X, X @ rng.normal(size=(d, *targets)) + 3 + rng.normal(size=(n, *targets))


# --- by hand ---


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_line_on_paper(container: Any, dtype: type[np.floating]) -> None:
    # Means 2 and 4; (x - 2)·(y - 4) = 2 + 0 + 4 = 6 over 2.
    X = container(np.array([[1], [2], [3]], dtype=dtype))
    model = LinearRegression().fit(X, [2, 2, 8])
    assert_allclose(model.coef_, [3], rtol=1e-6)
    assert_allclose(model.intercept_, -2, rtol=1e-6)
    assert_allclose(model.predict(X), [1, 4, 7], rtol=1e-6)
    # Through 0: (2 + 4 + 24) / 14.
    through = LinearRegression(fit_intercept=False).fit(X, [2, 2, 8])
    assert_allclose(through.coef_, [30 / 14], rtol=1e-6)
    assert through.intercept_ == 0.0
    for fitted in (model, through):
        assert fitted.coef_.dtype == fitted.predict(X).dtype == dtype


def test_known_weights_predict_and_keep_their_names() -> None:
    model = LinearRegression.from_weights([2, -1], 0.5, feature_names=["a", "b"])
    frame = pd.DataFrame({"a": [1.0, 0.0], "b": [1.0, 4.0]})
    assert model.predict(frame).tolist() == [1.5, -3.5]
    assert model.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a"]])
    named = LinearRegression.from_weights(pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=["a", "b"]), [0, 1])
    assert named.feature_names_in_.tolist() == ["a", "b"]
    assert named.predict(frame).tolist() == [[3, 8], [8, 17]]
    assert LinearRegression.from_weights(np.float32([1, 2])).coef_.dtype == np.float32
    assert LinearRegression.from_weights([1, 2], positive=True).positive
    assert LinearRegression.from_weights([1.0]).predict(sp.csr_array([[4.0]])).tolist() == [4]
    weights = np.array([1.0, 2.0])
    own = LinearRegression.from_weights(weights)
    weights[0] = 9
    assert own.coef_.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("coef", "intercept", "names", "message"),
    [
        ([1, np.nan], 0, None, "coef contains NaN"),
        ([1, 2], np.inf, None, "intercept must be finite; it is inf"),
        ([1, 2], [1, 2], None, r"intercept has shape \(2,\); coef of shape \(2,\) needs one number\."),
        ([[1, 2]] * 3, [1, 2], None, r"coef of shape \(3, 2\) needs one number, or 3\."),
        ([1, 2], 0, ["a"], "feature_names has 1 names; coef has 2 columns"),
        ([[[1]]], 0, None, "dim 3"),
        ([], 0, None, "0 sample"),
    ],
)
def test_weights_that_cannot_be_are_named(coef: Any, intercept: Any, names: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LinearRegression.from_weights(coef, intercept, feature_names=names)


# --- against scikit-learn and the definition ---


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_everything_is_scikit_learns(fit_intercept: bool, shape: Any, weighted: bool) -> None:
    X, y = problem(*shape)
    weights = np.random.default_rng(1).uniform(0.5, 2, size=len(X)) if weighted else None
    ours = LinearRegression(fit_intercept=fit_intercept).fit(X, y, weights)
    theirs = sklearn.linear_model.LinearRegression(fit_intercept=fit_intercept, tol=1e-14).fit(X, y, weights)
    for name in ("coef_", "intercept_"):
        assert np.shape(getattr(ours, name)) == np.shape(getattr(theirs, name))
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-11)
    assert ours.rank_ == theirs.rank_
    assert ours.singular_.shape == theirs.singular_.shape
    assert_allclose(ours.singular_, theirs.singular_, rtol=1e-9, atol=1e-9)
    assert ours.predict(X).shape == theirs.predict(X).shape
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9, atol=1e-10)
    if len(X) > 1:
        assert ours.score(X, y) == pytest.approx(theirs.score(X, y), abs=1e-12)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_float32_is_as_good_as_its_rounding(fit_intercept: bool) -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(5000, 8)).astype(np.float32)
    y = X @ np.arange(1.0, 9) + 5 + rng.normal(size=5000)
    model = LinearRegression(fit_intercept=fit_intercept).fit(X, y)
    coef, intercept = least_squares(X, y, fit_intercept=fit_intercept)
    assert model.coef_.dtype == np.float32
    assert np.asarray(model.intercept_).dtype == (np.float32 if fit_intercept else np.float64)
    assert_allclose(model.coef_, coef, rtol=2e-6)
    assert_allclose(model.intercept_, intercept, rtol=2e-6)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix, sp.csc_matrix, sp.coo_array])
def test_sparse_rows_are_the_same_rows(container: Any, fit_intercept: bool, dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(3)
    X = (rng.normal(size=(300, 20)) * (rng.random((300, 20)) < 0.3)).astype(dtype)
    y, weights = rng.normal(size=(300, 2)) + 4, rng.uniform(size=300)
    dense = LinearRegression(fit_intercept=fit_intercept).fit(X, y, weights)
    sparse = LinearRegression(fit_intercept=fit_intercept).fit(container(X), y, weights)
    near = {"rtol": 1e-9, "atol": 1e-10} if dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-5}
    assert_allclose(sparse.coef_, dense.coef_, **near)
    assert_allclose(sparse.intercept_, dense.intercept_, **near)
    assert_allclose(sparse.predict(container(X)), dense.predict(X), **near)


def test_residuals_are_orthogonal_to_what_is_known() -> None:
    model = LinearRegression().fit(PATIENTS, PROGRESS)
    left = PROGRESS - model.predict(PATIENTS)
    sizes = np.linalg.norm(PATIENTS - PATIENTS.mean(axis=0), axis=0) * np.linalg.norm(left)
    assert abs(left.mean()) < 1e-10
    assert (np.abs((PATIENTS - PATIENTS.mean(axis=0)).T @ left) < 1e-11 * sizes).all()


# --- what must hold ---


@pytest.mark.parametrize(
    ("container", "positive"), [(np.asarray, False), (sp.csr_array, False), (np.asarray, True)]
)
def test_a_weight_is_a_repetition(container: Any, positive: bool) -> None:
    X, y = problem(40, 4, 2)
    times = np.random.default_rng(0).integers(0, 4, size=40)
    once = LinearRegression(positive=positive).fit(container(X), y, times)
    again = LinearRegression(positive=positive)
    again.fit(container(np.repeat(X, times, axis=0)), np.repeat(y, times, axis=0))
    assert_allclose(once.coef_, again.coef_, rtol=1e-10, atol=1e-12)
    assert_allclose(once.intercept_, again.intercept_, rtol=1e-10, atol=1e-12)


def test_an_offset_of_a_million_costs_no_digits() -> None:
    X, _ = problem(2000, 5)
    X = np.round(X * 2**20) / 2**20  # so that the shift is exact
    y = X @ np.arange(1.0, 6)
    near = LinearRegression().fit(X, y)
    far = LinearRegression().fit(X + 2.0**20, y)
    assert_allclose(near.coef_, np.arange(1.0, 6), rtol=1e-12)
    assert_allclose(far.coef_, np.arange(1.0, 6), rtol=1e-10)
    assert_allclose(far.predict(X + 2.0**20), y, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e-8, 1e8, 1e30, 1e150])
def test_huge_and_tiny_columns_and_targets_are_columns_and_targets(scale: float) -> None:
    X, y = problem(50, 3)
    scales = np.array([1.0, scale, 1.0])
    plain = LinearRegression().fit(X, y)
    assert_allclose(LinearRegression().fit(X * scales, y).coef_ * scales, plain.coef_, rtol=1e-9)
    assert_allclose(LinearRegression().fit(X * scale, y).coef_ * scale, plain.coef_, rtol=1e-9)
    assert_allclose(LinearRegression().fit(X, y * scale).coef_ / scale, plain.coef_, rtol=1e-9)
    assert LinearRegression().fit(X * scales, y).rank_ == 3


def test_scikit_learns_default_loses_columns_of_another_scale_and_ours_does_not() -> None:
    X, _ = problem(100, 2)
    X[:, 1] *= 1e7
    y = X @ [1.0, 1e-7]
    assert_allclose(LinearRegression().fit(X, y).coef_, [1, 1e-7], rtol=1e-12)
    assert sklearn.linear_model.LinearRegression().fit(X, y).rank_ == 1


def test_constant_columns_get_no_weight() -> None:
    X, y = problem(30, 3)
    X[:, 1] = 7.3
    model = LinearRegression().fit(X, y)
    assert model.rank_ == 2
    assert_array_equal(model.coef_[1], 0)
    assert_allclose(model.coef_[[0, 2]], LinearRegression().fit(X[:, [0, 2]], y).coef_, rtol=1e-10)
    flat = LinearRegression().fit(np.full((5, 2), 0.1), np.arange(5.0))
    assert flat.rank_ == 0
    assert_array_equal(flat.coef_, 0)
    assert flat.intercept_ == 2


@pytest.mark.parametrize("container", CONTAINERS)
def test_duplicate_columns_share_a_weight(container: Any) -> None:
    X, y = problem(30, 2)
    single = LinearRegression().fit(X, y)
    double = LinearRegression().fit(container(np.column_stack([X, X[:, 0]])), y)
    assert double.rank_ == 2
    # The minimum norm in the units of the user: halves.
    assert_allclose(double.coef_, single.coef_[[0, 1, 0]] * [0.5, 1, 0.5], rtol=1e-8)


def test_the_minimum_norm_is_that_of_the_users_units() -> None:
    # w_0 + 1000 w_1 = 1: the smallest is (1, 1000) / (1 + 1e6).
    x = np.array([[-1.0], [0.0], [1.0], [4.0]])
    model = LinearRegression().fit(x * [1.0, 1000.0], x[:, 0])
    assert model.rank_ == 1
    assert_allclose(model.coef_, np.array([1.0, 1000.0]) / (1 + 1e6), rtol=1e-10)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_more_columns_than_rows_have_the_weights_of_minimum_norm(fit_intercept: bool) -> None:
    X, y = problem(8, 30)
    model = LinearRegression(fit_intercept=fit_intercept).fit(X, y)
    middle = X.mean(axis=0) if fit_intercept else 0
    want = np.linalg.pinv(X - middle) @ (y - (y.mean() if fit_intercept else 0))
    assert model.rank_ == 8 - fit_intercept
    assert_allclose(model.coef_, want, rtol=1e-9, atol=1e-12)
    assert_allclose(model.predict(X), y, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("shape", [(90, 300), (300, 90)])
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_and_columns_that_are_copies_leave_the_minimum_norm(shape: Any, weighted: bool) -> None:
    # More than one panel of columns, and of a rank that neither rows nor columns have.
    X, y = problem(*shape)
    X[40:60] = X[:20]
    X[:, 50:80] = X[:, :30] - 2 * X[:, 1:31]
    weights = np.random.default_rng(0).integers(0, 3, size=len(X)) if weighted else np.ones(len(X))
    model = LinearRegression().fit(X, y, weights)
    share, roots = weights / weights.sum(), np.sqrt(weights)
    rows = (X - share @ X) * roots[:, np.newaxis]
    want, _, rank, singular = np.linalg.lstsq(rows, (y - share @ y) * roots, rcond=1e-12)
    assert model.rank_ == rank
    assert_allclose(model.coef_, want, rtol=1e-8, atol=1e-10)
    assert_allclose(model.singular_, singular, atol=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_wide_table_is_as_good_as_its_condition(fit_intercept: bool, dtype: type[np.floating]) -> None:
    X, y = problem(60, 400, 2)
    X[1] = X[0] + 1e-5 * X[1]  # rows that are nearly the same: beyond what their products can tell
    X += 100
    for rows in (X.astype(dtype), sp.csr_array(X.astype(dtype))):
        model = LinearRegression(fit_intercept=fit_intercept).fit(rows, y)
        middle = X.astype(dtype).astype(float).mean(axis=0) if fit_intercept else 0
        level = y.mean(axis=0) if fit_intercept else 0
        want = np.linalg.lstsq(X.astype(dtype) - middle, y - level, rcond=1e-10)[0].T
        near = {"rtol": 1e-7} if dtype == np.float64 else {"rtol": 1e-6}
        assert_allclose(model.coef_, want, atol=1e-7 * np.abs(want).max(), **near)
        assert model.rank_ == 60 - fit_intercept


def test_more_columns_than_memory_holds_the_products_of_are_refused() -> None:
    X = sp.csr_array((300_000, 2_000_000), dtype=np.float64)
    with pytest.raises(MemoryError, match=r"products of the rows needs 2160000000000 bytes"):
        _core.ridge_leave_one_out(X, np.ones((300_000, 1)), None, np.ones(1), fit_intercept=True, keep=False)


@pytest.mark.parametrize("container", CONTAINERS)
def test_any_number_of_threads_gives_the_bits_of_one(container: Any, dtype: type[np.floating]) -> None:
    X, y = problem(40_000, 9, 2)
    X = container(X.astype(dtype))
    found = []
    for threads in (1, 2, 3):
        fulcra.set_num_threads(threads)
        model = LinearRegression().fit(X, y)
        found.append((model.coef_.tobytes(), model.intercept_.tobytes(), model.predict(X).tobytes()))
    assert found[1:] == found[:1] * 2


LEVELS = """
import numpy as np
import scipy.sparse as sp
from fulcra.linear_model import LinearRegression
rng = np.random.default_rng(0)
for kind in (np.float32, np.float64):
    X, y = rng.normal(size=(5000, 11)).astype(kind), rng.normal(size=5000)
    for rows in (X, sp.csr_array(X * (X > 1))):
        model = LinearRegression().fit(rows, y)
        print(model.rank_, *model.coef_, model.intercept_, *model.predict(rows[:5]))
"""


@pytest.mark.parametrize("level", SIMD_LEVELS)
def test_every_instruction_set_agrees_with_the_portable_code(level: str, run_python: RunPython) -> None:
    best = _core.simd_level()
    if best not in SIMD_LEVELS or SIMD_LEVELS.index(level) > SIMD_LEVELS.index(best):
        pytest.skip(f"this processor has no {level}; its best level is {best}")
    ours, portable = (
        np.array(run_python(LEVELS, FULCRA_SIMD=name).split(), dtype=float) for name in (level, "portable")
    )
    assert_allclose(ours, portable, rtol=2e-5, atol=1e-6)


# --- weights that are not negative ---


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("t", [None, 3])
def test_positive_weights_are_scikit_learns(fit_intercept: bool, weighted: bool, t: int | None) -> None:
    X, y = problem(200, 6, t)
    weights = np.random.default_rng(1).uniform(0.5, 2, size=len(X)) if weighted else None
    ours = LinearRegression(fit_intercept=fit_intercept, positive=True).fit(X, y, weights)
    theirs = sklearn.linear_model.LinearRegression(fit_intercept=fit_intercept, positive=True)
    theirs.fit(X, y, weights)
    assert (ours.coef_ >= 0).all()
    assert (ours.coef_ == 0).any()
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9, atol=1e-12)
    assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9, atol=1e-12)


def test_positive_weights_take_more_rows_than_fit_one_triangle() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(20_000, 4)).astype(np.float32) * np.float32([1, 1e4, 1e-4, 1]) + np.float32(1)
    y = X[:, :3].astype(np.float64) @ [1.0, 1e-4, 1e4] - 3 * X[:, 3]
    model = LinearRegression(positive=True).fit(X, y)
    free = LinearRegression().fit(X[:, :3].astype(np.float64), y)
    assert model.coef_[3] == 0
    assert_allclose(model.coef_[:3], free.coef_, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e200])
def test_positive_weights_of_huge_and_tiny_columns_and_targets(scale: float) -> None:
    X, y = problem(50, 3)
    plain = LinearRegression(positive=True).fit(X, y)
    assert (plain.coef_ > 0).any()
    assert_allclose(LinearRegression(positive=True).fit(X * scale, y).coef_ * scale, plain.coef_, rtol=1e-9)
    assert_allclose(LinearRegression(positive=True).fit(X, y * scale).coef_ / scale, plain.coef_, rtol=1e-9)
    X[:, 1] = 7.3
    assert LinearRegression(positive=True).fit(X, y).coef_[1] == 0


def test_what_positive_does_not_know_is_forgotten() -> None:
    X, y = problem(20, 2)
    model = LinearRegression().fit(X, y)
    assert model.rank_ == 2
    model.set_params(positive=True).fit(X, y)
    assert not hasattr(model, "rank_")
    assert not hasattr(model, "singular_")


# --- scikit-learn's house ---


def test_names_pickles_pipelines_and_weights_on_their_way() -> None:
    frame = pd.DataFrame(PATIENTS, columns=[f"c{i}" for i in range(10)])
    model = LinearRegression().fit(frame, pd.Series(PROGRESS))
    assert model.feature_names_in_.tolist() == list(frame.columns)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(frame), model.predict(frame))
    assert_array_equal(again.singular_, model.singular_)
    assert_array_equal(pickle.loads(pickle.dumps(model)).singular_, model.singular_)
    scaled = make_pipeline(StandardScaler(), LinearRegression()).fit(frame, PROGRESS)
    assert_allclose(scaled.predict(frame), model.predict(frame), rtol=1e-9)
    weights = np.random.default_rng(0).integers(0, 3, size=len(frame))
    with config_context(enable_metadata_routing=True):
        step = LinearRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(step, {"fit_intercept": [True, False]})
        search.fit(frame, PROGRESS, sample_weight=weights)
    want = LinearRegression().fit(frame, PROGRESS, weights)
    assert_array_equal(search.best_estimator_.coef_, want.coef_)


def test_x_is_not_changed_whatever_copy_x_says() -> None:
    X, y = problem(20, 3)
    before = X.copy()
    LinearRegression(copy_X=False).fit(X, y)
    assert_array_equal(X, before)


# --- bad input ---

X4 = np.arange(8.0).reshape(4, 2) ** 2
FRAME = pd.DataFrame(X4, columns=["size", "age"])
HOLES = FRAME.copy()
HOLES.loc[2, "age"] = np.nan


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(
    ("parameters", "X", "y", "weights", "message"),
    [
        ({"tol": -1}, X4, [1, 2, 3, 4], None, "tol"),
        ({"fit_intercept": "yes"}, X4, [1, 2, 3, 4], None, "fit_intercept"),
        ({}, X4, None, None, "requires y to be passed"),
        ({}, X4, [1, 2, 3], None, "inconsistent numbers of samples"),
        ({}, X4, [1, 2, np.nan, 4], None, "Input y contains NaN: the first is in row 2"),
        ({}, X4, [1, 2, 3, -np.inf], None, r"y contains infinity or a value .*: the first is in row 3"),
        ({}, X4, np.zeros((4, 1, 1)), None, "dim 3"),
        ({}, X4, ["a", "b", "c", "d"], None, "could not convert string"),
        ({}, HOLES, [1, 2, 3, 4], None, "Input X contains NaN: the first is in row 2, column 'age'"),
        ({}, np.where(X4 == 9, np.inf, X4), [1, 2, 3, 4], None, "infinity: the first is in row 1, column 1"),
        ({}, X4, [1, 2, 3, 4], [1, 1, -1, 1], r"must not be negative; sample_weight\[2\] is -1"),
        ({}, X4, [1, 2, 3, 4], [0, 0, 0, 0], "non-zero|zero for every row"),
        ({}, X4[:, :0], [1, 2, 3, 4], None, r"0 feature\(s\)"),
    ],
)
def test_unusable_input_is_named_and_nothing_is_lost(
    parameters: Any, X: Any, y: Any, weights: Any, message: str, *, positive: bool
) -> None:
    model = LinearRegression(positive=positive).fit(FRAME, [1, 2, 3, 4])
    before = {**vars(model), **parameters}
    with pytest.raises(ValueError, match=message):
        model.set_params(**parameters).fit(X, y, weights)
    assert vars(model) == before


def test_weights_that_the_dtype_cannot_hold_are_an_error() -> None:
    X, y = problem(20, 2)
    with pytest.raises(ValueError, match=r"too large for float32: scale X or y, or pass X in float64"):
        LinearRegression().fit(X.astype(np.float32), y * 1e60)
    assert np.isfinite(LinearRegression().fit(X, y * 1e60).coef_).all()


@pytest.mark.parametrize("container", CONTAINERS)
def test_what_is_not_finite_is_named_when_predicting(container: Any, dtype: type[np.floating]) -> None:
    model = LinearRegression().fit(X4, [1, 2, 3, 4])
    for value, kind in ((np.nan, "NaN"), (-np.inf, "infinity")):
        X = np.ones((200, 2), dtype=dtype)
        X[117, 1] = X[140, 0] = value
        with pytest.raises(ValueError, match=f"Input X contains {kind}: the first is in row 117, column 1"):
            model.predict(container(X))


def test_what_cannot_be_sparse_says_so() -> None:
    with pytest.raises(TypeError, match=r"Sparse data was passed for X, .*X\.toarray\(\)"):
        LinearRegression(positive=True).fit(sp.csr_array(X4), [1, 2, 3, 4])
    with pytest.raises(TypeError, match=r"Sparse data was passed for y, .*y\.toarray\(\)"):
        LinearRegression().fit(X4, sp.csr_array([[1.0], [2], [3], [4]]))


def test_nothing_works_before_fit() -> None:
    with pytest.raises(NotFittedError):
        LinearRegression().predict(X4)


def test_the_core_checks_its_shapes() -> None:
    y, w = np.ones((4, 1)), np.ones(4)
    bad = [
        *(
            (_core.least_squares, given, {"fit_intercept": True})
            for given in ((X4, y[:3], None), (X4, y, w[:3]))
        ),
        *(
            (_core.ridge, (X4, y, None, alphas), {"fit_intercept": True})
            for alphas in (np.ones(2), -np.ones(1), np.array([np.nan]))
        ),
        (_core.linear_predict, (X4, np.ones((1, 3)), np.zeros(1)), {}),
        (_core.linear_predict, (X4, np.ones((1, 2)), np.zeros(2)), {}),
    ]
    for function, arguments, options in bad:
        with pytest.raises(ValueError, match=r"\w"):
            function(*arguments, **options)
