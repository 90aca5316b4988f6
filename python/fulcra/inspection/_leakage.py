"""Columns that know the answer: one that explains everything, and some that tell classes apart.

Sources: Albert and Anderson (1984), "On the existence of maximum likelihood estimates in logistic regression
models", Biometrika 71; Kaufman, Rosset and Perlich (2012), "Leakage in data mining", ACM TKDD 6.
"""

import numpy as np
from numpy.typing import NDArray

from fulcra.inspection._finding import Finding, listed
from fulcra.inspection._prediction import chance
from fulcra.inspection._standardised import Standardised

#: The share of the variance, or of the ranks', that one column explains where it says everything.
_ALL = 0.98
#: The same of the pairs of one row from each class that it puts in order.
_ALL_PAIRS = 0.99
#: Rows, and rows of either class, among which an order like that may be chance.
_FEW = 8
#: Rows of a level that may all be of one class by chance, in one table of a hundred.
_CHANCE = 0.01
#: Rounds in which a linear program takes in the rows that it got wrong, and columns up to which it is tried
#: which of them can be left out.
_MOST_ROUNDS, _MOST_TRIED = 50, 30
#: Weights below this share of the largest take no part.
_PART = 1e-3


def leakage(data: Standardised) -> list[Finding]:
    """Find columns that by themselves say nearly all that there is to say.

    Parameters
    ----------
    data : Standardised
        The columns, and the targets.

    Returns
    -------
    list of Finding
        One for each column and output; none where there is one column only.
    """
    columns, y = np.unique(data.column), data.y
    if y is None or len(columns) < 2 or data.n_rows < _FEW:
        return []
    model, names = data.found.linear, data.found.trace.columns
    findings = []
    for output in range(1 if model.kind == "multinomial" else len(data.effects)):
        for column in columns:
            share = _said_alone(data, int(column), output)
            limit = _ALL_PAIRS if model.kind == "logistic" else _ALL
            if share < limit:
                continue
            what = {
                "logistic": f"puts {chance(share)} of pairs of one row from each class in their order",
                "multinomial": f"explains {chance(share)} of which class a row is of",
            }.get(model.kind, f"explains {chance(share)} of {model.targets[output]}")
            findings.append(
                Finding(
                    "leakage",
                    (names[column],),
                    f"{names[column]} alone {what}. Is it known before the answer is, or made of it?",
                    {"explained": share},
                )
            )
    return findings


def _said_alone(data: Standardised, column: int, output: int) -> float:
    y: NDArray[np.float64] = data.y  # type: ignore[assignment] # asked above
    kind = data.found.linear.kind
    those = data.column == column
    Z = data.Z[:, those]
    if kind == "multinomial":
        return max(_between(feature, y, data.share) for feature in Z.T)
    target = y[:, output]
    moved = Z[:, 0] if Z.shape[1] == 1 else Z @ np.linalg.lstsq(Z, target - data.share @ target)[0]
    if kind == "logistic":
        return _pairs_in_order(moved, target > 0, data.share)
    return max(_squared(moved, target, data.share), _squared(_ranks(moved), _ranks(target), data.share))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def _squared(a: NDArray[np.float64], b: NDArray[np.float64], share: NDArray[np.float64]) -> float:
    a, b = a - share @ a, b - share @ b
    size = float(share @ a**2) * float(share @ b**2)
    return float(share @ (a * b)) ** 2 / size if size > 0 else 0.0


def _between(a: NDArray[np.float64], classes: NDArray[np.float64], share: NDArray[np.float64]) -> float:
    """Return the share of a variance that lies between classes."""
    a = a - share @ a
    total, weight = share @ a**2, share @ classes
    means = (share * a) @ classes / np.where(weight > 0, weight, 1.0)
    return float(weight @ means**2 / total) if total > 0 else 0.0


def _pairs_in_order(a: NDArray[np.float64], of_class: NDArray[np.bool_], share: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve, or one less it where the order is the other way."""
    _, place = np.unique(a, return_inverse=True)
    inside = np.bincount(place, share * of_class)
    outside = np.bincount(place, share * ~of_class)
    pairs = inside.sum() * outside.sum()
    if min(of_class.sum(), (~of_class).sum()) < _FEW:
        return 0.0
    area = float((inside * (np.cumsum(outside) - outside / 2)).sum() / pairs)
    return max(area, 1 - area)


def separation(data: Standardised) -> list[Finding]:
    """Find the columns that tell the classes apart without a mistake.

    Parameters
    ----------
    data : Standardised
        The columns, and the classes.

    Returns
    -------
    list of Finding
        For each class one for each column that does so alone, or else one for the fewest that do together,
        and one for each level whose rows are all of one class.
    """
    model, y = data.found.linear, data.y
    if y is None or model.classes is None:
        return []
    findings = []
    for output, target in enumerate(model.targets):
        of_class = y[:, output] > 0
        if of_class.all() or not of_class.any():
            continue
        alone = _alone(data, of_class)
        found = [(column,) for column in alone] or _together(data, of_class, output)
        for columns in found:
            named = tuple(data.found.trace.columns[column] for column in columns)
            findings.append(
                Finding(
                    "separation",
                    named,
                    f"{listed(named)} {'tells' if len(named) == 1 else 'together tell'} {target} from the "
                    "rest without a mistake: the likelihood has no maximum, and without a penalty weights "
                    "grow as long as the fit goes on.",
                    {"class": target},
                )
            )
        if not found:
            findings += _pure_levels(data, of_class, target)
    return findings


def _alone(data: Standardised, of_class: NDArray[np.bool_]) -> list[int]:
    """Return columns with a value between the classes."""
    found = []
    for place, feature in enumerate(data.Z.T):
        inside, outside = feature[of_class], feature[~of_class]
        if inside.min() > outside.max() or inside.max() < outside.min():
            found.append(int(data.column[place]))
    return sorted(set(found))


def _together(data: Standardised, of_class: NDArray[np.bool_], output: int) -> list[tuple[int, ...]]:
    """Return the fewest columns that separate, if any do: none of them can be left out."""
    if not _nearly(data, of_class, output):
        return []
    side = np.where(of_class, 1.0, -1.0)
    weights = _separating(data.Z, side)
    if weights is None:
        return []
    sizes = {int(c): float(np.abs(weights[data.column == c]).max()) for c in np.unique(data.column)}
    needed = [column for column, size in sizes.items() if size > _PART * max(sizes.values())]
    for column in sorted(needed, key=lambda one: sizes[one])[: -1 if len(needed) <= _MOST_TRIED else 0]:
        fewer = [other for other in needed if other != column]
        if _separating(data.Z[:, np.isin(data.column, fewer)], side) is not None:
            needed = fewer
    return [tuple(needed)]


def _separating(Z: NDArray[np.float64], side: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return weights of the least absolute sum that put the classes on either side; None if there are none.

    Most rows are far from the border: the linear program has those that the last solution got wrong.
    """
    from scipy.optimize import linprog  # noqa: PLC0415 - a tenth of a second

    n, p = Z.shape
    signed = side[:, np.newaxis] * np.column_stack([Z, np.ones(n)])
    taken = np.zeros(n, dtype=bool)
    taken[:: max(1, n // (10 * (p + 1)))] = True
    for _ in range(_MOST_ROUNDS):
        rows = signed[taken]
        # Weights as differences of two that are not negative; one intercept either way.
        solved = linprog(
            np.r_[np.ones(2 * p), 0, 0],
            A_ub=-np.column_stack([rows[:, :p], -rows[:, :p], rows[:, p], -rows[:, p]]),
            b_ub=-np.ones(len(rows)),
            method="highs",
        )
        if solved.status != 0:
            return None
        weights = solved.x[:p] - solved.x[p : 2 * p]
        margins = signed @ np.append(weights, solved.x[2 * p] - solved.x[2 * p + 1])
        wrong = np.flatnonzero((margins < 1 - 1e-6) & ~taken)
        if not len(wrong):
            found: NDArray[np.float64] = weights
            return found
        taken[wrong[np.argsort(margins[wrong], kind="stable")[: 10 * (p + 1)]]] = True
    return None


def _nearly(data: Standardised, of_class: NDArray[np.bool_], output: int) -> bool:
    """Whether the model makes few mistakes: what separates classes is near what it has found."""
    scores = data.scores[:, output]
    order = np.argsort(scores, kind="stable")
    ahead: NDArray[np.intp] = np.cumsum(~of_class[order]) - np.cumsum(of_class[order])
    best = float(ahead.max(initial=0) + of_class.sum())
    return best >= 0.9 * len(scores)


def _pure_levels(data: Standardised, of_class: NDArray[np.bool_], target: str) -> list[Finding]:
    """Find levels, and columns of two values, one of which has rows of one class only."""
    traced = data.found.trace
    share_of_class = float(data.share @ of_class)
    findings = []
    for place, feature in zip(data.kept, data.Z.T, strict=True):
        values = np.unique(feature)
        if len(values) != 2:
            continue
        for value in values:
            those = feature == value
            inside = bool(of_class[those].all())
            if not inside and of_class[those].any():
                continue
            by_chance = (share_of_class if inside else 1 - share_of_class) ** those.sum()
            if by_chance * 2 * len(data.kept) > _CHANCE:
                continue
            name = traced.columns[traced.column[place]]
            rows = f"the {those.sum():,} rows with {traced.features[place]}"
            if traced.levels[place] is None:
                rows += f" {'low' if value < 0 else 'high'}"
            elif value < 0:
                rows = rows.replace(" = ", " other than ")
            findings.append(
                Finding(
                    "separation",
                    (name,),
                    f"{'All' if inside else 'None'} of {rows} {'are' if inside else 'is'} of {target}: the "
                    f"likelihood has no maximum, and without a penalty the weight of {name} grows as long as "
                    "the fit goes on.",
                    {"class": target, "rows": int(those.sum())},
                )
            )
    return findings
