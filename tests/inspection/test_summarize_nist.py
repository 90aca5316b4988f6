"""Standard errors on NIST's certified linear sets, and on data as hard as them solved in fractions.

NIST's files are not freely redistributable, so they are read where an installed package holds them (Norris:
scipy's tests, Longley: statsmodels), or follow from their formula (Wampler1 to 5, NoInt1 and 2).
``python -m benches.inspection.nist FOLDER`` measures all eleven from a folder of NIST's files.
"""

import importlib.resources
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from fulcra.inspection import summarize
from fulcra.linear_model import LinearRegression
from oracles import exact_least_squares
from statsmodels.datasets.longley import load_pandas as load_longley

#: What Wampler3, 4 and 5 add to Wampler1, times 1, 100 and 10,000; the last ten mirror the first.
FIRST_HALF = [759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048]
PATTERN = np.array([*FIRST_HALF, 2048, *FIRST_HALF[::-1]], dtype=float)


def errors(X: np.ndarray, y: np.ndarray, *, fit_intercept: bool = True) -> np.ndarray:
    return summarize(LinearRegression(fit_intercept=fit_intercept).fit(X, y), X, y).std_errors


def digits(found: np.ndarray, right: Any) -> float:
    """The correct digits of the worst, at most 15."""
    worst = np.max(np.abs(found / np.asarray(right, dtype=float) - 1))
    return min(15.0, -np.log10(max(worst, 1e-15)))


def powers(x: np.ndarray, degree: int) -> np.ndarray:
    return np.column_stack([x**power for power in range(1, degree + 1)])


def exact_errors(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Standard errors of float64 data, in fractions: intercept first."""
    rows = [[Fraction(1), *(Fraction(float(value)) for value in row)] for row in X]
    p = len(rows[0])
    information = [[sum(row[i] * row[j] for row in rows) for j in range(p)] for i in range(p)]
    system = [information[i] + [Fraction(int(i == j)) for j in range(p)] for i in range(p)]
    for i in range(p):
        system[i] = [value / system[i][i] for value in system[i]]
        for k in range(p):
            if k != i:
                factor = system[k][i]
                system[k] = [a - factor * b for a, b in zip(system[k], system[i], strict=True)]
    products = [sum(row[i] * Fraction(float(t)) for row, t in zip(rows, y, strict=True)) for i in range(p)]
    coef = [sum(system[i][p + j] * products[j] for j in range(p)) for i in range(p)]
    squares = sum(
        (Fraction(float(t)) - sum(b * x for b, x in zip(coef, row, strict=True))) ** 2
        for row, t in zip(rows, y, strict=True)
    )
    sigma2 = squares / (len(y) - p)
    return np.array([float(sigma2 * system[i][p + i]) for i in range(p)]) ** 0.5


@pytest.mark.parametrize(
    ("size", "certified"),
    [
        (1, [2152.32624678170, 2363.55173469681, 779.343524331583]),
        (100, [215232.624678170, 236355.173469681, 77934.3524331583]),
        (10_000, [21523262.4678170, 23635517.3469681, 7793435.24331583]),
    ],
    ids=["wampler3", "wampler4", "wampler5"],
)
def test_wampler(size: int, certified: list[float]) -> None:
    x = np.arange(21.0)
    y = 1 + powers(x, 5).sum(axis=1) + size * PATTERN
    found = errors(powers(x, 5), y)
    assert digits(found[:3], certified) >= 10
    assert digits(found, exact_errors(powers(x, 5), y)) >= 11


@pytest.mark.parametrize("number", [1, 2])
def test_wampler_without_noise(number: int) -> None:
    x = np.arange(21.0)
    powered = powers(x, 5)
    y = 1 + powered.sum(axis=1)
    if number == 2:  # as the file prints them, to five decimals
        y = np.round(np.sum([(0.1 * x) ** power for power in range(6)], axis=0), 5)
    # The certificate is 0.
    assert errors(powered, y).max() < 1e-6


def test_norris() -> None:
    folder = importlib.resources.files("scipy.stats.tests")
    lines = (folder / "data" / "nist_linregress" / "Norris.dat").read_text("ascii").splitlines()
    y, x = np.array([line.split() for line in lines[60:96]], dtype=float).T
    certified = [float(line.split()[2]) for line in lines if line.split()[:1] in (["B0"], ["B1"])]
    assert digits(errors(x[:, np.newaxis], y), certified) >= 12


def test_longley() -> None:
    table = load_longley()
    certified = [
        890420.383607373,
        84.9149257747669,
        0.0334910077722432,
        0.488399681651699,
        0.214274163161675,
        0.226073200069370,
        455.478499142212,
    ]
    X, y = table.exog.to_numpy(dtype=float), table.endog.to_numpy(dtype=float)
    assert digits(errors(X, y), certified) >= 11


@pytest.mark.parametrize(
    ("x", "y", "certified"),
    [
        (np.arange(60.0, 71), np.arange(130.0, 141), 0.0165289256198347),
        ([4.0, 5, 6], [3, 4, 4], 0.0420827318078432),
    ],
    ids=["noint1", "noint2"],
)
def test_without_an_intercept(x: Any, y: Any, certified: float) -> None:
    found = errors(np.reshape(x, (-1, 1)), np.asarray(y, dtype=float), fit_intercept=False)
    assert digits(found, [certified]) >= 11


@pytest.mark.parametrize("seed", range(2))
def test_a_polynomial_of_degree_ten_has_the_digits_that_its_data_hold(seed: int) -> None:
    # As hard as Filip: x from -9 to -3, condition 1e15.
    rng = np.random.default_rng(seed)
    X = powers(np.round(rng.uniform(-8.8, -3.1, size=82), 9), 10)
    y = np.round(0.9 + 0.003 * rng.normal(size=82), 4)
    assert np.allclose(exact_least_squares(X, y)[0], LinearRegression().fit(X, y).intercept_, rtol=1e-6)
    assert digits(errors(X, y), exact_errors(X, y)) >= 6
