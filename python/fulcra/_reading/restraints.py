"""What keeps linear models from the weights that fit their rows best, by the name of their class."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["linear", "logistic", "multinomial", "poisson"]


@dataclass(frozen=True)
class Restraint:
    """What keeps a model from the weights that fit its rows best.

    Attributes
    ----------
    l1, l2 : ndarray of shape (n_outputs,)
        At the fit, the sum over rows of ``weight (y - mean) x`` is ``l1 sign(coef) + l2 coef``. NaN where no
        such equation is known.
    per_weight : bool
        Whether the two are still to be multiplied by the sum of the rows' weights.
    positive : bool
        Whether weights may not be negative.
    class_weight : dict, 'balanced' or None
        What rows count by their class.
    why : str
        A sentence: why there are no intervals, and how to get some; empty where nothing restrains.
    """

    l1: NDArray[np.float64]
    l2: NDArray[np.float64]
    per_weight: bool = False
    positive: bool = False
    class_weight: Any = None
    why: str = ""


@dataclass(frozen=True)
class Reader:
    """How to read the models of one class."""

    kind: Kind
    restraint: Callable[[Any, int], Restraint]


def _shrunk(name: str, setting: str, cure: str) -> str:
    return (
        f"{name} with {setting} draws the weights towards 0, so intervals around them would be false; "
        f"{cure} gives some."
    )


def _free(n_outputs: int, **others: Any) -> Restraint:
    return Restraint(np.zeros(n_outputs), np.zeros(n_outputs), **others)


def _unknown(why: str) -> Callable[[Any, int], Restraint]:
    """Return a reader of models whose weights solve no equation that could be looked at."""

    def restraint(model: Any, n_outputs: int) -> Restraint:
        nothing = np.full(n_outputs, np.nan)
        return Restraint(nothing, nothing, why=f"{type(model).__name__} {why}")

    return restraint


_BOUNDED = (
    "{} with positive=True keeps weights from being negative, so intervals around them would be false; {}."
)


def _least_squares(model: Any, n_outputs: int) -> Restraint:
    positive = bool(getattr(model, "positive", False))
    why = _BOUNDED.format(type(model).__name__, "refitting with positive=False gives some")
    return _free(n_outputs, positive=positive, why=why if positive else "")


def _alpha(model: Any) -> Any:
    """Return the penalty that was used: of searches the chosen one."""
    return model.alpha_ if hasattr(model, "alpha_") else model.alpha


def _cure(model: Any) -> str:
    if hasattr(model, "alpha_"):
        return "LinearRegression with the same columns"
    return "refitting with alpha=0"


def _ridge(model: Any, n_outputs: int) -> Restraint:
    alpha = np.broadcast_to(np.asarray(_alpha(model), dtype=np.float64), n_outputs).copy()
    positive = bool(getattr(model, "positive", False))
    why = ""
    if alpha.any():
        why = _shrunk(type(model).__name__, f"alpha={_written(alpha)}", _cure(model))
    elif positive:
        why = _BOUNDED.format(type(model).__name__, "LinearRegression gives some")
    return Restraint(np.zeros(n_outputs), alpha, positive=positive, why=why)


def _bayesian(model: Any, n_outputs: int) -> Restraint:
    l2 = np.full(n_outputs, model.lambda_ / model.alpha_)
    why = _shrunk("BayesianRidge", f"lambda_/alpha_={_written(l2)}", "LinearRegression")
    return Restraint(np.zeros(n_outputs), l2, why=why)


def _elastic(model: Any, n_outputs: int) -> Restraint:
    alpha = float(_alpha(model))
    share = float(getattr(model, "l1_ratio_", getattr(model, "l1_ratio", 1.0)))  # 1: Lasso
    positive = bool(getattr(model, "positive", False))
    why = ""
    if alpha:
        cure = "LinearRegression with the columns that you choose beforehand"
        why = _shrunk(type(model).__name__, f"alpha={alpha:.4g}", cure)
    elif positive:
        why = _BOUNDED.format(type(model).__name__, "LinearRegression gives some")
    l1, l2 = np.full(n_outputs, alpha * share), np.full(n_outputs, alpha * (1 - share))
    return Restraint(l1, l2, per_weight=True, positive=positive, why=why)


def _poisson(model: Any, n_outputs: int) -> Restraint:
    alpha = float(_alpha(model))
    why = _shrunk(type(model).__name__, f"alpha={alpha:.4g}", "refitting with alpha=0") if alpha else ""
    return Restraint(np.zeros(n_outputs), np.full(n_outputs, alpha), per_weight=True, why=why)


def _logistic(model: Any, n_outputs: int) -> Restraint:
    strength, share, cure = _logistic_penalty(model)
    why = ""
    if strength:
        why = _shrunk(type(model).__name__, f"C={1 / strength:.4g}", cure)
    elif getattr(model, "class_weight", None) is not None:
        why = (
            f"{type(model).__name__} with class_weight counts rows more or less often than they occur, so "
            "intervals around the weights would be false; refitting with class_weight=None gives some."
        )
    return Restraint(
        np.full(n_outputs, strength * share),
        np.full(n_outputs, strength * (1 - share)),
        class_weight=getattr(model, "class_weight", None),
        why=why,
    )


def _logistic_penalty(model: Any) -> tuple[float, float, str]:
    """Return 1 / C (NaN where classes differ in it), the share of L1, and what gives intervals."""
    chosen = np.unique(np.asarray(getattr(model, "C_", model.C if hasattr(model, "C") else np.inf)))
    strength = 1 / float(chosen[0]) if len(chosen) == 1 else np.nan
    share: Any = getattr(model, "l1_ratio_", getattr(model, "l1_ratio", 0.0))
    shares = np.unique([0.0 if one is None else float(one) for one in np.atleast_1d(share)])
    kind = getattr(model, "penalty", "deprecated")  # scikit-learn before 1.8
    if kind is None:
        strength = 0.0
    ratio = {"l1": 1.0, "l2": 0.0}.get(kind, float(shares[0]) if len(shares) == 1 else np.nan)
    searched = hasattr(model, "C_")
    return strength, ratio, "LogisticRegression with C=np.inf" if searched else "refitting with C=np.inf"


def _descent(model: Any, n_outputs: int) -> Restraint:
    loss, name = getattr(model, "loss", None), type(model).__name__
    if loss not in (None, "squared_error", "log_loss"):
        raise TypeError(
            f"model must be fitted with loss='squared_error' or 'log_loss'; {name} has loss={loss!r}."
        )
    nothing = np.full(n_outputs, np.nan)
    cure = "LogisticRegression with C=np.inf" if hasattr(model, "classes_") else "LinearRegression"
    alpha = float(getattr(model, "alpha", 0.0) or 0.0)
    if alpha and getattr(model, "penalty", "l2") is not None:
        return Restraint(nothing, nothing, why=_shrunk(name, f"alpha={alpha:.4g}", cure))
    if "Descent" in name:  # down to the minimum: the score equations say whether it got there
        return _free(n_outputs)
    why = (
        f"{name} stops near the weights that fit best, not at them, so intervals around them would be false; "
        f"{cure} gives some."
    )
    return Restraint(nothing, nothing, why=why)


def _written(values: NDArray[np.float64]) -> str:
    different = np.unique(values)
    return f"{different[0]:.4g}" if len(different) == 1 else f"{different[0]:.4g} to {different[-1]:.4g}"


_SELECTS = (
    "chooses columns by the same rows, so intervals around its weights would be false; LinearRegression with "
    "the columns that you choose beforehand gives some."
)
_SHRINKS = (
    "draws the weights towards 0, so intervals around them would be false; LinearRegression gives some."
)

#: By the name of the class, ours and scikit-learn's alike; of ancestors the nearest counts.
READERS: dict[str, Reader] = {
    "LinearRegression": Reader("linear", _least_squares),
    "Ridge": Reader("linear", _ridge),
    "RidgeCV": Reader("linear", _ridge),
    "BayesianRidge": Reader("linear", _bayesian),
    **{name: Reader("linear", _elastic) for name in ("Lasso", "LassoCV", "ElasticNet", "ElasticNetCV")},
    **{
        name: Reader("linear", _unknown(_SHRINKS))
        for name in (
            "ARDRegression",
            "MultiTaskElasticNet",
            "MultiTaskElasticNetCV",
            "MultiTaskLasso",
            "MultiTaskLassoCV",
        )
    },
    **{
        name: Reader("linear", _unknown(_SELECTS))
        for name in (
            "Lars",
            "LarsCV",
            "LassoLars",
            "LassoLarsCV",
            "LassoLarsIC",
            "OrthogonalMatchingPursuit",
            "OrthogonalMatchingPursuitCV",
        )
    },
    "SGDRegressor": Reader("linear", _descent),
    "GradientDescentRegressor": Reader("linear", _descent),
    "LogisticRegression": Reader("logistic", _logistic),
    "LogisticRegressionCV": Reader("logistic", _logistic),
    "SGDClassifier": Reader("logistic", _descent),
    "GradientDescentClassifier": Reader("logistic", _descent),
    "PoissonRegressor": Reader("poisson", _poisson),
}


def reader(model: Any) -> Reader | None:
    """Return how to read a model; None where that is not known."""
    return next((READERS[name] for name in ancestors(model) if name in READERS), None)


def ancestors(model: Any) -> list[str]:
    return [ancestor.__name__ for ancestor in type(model).__mro__]
