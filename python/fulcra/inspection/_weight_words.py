"""A report in words: what each weight does, with the column's own name and unit; lines of its table."""

from typing import TYPE_CHECKING

import numpy as np

from fulcra._reading.numbers import human

if TYPE_CHECKING:
    from fulcra.inspection._weight_report import WeightReport

#: Shares of the largest weight from which on a weight is strong, and below which it hardly matters; without
#: rows nothing else is known of the columns' sizes.
_STRONG, _WEAK = 2 / 3, 0.15
#: Features that text and page show of each target; the frame has all.
SHOWN = 20


def sentence(report: "WeightReport", output: int, feature: int) -> str:
    """Return what a weight does.

    Parameters
    ----------
    report : WeightReport
        With the weight.
    output : int
        Target or class.
    feature : int
        Its place.

    Returns
    -------
    str
        "each extra unit of bedrooms adds 30,000 to price (95%: 27,000 to 33,000)".
    """
    if report.weights[output, feature] == 0:
        return f"{report.features[feature]} has no weight: it changes nothing"
    if report.n_rows is None and report.classes is not None:
        return _push(report, output, feature)
    change = _change(report, feature)
    if report.kind == "linear":
        return f"{change} {_added(report, output, feature)}"
    return f"{change} {_multiplied(report, output, feature)}{_on_average(report, output, feature)}"


def _change(report: "WeightReport", f: int) -> str:
    """Return what is changed."""
    level = report.levels[f]
    if level is not None:
        reference = report.references[report.column[f]]
        name = report.features[f].removesuffix(f" = {level}")
        against = "the average of the levels" if reference is None else f"{name} = {reference}"
        if report.n_rows is None and reference is None:
            return report.features[f]
        return f"{report.features[f]}, against {against},"
    low, high = report.pairs[f]
    if np.isfinite(low):
        return f"{report.features[f]} of {high:g} instead of {low:g}"
    step = float(report.steps[f])
    return f"each extra {'unit' if step == 1 else f'{step:,.15g}'} of {report.features[f]}"


def _interval(report: "WeightReport", low: str, high: str) -> str:
    return f" ({report.confidence:.0%}: {low} to {high})"


def _size(weight: float, low: float, high: float) -> float:
    """Return the size that says how many digits matter: those that tell the ends of the interval apart."""
    width = high - low
    if not width > 0:  # NaN without an interval
        return abs(weight)
    return min(3 * width, max(abs(weight), width / 4))


def _added(report: "WeightReport", o: int, f: int) -> str:
    step = float(report.steps[f])
    weight, ends = report.weights[o, f] * step, (report.low[o, f] * step, report.high[o, f] * step)
    scale = _size(weight, *ends)
    target = report.targets[o]
    if not np.isfinite(ends).all():
        if weight < 0:
            return f"takes {human(-weight, scale)} from {target}"
        return f"adds {human(weight, scale)} to {target}"
    written = [human(end, scale) for end in (*ends, weight)]
    if ends[0] < 0 < ends[1]:
        sign = "" if written[2].startswith("-") else "+"
        return f"changes {target} by {sign}{written[2]}{_interval(report, written[0], written[1])}"
    if weight < 0:
        low, high, size = (text.removeprefix("-") for text in (written[1], written[0], written[2]))
        return f"takes {size} from {target}{_interval(report, low, high)}"
    return f"adds {written[2]} to {target}{_interval(report, written[0], written[1])}"


def _multiplied(report: "WeightReport", o: int, f: int) -> str:
    if report.kind == "poisson":
        what = f"the expected {report.targets[o]}"
    elif report.kind == "logistic":
        what = f"the odds of {report.targets[o]}"
    else:
        what = f"the odds of {report.targets[o]} against the average class"
    step = float(report.steps[f])
    weight = report.weights[o, f] - (report.weights[:, f].mean() if report.kind == "multinomial" else 0.0)
    weights = weight * step, report.low[o, f] * step, report.high[o, f] * step
    with np.errstate(over="ignore"):
        ratio, low, high = (float(np.exp(weight)) for weight in weights)
    if not np.isfinite([low, high]).all():
        return f"multiplies {what} by {_factor(ratio, float(np.clip(10 * abs(ratio - 1), 1e-4, ratio)))}"
    size = _size(ratio, low, high)
    ends = _interval(report, _factor(low, size), _factor(high, size))
    return f"multiplies {what} by {_factor(ratio, size)}{ends}"


def _factor(value: float, size: float) -> str:
    return human(value, size) if 1e-3 < value < 1e6 else f"{value:.2g}"


def _on_average(report: "WeightReport", o: int, f: int) -> str:
    effect = report.effects[o, f]
    if not np.isfinite(effect) or report.kind == "poisson":
        return ""
    discrete = report.levels[f] is not None or np.isfinite(report.pairs[f, 0])
    points = 100 * effect * (1.0 if discrete else float(report.steps[f]))
    text = human(points, max(abs(points), 0.01))
    sign = "" if text.startswith("-") else "+"
    return f": on average {sign}{text} percentage points"


def _push(report: "WeightReport", o: int, f: int) -> str:
    """Return the way a weight of a class goes, where nothing is known of rows."""
    weight = report.weights[o, f]
    share = abs(weight) / np.abs(report.weights[o]).max()
    how = "strongly " if share >= _STRONG else ("hardly " if share < _WEAK else "")
    way = "towards" if weight > 0 else "away from"
    if how == "hardly ":
        return f"{report.features[f]} hardly matters: it pushes {way} {report.targets[o]} ({weight:+.3g})"
    return f"{report.features[f]} pushes {how}{way} {report.targets[o]} ({weight:+.3g})"


def headline(report: "WeightReport") -> str:
    """Return what the report is about."""
    what = {
        "linear": f"What makes up {' and '.join(report.targets[:3])}",
        "logistic": f"What makes {report.targets[0]} more or less likely",
        "multinomial": "What makes each class more or less likely",
        "poisson": f"What multiplies the expected {report.targets[0]}",
    }[report.kind]
    n = len(report.columns)
    of_rows = "" if report.n_rows is None else f" of {report.n_rows:,} row{'s' * (report.n_rows != 1)}"
    return f"{what}: {n:,} column{'s' * (n != 1)}{of_rows}, the most important first."


def headings(report: "WeightReport") -> tuple[str, ...]:
    """Return the headings of the table."""
    found = ["", "weight"]
    if np.isfinite(report.low).any():
        found.append(f"{report.confidence:.0%} interval")
    if report.kind != "linear":
        found.append("factor" if report.kind == "poisson" else "odds ratio")
        if report.n_rows is not None:
            found.append("average effect")
    return (*found, "importance") if report.n_rows is not None else tuple(found)


def line(report: "WeightReport", o: int, f: int) -> tuple[str, ...]:
    """Return the cells of a feature, for one target."""
    weight = report.centred[o, f]
    low, high = report.low[o, f], report.high[o, f]
    scale = _size(float(weight), float(low), float(high))
    cells = [report.features[f], human(weight, scale)]
    if np.isfinite(report.low).any():
        cells.append(f"{human(low, scale)} to {human(high, scale)}" if np.isfinite(low) else "-")
    if report.kind != "linear":
        cells.append(f"{report.ratios[o, f]:.4g}")
        if report.n_rows is not None:
            effect = report.effects[o, f]
            cells.append(human(effect, abs(effect)) if report.kind == "poisson" else f"{100 * effect:+.3g}%")
    if report.n_rows is not None:
        first = f == np.flatnonzero(report.column == report.column[f])[0]
        size = report.importances[o, report.column[f]]
        cells.append(human(size, report.importances[o].max()) if first else "")
    return tuple(cells)


def footnotes(report: "WeightReport") -> list[str]:
    """Return what has to be known of the figures."""
    notes = list(report.notes)
    if report.n_rows is None:
        notes.append(
            "Without rows nothing is known of the columns' sizes: weights compare only where columns "
            "have the same scale."
        )
    else:
        notes.append(
            "Importance: the standard deviation of what a column adds to the score; of a number, the "
            "effect of one standard deviation of it. A weight is the effect of a column while the others "
            "stay as they are; it is no proof of a cause."
        )
    return notes
