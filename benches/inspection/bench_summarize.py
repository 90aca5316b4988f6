"""`summarize` beside statsmodels: fit, standard errors, intervals, tests and residual diagnostics.

Standard errors and p-values are compared before the clock runs. Ours has Breusch and Pagan's test besides,
which statsmodels does not compute until it is asked to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import fulcra.linear_model
import numpy as np
import sklearn.linear_model
import statsmodels.api as sm
from fulcra._bench import report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from fulcra.inspection import summarize
from statsmodels.stats.stattools import durbin_watson, jarque_bera

from benches import command

PEER = "statsmodels"


@dataclass(frozen=True)
class Case:
    """How many rows and columns, which model and which covariance."""

    name: str
    shape: tuple[int, int]
    kind: str
    cov: str = "nonrobust"


CASES = (
    Case("ols_20000x50", (20_000, 50), "linear"),
    Case("ols_20000x50_HC3", (20_000, 50), "linear", "HC3"),
    Case("logistic_20000x50", (20_000, 50), "logistic"),
    Case("logistic_20000x50_HC0", (20_000, 50), "logistic", "HC0"),
    Case("multinomial_5000x10", (5_000, 10), "multinomial"),
    Case("poisson_20000x50", (20_000, 50), "poisson"),
    Case("ols_200x5", (200, 5), "linear"),
)
COLUMNS = ("case", "threads", OURS, "of it the fit", PEER, "x", "x, fit left out of ours")


def _data(case: Case) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    n, d = case.shape
    X = rng.normal(size=case.shape)
    eta = X @ rng.normal(size=d) / np.sqrt(d)
    if case.kind == "linear":
        return X, eta + rng.normal(size=n)
    if case.kind == "poisson":
        return X, rng.poisson(np.exp(eta))
    scores = eta + rng.logistic(size=n)
    return X, np.digitize(scores, [0] if case.kind == "logistic" else [-1, 1])


def _model(kind: str) -> Any:
    """Return ours where it is there already, else scikit-learn's fastest."""
    if kind == "linear":
        return fulcra.linear_model.LinearRegression()
    name = "PoissonRegressor" if kind == "poisson" else "LogisticRegression"
    room: Any = fulcra.linear_model if hasattr(fulcra.linear_model, name) else sklearn.linear_model
    penalty = {"alpha": 0} if kind == "poisson" else {"C": np.inf}
    return getattr(room, name)(solver="newton-cholesky", tol=1e-8, **penalty)


def _fitted_by_peer(case: Case, X: np.ndarray, y: np.ndarray) -> Any:
    ones = np.column_stack([np.ones(len(X)), X])
    options: dict[str, Any] = {"cov_type": case.cov}
    if case.kind == "linear":
        return sm.OLS(y, ones).fit(use_t=True, **options)
    if case.kind == "poisson":
        return sm.GLM(y, ones, sm.families.Poisson()).fit(**options)
    kind = sm.Logit if case.kind == "logistic" else sm.MNLogit
    return kind(y, ones).fit(disp=0, **options)


def _summed_by_peer(case: Case, X: np.ndarray, y: np.ndarray) -> Any:
    found = _fitted_by_peer(case, X, y)
    figures = [found.bse, found.tvalues, found.pvalues, found.conf_int(), found.llf, found.aic, found.bic]
    if case.kind == "linear":
        resid = found.resid
        figures += [found.rsquared, found.fvalue, found.f_pvalue, found.condition_number]
        figures += [durbin_watson(resid), jarque_bera(resid)]
    elif case.kind == "poisson":
        figures += [found.deviance, found.null_deviance, found.pearson_chi2]
    else:
        figures += [found.llnull, found.prsquared, found.llr_pvalue]
    return found


def _measure(case: Case, n_threads: int, options: command.Options) -> tuple[str, ...]:
    X, y = _data(case)
    model = _model(case.kind)

    def whole() -> Any:
        return summarize(model.fit(X, y), X, y, cov=case.cov)

    with timing.threads(n_threads):
        ours, theirs = whole(), _summed_by_peer(case, X, y)
        for left, right in ((ours.std_errors, theirs.bse), (ours.p_values, theirs.pvalues)):
            if not np.allclose(left, np.asarray(right).T.reshape(left.shape), rtol=1e-4, atol=1e-12):
                raise WrongAnswerError(f"{case.name}: other figures than statsmodels'")
        calls: dict[str, Callable[[], object]] = {
            OURS: whole,
            "fit": partial(model.fit, X, y),
            PEER: partial(_summed_by_peer, case, X, y),
        }
        seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
    alone = max(seconds[OURS] - seconds["fit"], 1e-9)
    times = [report.milliseconds(seconds[name]) for name in (OURS, "fit", PEER)]
    ratios = (f"{seconds[PEER] / seconds[OURS]:.2f}", f"{seconds[PEER] / alone:.2f}")
    return case.name, str(n_threads), *times, *ratios


def run(options: command.Options) -> command.Section:
    section = command.Section("Standard errors and tests (`summarize`), fit included, ms", COLUMNS)
    for case in CASES:
        if options.case in {None, case.name}:
            section.rows += [_measure(case, n_threads, options) for n_threads in options.threads]
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
