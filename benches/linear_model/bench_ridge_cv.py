"""RidgeCV by leave-one-out beside scikit-learn's: the same penalties, the same choice, checked first."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import sklearn.linear_model
from fulcra._bench import report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from fulcra.linear_model import RidgeCV

from benches import command

PEER = "scikit-learn"


@dataclass(frozen=True)
class Case:
    """How many rows and columns, and how many penalties."""

    name: str
    shape: tuple[int, int]
    penalties: int = 20


CASES = (
    Case("cv_20000x1000", (20_000, 1000)),
    Case("cv_100000x50", (100_000, 50)),
    Case("cv_500x5000", (500, 5000)),
    Case("cv_442x10", (442, 10), 3),
)
COLUMNS = ("case", "threads", OURS, PEER, "x scikit-learn", "largest difference of the weights")


def run(options: command.Options) -> command.Section:
    section = command.Section("Leave-one-out (`RidgeCV`), ms", COLUMNS)
    for case in CASES:
        if options.case not in {None, case.name}:
            continue
        rng = np.random.default_rng(0)
        n, d = case.shape
        X = rng.normal(size=case.shape)
        y = X @ rng.normal(size=d) + rng.normal(size=n)
        alphas = np.logspace(-3, 3, case.penalties)
        models = {OURS: RidgeCV(alphas), PEER: sklearn.linear_model.RidgeCV(alphas)}
        for n_threads in options.threads:
            with timing.threads(n_threads):
                found = {name: model.fit(X, y) for name, model in models.items()}
                ours, theirs = found[OURS], found[PEER]
                apart = float(np.abs(ours.coef_ / theirs.coef_ - 1).max())
                if ours.alpha_ != theirs.alpha_ or not abs(ours.best_score_ / theirs.best_score_ - 1) < 1e-8:
                    raise WrongAnswerError(f"{case.name}: another penalty or score than scikit-learn's")
                calls = {name: partial(model.fit, X, y) for name, model in models.items()}
                seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
            times = [report.milliseconds(seconds[name]) for name in (OURS, PEER)]
            ratio = f"{seconds[PEER] / seconds[OURS]:.2f}"
            section.rows.append((case.name, str(n_threads), *times, ratio, f"{apart:.0e}"))
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
