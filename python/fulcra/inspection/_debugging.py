"""What is wrong with weights, or with the data behind them: signs, sizes, scales, and too few rows."""

import numpy as np
from numpy.typing import NDArray

from fulcra._reading.weights import Weights
from fulcra.inspection._collinearity import collinear
from fulcra.inspection._finding import Finding, listed
from fulcra.inspection._leakage import leakage, separation
from fulcra.inspection._standardised import Standardised, standardised

#: The chance that any sign of a table without a flaw is found unexpected, or any weight found to be 0.
_ALPHA = 0.01
#: Effects of one standard deviation below this share of the predictions' spread do not matter, whatever
#: their sign.
_MATTERS = 0.02
#: A standard deviation of a column moves the prediction by so many standard deviations of y only where
#: another column takes it back.
_LARGE = 3.0
#: The same of a score whose logarithm is odds or a count: e^6 is 400 to 1.
_LARGE_SCORE = 6.0
#: The share of the predictions' spread below which an effect is small: a hundredth of their variance.
_SMALL = 0.1
#: Rows that a weight needs at the least.
_ROWS = 3.0
#: Columns' standard deviations this many times apart make weights hard to read; where a penalty counts
#: weights in the columns' units, fewer do harm.
_APART, _APART_WITH_PENALTY = 1e4, 1e2


def findings(found: Weights) -> tuple[Finding, ...]:
    """Look for what is wrong.

    Parameters
    ----------
    found : Weights
        With rows; targets are needed for most.

    Returns
    -------
    tuple of Finding
        The gravest first.
    """
    data = standardised(found)
    everything = _constant(found) + _scale(found)
    if data is None:
        return tuple(_left_out(found) + everything)
    if not len(data.kept):
        return tuple(everything)
    few = _overfitting(data)
    return (
        *separation(data),
        *leakage(data),
        *few,
        *([] if few else collinear(data)),
        *_sign(data),
        *_large(data),
        *_negligible(data),
        *everything,
    )


def _of(data: Standardised, output: int) -> str:
    """Return " (of the target)" where there are several."""
    return f" ({data.found.linear.targets[output]})" if len(data.effects) > 1 else ""


def _overfitting(data: Standardised) -> list[Finding]:
    n_weights = len(data.kept) + 1
    if data.n_rows >= _ROWS * n_weights:
        return []
    return [
        Finding(
            "overfitting",
            (),
            f"{data.n_rows:,.0f} rows for {n_weights:,} weights: they follow the noise of these rows. Take "
            "fewer columns or more rows, or shrink the weights.",
            {"rows": data.n_rows, "weights": n_weights},
        )
    ]


def _sign(data: Standardised) -> list[Finding]:
    """Find weights whose sign is not that of the raw correlation, both beyond chance."""
    if data.y is None or data.n_rows <= len(data.kept) + 1:
        return []
    limit = data.quantile(_ALPHA / data.effects.size)
    traced = data.found.trace
    single = np.bincount(data.column, minlength=len(traced.columns))[data.column] == 1
    found = []
    for output, (effects, covariance) in enumerate(zip(data.effects, data.covariances, strict=True)):
        target = data.y[:, output] - data.share @ data.y[:, output]
        raw = (data.share * target) @ data.Z / max(float(np.sqrt(data.share @ target**2)), 1e-300)
        errors = np.sqrt(np.diagonal(covariance))
        sure = np.abs(effects) > limit * errors
        related = np.abs(raw) * np.sqrt(data.n_rows) > limit * np.sqrt(np.maximum(1 - raw**2, 1e-12))
        matters = np.abs(effects) > _MATTERS * np.sqrt(data.share @ data.scores[:, output] ** 2)
        matters &= np.abs(raw) > _MATTERS
        for f in np.flatnonzero(single & sure & related & matters & (effects * raw < 0)):
            name = traced.columns[data.column[f]]
            # What lends it its raw correlation: the column that the two have most in common.
            lent = effects * data.correlation[f] * np.sign(raw[f])
            lent[data.column == data.column[f]] = -np.inf
            other = traced.columns[data.column[int(np.argmax(lent))]]
            rises = "rises" if raw[f] > 0 else "falls"
            found.append(
                Finding(
                    "sign",
                    (name,),
                    f"{name} has a {'negative' if effects[f] < 0 else 'positive'} weight{_of(data, output)}, "
                    f"though by itself {data.found.linear.targets[output]} {rises} with it (correlation "
                    f"{raw[f]:+.2f}): {other} goes with it and says more. Its weight is what is left when "
                    "the other columns stay as they are.",
                    {
                        "correlation": float(raw[f]),
                        "effect_of_one_deviation": float(effects[f]),
                        "standard_errors": float(abs(effects[f]) / errors[f]),
                        "with": other,
                    },
                )
            )
    return found


def _sizes(data: Standardised) -> NDArray[np.float64]:
    """Return the standard deviation of what each column adds to each score, (n_outputs, n_columns)."""
    columns = range(len(data.found.trace.columns))
    return np.array(
        [
            [np.sqrt(data.share @ data.moved(output, column) ** 2) for column in columns]
            for output in range(len(data.effects))
        ]
    )


def _large(data: Standardised) -> list[Finding]:
    sizes = _sizes(data)
    if data.found.linear.kind != "linear":
        limits = np.full(len(sizes), _LARGE_SCORE)
        unit = "on the scale of log odds" if data.found.linear.classes is not None else "in the logarithm"
    elif data.y is None:
        return []
    else:
        away = data.y - data.share @ data.y
        limits = _LARGE * np.sqrt(data.share @ away**2)
        unit = "standard deviations of the target"
    found = []
    for output, limit in enumerate(limits):
        those = np.flatnonzero(sizes[output] > limit) if limit > 0 else np.arange(0)
        if not len(those):
            continue
        those = those[np.argsort(-sizes[output, those], kind="stable")]
        names = tuple(data.found.trace.columns[column] for column in those)
        largest = sizes[output, those[0]] / limit
        largest *= _LARGE if data.found.linear.kind == "linear" else _LARGE_SCORE
        found.append(
            Finding(
                "large",
                names,
                f"{listed(names)}{_of(data, output)} {'has a' if len(names) == 1 else 'have'} very large "
                f"weight{'' if len(names) == 1 else 's'}: a standard deviation of {names[0]} alone moves the "
                f"prediction by {largest:,.3g} {unit}. Large weights that take each other back are a sign of "
                "overfitting.",
                {"of_one_deviation": float(largest)},
            )
        )
    return found


def _negligible(data: Standardised) -> list[Finding]:
    """Find columns that no prediction would miss: not told from 0, and small even at their interval's end."""
    sizes = _sizes(data)
    traced = data.found.trace
    zero = np.array([not data.effects[:, data.column == c].any() for c in range(len(traced.columns))])
    seen = np.isin(np.arange(len(zero)), data.column)
    left_out = tuple(np.array(traced.columns, dtype=object)[zero & seen])
    found = _without_weight(left_out) if left_out else []
    if data.y is None or data.n_rows <= len(data.kept) + 1:
        return found
    limit = data.quantile(_ALPHA)
    small = seen & ~zero
    ends = np.zeros(len(zero))
    spreads = np.sqrt(data.share @ data.scores**2)
    for output, covariance in enumerate(data.covariances):
        for column in np.flatnonzero(small):
            those = data.column == column
            block = np.ix_(those, those)
            error = float(np.sqrt(max(np.sum(covariance[block] * data.correlation[block]), 0.0)))
            end = sizes[output, column] + limit * error
            told = sizes[output, column] > limit * error
            small[column] &= not told and end < _SMALL * spreads[output]
            ends[column] = max(ends[column], end / spreads[output] if spreads[output] > 0 else np.inf)
    if small.any():
        places = np.flatnonzero(small)
        names = tuple(traced.columns[column] for column in places)
        one = len(names) == 1
        which = "its 99% interval, which includes" if one else "their 99% intervals, which include"
        found.append(
            Finding(
                "negligible",
                names,
                f"{listed(names)} {'changes' if one else 'change'} next to nothing: even at the "
                f"{'end' if one else 'ends'} of {which} 0, {'it makes' if one else 'none makes more than'} "
                f"{max(float(ends[places].max() ** 2), 0.001):.1%} of the variance of the predictions. "
                f"{'It' if one else 'They'} could be left out.",
                {"share_of_variance": {traced.columns[c]: float(ends[c] ** 2) for c in places}},
            )
        )
    return found


def _without_weight(names: tuple[str, ...]) -> list[Finding]:
    said = "has no weight" if len(names) == 1 else "have no weight"
    text = f"{listed(names)} {said}: it is exactly 0, and no prediction depends on it."
    if len(names) > 1:
        text = f"{listed(names)} {said}: they are exactly 0, and no prediction depends on them."
    return [Finding("negligible", names, text, {"weight": 0.0})]


def _left_out(found: Weights) -> list[Finding]:
    """Find columns without weights among more than can be compared."""
    used = np.zeros(len(found.trace.columns), dtype=bool)
    used[found.trace.column[found.weights.any(axis=0)]] = True
    names = tuple(np.array(found.trace.columns, dtype=object)[~used])
    return _without_weight(names) if names else []


def _constant(found: Weights) -> list[Finding]:
    if found.share is None:
        return []
    varies = np.zeros(len(found.trace.columns), dtype=bool)
    varies[found.trace.column[found.spread > 0]] = True
    return [
        Finding(
            "constant",
            (name,),
            f"{name} has the same value in every row: its weight cannot be learned from them.",
            {},
        )
        for name in np.array(found.trace.columns, dtype=object)[~varies]
    ]


def _scale(found: Weights) -> list[Finding]:
    """Find columns whose size, as the model sees them, is far from that of the others."""
    traced = found.trace
    if found.share is None or (np.diff(traced.matrix.indptr) > 1).any():
        return []
    from_levels = np.array([level is not None for level in traced.levels], dtype=bool)
    # As the model sees it: each of its columns is one feature, times a number.
    seen = np.zeros(len(traced.features))
    np.maximum.at(seen, traced.matrix.indices, np.abs(traced.matrix.data))
    sizes = np.where(from_levels, 0.0, seen * found.spread)
    known = np.flatnonzero(sizes > 0)
    if len(known) < 2:
        return []
    orders = np.log10(sizes[known])
    restraint = found.linear.restraint
    penalised = bool(np.any(restraint.l1 != 0) or np.any(restraint.l2 != 0))
    limit = _APART_WITH_PENALTY if penalised else _APART
    if np.ptp(orders) <= np.log10(limit):
        return []
    away = np.abs(orders - np.median(orders))
    those = known[away >= 0.5 * away.max()]
    names = tuple(dict.fromkeys(traced.columns[traced.column[f]] for f in those))
    times = 10 ** np.ptp(orders)
    harm = (
        "the penalty counts weights in these units, so it presses on the columns of small numbers and hardly "
        "on the others. Scale them first (StandardScaler)."
        if penalised
        else "weights cannot be compared by size; `importance` can."
    )
    return [
        Finding(
            "scale",
            names,
            f"Columns' standard deviations are up to {times:,.0f} times apart ({listed(names)}): {harm}",
            {"ratio": float(times)},
        )
    ]
