"""NIST's Statistical Reference Datasets for linear least squares, and exact solutions of data as hard.

NIST's files are not freely redistributable, so they are read where an installed package holds them (Norris:
scipy's tests, Longley: statsmodels), or follow from their formula (Wampler1 to 5, NoInt1 and 2).
``python -m benches.linear_model.nist FOLDER`` measures all eleven from a folder of NIST's files.
"""

import importlib.resources
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fulcra.linear_model import LinearRegression, Ridge
from oracles import exact_least_squares
from statsmodels.datasets.longley import load_pandas as load_longley

#: What Wampler3, 4 and 5 add to Wampler1, times 1, 100 and 10,000; the last ten mirror the first.
FIRST_HALF = [759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048]
PATTERN = np.array([*FIRST_HALF, 2048, *FIRST_HALF[::-1]], dtype=float)

Problem = tuple[np.ndarray, np.ndarray, Any]


def _powers(x: np.ndarray, degree: int) -> np.ndarray:
    return np.column_stack([x**power for power in range(1, degree + 1)])


def wampler(number: int) -> Problem:
    x = np.arange(21.0)
    if number == 2:
        # As the file prints them, to five decimals.
        y = np.round(np.sum([(0.1 * x) ** power for power in range(6)], axis=0), 5)
        return _powers(x, 5), y, [1, 0.1, 0.01, 1e-3, 1e-4, 1e-5]
    y = 1 + _powers(x, 5).sum(axis=1)
    return _powers(x, 5), y + {1: 0, 3: 1, 4: 100, 5: 10_000}[number] * PATTERN, [1] * 6


def norris() -> Problem:
    # scipy ships its tests with most of its wheels.
    folder = importlib.resources.files("scipy.stats.tests")
    lines = (folder / "data" / "nist_linregress" / "Norris.dat").read_text("ascii").splitlines()
    y, x = np.array([line.split() for line in lines[60:96]], dtype=float).T
    certified = [float(line.split()[1]) for line in lines if line.split()[:1] in (["B0"], ["B1"])]
    return x[:, np.newaxis], y, certified


def longley() -> Problem:
    table = load_longley()
    X, y = table.exog.to_numpy(dtype=float), table.endog.to_numpy(dtype=float)
    certified = [
        -3482258.63459582,
        15.0618722713733,
        -0.358191792925910e-01,
        -2.02022980381683,
        -1.03322686717359,
        -0.511041056535807e-01,
        1829.15146461355,
    ]
    return X, y, certified


def digits(model: Any, certified: Any) -> float:
    """The correct digits of the worst coefficient, at most 15."""
    found = [model.intercept_, *model.coef_] if model.fit_intercept else model.coef_
    worst = np.max(np.abs(np.asarray(found) / np.asarray(certified, dtype=float) - 1))
    return min(15.0, -np.log10(max(worst, 1e-15)))


@pytest.mark.parametrize(
    ("problem", "at_least"),
    [
        (norris, 12),
        (longley, 11),
        (lambda: wampler(1), 10),
        (lambda: wampler(2), 10),
        (lambda: wampler(3), 10),
        (lambda: wampler(4), 10),
        (lambda: wampler(5), 10),
    ],
    ids=["norris", "longley", *(f"wampler{number}" for number in range(1, 6))],
)
@pytest.mark.parametrize("estimator", [LinearRegression(), Ridge(alpha=0)], ids=["ols", "ridge"])
def test_certified_coefficients(problem: Callable[[], Problem], at_least: float, estimator: Any) -> None:
    X, y, certified = problem()
    assert digits(estimator.fit(X, y), certified) >= at_least


@pytest.mark.parametrize(
    ("x", "y", "certified"),
    [(np.arange(60.0, 71), np.arange(130.0, 141), 2.07438016528926), ([4.0, 5, 6], [3, 4, 4], 8 / 11)],
    ids=["noint1", "noint2"],
)
def test_certified_coefficients_without_an_intercept(x: Any, y: Any, certified: float) -> None:
    model = LinearRegression(fit_intercept=False).fit(np.reshape(x, (-1, 1)), y)
    assert digits(model, [certified]) >= 14


@pytest.mark.parametrize("seed", range(3))
def test_a_polynomial_of_degree_ten_has_the_digits_that_its_data_hold(seed: int) -> None:
    # As hard as Filip: x from -9 to -3, condition 1e15; the truth in fractions. Its powers are rounded, as
    # Filip's are: that is part of the data here, and costs the certified set all but eight digits.
    rng = np.random.default_rng(seed)
    X = _powers(np.round(rng.uniform(-8.8, -3.1, size=82), 9), 10)
    y = np.round(0.9 + 0.003 * rng.normal(size=82), 4)
    assert digits(LinearRegression().fit(X, y), exact_least_squares(X, y)) >= 7


@pytest.mark.parametrize("penalty", [1e-3, 1.0, 1e6])
def test_a_penalty_costs_no_digits(penalty: float) -> None:
    X, y, _ = wampler(4)
    model = Ridge(alpha=penalty).fit(X, y)
    assert digits(model, exact_least_squares(X, y, penalty)) >= 8
