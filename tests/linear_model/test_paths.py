"""lasso_path, enet_path, LassoCV and ElasticNetCV: against scikit-learn's."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from fulcra.linear_model import ElasticNetCV, Lasso, LassoCV, enet_path, lasso_path
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GroupKFold, ShuffleSplit

CONTAINERS = (np.asarray, np.asfortranarray, sp.csr_array, sp.csc_matrix)
EXACT: dict[str, Any] = {"tol": 1e-12, "max_iter": 100_000}


def problem(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + 1
    return X, 3 * X[:, 0] - X[:, 1] + 4 + rng.normal(size=n)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("shape", [(60, 8), (30, 60), (400, 90)])
@pytest.mark.parametrize("positive", [True, False])
def test_paths_are_scikit_learns(container: Any, shape: Any, positive: bool) -> None:
    X, y = problem(*shape)
    given = {"alphas": 12, "eps": 1e-2, "positive": positive, **EXACT}
    for l1_ratio in (1.0, 0.6):
        alphas, coefs, gaps, passes = enet_path(
            container(X), y, l1_ratio=l1_ratio, return_n_iter=True, **given
        )
        theirs = sklearn.linear_model.enet_path(X, y, l1_ratio=l1_ratio, **given)
        assert_allclose(alphas, theirs[0], rtol=1e-10)
        assert_allclose(coefs, theirs[1], atol=1e-7)
        assert (gaps <= 1e-12 * (y**2).mean()).all()
        assert len(passes) == 12


def test_a_path_goes_down_whatever_the_order_given() -> None:
    X, y = problem(40, 5)
    alphas, coefs, _ = lasso_path(X, y, alphas=[0.1, 1.0, 0.5], **EXACT)
    assert alphas.tolist() == [1.0, 0.5, 0.1]
    for alpha, coef in zip(alphas, coefs.T, strict=True):
        assert_allclose(coef, Lasso(alpha, fit_intercept=False, **EXACT).fit(X, y).coef_, atol=1e-8)


def test_several_targets_are_the_path_of_the_multi_task_lasso() -> None:
    X, y = problem(40, 5)
    several = np.column_stack([y, X[:, 2]])
    ours, theirs = (path(X, several, alphas=5) for path in (lasso_path, sklearn.linear_model.lasso_path))
    for mine, other in zip(ours, theirs, strict=True):
        assert_array_equal(mine, other)


def test_what_is_deprecated_says_so() -> None:
    X, y = problem(40, 5)
    with pytest.warns(FutureWarning, match="'n_alphas' was deprecated"):
        assert len(lasso_path(X, y, n_alphas=7)[0]) == 7
    with pytest.warns(FutureWarning, match="'alphas=None' is deprecated"):
        assert len(lasso_path(X, y, alphas=None)[0]) == 100


@pytest.mark.parametrize("bad", [[-1.0], [np.nan], []])
def test_alphas_that_cannot_be(bad: list[float]) -> None:
    X, y = problem(40, 5)
    with pytest.raises(ValueError, match="alphas must"):
        lasso_path(X, y, alphas=bad)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(60, 8), (30, 60)])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_cross_validation_is_scikit_learns(
    container: Any, weighted: bool, shape: Any, fit_intercept: bool
) -> None:
    X, y = problem(*shape)
    weights = np.random.default_rng(1).uniform(0.5, 2, size=len(X)) if weighted else None
    given = {"alphas": 8, "eps": 1e-2, "cv": 3, "fit_intercept": fit_intercept, **EXACT}
    ours = ElasticNetCV(l1_ratio=[0.5, 0.9], **given).fit(container(X), y, weights)
    theirs = sklearn.linear_model.ElasticNetCV(l1_ratio=[0.5, 0.9], **given).fit(X, y, weights)
    for name in ("alphas_", "mse_path_", "alpha_", "l1_ratio_"):
        assert np.shape(getattr(ours, name)) == np.shape(getattr(theirs, name))
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-6)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)


@pytest.mark.parametrize("cv", [ShuffleSplit(3, test_size=0.2, random_state=0), 4])
@pytest.mark.parametrize("shape", [(600, 80), (80, 6)])
def test_any_folds(cv: Any, shape: Any) -> None:
    X, y = problem(*shape)
    ours = LassoCV(cv=cv, alphas=12, eps=1e-2, **EXACT).fit(X, y)
    theirs = sklearn.linear_model.LassoCV(cv=cv, alphas=12, eps=1e-2, **EXACT).fit(X, y)
    assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=1e-6)
    assert ours.alpha_ == pytest.approx(theirs.alpha_, rel=1e-12)


def test_groups_reach_the_splitter() -> None:
    X, y = problem(40, 4)
    groups = np.arange(40) % 4
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        LassoCV(cv=GroupKFold(4)).fit(X, y, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        assert LassoCV(cv=GroupKFold(4)).fit(X, y, groups=groups).mse_path_.shape == (100, 4)


def test_several_targets_are_refused() -> None:
    X, y = problem(40, 4)
    with pytest.raises(ValueError, match="MultiTaskLassoCV"):
        LassoCV().fit(X, np.column_stack([y, y]))


def test_one_target_is_that_of_the_multi_task_lasso() -> None:
    X, y = problem(60, 8)
    given = {"alphas": 5, "eps": 2e-3, **EXACT}
    ours = LassoCV(**given).fit(X, y)
    theirs = sklearn.linear_model.MultiTaskLassoCV(**given).fit(X, y[:, None])
    assert ours.alpha_ == pytest.approx(theirs.alpha_, rel=1e-12)
    assert_allclose(ours.coef_, theirs.coef_[0], atol=1e-7)
