"""Weights of a model for a range of penalties: by coordinate descent, or by refitting."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from fulcra._base import Data

#: Penalties of a path that is made here, and the powers of ten that it spans.
_STEPS, _POWERS = 60, 4.0
#: Models whose path is followed by coordinate descent, and those that are refitted.
ELASTIC = ("Lasso", "ElasticNet", "LassoCV", "ElasticNetCV")
SQUARED = ("Ridge", "RidgeCV")
ODDS = ("LogisticRegression", "LogisticRegressionCV")


def above_zero(alphas: Data) -> NDArray[np.float64]:
    """Return penalties, all of them above 0, or raise ValueError."""
    given = np.asarray(alphas, dtype=np.float64)
    if given.ndim != 1 or not len(given):
        raise ValueError(f"alphas must have one dimension and a penalty at least; got shape {given.shape}.")
    if not (np.isfinite(given) & (given > 0)).all():
        first = given[~(np.isfinite(given) & (given > 0))][0]
        raise ValueError(f"alphas must be above 0, for a logarithmic axis; one is {first:g}.")
    return given


def variances(rows: Any) -> NDArray[np.float64]:
    """Return the variance of each column, (n_features,)."""
    from fulcra._reading.weights import moments  # noqa: PLC0415

    n = rows.shape[0]
    dense = rows if hasattr(rows, "tocsr") else np.asarray(rows, dtype=np.float64)
    _, spread = moments(dense, np.full(n, 1 / n))
    return spread**2


def chosen(model: Any, kind: str) -> float | None:
    """Return the penalty that a model was fitted with; None for none."""
    if kind in ODDS:
        C = np.atleast_1d(model.C_ if hasattr(model, "C_") else model.C)
        return float(1 / C[0]) if np.isfinite(C[0]) else None
    alpha = np.atleast_1d(model.alpha_ if hasattr(model, "alpha_") else model.alpha)
    return float(alpha[0]) if alpha[0] > 0 else None


def penalties(
    found: Any, kind: str, chosen: float | None, spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return those that cross-validation tried, or four powers of ten from where no weight is left."""
    model = found.model
    tried = getattr(model, "alphas_", getattr(model, "Cs_", getattr(model, "alphas", None)))
    if tried is not None and not np.isscalar(tried) and np.ndim(tried) == 1 and len(tried) > 2:
        known = np.asarray(tried, dtype=np.float64)
        known = 1 / known if kind in ODDS else known
        return np.unique(np.concatenate([known[known > 0], [chosen] if chosen else []]))
    n = found.rows.shape[0]
    if kind in ELASTIC:
        y = found.y[:, 0] - found.y[:, 0].mean() * found.has_intercept
        centre = np.asarray(found.rows.mean(axis=0)).ravel() * found.has_intercept
        pull = np.abs(np.asarray(found.rows.T @ y).ravel() - centre * y.sum()).max() / n
        share = getattr(model, "l1_ratio_", getattr(model, "l1_ratio", 1.0)) or 1e-3
        top = pull / share
    else:
        # Where the penalty is a hundred times what a column of ordinary spread says.
        top = 100 * n * float(np.median(spread[spread > 0]) ** 2) if (spread > 0).any() else 1.0
        top *= 0.25 if kind in ODDS else 1.0
    if chosen:
        top = max(top, chosen)
    low = top * 10**-_POWERS
    steps = np.geomspace(min(low, chosen / 10) if chosen else low, top, _STEPS)
    return np.unique(np.append(steps, chosen)) if chosen else steps


def elastic(found: Any, alphas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Follow weights of Lasso and elastic net by coordinate descent, (n_features, n_alphas)."""
    from sklearn.linear_model import enet_path  # noqa: PLC0415

    model = found.model
    share = float(getattr(model, "l1_ratio_", getattr(model, "l1_ratio", 1.0)))
    rows, y = found.rows, found.y[:, 0]
    if found.has_intercept:
        y = y - y.mean()
        if hasattr(rows, "toarray"):
            rows = rows.toarray()
        rows = rows - rows.mean(axis=0)
    made, coefs, _ = enet_path(
        np.asarray(rows, dtype=np.float64) if not hasattr(rows, "tocsc") else rows.tocsc(),
        y,
        l1_ratio=share,
        alphas=alphas,
        positive=bool(getattr(model, "positive", False)),
        max_iter=10_000,
    )
    back = np.argsort(made, kind="stable")[np.argsort(np.argsort(alphas, kind="stable"), kind="stable")]
    followed: NDArray[np.float64] = coefs[:, back]
    return followed


def refitted(found: Any, kind: str, alphas: NDArray[np.float64], y: Data, target: int) -> NDArray[np.float64]:
    """Refit for each penalty, (n_features, n_alphas)."""
    model = found.model
    if kind in SQUARED:
        from fulcra.linear_model import Ridge  # noqa: PLC0415 - the other way round it would be a circle

        single: Any = Ridge(fit_intercept=found.has_intercept)
    else:
        single = _without_search(model)
    coefs = []
    for alpha in alphas.tolist():
        setting = {"C": 1 / alpha} if kind in ODDS else {"alpha": alpha}
        refitted = clone(single).set_params(**setting).fit(found.rows, np.asarray(y).ravel())
        coefs.append(np.atleast_2d(refitted.coef_)[target])
    return np.array(coefs, dtype=np.float64).T


def _without_search(model: Any) -> Any:
    """Return an unfitted LogisticRegression with the settings of one that chose its C."""
    if not hasattr(model, "C_"):
        return model
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    known = LogisticRegression().get_params()
    same = {name: value for name, value in model.get_params().items() if name in known}
    ratio = getattr(model, "l1_ratio_", None)
    if ratio is not None and "l1_ratio" in known:
        first = np.atleast_1d(ratio)[0]
        same["l1_ratio"] = 0.0 if first is None else float(first)
    return LogisticRegression(**same)
