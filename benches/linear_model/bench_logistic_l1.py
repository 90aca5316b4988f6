"""L1 logistic regression beside scikit-learn's liblinear and saga, and celer.

Without intercept, since liblinear penalises it. Each contender's objective is compared with the least one
that anybody finds before the clock runs; a ratio is taken with peers that come within 1e-6 of it.
"""

import importlib.util
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from fulcra import _core
from fulcra._bench import report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from sklearn.linear_model import LogisticRegression

from benches import command

LIBLINEAR, SAGA, CELER = "liblinear", "saga", "celer"
PEERS = (LIBLINEAR, SAGA, CELER)
#: How far above the least objective counts as having reached it.
REACHED = 1e-6


@dataclass(frozen=True)
class Case:
    """How many rows and columns, cells stored in a row (None: all), and C, or so many times its least.

    tol is the largest power of ten with which liblinear reaches the least objective.
    """

    name: str
    shape: tuple[int, int]
    stored: int | None
    C: float | None
    part: float = 0.0
    tol: float = 1e-4


CASES = (
    Case("text_C1", (20_000, 100_000), 50, 1.0),
    Case("text_C10", (20_000, 100_000), 50, 10.0),
    Case("text_C100", (20_000, 100_000), 50, 100.0, tol=1e-5),
    Case("10000x500_20", (10_000, 500), None, None, 20),
    Case("10000x500_100", (10_000, 500), None, None, 100),
    Case("500x5000_20", (500, 5000), None, None, 20),
    Case("100x5", (100, 5), None, 1.0),
)
COLUMNS = (
    "case",
    "threads",
    OURS,
    *PEERS,
    "x fastest peer",
    *(f"excess of {name}" for name in (OURS, *PEERS)),
)
#: Stored cells beyond which saga takes minutes.
FEW = 600_000


def _data(case: Case) -> tuple[Any, np.ndarray]:
    """Return rows, of words whose frequencies fall with their rank where sparse, and classes."""
    rng = np.random.default_rng(0)
    n, d = case.shape
    if case.stored is None:
        X: Any = rng.normal(size=case.shape)
        weights = np.where(rng.random(d) < max(0.02, 10 / d), rng.normal(size=d), 0)
    else:
        share = 1 / np.arange(1, d + 1) ** 0.8
        words = rng.choice(d, size=(n, case.stored), p=share / share.sum())
        rows = np.repeat(np.arange(n), case.stored)
        X = sp.csr_array((np.ones(words.size), (rows, words.ravel())), shape=case.shape)
        X.sum_duplicates()
        rarity = np.log(n / (1 + np.bincount(X.indices, minlength=d))) + 1
        X.data = (1 + np.log(X.data)) * rarity[X.indices]
        lengths = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
        X = sp.csr_array(sp.diags_array(1 / lengths) @ X)
        X.sort_indices()
        X = sp.csr_array((X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32)), shape=case.shape)
        weights = np.where(rng.random(d) < 0.02, 8 * rng.normal(size=d), 0)
    return X, (rng.random(n) < 1 / (1 + np.exp(-(X @ weights)))).astype(np.int32)


def _objective(coef: np.ndarray, X: Any, y: np.ndarray, C: float) -> float:
    scores = X @ np.ravel(coef)
    return float(np.sum(np.logaddexp(0, scores) - y * scores) + np.abs(coef).sum() / C)


def _fits(X: Any, y: np.ndarray, C: float, tol: float) -> dict[str, Any]:
    """Return a function for each contender that is installed: it returns the weights."""

    def ours() -> np.ndarray:
        fitted = _core.logistic_l1(
            X,
            y,
            None,
            None,
            n_classes=2,
            alpha=1 / C,
            l1_ratio=1.0,
            fit_intercept=False,
            tol=1e-6,
            max_iter=100,
        )
        return fitted.coef

    def theirs(solver: str, tol: float, max_iter: int) -> np.ndarray:
        model = LogisticRegression(
            C=C, l1_ratio=1, solver=solver, fit_intercept=False, tol=tol, max_iter=max_iter
        )
        found: np.ndarray = model.fit(X, y).coef_
        return found

    fits = {OURS: ours, LIBLINEAR: partial(theirs, LIBLINEAR, tol, 1000)}
    if getattr(X, "nnz", X.size) <= FEW:
        fits[SAGA] = partial(theirs, SAGA, 1e-4, 1000)
    if importlib.util.find_spec("celer"):
        import celer  # noqa: PLC0415 - it may be missing

        columns = sp.csc_matrix(X) if sp.issparse(X) else np.asfortranarray(X)
        fits[CELER] = lambda: (
            celer.LogisticRegression(C=C, fit_intercept=False, tol=1e-6).fit(columns, 2 * y - 1).coef_
        )
    return fits


def _measure(case: Case, n_threads: int, options: command.Options) -> tuple[str, ...]:
    X, y = _data(case)
    C = case.C or case.part / float(np.abs(X.T @ (y - 0.5)).max())
    fits = _fits(X, y, C, case.tol)
    with timing.threads(n_threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of peers that stop too soon: their excess says so
        found = {name: _objective(fit(), X, y, C) for name, fit in fits.items()}
        least = min(found.values())
        excess = {name: (value - least) / least for name, value in found.items()}
        if not excess[OURS] < REACHED:
            raise WrongAnswerError(f"{case.name}: another objective, {excess[OURS]:.1e} above, from {OURS}")
        seconds = timing.interleave(fits, rounds=options.rounds, budget=options.budget)
    everybody = (OURS, *PEERS)
    times = [report.milliseconds(seconds[name]) if name in seconds else "-" for name in everybody]
    fastest = min(
        (seconds[name] for name in PEERS if name in seconds and excess[name] < REACHED), default=None
    )
    ratio = "-" if fastest is None else f"{fastest / seconds[OURS]:.2f}"
    shown = [f"{excess[name]:.0e}" if name in excess else "-" for name in everybody]
    return (case.name, str(n_threads), *times, ratio, *shown)


def run(options: command.Options) -> command.Section:
    section = command.Section("Logistic regression with an L1 penalty, without intercept, ms", COLUMNS)
    for case in CASES:
        if options.case in {None, case.name}:
            section.rows += [_measure(case, n_threads, options) for n_threads in options.threads]
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
