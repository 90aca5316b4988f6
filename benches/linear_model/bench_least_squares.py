"""Least squares and ridge beside scikit-learn's, intelex' and NumPy's normal equations: fit, and predict.

Answers are checked before the clock runs: each contender's weights beside those of the definition, whose
largest relative error stands in the table. `limit` is the least that the machine needs: the products of
the columns, each once, at the rate of its best matrix product of that type, or one reading of the rows,
whichever is longer.
"""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sklearn.linear_model
from fulcra._bench import machine, report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from fulcra.linear_model import LinearRegression, Ridge

from benches import command

PEER, INTELEX, NUMPY = "scikit-learn", "intelex", "NumPy normal equations"
PEERS = (PEER, INTELEX)
OTHERS = (*PEERS, NUMPY)


@dataclass(frozen=True)
class Case:
    """How many rows and columns, of what type, and the penalty (None: least squares)."""

    name: str
    shape: tuple[int, int]
    dtype: type[np.floating]
    alpha: float | None = None


CASES = (
    Case("1e6x50", (1_000_000, 50), np.float64),
    Case("1e6x50_f32", (1_000_000, 50), np.float32),
    Case("20000x1000", (20_000, 1000), np.float64),
    Case("20000x1000_f32", (20_000, 1000), np.float32),
    Case("100x5", (100, 5), np.float64),
    Case("1200x4000", (1200, 4000), np.float64),
    Case("ridge_1e6x50", (1_000_000, 50), np.float64, 1.0),
    Case("ridge_1e6x50_f32", (1_000_000, 50), np.float32, 1.0),
)
COLUMNS = (
    "case",
    "threads",
    OURS,
    *OTHERS,
    "x fastest peer",
    "x NumPy",
    "limit",
    "share of limit",
    "error",
    *(f"error of {other}" for other in OTHERS),
)


def _normal_equations(X: np.ndarray, y: np.ndarray, alpha: float) -> np.ndarray:
    """Solve what everybody writes first: centred rows, their products, one solution."""
    middle = X.mean(axis=0)
    rows = X - middle
    if X.shape[0] < X.shape[1]:  # of the rows, the means' direction made whole
        return np.asarray(rows.T @ np.linalg.solve(rows @ rows.T + 1.0, y - y.mean()))
    gram = rows.T @ rows
    gram[np.diag_indices_from(gram)] += X.dtype.type(alpha)
    return np.asarray(np.linalg.solve(gram, rows.T @ (y - y.mean())))


def _data(case: Case) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    n, d = case.shape
    X = rng.normal(size=case.shape).astype(case.dtype)
    X += rng.normal(size=d).astype(case.dtype)
    return X, (X @ rng.normal(size=d).astype(case.dtype) + rng.normal(size=n)).astype(case.dtype)


def _measure(case: Case, n_threads: int, options: command.Options) -> list[tuple[str, ...]]:
    X, y = _data(case)
    wide = X.astype(np.float64)
    truth = _normal_equations(wide, y.astype(np.float64), case.alpha or 0.0)
    del wide
    models = _models(case)
    rows = []
    with timing.threads(n_threads):
        limits = _limits(X)
        found = {name: model.fit(X, y).coef_ for name, model in models.items()}
        found[NUMPY] = _normal_equations(X, y, case.alpha or 0.0)
        errors = {
            name: float((np.abs(coef - truth) / _size(case, truth)).max()) for name, coef in found.items()
        }
        bound = 1e-8 if case.dtype == np.float64 else 1e-3
        if wrong := [name for name in (OURS, PEER) if not errors[name] < bound]:
            raise WrongAnswerError(f"{case.name}: other weights than the definition's from {wrong}")
        for what in ("fit", "predict"):
            calls: dict[str, Callable[[], object]] = {
                name: partial(getattr(model, what), *((X, y) if what == "fit" else (X,)))
                for name, model in models.items()
            }
            if what == "fit":
                calls[NUMPY] = partial(_normal_equations, X, y, case.alpha or 0.0)
            else:
                calls[NUMPY] = partial(np.dot, X, found[NUMPY])
            seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
            everybody = (OURS, *OTHERS)
            times = [report.milliseconds(seconds[name]) if name in seconds else "-" for name in everybody]
            fastest = min(seconds[name] for name in PEERS if name in seconds)
            ratios = (f"{theirs / seconds[OURS]:.2f}" for theirs in (fastest, seconds[NUMPY]))
            of_error = [f"{errors[name]:.0e}" if name in errors else "-" for name in everybody]
            shown = of_error if what == "fit" else ["-"] * len(of_error)
            limit = (report.milliseconds(limits[what]), f"{100 * limits[what] / seconds[OURS]:.0f}%")
            rows.append((f"{case.name}, {what}", str(n_threads), *times, *ratios, *limit, *shown))
    return rows


def _size(case: Case, truth: np.ndarray) -> np.ndarray:
    """Return what an error is relative to: the weight, or the largest where many are hardly there."""
    sizes: np.ndarray = np.abs(truth)
    return sizes if case.shape[0] > case.shape[1] else sizes.max(keepdims=True)


def _limits(X: np.ndarray) -> dict[str, float]:
    """Return the seconds that a fit and a prediction need at least."""
    (n, d), reading = X.shape, X.nbytes / machine.read_rate()
    products = n * d * (min(n, d) + 1) / machine.gemm_rate(X.dtype.type)
    return {"fit": max(products, reading), "predict": reading}


def _models(case: Case) -> dict[str, Any]:
    """Return the contenders that are installed."""
    intelex: Any = None
    if importlib.util.find_spec("sklearnex"):
        intelex = importlib.import_module("sklearnex.linear_model")
    if case.alpha is None:
        models = {OURS: LinearRegression(), PEER: sklearn.linear_model.LinearRegression()}
        return models | ({INTELEX: intelex.LinearRegression()} if intelex else {})
    models = {OURS: Ridge(case.alpha), PEER: sklearn.linear_model.Ridge(case.alpha)}
    return models | ({INTELEX: intelex.Ridge(case.alpha)} if intelex else {})


def run(options: command.Options) -> command.Section:
    section = command.Section("Least squares (`LinearRegression`, `Ridge`), ms", COLUMNS)
    for case in CASES:
        if options.case in {None, case.name}:
            for n_threads in options.threads:
                section.rows += _measure(case, n_threads, options)
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
