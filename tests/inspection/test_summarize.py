"""Every figure of `summarize` beside statsmodels', or beside its definition where statsmodels has another."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model as peer
import statsmodels.api as sm
from fulcra.inspection import WeightSummary, summarize
from fulcra.linear_model import LinearRegression
from scipy import stats
from statsmodels.stats.diagnostic import het_breuschpagan
from statsmodels.stats.stattools import durbin_watson, jarque_bera

COVS = ("nonrobust", "HC0", "HC1", "HC2", "HC3", "cluster")
N, D = 300, 4
RNG = np.random.default_rng(0)
#: Columns of several scales and offsets: the condition with a column of ones is 400.
X = RNG.normal(size=(N, D)) * [1, 10, 0.1, 3] + [5, 0, 1, -20]
ONES = np.column_stack([np.ones(N), X])
GROUPS = np.array([f"g{at}" for at in RNG.integers(25, size=N)])
ETA = (X - X.mean(axis=0)) @ [0.5, 0.05, 3, 0.2]
Y = X @ [1, 0.2, 3, 0.5] + RNG.normal(size=N) * (1 + np.abs(X[:, 0]))
BINARY = RNG.random(N) < 1 / (1 + np.exp(-ETA))
CLASSES = np.array(["low", "mid", "top"])[np.digitize(ETA + RNG.logistic(size=N), [-1, 1])]
COUNTS = RNG.poisson(np.exp(0.3 * ETA))
CODES = np.unique(GROUPS, return_inverse=True)[1]


def close(ours: Any, theirs: Any, rtol: float = 1e-8) -> None:
    np.testing.assert_allclose(np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float), rtol=rtol)


def same_weights(ours: WeightSummary, theirs: Any, rtol: float = 1e-8) -> None:
    shape = ours.coef.shape
    close(ours.coef, np.asarray(theirs.params).T.reshape(shape), rtol)
    close(ours.std_errors, np.asarray(theirs.bse).T.reshape(shape), rtol)
    close(ours.statistic, np.asarray(theirs.tvalues).T.reshape(shape), rtol)
    # Where the statistic is off by one part in a hundred million, the tail is by its square as many.
    p_values, tail = np.asarray(theirs.pvalues).T.reshape(shape), rtol * (1 + ours.statistic**2)
    assert (np.abs(ours.p_values - p_values) <= tail * p_values).all()
    close(ours.conf_int, np.asarray(theirs.conf_int()).reshape((*shape, 2)), 10 * rtol)
    close(ours.covariance, theirs.cov_params(), 10 * rtol)


def options(cov: str) -> dict[str, Any]:
    return {"cov_type": cov} | ({"cov_kwds": {"groups": CODES}} if cov == "cluster" else {})


def summed(model: Any, y: Any, cov: str, **others: Any) -> WeightSummary:
    return summarize(model, X, y, cov=cov, groups=GROUPS if cov == "cluster" else None, **others)


@pytest.mark.parametrize("kind", [LinearRegression, peer.LinearRegression])
@pytest.mark.parametrize("cov", COVS)
def test_least_squares(cov: str, kind: Any) -> None:
    theirs = sm.OLS(Y, ONES).fit(use_t=True, **options(cov))
    ours = summed(kind().fit(X, Y), Y, cov)
    same_weights(ours, theirs)
    close(
        [ours.r_squared, ours.adjusted_r_squared, ours.f_statistic, ours.f_p_value, ours.sigma**2],
        [theirs.rsquared, theirs.rsquared_adj, theirs.fvalue, theirs.f_pvalue, theirs.scale],
    )
    close([ours.log_likelihood, ours.aic, ours.bic], [theirs.llf, theirs.aic, theirs.bic])
    close([ours.condition_number, ours.df_model, ours.df_resid], [theirs.condition_number, D, N - D - 1])
    close(ours.durbin_watson, durbin_watson(theirs.resid))
    figures = [ours.jarque_bera, ours.jarque_bera_p_value, ours.skew, ours.kurtosis]
    close(figures, jarque_bera(theirs.resid))
    pagan = het_breuschpagan(theirs.resid, ONES)
    close([ours.breusch_pagan, ours.breusch_pagan_p_value], pagan[:2])


@pytest.mark.parametrize("cov", ["nonrobust", "HC3"])
@pytest.mark.parametrize("columns", [X, ONES], ids=["without a constant", "with one of their own"])
def test_least_squares_without_an_intercept(columns: np.ndarray, cov: str) -> None:
    theirs = sm.OLS(Y, columns).fit(use_t=True, cov_type=cov)
    ours = summarize(LinearRegression(fit_intercept=False).fit(columns, Y), columns, Y, cov=cov)
    same_weights(ours, theirs)
    close([ours.r_squared, ours.adjusted_r_squared], [theirs.rsquared, theirs.rsquared_adj])
    close([ours.df_model, ours.df_resid], [theirs.df_model, theirs.df_resid])
    if cov == "nonrobust":
        close([ours.f_statistic, ours.f_p_value], [theirs.fvalue, theirs.f_pvalue])


@pytest.mark.parametrize("cov", ["nonrobust", "HC0", "cluster"])
def test_logistic(cov: str) -> None:
    theirs = sm.Logit(BINARY.astype(float), ONES).fit(disp=0, tol=1e-14, maxiter=100, **options(cov))
    ours = summed(logistic().fit(X, BINARY), BINARY, cov)
    same_weights(ours, theirs)
    close(
        [ours.log_likelihood, ours.log_likelihood_null, ours.pseudo_r_squared, ours.lr_statistic],
        [theirs.llf, theirs.llnull, theirs.prsquared, theirs.llr],
    )
    close(ours.lr_p_value, stats.chi2.sf(2 * (theirs.llf - N * entropy(BINARY)), D))
    close([ours.aic, ours.bic], [theirs.aic, theirs.bic])
    glm = sm.GLM(BINARY.astype(float), ONES, sm.families.Binomial()).fit(tol=1e-14)
    close(
        [ours.deviance, ours.null_deviance, ours.pearson_chi2],
        [glm.deviance, glm.null_deviance, glm.pearson_chi2],
    )
    assert ours.target == "True"
    assert ours.classes == ("False", "True")


@pytest.mark.parametrize("cov", ["nonrobust", "HC0", "cluster"])
def test_multinomial(cov: str) -> None:
    codes = np.unique(CLASSES, return_inverse=True)[1]
    theirs = sm.MNLogit(codes, ONES).fit(disp=0, tol=1e-14, maxiter=100, **options(cov))
    model = peer.LogisticRegression(C=np.inf, solver="newton-cg", tol=1e-12, max_iter=1000)
    ours = summed(model.fit(X, CLASSES), CLASSES, cov)
    same_weights(ours, theirs)
    close([ours.log_likelihood, ours.aic, ours.bic], [theirs.llf, theirs.aic, theirs.bic])
    # statsmodels searches for the weights of the mean alone, to seven digits or so.
    null = N * entropy(CLASSES)
    close(ours.log_likelihood_null, null)
    close([ours.pseudo_r_squared, ours.lr_statistic], [1 - theirs.llf / null, 2 * (theirs.llf - null)])
    close(ours.lr_p_value, stats.chi2.sf(2 * (theirs.llf - null), 2 * D))
    close(ours.pseudo_r_squared, theirs.prsquared, 1e-6)
    assert ours.classes == ("low", "mid", "top")


@pytest.mark.parametrize("cov", ["nonrobust", "HC0", "cluster"])
def test_poisson(cov: str) -> None:
    theirs = sm.GLM(COUNTS, ONES, sm.families.Poisson()).fit(tol=1e-15, maxiter=200, **options(cov))
    ours = summed(poisson().fit(X, COUNTS), COUNTS, cov)
    same_weights(ours, theirs)
    close(
        [ours.deviance, ours.null_deviance, ours.pearson_chi2, ours.dispersion],
        [theirs.deviance, theirs.null_deviance, theirs.pearson_chi2, theirs.pearson_chi2 / theirs.df_resid],
    )
    close(
        [ours.log_likelihood, ours.log_likelihood_null, ours.aic, ours.bic],
        [theirs.llf, theirs.llnull, theirs.aic, theirs.bic_llf],
    )


def entropy(labels: np.ndarray) -> float:
    """The mean log-likelihood of the labels' own shares."""
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(shares @ np.log(shares))


def logistic() -> Any:
    return peer.LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12)


def poisson() -> Any:
    return peer.PoissonRegressor(alpha=0, solver="newton-cholesky", tol=1e-12)


@pytest.mark.parametrize("cov", ["HC1", "HC2", "HC3"])
@pytest.mark.parametrize("kind", ["logistic", "poisson"])
def test_leverage_counts_for_other_models_too(kind: str, cov: str) -> None:
    # The definition (Zeileis 2006); statsmodels returns HC0 for all of these.
    y, model = (BINARY, logistic()) if kind == "logistic" else (COUNTS, poisson())
    ours = summed(model.fit(X, y), y, cov)
    eta = ONES @ ours.coef
    mean = 1 / (1 + np.exp(-eta)) if kind == "logistic" else np.exp(eta)
    variance = mean * (1 - mean) if kind == "logistic" else mean
    bread = np.linalg.inv(ONES.T @ (variance[:, np.newaxis] * ONES))
    leverage = variance * np.einsum("ij,jk,ik->i", ONES, bread, ONES)
    power = {"HC1": 0, "HC2": 1, "HC3": 2}[cov]
    squares = (y - mean) ** 2 / (1 - leverage) ** power * (N / (N - D - 1) if cov == "HC1" else 1)
    close(ours.covariance, bread @ (ONES.T @ (squares[:, np.newaxis] * ONES)) @ bread)


@pytest.mark.parametrize("cov", ["HC2", "HC3"])
def test_leverage_of_several_classes_is_a_matrix(cov: str) -> None:
    model = peer.LogisticRegression(C=np.inf, solver="newton-cg", tol=1e-12, max_iter=1000)
    ours = summed(model.fit(X, CLASSES), CLASSES, cov)
    codes = np.unique(CLASSES, return_inverse=True)[1]
    scores = np.column_stack([np.zeros(N), ONES @ ours.coef.T])
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    own = [np.kron(np.eye(2), row) for row in ONES]  # (2, 10) of each row
    spread = [np.diag(p) - np.outer(p, p) for p in chances[:, 1:]]
    bread = np.linalg.inv(sum(a.T @ v @ a for a, v in zip(own, spread, strict=True)))
    meat = np.zeros_like(bread)
    for i, (a, v) in enumerate(zip(own, spread, strict=True)):
        left = np.eye(2) - v @ (a @ bread @ a.T)
        error = np.eye(3)[codes[i], 1:] - chances[i, 1:]
        if cov == "HC2":
            values, vectors = np.linalg.eig(left)
            left = (vectors * np.sqrt(values)) @ np.linalg.inv(vectors)
        score = a.T @ np.linalg.solve(left, error)
        meat += np.outer(score, score)
    close(ours.covariance, bread @ meat @ bread)


@pytest.mark.parametrize("cov", COVS)
@pytest.mark.parametrize("kind", ["linear", "logistic", "poisson"])
def test_a_weight_of_two_is_the_row_twice(kind: str, cov: str) -> None:
    y, model = {
        "linear": (Y, LinearRegression()),
        "logistic": (BINARY, logistic()),
        "poisson": (COUNTS, poisson()),
    }[kind]
    times = np.random.default_rng(1).integers(0, 4, size=N)
    again = np.repeat(np.arange(N), times)
    groups = GROUPS if cov == "cluster" else None
    weighted = summarize(
        model.fit(X, y, sample_weight=times), X, y, sample_weight=times, cov=cov, groups=groups
    )
    repeated = summarize(
        model.fit(X[again], y[again]),
        X[again],
        y[again],
        cov=cov,
        groups=GROUPS[again] if cov == "cluster" else None,
    )
    close(weighted.std_errors, repeated.std_errors)
    close(weighted.p_values, repeated.p_values, 1e-7)
    for name in ("log_likelihood", "aic", "bic", "df_resid", "n_samples", "condition_number"):
        close(getattr(weighted, name), getattr(repeated, name))
    if kind == "linear":
        for name in ("r_squared", "f_statistic", "sigma", "jarque_bera", "breusch_pagan"):
            close(getattr(weighted, name), getattr(repeated, name))
        assert np.isnan(weighted.durbin_watson)
    else:
        close([weighted.deviance, weighted.pearson_chi2], [repeated.deviance, repeated.pearson_chi2])


def test_weights_as_counts_are_those_of_a_glm_with_freq_weights() -> None:
    times = np.random.default_rng(1).integers(1, 4, size=N)
    theirs = sm.GLM(COUNTS, ONES, sm.families.Poisson(), freq_weights=times).fit(tol=1e-15, maxiter=200)
    ours = summarize(poisson().fit(X, COUNTS, sample_weight=times), X, COUNTS, sample_weight=times)
    same_weights(ours, theirs)
    close([ours.deviance, ours.df_resid], [theirs.deviance, theirs.df_resid])


def test_weights_with_a_mean_of_one_are_those_of_weighted_least_squares() -> None:
    weights = np.random.default_rng(1).uniform(0.2, 3, size=N)
    weights /= weights.mean()
    theirs = sm.WLS(Y, ONES, weights=weights).fit()
    ours = summarize(LinearRegression().fit(X, Y, sample_weight=weights), X, Y, sample_weight=weights)
    same_weights(ours, theirs)
    close([ours.r_squared, ours.f_statistic, ours.sigma**2], [theirs.rsquared, theirs.fvalue, theirs.scale])
    # Clusters of one row each leave room for any variance of the weighted errors.
    robust = sm.WLS(Y, ONES, weights=weights).fit(
        cov_type="cluster", cov_kwds={"groups": np.arange(N)}, use_t=True
    )
    model = LinearRegression().fit(X, Y, sample_weight=weights)
    same_weights(summarize(model, X, Y, sample_weight=weights, cov="cluster", groups=np.arange(N)), robust)


@pytest.mark.parametrize("cov", COVS)
@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_array, np.asfortranarray])
def test_forms_of_rows_agree(form: Any, cov: str) -> None:
    model = LinearRegression().fit(X, Y)
    groups = GROUPS if cov == "cluster" else None
    dense = summarize(model, X, Y, cov=cov, groups=groups)
    other = summarize(model, form(X), Y, cov=cov, groups=groups)
    close(other.std_errors, dense.std_errors)
    close(other.f_statistic, dense.f_statistic)


def test_rows_in_float32_are_summed_in_float64() -> None:
    narrow = X.astype(np.float32)
    ours = summarize(LinearRegression().fit(narrow, Y), narrow, Y)
    theirs = sm.OLS(Y, sm.add_constant(narrow.astype(float))).fit()
    close(ours.std_errors, theirs.bse, 1e-6)
    assert ours.coef.dtype == ours.std_errors.dtype == np.float64


def test_alpha_is_the_share_of_intervals_that_miss() -> None:
    model = LinearRegression().fit(X, Y)
    theirs = sm.OLS(Y, ONES).fit()
    close(summarize(model, X, Y, alpha=0.2).conf_int, theirs.conf_int(0.2))


def test_by_hand() -> None:
    # x = 1, 2, 3 and y = 1, 3, 2: weight 1/2, residuals -1/2, 1, -1/2, so sigma² is 3/2 and the error of the
    # weight the root of 3/2 / 2.
    x, y = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 3.0, 2.0])
    summary = summarize(LinearRegression().fit(x, y), x, y)
    assert summary.std_errors[1] == pytest.approx(np.sqrt(0.75), rel=1e-14)
    assert summary.r_squared == pytest.approx(0.25, rel=1e-14)
    # t = 1/2 / sqrt(3/4) with one degree of freedom, whose tail is an arctangent: 1/2 - atan(0.577...) / pi
    assert summary.p_values[1] == pytest.approx(2 / 3, rel=1e-14)
