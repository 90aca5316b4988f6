"""Lasso and elastic net beside scikit-learn, celer and skglm: one alpha, and paths of a hundred.

Columns are a Gaussian AR(0.5) process along the row; 100 of the true weights are not zero; noise is a third
of the signal. Every contender's gap is computed by the definition first, and stands in the table.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
import sklearn.linear_model
from fulcra._bench import report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from fulcra.linear_model import ElasticNet, lasso_path

from benches import command

PEER, CELER, SKGLM = "scikit-learn", "celer", "skglm"
OTHERS = (PEER, CELER, SKGLM)
GAP = 1e-6


@dataclass(frozen=True)
class Case:
    """How many rows and columns, of what type, and what is asked of them."""

    name: str
    shape: tuple[int, int]
    l1_ratio: float = 1.0
    path: bool = False
    density: float = 1.0
    dtype: type[np.floating] = np.float64


CASES = (
    Case("lasso_10000x1000", (10_000, 1000)),
    Case("lasso_10000x1000_f32", (10_000, 1000), dtype=np.float32),
    Case("elastic_net_10000x1000", (10_000, 1000), l1_ratio=0.5),
    Case("lasso_500x20000", (500, 20_000)),
    Case("lasso_sparse_20000x50000", (20_000, 50_000), density=1e-3),
    Case("path_10000x1000", (10_000, 1000), path=True),
    Case("path_500x20000", (500, 20_000), path=True),
)
COLUMNS = (
    "case",
    "threads",
    OURS,
    *OTHERS,
    "x fastest peer",
    "gap",
    *(f"gap of {other}" for other in OTHERS),
)


def data(case: Case) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(0)
    n, d = case.shape
    X: Any
    if case.density < 1:
        stored = int(n * d * case.density)
        places = rng.integers(n, size=stored), rng.integers(d, size=stored)
        X = sp.csc_matrix((rng.normal(size=stored), places), shape=case.shape)
    else:
        X = rng.normal(size=case.shape)
        for j in range(1, d):
            X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
        X = np.asfortranarray(X.astype(case.dtype))  # as every peer wants it
    weights = np.zeros(d)
    weights[rng.choice(d, 100, replace=False)] = rng.normal(size=100)
    y = X @ weights
    y = y + rng.normal(size=n) * y.std() / 3
    return X, (y - y.mean()).astype(case.dtype)


def gap(X: Any, y: np.ndarray, coef: np.ndarray, alpha: float, l1_ratio: float) -> float:
    """Return the duality gap without an intercept, as a share of ||y||^2."""
    n, w, y = len(y), np.asarray(coef, dtype=np.float64), y.astype(np.float64)
    l1, l2, r = alpha * l1_ratio * n, alpha * (1 - l1_ratio) * n, y - X @ w
    s = min(1.0, l1 / np.abs(X.T @ r - l2 * w).max())
    squares = r @ r + l2 * w @ w
    return float((squares / 2 + l1 * np.abs(w).sum() + s**2 / 2 * squares - s * (r @ y)) / (y @ y))


def _calls(case: Case, X: Any, y: np.ndarray, alphas: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """Return what each contender does: weights (n_features, n_alphas)."""
    tight: dict[str, Any] = {"tol": GAP, "max_iter": 100_000}
    if case.path:
        calls: dict[str, Callable[[], np.ndarray]] = {
            OURS: lambda: lasso_path(X, y, alphas=alphas, **tight)[1],
            PEER: lambda: sklearn.linear_model.lasso_path(X, y, alphas=alphas, **tight)[1],
        }
        if importlib.util.find_spec("celer"):
            import celer  # noqa: PLC0415 - it may be missing

            calls[CELER] = lambda: celer.celer_path(X, y, "lasso", alphas=alphas, tol=GAP)[1]
        return calls
    given: dict[str, Any] = {"l1_ratio": case.l1_ratio, "fit_intercept": False}

    def fitted(model: Any) -> np.ndarray:
        found: np.ndarray = model.fit(X, y).coef_[:, None]
        return found

    calls = {
        name: partial(fitted, kind(alphas[0], **given, **tight))
        for name, kind in ((OURS, ElasticNet), (PEER, sklearn.linear_model.ElasticNet))
    }
    if importlib.util.find_spec("celer"):
        import celer  # noqa: PLC0415

        calls[CELER] = partial(fitted, celer.ElasticNet(alphas[0], **given, tol=GAP))
    if importlib.util.find_spec("skglm"):
        import skglm  # noqa: PLC0415

        model = skglm.ElasticNet(alphas[0], **given, tol=1e-4 * float(alphas[0]))
        calls[SKGLM] = partial(fitted, model)
    return calls


def _measure(case: Case, n_threads: int, options: command.Options) -> list[tuple[str, ...]]:
    X, y = data(case)
    largest = np.abs(X.T @ y).max() / len(y) / case.l1_ratio
    alphas = np.geomspace(largest, largest / 100, 100) if case.path else np.array([largest / 20])
    with timing.threads(n_threads):
        calls = _calls(case, X, y, alphas)
        found = {name: call() for name, call in calls.items()}
        gaps = {
            name: max(gap(X, y, coefs[:, i], alpha, case.l1_ratio) for i, alpha in enumerate(alphas))
            for name, coefs in found.items()
        }
        if not gaps[OURS] < (1.1 * GAP if case.dtype == np.float64 else 1e-5):
            raise WrongAnswerError(f"{case.name}: a relative gap of {gaps[OURS]:.1e}")
        seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
    everybody = (OURS, *OTHERS)
    # Whoever stops far from the point is no measure of how soon it can be reached.
    there = [seconds[name] for name in OTHERS if name in seconds and gaps[name] < 10 * GAP]
    ratio = f"{min(there) / seconds[OURS]:.2f}" if there else "-"
    times = [report.milliseconds(seconds[name]) if name in seconds else "-" for name in everybody]
    shown = [f"{gaps[name]:.0e}" if name in gaps else "-" for name in everybody]
    return [(case.name, str(n_threads), *times, ratio, *shown)]


def run(options: command.Options) -> command.Section:
    section = command.Section("Lasso and elastic net, relative gap 1e-6, ms", COLUMNS)
    for case in CASES:
        if options.case in {None, case.name}:
            for n_threads in options.threads:
                section.rows += _measure(case, n_threads, options)
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
