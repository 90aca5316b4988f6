"""How often findings of `explain_weights` tell the truth: tables without a flaw, and with one planted.

``python tests/planted_faults.py [simulations of each kind]``
"""

import sys
import time
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from fulcra._reading.weights import weights
from fulcra.inspection._debugging import findings
from fulcra.linear_model import LinearRegression
from numpy.random import Generator
from sklearn.linear_model import LogisticRegression

#: The kinds of finding that each planted fault asks for.
FAULTS = {
    "sign": ("sign",),
    "large": ("large",),
    "negligible": ("negligible",),
    "pair": ("collinear",),
    "sum": ("collinear",),
    "leakage": ("leakage", "separation"),
    "separation": ("separation",),
    "scale": ("scale",),
}


def clean(rng: Generator, kind: str, n: int, d: int) -> tuple[Any, Any]:
    """Return a table whose every column matters, in its raw sign, and correlates with others up to 0.6.

    Parameters
    ----------
    rng : Generator
        Draws everything.
    kind : {'linear', 'logistic'}
        What y is.
    n, d : int
        Rows and columns.

    Returns
    -------
    X : DataFrame of shape (n, d)
        Columns of different units, some of them of 0 and 1, some skewed.
    y : ndarray of shape (n,)
        Numbers, or classes.
    """
    rho = rng.uniform(0, 0.6)
    common = rng.normal(size=(n, 1))
    Z = np.sqrt(rho) * common + np.sqrt(1 - rho) * rng.normal(size=(n, d))
    shape = rng.choice(3, d, p=[0.7, 0.15, 0.15])
    # Correlations are positive and so are weights; the signs of columns are drawn afterwards.
    Z = np.where(shape == 1, rng.uniform(-0.5, 0.5, d) < Z, np.where(shape == 2, np.exp(0.5 * Z), Z))
    Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    score = Z @ rng.uniform(0.5, 1.0, d)
    score /= score.std()
    X = Z * rng.choice([-1, 1], d) * 10 ** rng.uniform(-1, 2, d) + rng.normal(size=d)
    frame = pd.DataFrame(X, columns=[f"c{j}" for j in range(d)])
    return frame, answer(rng, kind, score)


def answer(rng: Generator, kind: str, score: Any) -> Any:
    """Return numbers with noise, or classes, for scores of variance 1."""
    if kind == "linear":
        return 3.0 + 20 * (score + rng.uniform(0.3, 1.5) * rng.normal(size=len(score)))
    chance = 1 / (1 + np.exp(-1.5 * score))
    return (rng.uniform(size=len(score)) < chance).astype(int)


def planted(rng: Generator, fault: str, kind: str, n: int, d: int) -> tuple[Any, Any, set[str]]:
    """Return a clean table with a fault of a size that so many rows can show, and its columns.

    Parameters
    ----------
    rng : Generator
        Draws everything.
    fault : str
        A key of `FAULTS`.
    kind : {'linear', 'logistic'}
        What y is.
    n, d : int
        Rows, and columns without the fault.

    Returns
    -------
    X : DataFrame of shape (n, d + 1)
        The table; `bad` is the new column.
    y : ndarray of shape (n,)
        Numbers, or classes.
    columns : set of str
        Those that must be named.
    """
    X, y = clean(rng, kind, n, d)
    Z = ((X - X.mean()) / X.std()).to_numpy()
    first = Z[:, 0]
    named = {"bad"}
    if fault == "negligible":
        X["bad"] = 7 * rng.normal(size=n)
    elif fault == "sign":
        # Goes with the first column, rises with y for that reason, and works against it.
        bad = 0.85 * first + np.sqrt(1 - 0.85**2) * rng.normal(size=n)
        X["bad"] = 5 * bad
        y = answer(rng, kind, 1.5 * first - 0.7 * bad)
    elif fault == "large":
        X["bad"] = X["c0"] + 1e-4 * X["c0"].std() * rng.normal(size=n)
        named = {"bad", "c0"}
    elif fault == "pair":
        X["bad"] = X["c0"] * 3 + 0.2 * 3 * X["c0"].std() * rng.normal(size=n)
        named = {"bad", "c0"}
    elif fault == "sum":
        X["bad"] = 10 * (Z[:, 0] + Z[:, 1] - Z[:, 2] + 0.2 * rng.normal(size=n))
        named = {"bad", "c0", "c1", "c2"}
    elif fault == "leakage":
        noise = rng.normal(size=n)
        X["bad"] = y * 2 + (0.05 * 2 * np.std(y) if kind == "linear" else 0.5) * noise
    elif fault == "separation":
        X["bad"] = (2 * y - 1) * rng.uniform(0.01, 1, n)
    elif fault == "scale":
        X["bad"] = 1e7 * rng.normal(size=n)
        y = answer(
            rng, kind, (1.0 if kind == "linear" else 0.5) * X["bad"].to_numpy() / 1e7 + 0.5 * Z.mean(axis=1)
        )
    return X, y, named


def fitted(kind: str, X: Any, y: Any) -> Any:
    """Return a model without a penalty; the fits that separation spoils are those of users."""
    if kind == "linear":
        return LinearRegression().fit(X, y)
    scale = X.std()
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", max_iter=50).fit(X / scale, y)
    model.coef_ = model.coef_ / scale.to_numpy()
    return model


def main() -> None:
    """Print the shares."""
    import warnings  # noqa: PLC0415

    warnings.simplefilter("ignore")
    n_simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for kind in ("linear", "logistic"):
        start = time.perf_counter()
        raised: Counter[str] = Counter()
        tables = 0
        for seed in range(n_simulations):
            rng = np.random.default_rng([seed, kind == "linear"])
            n, d = int(np.exp(rng.uniform(np.log(100), np.log(5000)))), int(rng.integers(2, 21))
            X, y = clean(rng, kind, n, d)
            found = findings(weights(fitted(kind, X, y), X, y))
            tables += bool(found)
            raised.update(finding.kind for finding in found)
        print(f"{kind}: clean, {tables / n_simulations:.1%} with a finding {dict(raised)}", end="")
        print(f" ({time.perf_counter() - start:.0f} s)")
        for fault, kinds in FAULTS.items():
            if fault == "separation" and kind == "linear":
                continue
            named = 0
            others: Counter[str] = Counter()
            for seed in range(n_simulations):
                rng = np.random.default_rng([seed, 7, kind == "linear", len(fault)])
                least = 5000 if fault == "negligible" else 300
                n, d = int(np.exp(rng.uniform(np.log(least), np.log(4 * least)))), int(rng.integers(3, 11))
                X, y, columns = planted(rng, fault, kind, n, d)
                found = findings(weights(fitted(kind, X, y), X, y))
                named += any(columns <= set(finding.columns) for finding in found if finding.kind in kinds)
                others.update(finding.kind for finding in found if finding.kind not in kinds)
            print(f"  {fault}: named {named / n_simulations:.1%}; beside {dict(others)}")


if __name__ == "__main__":
    main()
