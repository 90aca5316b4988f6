"""Columns that say nearly the same, so that the data cannot share their effect out among them.

Sources: Fox and Monette (1992), "Generalized collinearity diagnostics", Journal of the American Statistical
Association 87; Belsley, Kuh and Welsch (1980), "Regression Diagnostics", chapter 3.
"""

import numpy as np
from numpy.typing import NDArray

from fulcra.inspection._finding import Finding, listed
from fulcra.inspection._standardised import Standardised

#: From here on the interval of a weight is more than three times as wide as it would be by itself.
_VIF = 10.0
#: Columns share what they say where, given all others, they correlate like this.
_TOGETHER = 0.3
#: What is said of a factor that rounding made of infinity.
_INFINITE = 1e9


def inflation(data: Standardised) -> dict[int, float]:
    """Return by how much the variance of each column's weights grows because of the other columns.

    Parameters
    ----------
    data : Standardised
        The columns.

    Returns
    -------
    dict of int to float
        For each column its variance inflation factor; of a column of several features the generalised one,
        to the power 1 / n_features. As if there were infinitely many rows: of few rows, a share of it is
        chance.
    """
    few = max(data.n_rows - len(data.kept), 1.0) / max(data.n_rows - 1, 1.0)
    found = {}
    for column in np.unique(data.column):
        those = np.flatnonzero(data.column == column)
        block = np.ix_(those, those)
        parts = np.linalg.slogdet(data.correlation[block])[1], np.linalg.slogdet(data.precision[block])[1]
        found[int(column)] = max(float(np.exp(min(sum(parts) / len(those), 700.0)) * few), 1.0)
    return found


def collinear(data: Standardised) -> list[Finding]:
    """Find groups of columns that say nearly the same.

    Parameters
    ----------
    data : Standardised
        The columns.

    Returns
    -------
    list of Finding
        One for each group.
    """
    matrix = data.found.trace.matrix
    if len(data.kept) < 2 or (np.diff(matrix.indptr) > 1).any():
        return []  # a model of mixtures has no weights for the columns themselves
    factors = inflation(data)
    high = [column for column, factor in factors.items() if factor > _VIF]
    names = data.found.trace.columns
    findings = []
    for group in _groups(data, high):
        worst = max(factors[column] for column in group)
        said = f"up to {worst:,.0f}" if len({round(factors[c]) for c in group}) > 1 else f"{worst:,.0f}"
        those = np.flatnonzero(np.isin(data.column, group))
        number = float(np.linalg.cond(data.correlation[np.ix_(those, those)]) ** 0.5)
        columns = tuple(names[column] for column in group)
        exact = worst > _INFINITE
        how = "exactly" if exact else "nearly"
        if len(group) == 1:
            what = f"{columns[0]} is {how} determined by the other columns"
        else:
            what = f"{listed(columns)} {how} determine each other"
        if not exact:
            what += f" (variance inflation {said})"
        findings.append(
            Finding(
                "collinear",
                columns,
                f"{what}: the data cannot tell what each of them does, only what they do together. Leave "
                f"{'it' if len(group) == 1 else 'one'} out, or shrink the weights with Ridge.",
                {
                    "variance_inflation": {names[c]: None if exact else factors[c] for c in group},
                    "condition_number": number if np.isfinite(number) and not exact else None,
                },
            )
        )
    return findings


def _groups(data: Standardised, high: list[int]) -> list[list[int]]:
    """Part columns into groups that correlate given all others."""
    left, groups = list(high), []
    while left:
        group, grown = [left.pop(0)], True
        while grown:
            near = [c for c in left if any(_partial(data, c, other) > _TOGETHER for other in group)]
            left = [c for c in left if c not in near]
            group += near
            grown = bool(near)
        groups.append(sorted(group))
    return groups


def _partial(data: Standardised, one: int, other: int) -> float:
    """Return the largest correlation of two columns given all others."""
    a, b = (np.flatnonzero(data.column == column) for column in (one, other))
    P = data.precision
    return float(np.linalg.norm(_root(P[np.ix_(a, a)]) @ P[np.ix_(a, b)] @ _root(P[np.ix_(b, b)]), 2))


def _root(block: NDArray[np.float64]) -> NDArray[np.float64]:
    values, ways = np.linalg.eigh(block)
    root: NDArray[np.float64] = (ways / np.sqrt(np.maximum(values, 1e-300))) @ ways.T
    return root
