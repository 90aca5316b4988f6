"""Poisson regression beside scikit-learn's two solvers and glum.

Answers are checked before the clock runs: how far each contender's objective is above the least one that
anybody finds, relative to it, stands in the table, and a ratio is taken with peers that come within 1e-6.
"""

import importlib.util
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
import sklearn.linear_model
from fulcra._bench import report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from fulcra.linear_model import PoissonRegressor

from benches import command

NEWTON, LBFGS, GLUM = "newton-cholesky", "lbfgs", "glum"
PEERS = (NEWTON, LBFGS, GLUM)
#: How far above the least objective counts as having reached it.
REACHED = 1e-6


@dataclass(frozen=True)
class Case:
    """How many rows and columns, of what type, the share of cells that are stored, and the penalty."""

    name: str
    shape: tuple[int, int]
    dtype: type[np.floating]
    alpha: float
    density: float = 1.0


CASES = (
    Case("200000x50", (200_000, 50), np.float64, 1e-4),
    Case("200000x50_f32", (200_000, 50), np.float32, 1e-4),
    Case("20000x500", (20_000, 500), np.float64, 1e-4),
    Case("500x5000", (500, 5000), np.float64, 1e-2),
    Case("sparse_20000x20000", (20_000, 20_000), np.float64, 1e-3, 1e-3),
    Case("100x5", (100, 5), np.float64, 1.0),
)
COLUMNS = (
    "case",
    "threads",
    OURS,
    *PEERS,
    "x fastest peer",
    *(f"excess of {name}" for name in (OURS, *PEERS)),
)
#: Columns beyond which a Hessian is not formed by peers that form it.
MOST_COLUMNS = 1000


def _data(case: Case) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(0)
    d = case.shape[1]
    if case.density < 1:
        draw = partial(rng.uniform, 0.5, 2)
        X: Any = sp.random_array(
            case.shape,
            density=case.density,
            rng=rng,
            format="csr",
            data_sampler=lambda size: draw(size=size),
        ).astype(case.dtype)
        weights = 0.3 * rng.normal(size=d)
    else:
        X = rng.normal(size=case.shape).astype(case.dtype)
        weights = rng.normal(size=d) * 0.5 / np.sqrt(d)
    return X, rng.poisson(np.exp(np.clip(X @ weights + 0.5, -10, 6))).astype(np.float64)


def _objective(model: Any, X: Any, y: np.ndarray, alpha: float) -> float:
    coef = np.asarray(model.coef_, dtype=np.float64)
    linear = X @ coef + float(model.intercept_)
    return float(np.mean(np.exp(linear) - y * linear) + alpha / 2 * (coef @ coef))


def _models(case: Case) -> dict[str, Any]:
    """Return the contenders that are installed and can do it."""
    few = case.shape[1] <= MOST_COLUMNS
    theirs = sklearn.linear_model.PoissonRegressor
    models: dict[str, Any] = {OURS: PoissonRegressor(alpha=case.alpha)}
    if few:
        models[NEWTON] = theirs(alpha=case.alpha, solver="newton-cholesky")
    models[LBFGS] = theirs(alpha=case.alpha, tol=1e-5, max_iter=1000)
    if few and importlib.util.find_spec("glum"):
        import glum  # noqa: PLC0415 - it may be missing

        models[GLUM] = glum.GeneralizedLinearRegressor(
            family="poisson", alpha=case.alpha, l1_ratio=0, gradient_tol=1e-5
        )
    return models


def _measure(case: Case, n_threads: int, options: command.Options) -> tuple[str, ...]:
    X, y = _data(case)
    models = _models(case)
    with timing.threads(n_threads):
        found = {name: _objective(model.fit(X, y), X, y, case.alpha) for name, model in models.items()}
        least = min(found.values())
        excess = {name: (value - least) / abs(least) for name, value in found.items()}
        if not excess[OURS] < REACHED:
            raise WrongAnswerError(f"{case.name}: another objective, {excess[OURS]:.1e} above, from {OURS}")
        seconds = timing.interleave(
            {name: partial(model.fit, X, y) for name, model in models.items()},
            rounds=options.rounds,
            budget=options.budget,
        )
    everybody = (OURS, *PEERS)
    times = [report.milliseconds(seconds[name]) if name in seconds else "-" for name in everybody]
    fastest = min(
        (seconds[name] for name in PEERS if name in seconds and excess[name] < REACHED), default=None
    )
    ratio = "-" if fastest is None else f"{fastest / seconds[OURS]:.2f}"
    shown = [f"{excess[name]:.0e}" if name in excess else "-" for name in everybody]
    return (case.name, str(n_threads), *times, ratio, *shown)


def run(options: command.Options) -> command.Section:
    section = command.Section("Poisson regression, ms", COLUMNS)
    for case in CASES:
        if options.case in {None, case.name}:
            section.rows += [_measure(case, n_threads, options) for n_threads in options.threads]
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
