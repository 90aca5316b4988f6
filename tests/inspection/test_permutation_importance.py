"""permutation_importance: by hand, and scikit-learn's numbers for any estimator, scorer and rows."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn.inspection
import sklearn.linear_model
from fulcra import _core
from fulcra.inspection import permutation_importance
from fulcra.linear_model import LinearRegression, Ridge, RidgeCV
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

PATIENTS, PROGRESS = load_diabetes(return_X_y=True, scaled=False)
WINES, KINDS = load_wine(return_X_y=True)
SCORES = ("importances", "importances_mean", "importances_std")


def agrees(estimator: Any, X: Any, y: Any, **options: Any) -> Any:
    ours = permutation_importance(estimator, X, y, **options)
    theirs = sklearn.inspection.permutation_importance(estimator, X, y, **options)
    assert ours.keys() == theirs.keys()
    if "importances" not in ours:
        for scorer in ours:
            for name in SCORES:
                assert_allclose(ours[scorer][name], theirs[scorer][name], rtol=1e-9, atol=1e-12)
        return ours
    for name in SCORES:
        assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-12 * np.abs(theirs[name]).max())
    return ours


def test_two_rows_on_paper() -> None:
    # y = 2 a: as it is, R² is 1. With a the other way round the errors are -2 and 2 around a mean of 1, so
    # that 1 - 8 / 2 = -3. Column b does nothing.
    model = LinearRegression.from_weights([2.0, 0.0])
    found = permutation_importance(model, [[0.0, 5.0], [1.0, 6.0]], [0.0, 2.0], n_repeats=30, random_state=0)
    assert set(found.importances[0]) == {0.0, 4.0}
    assert_array_equal(found.importances[1], 0)
    assert found.importances_mean[0] == found.importances[0].mean()
    assert found.importances_std[0] == found.importances[0].std()


@pytest.mark.parametrize(
    "estimator",
    [
        LinearRegression(),
        Ridge(3.0, fit_intercept=False),
        RidgeCV(),
        sklearn.linear_model.Lasso(0.1),
        make_pipeline(StandardScaler(), Ridge()),
        DecisionTreeRegressor(max_depth=3, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize(
    "scoring",
    [
        None,
        "r2",
        "neg_mean_squared_error",
        "neg_root_mean_squared_error",
        "neg_mean_absolute_error",
        ["r2", "neg_max_error"],
        {"a": "neg_mean_squared_error"},
        lambda model, X, y: float(X[0, 0] + model.predict(X)[0]),
    ],
    ids=lambda scoring: "callable" if callable(scoring) else str(scoring),
)
def test_regressors_have_scikit_learns_numbers(estimator: Any, scoring: Any) -> None:
    estimator.fit(PATIENTS, PROGRESS)
    agrees(estimator, PATIENTS[:200], PROGRESS[:200], scoring=scoring, n_repeats=3, random_state=1)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "scoring", [None, "accuracy", "neg_log_loss", "roc_auc_ovr", ["accuracy", "f1_macro"]]
)
@pytest.mark.parametrize("kind", ["linear", "neighbours"])
def test_classifiers_have_scikit_learns_numbers(classes: int, scoring: Any, kind: str) -> None:
    chosen = np.less(KINDS, classes)
    X, y = StandardScaler().fit_transform(WINES[chosen]), np.array(["x", "a", "m"])[KINDS[chosen]]
    model: Any = (
        sklearn.linear_model.LogisticRegression(C=0.01) if kind == "linear" else KNeighborsClassifier()
    )
    weights = np.random.default_rng(0).uniform(size=len(y))
    model.fit(X, y)
    agrees(model, X, y, scoring=scoring, n_repeats=3, random_state=1)
    agrees(model, X, y, scoring=scoring, n_repeats=2, random_state=1, sample_weight=weights, max_samples=0.7)


@pytest.mark.parametrize("max_samples", [1.0, 0.5, 100, 442])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scoring", [None, "neg_root_mean_squared_error", "neg_median_absolute_error"])
def test_samples_weights_and_targets_are_scikit_learns(
    max_samples: Any, weighted: bool, scoring: Any
) -> None:
    weights = np.random.default_rng(0).integers(0, 3, size=len(PROGRESS)) if weighted else None
    options = {"max_samples": max_samples, "sample_weight": weights, "random_state": 4, "scoring": scoring}
    agrees(Ridge().fit(PATIENTS, PROGRESS), PATIENTS, PROGRESS, **options)
    both = np.column_stack([PROGRESS, PATIENTS[:, 0] ** 2])
    agrees(Ridge().fit(PATIENTS, both), PATIENTS, both, **options)


@pytest.mark.parametrize("max_samples", [1.0, 0.5])
def test_frames_are_permuted_by_their_columns(max_samples: float) -> None:
    iris = load_iris(as_frame=True)
    frame = iris.data.rename(columns=lambda name: name[:7]).set_index(np.arange(150) * 7)
    frame.columns = ["a", "b", "c", "d"]
    for model in (Ridge(), KNeighborsClassifier()):
        agrees(model.fit(frame, iris.target), frame, iris.target, random_state=0, max_samples=max_samples)
    ints = pd.DataFrame({"a": [1, 2, 3, 4], "b": pd.array([4, 3, 5, 1], dtype="int64")})
    agrees(LinearRegression().fit(ints, [1.0, 2, 3, 5]), ints, pd.Series([1.0, 2, 3, 5]), random_state=0)
    mixed = pd.DataFrame({"town": ["x", "y", "x", "z"], "b": [4.0, 3, 5, 1]})
    encoded = make_pipeline(_Length(), LinearRegression()).fit(mixed, [1.0, 2, 3, 5])
    agrees(encoded, mixed, [1.0, 2, 3, 5], random_state=0)
    model = LinearRegression().fit(PATIENTS, PROGRESS)
    table = pl.DataFrame(PATIENTS, schema=[f"c{i}" for i in range(10)])
    assert_array_equal(
        permutation_importance(model, table, PROGRESS, random_state=0).importances,
        permutation_importance(model, PATIENTS, PROGRESS, random_state=0).importances,
    )


class _Length(StandardScaler):
    """A step that makes a number of a word."""

    def fit(self, X: Any, y: Any = None) -> Any:
        return self

    def transform(self, X: Any) -> Any:
        return np.column_stack([X["town"].map(ord), X["b"]])


def test_float32_rows_have_the_numbers_of_float32() -> None:
    X = PATIENTS.astype(np.float32)
    model = Ridge().fit(X, PROGRESS)
    ours = permutation_importance(model, X, PROGRESS, random_state=0)
    theirs = sklearn.inspection.permutation_importance(model, X, PROGRESS, random_state=0)
    assert_allclose(ours.importances, theirs.importances, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_processes_and_generators_change_nothing(n_jobs: int | None) -> None:
    model = DecisionTreeRegressor(max_depth=3, random_state=0).fit(PATIENTS, PROGRESS)
    agrees(model, PATIENTS, PROGRESS, n_jobs=n_jobs, random_state=np.random.RandomState(3).get_state()[1][0])
    ours, theirs = np.random.RandomState(3), np.random.RandomState(3)
    a = permutation_importance(model, PATIENTS, PROGRESS, random_state=ours)
    b = sklearn.inspection.permutation_importance(model, PATIENTS, PROGRESS, random_state=theirs)
    assert_array_equal(a.importances, b.importances)
    assert ours.randint(1000) == theirs.randint(1000)


def test_targets_that_do_not_vary_have_the_scores_of_scikit_learn() -> None:
    X = PATIENTS[:20]
    model = LinearRegression().fit(X, PROGRESS[:20])
    agrees(model, X, np.full(20, 7.0), random_state=0)
    flat = np.column_stack([np.full(20, 7.0), PROGRESS[:20]])
    agrees(LinearRegression().fit(X, flat), X, flat, random_state=0)


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        (PATIENTS, PROGRESS, {"max_samples": 443}, "max_samples must be <= n_samples"),
        (PATIENTS, PROGRESS, {"max_samples": 1.5}, "max_samples"),
        (PATIENTS, PROGRESS, {"n_repeats": 0}, "n_repeats"),
        (PATIENTS, PROGRESS, {"scoring": "nonsense"}, "scoring"),
        (PATIENTS[:, :9], PROGRESS, {}, "9 features"),
        (PATIENTS, PROGRESS[:9], {}, "inconsistent numbers of samples"),
        (PATIENTS, PROGRESS, {"sample_weight": [1.0]}, "sample_weight|inconsistent"),
        (np.where(np.eye(442, 10) == 1, np.nan, PATIENTS), PROGRESS, {}, "NaN"),
    ],
)
def test_what_cannot_be_permuted_is_an_error(X: Any, y: Any, options: Any, message: str) -> None:
    model = LinearRegression().fit(PATIENTS, PROGRESS)
    with pytest.raises(ValueError, match=message):
        permutation_importance(model, X, y, **options)


def test_sparse_rows_are_an_error_as_in_scikit_learn() -> None:
    model = LinearRegression().fit(PATIENTS, PROGRESS)
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        permutation_importance(model, sp.csr_array(PATIENTS), PROGRESS)


def test_the_core_checks_its_shapes() -> None:
    X, residuals, coef = np.ones((4, 2)), np.ones((1, 4)), np.ones((1, 2))
    orders = np.zeros((3, 4), dtype=np.uint32)
    assert _core.permuted_squares(X, residuals, coef, None, orders).shape == (2, 3, 1)
    for bad in (
        (X, residuals[:, :3], coef, None, orders),
        (X, residuals, coef[:, :1], None, orders),
        (X, residuals, coef, np.ones(3), orders),
        (X, residuals, coef, None, orders[:, :3]),
        (X, residuals, coef, None, orders + np.uint32(4)),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            _core.permuted_squares(*bad)
