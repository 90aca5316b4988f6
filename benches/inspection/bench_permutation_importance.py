"""permutation_importance beside scikit-learn's: the same permutations of the same model, checked first."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import sklearn.inspection
import sklearn.linear_model
from fulcra._bench import report, timing
from fulcra._bench.contenders import OURS
from fulcra._errors import WrongAnswerError
from fulcra.inspection import permutation_importance
from fulcra.linear_model import Ridge

from benches import command

PEER = "scikit-learn"
COLUMNS = ("case", "threads", OURS, PEER, "x scikit-learn", "largest difference")

#: Name: model, scorer.
CASES: dict[str, tuple[Any, str | None]] = {
    "permutation_ridge": (Ridge(), None),
    "permutation_ridge_mae": (Ridge(), "neg_mean_absolute_error"),
    "permutation_logistic": (sklearn.linear_model.LogisticRegression(), None),
    "permutation_logistic_loss": (sklearn.linear_model.LogisticRegression(), "neg_log_loss"),
}


def run(options: command.Options) -> command.Section:
    section = command.Section("`permutation_importance`, 20,000 x 50, 5 repeats, ms", COLUMNS)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 50))
    y = X @ rng.normal(size=50) + rng.normal(size=20_000)
    for name, (model, scoring) in CASES.items():
        if options.case not in {None, name}:
            continue
        targets = y if isinstance(model, Ridge) else y > 0
        model.fit(X, targets)
        theirs = model
        if isinstance(model, Ridge):
            theirs = sklearn.linear_model.Ridge().fit(X, targets)
        calls: dict[str, Callable[[], Any]] = {
            OURS: partial(permutation_importance, model, X, targets, scoring=scoring, random_state=0),
            PEER: partial(
                sklearn.inspection.permutation_importance, theirs, X, targets, scoring=scoring, random_state=0
            ),
        }
        for n_threads in options.threads:
            with timing.threads(n_threads):
                apart = np.abs(calls[OURS]().importances - calls[PEER]().importances).max()
                if not apart < 1e-9:
                    raise WrongAnswerError(f"{name}: {apart:.0e} from scikit-learn's importances")
                seconds = timing.interleave(calls, rounds=options.rounds, budget=options.budget)
            times = [report.milliseconds(seconds[who]) for who in (OURS, PEER)]
            ratio = f"{seconds[PEER] / seconds[OURS]:.1f}"
            section.rows.append((name, str(n_threads), *times, ratio, f"{apart:.0e}"))
    return section


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)
