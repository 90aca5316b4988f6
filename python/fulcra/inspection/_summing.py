"""The steps of a summary: are these the rows, how well does it fit, how sure are weights, what to mind."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, fdtrc, ndtr, ndtri, stdtr, stdtrit

from fulcra._reading.linear import Linear
from fulcra.inspection._covariance import Array, Frame, frame
from fulcra.inspection._goodness import of_least_squares, of_likelihood, spans_ones
from fulcra.inspection._likelihood import Likelihood, likelihood
from fulcra.inspection._sandwich import meat, softmax_back
from fulcra.inspection._score_equations import check, refusal
from fulcra.inspection._separation import Separation, separation
from fulcra.inspection._weight_stability import stability
from fulcra.inspection._weight_summary import WeightSummary

#: A test below this is worth a note.
_DOUBT = 0.01
#: Standard errors that a weight may lie from the best without a note.
_NEAR = 0.01
#: Targets whose squares float64 does not hold, or not with all their digits.
_SMALL, _LARGE = 1e-100, 1e100
#: Names in a note.
_MOST_NAMES = 8


class Summing:
    """The steps of a summary."""

    def __init__(self, found: Linear, weights: Array, *, is_counted: bool) -> None:
        # Targets whose squares would overflow or vanish are summed up in another unit.
        self.unit = _unit(found)
        if self.unit != 1:
            y: Any = found.y
            found = replace(
                found,
                coef=found.coef / self.unit,
                intercept=found.intercept / self.unit,
                y=y / self.unit,
                restraint=replace(found.restraint, l1=found.restraint.l1 / self.unit),
            )
        self.found, self.weights, self.is_counted = found, weights, is_counted
        self.seen: Likelihood = likelihood(found, weights)
        # By the weights alone, and with how much each row says of the weights.
        intercept = found.has_intercept
        self.plain = frame(found.rows, weights, has_intercept=intercept, targets=_targets(found, self.seen))
        self.frame: Frame = self.plain
        if self.seen.information is not weights:
            self.frame = frame(found.rows, self.seen.information, has_intercept=intercept)
        self.many, self.n_outputs = float(weights.sum()), self.seen.errors.shape[1]
        self.notes: list[str] = []

    def summary(
        self,
        cov: str,
        groups: NDArray[np.intp] | None,
        alpha: float,
        n_resamples: int,
        draw: np.random.RandomState,
    ) -> WeightSummary:
        found = self.found
        self.checked = checked = check(found, self.seen, self.plain, self.weights)
        if checked is None:
            self.notes.append("That these are the rows of the fit could not be checked.")
        elif checked.worst > 1:
            raise refusal(found, checked)
        constant = spans_ones(self.frame)
        rank = self.frame.back.shape[1]
        if found.kind == "linear":
            figures = of_least_squares(found, self.seen, self.frame, is_counted=self.is_counted)
        else:
            figures = of_likelihood(self.seen, self.many, rank, self.n_outputs, constant)
        values = self.plain.singular_values()
        figures["condition_number"] = values[0] / values[-1] if values[-1] > 0 else np.inf
        coef = self._coef()
        signs, sd, df = None, None, np.inf
        errors: Array = np.full(coef.size, np.nan)
        covariance: Array = np.full((coef.size, coef.size), np.nan)
        if found.penalised:
            self.notes.insert(0, found.restraint.why)
            signs, sd = self._stability(n_resamples, draw, coef.shape)
        else:
            errors, covariance, df = self._errors(cov, groups, figures)
            self._explain_doubts(cov, figures)
        if found.penalised:  # tests suppose the weights that fit best
            figures |= dict.fromkeys(_TESTS & figures.keys(), np.nan)
        errors = errors.reshape(coef.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = coef / errors
        finite = np.isfinite(df)
        p_values = 2 * (stdtr(df, -np.abs(statistic)) if finite else ndtr(-np.abs(statistic)))
        quantile = stdtrit(df, 1 - alpha / 2) if finite else ndtri(1 - alpha / 2)
        reach = quantile * errors
        return WeightSummary(
            kind=found.kind,
            model=type(found.model).__name__,
            target=found.targets[-1] if found.kind != "multinomial" else "",
            classes=() if found.classes is None else tuple(str(label) for label in found.classes),
            terms=("intercept",) * found.has_intercept + found.names,
            steps=tuple(type(step).__name__ for step in found.transformers if hasattr(step, "transform")),
            cov=cov,
            alpha=alpha,
            coef=coef * self.unit,
            std_errors=errors * self.unit,
            statistic=statistic,
            p_values=p_values,
            conf_int=np.stack([coef - reach, coef + reach], axis=-1) * self.unit,
            covariance=covariance * self.unit**2 if self.unit != 1 else covariance,
            stability=signs,
            bootstrap_sd=sd if sd is None else sd * self.unit,
            n_rows=len(self.weights),
            n_samples=self.many,
            df_inference=float(df),
            notes=tuple(self.notes),
            **self._in_units(figures),
        )

    def _in_units(self, figures: dict[str, float]) -> dict[str, float]:
        """Return figures in the unit of y as it was given."""
        if self.unit == 1:
            return figures
        more = -self.many * float(np.log(self.unit))
        scaled = {"log_likelihood": more, "log_likelihood_null": more, "aic": -2 * more, "bic": -2 * more}
        moved = {name: figures[name] + by for name, by in scaled.items()}
        return {**figures, **moved, "sigma": figures["sigma"] * self.unit}

    def _coef(self) -> Array:
        """Return the weights, intercept first; of several classes the differences from the first."""
        coef, intercept = self.found.coef, self.found.intercept
        if self.found.kind == "multinomial":
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        whole = np.hstack([intercept[:, np.newaxis], coef]) if self.found.has_intercept else coef.copy()
        return whole if self.found.kind == "multinomial" else whole[0]

    def _stability(self, n_resamples: int, draw: Any, shape: tuple[int, ...]) -> tuple[Array, Array]:
        given = self.weights if self.is_counted else None
        signs, sd = stability(self.found, given, n_resamples, draw)
        if not self.found.has_intercept:
            signs, sd = signs[:, 1:], sd[:, 1:]
        if n_resamples:
            self.notes.append(
                f"stability: the share of {n_resamples} refits to rows drawn again with replacement in which "
                "the weight has the same sign, or is 0 as here."
            )
        return signs.reshape(shape), sd.reshape(shape)

    def _errors(
        self, cov: str, groups: NDArray[np.intp] | None, figures: dict[str, float]
    ) -> tuple[Array, Array, float]:
        """Return standard errors, covariance and the degrees of freedom of t; tests of all weights enter."""
        found, seen, rank = self.found, self.seen, self.frame.back.shape[1]
        is_linear = found.kind == "linear"
        back, factor = self.frame.back, None
        if found.kind == "multinomial" and seen.chances is not None:
            back, factor = softmax_back(self.frame, self.weights, seen.chances)
        if self.many <= rank:
            self.notes.append(
                f"{rank} weights fit any {rank} rows: with {self.many:.6g} there are no standard errors. "
                "There must be more rows, or fewer columns."
            )
            nothing = np.full((len(back), len(back)), np.nan)
            return nothing[0], nothing, max(self.many - rank, 0.0)
        df = self.many - rank if is_linear else np.inf
        if cov == "nonrobust":
            middle = np.eye(back.shape[1]) * (figures["sigma"] ** 2 if is_linear else 1.0)
        else:
            middle = meat(
                self.frame,
                self.weights,
                seen.errors,
                cov=cov,
                groups=groups,
                factor=factor,
                chances=seen.chances,
            )
            if groups is not None and is_linear:
                df = float(groups.max())
            self._test_together(middle, df, figures)
        if not np.isfinite(middle).all():
            self.notes.append(
                f"A row that alone decides a weight has no error left to go by: cov='{cov}' is not defined. "
                "'HC1' is."
            )
        self._far_from_best(back, factor, figures)
        # Each weight in a unit of its own: squares of a column's scale may overflow.
        scale = np.abs(back).max(axis=1)
        plain = back / np.where(scale > 0, scale, 1)[:, np.newaxis]
        covariance = plain @ middle @ plain.T
        errors = scale * np.sqrt(np.diagonal(covariance))
        lost = np.tile(self._lost(errors), self.n_outputs)
        covariance[lost] = np.nan
        covariance[:, lost] = np.nan
        errors[lost] = np.nan
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return errors, covariance * np.outer(scale, scale), df

    def _lost(self, errors: Array) -> NDArray[np.bool_]:
        """Return which terms have no unique or no finite value, and say why."""
        found = self.found
        terms = np.array(("intercept",) * found.has_intercept + found.names, dtype=object)
        for members in self.frame.dependent[:_MOST_NAMES]:
            named = [str(name) for name in terms[members]]
            if len(named) == 1:
                self.notes.append(f"{named[0]} is 0 in every row: its weight says nothing.")
            elif found.has_intercept and members[0] and len(named) == 2:
                self.notes.append(
                    f"{named[1]} does not vary: its weight and the intercept have no unique value. Drop it."
                )
            else:
                self.notes.append(
                    f"{_listed(named)} are made of each other: their weights have no unique value. Drop one."
                )
        if len(self.frame.dependent) > _MOST_NAMES:
            self.notes.append(f"So are {len(self.frame.dependent) - _MOST_NAMES} more sets of columns.")
        lost = self.frame.unsettled
        if found.kind != "linear":
            slopes = errors.reshape(self.n_outputs, -1)[:, int(found.has_intercept) :]
            apart = separation(found, self.seen, self.weights, slopes.max(axis=0, initial=0.0))
            if apart is not None:
                self.notes.append(self._said(apart))
                lost[[f + found.has_intercept for f in apart.columns]] = True
                lost |= apart.complete
        return lost

    def _said(self, apart: Separation) -> str:
        named = _listed([self.found.names[f] for f in apart.columns])
        tell = "tells" if len(apart.columns) == 1 else "together tell"
        cure = "a penalty (finite C), or fewer columns, gives finite ones."
        if self.found.kind == "poisson":
            return (
                f"{named} {tell} rows without counts apart from the others: the weights run to infinity; "
                "a penalty (alpha), or fewer columns, gives finite ones."
            )
        if apart.complete:
            return (
                f"The classes are separated: {named} {tell} every row's class. The larger the weights the "
                f"better they fit, so no weight has a best value; {cure}"
            )
        return f"{named} {tell} some rows' class for certain, so the weights run to infinity; {cure}"

    def _far_from_best(self, back: Array, factor: Array | None, figures: dict[str, float]) -> None:
        """Note weights that a fit has left short of the best, in standard errors."""
        if self.checked is None:
            return
        moved = self.plain.centre - self.frame.centre
        scores = self.checked.scores[-self.n_outputs :]
        turned = np.concatenate(
            [self.frame.from_sums(sums[:-1] + sums[-1] * moved, sums[-1]) for sums in scores]
        )
        step = turned if factor is None else turned @ factor
        unit = figures.get("sigma", 1.0)
        scale = np.abs(back).max(axis=1, keepdims=True)
        plain = back / np.where(scale > 0, scale, 1)
        length = np.linalg.norm(plain, axis=1) * unit
        off = np.divide(np.abs(plain @ step), length, out=np.zeros_like(length), where=length > 0)
        worst = int(np.argmax(off))
        # Of a perfect fit both are rounding.
        if off[worst] > _NEAR and not self._is_perfect():
            terms = ("intercept",) * self.found.has_intercept + self.found.names
            name = terms[worst % len(terms)]
            self.notes.append(
                f"The fit stopped {off[worst]:.2g} standard errors short of the best weight of {name}: a "
                "smaller tol takes it further. Figures are those of the weights as they are."
            )

    def _is_perfect(self) -> bool:
        if self.found.kind != "linear" or self.found.y is None:
            return False
        size = np.abs(self.found.y).max() + np.abs(self.seen.scores).max()
        return bool(np.abs(self.seen.errors).max() <= 1e-10 * size)

    def _test_together(self, middle: Array, df: float, figures: dict[str, float]) -> None:
        """Replace F by Wald's test of all weights but the intercept."""
        if "f_statistic" not in figures:
            return
        found, first = self.found, int(self.found.has_intercept)
        many = len(middle) - first
        # Slopes in coordinates: the triangle times weights in unit columns.
        slopes = self.frame.triangle @ (found.coef[0] * self.frame.size)[self.frame.picked]
        figures["f_statistic"] = figures["f_p_value"] = np.nan
        if many and np.isfinite(middle).all() and np.linalg.matrix_rank(middle[first:, first:]) == many:
            f = float(slopes @ np.linalg.solve(middle[first:, first:], slopes)) / many
            figures["f_statistic"], figures["f_p_value"] = f, float(fdtrc(many, df, f))

    def _explain_doubts(self, cov: str, figures: dict[str, float]) -> None:
        if self._is_perfect() and figures["df_resid"] > 0:
            self.notes.append("The fit is perfect: what is left is rounding, and so are the standard errors.")
        elif (
            cov == "nonrobust"
            and not self._is_perfect()
            and figures.get("breusch_pagan_p_value", 1.0) < _DOUBT
        ):
            self.notes.append(
                "The residuals' variance depends on the columns (Breusch-Pagan): standard errors with "
                "cov='HC3' allow for that."
            )
        if self.found.kind == "poisson" and cov == "nonrobust" and figures["df_resid"] > 0:
            chance = float(chdtrc(figures["df_resid"], figures["pearson_chi2"]))
            if chance < _DOUBT and figures["dispersion"] > 1:
                self.notes.append(
                    f"Counts vary {figures['dispersion']:.3g} times as much as Poisson's do: standard errors "
                    "with cov='HC3' allow for that."
                )
        if self.is_counted and self.many != len(self.weights) and np.any(self.weights % 1):
            self.notes.append(
                "A weight of 2 counts as the row twice. If weights are precisions, not counts, divide them "
                "by their mean."
            )


#: Figures that suppose weights without a penalty.
_TESTS = {"f_statistic", "f_p_value", "lr_statistic", "lr_p_value", "aic", "bic", "adjusted_r_squared"} | {
    "sigma",
    "dispersion",
}


def _targets(found: Linear, seen: Likelihood) -> Array:
    """Return what sums over rows are needed of: errors and, of a linear model, their squares."""
    if found.kind != "linear":
        return seen.errors
    peak = float(np.abs(seen.errors).max())
    return np.hstack([seen.errors, np.square(seen.errors / (peak or 1.0))])


def _unit(found: Linear) -> float:
    """Return the power of two in which a linear model's targets are summed up; 1 but for extreme ones."""
    if found.kind != "linear" or found.y is None:
        return 1.0
    peak = float(np.abs(found.y).max())
    return 2.0 ** np.floor(np.log2(peak)) if 0 < peak < _SMALL or peak > _LARGE else 1.0


def _listed(names: list[str]) -> str:
    shown = names[:_MOST_NAMES]
    if len(names) > len(shown):
        return f"{', '.join(shown)} and {len(names) - len(shown)} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
