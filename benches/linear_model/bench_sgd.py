"""SGDClassifier and SGDRegressor beside scikit-learn's: five epochs of a million rows.

Answers are checked before the clock runs: the score must be no worse.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sklearn.linear_model
from fulcra._bench import report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from fulcra.linear_model import SGDClassifier, SGDRegressor

from benches import command

PEER = "scikit-learn"


@dataclass(frozen=True)
class Case:
    """Which estimator, on how many rows and columns."""

    name: str
    ours: type
    peer: type
    shape: tuple[int, int]
    params: dict[str, Any]


FIVE = {"max_iter": 5, "tol": None, "random_state": 0}
CASES = (
    Case("classifier", SGDClassifier, sklearn.linear_model.SGDClassifier, (1_000_000, 50), FIVE),
    Case(
        "classifier_log_loss",
        SGDClassifier,
        sklearn.linear_model.SGDClassifier,
        (1_000_000, 50),
        FIVE | {"loss": "log_loss"},
    ),
    Case("regressor", SGDRegressor, sklearn.linear_model.SGDRegressor, (1_000_000, 50), FIVE),
)


def data(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return normal rows in float32, and what a linear rule with noise makes of them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=case.shape).astype(np.float32)
    y = X @ rng.normal(size=case.shape[1]).astype(np.float32) + rng.normal(size=len(X)).astype(np.float32)
    return X, (y > 0).astype(int) if case.ours is SGDClassifier else y


def _measure(case: Case, n_threads: int, options: command.Options) -> tuple[str, ...]:
    X, y = data(case)
    models = {OURS: case.ours(**case.params), PEER: case.peer(**case.params)}
    with timing.threads(n_threads):
        scores = {name: model.fit(X, y).score(X, y) for name, model in models.items()}
        if scores[OURS] < scores[PEER] - 1e-3:
            raise WrongAnswerError(f"{case.name}: a score of {scores[OURS]}, scikit-learn has {scores[PEER]}")
        calls = {name: partial(model.fit, X, y) for name, model in models.items()}
        seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
    times = [report.milliseconds(seconds[name]) for name in (OURS, PEER)]
    shown = [f"{scores[name]:.5f}" for name in (OURS, PEER)]
    return (case.name, str(n_threads), *times, f"{seconds[PEER] / seconds[OURS]:.2f}", *shown)


def run(options: command.Options) -> command.Section:
    columns = ("case", "threads", OURS, PEER, f"x {PEER}", "score", f"score of {PEER}")
    section = command.Section(
        "Row by row (`SGDClassifier`, `SGDRegressor`), five epochs in float32, ms", columns
    )
    for case in CASES:
        if options.case in {None, case.name}:
            section.rows += [_measure(case, n_threads, options) for n_threads in options.threads]
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
