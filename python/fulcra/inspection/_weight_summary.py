"""What `summarize` returns: weights with their errors, and how well the model fits."""

from dataclasses import dataclass, fields
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._reading.numbers import human

#: Weights that the text shows.
_MOST_TERMS = 200
_TABLE = (
    "<style>.fulcra-weights td,.fulcra-weights th{text-align:right;padding:.15em .7em}"
    ".fulcra-weights td:first-child,.fulcra-weights th:first-child{text-align:left}</style>"
)
_KINDS = {
    "linear": "Linear regression",
    "logistic": "Logistic regression",
    "multinomial": "Multinomial logistic regression",
    "poisson": "Poisson regression",
}


@dataclass(frozen=True)
class WeightSummary:
    """The weights of a linear model with their standard errors, and how well the model fits.

    Arrays of weights have the shape (n_terms,), the intercept (if there is one) first; of multinomial models
    (n_classes - 1, n_terms): the difference of each class from the first, which is what can be known of them.

    Attributes
    ----------
    kind : {'linear', 'logistic', 'multinomial', 'poisson'}
        What the model is.
    model : str
        The name of its class.
    target : str
        The name of y's column, or the class whose probability the weights raise.
    classes : tuple of str
        Of classifiers all classes, in order; the first is what the others are compared with.
    terms : tuple of str
        'intercept' and the names of the model's columns.
    steps : tuple of str
        What stands in front of the model in its Pipeline; weights are per unit of what leaves the last.
    cov : {'nonrobust', 'HC0', 'HC1', 'HC2', 'HC3', 'cluster'}
        What standard errors take into account.
    alpha : float
        Intervals hold with probability 1 - alpha.
    coef : ndarray
        The model's own weights.
    std_errors : ndarray
        NaN of penalised models, and of weights that have no unique value.
    statistic : ndarray
        Weights over standard errors: Student's t with `df_inference` degrees of freedom for linear models,
        else normal.
    p_values : ndarray
        Of a weight of 0, two-sided.
    conf_int : ndarray of shape (..., 2)
        Low and high ends.
    covariance : ndarray of shape (n_weights, n_weights)
        Of all weights, class after class.
    stability : ndarray or None
        Of penalised models: the share of bootstrap resamples in which the weight has the sign (or the 0) that
        it has here.
    bootstrap_sd : ndarray or None
        And the standard deviation of the weight among these.
    n_rows : int
        Rows of X.
    n_samples : float
        What they count: the sum of the weights.
    df_model, df_resid : float
        Weights but the intercept that can vary by themselves, and what is left of the rows.
    df_inference : float
        Of t and F: `df_resid`, or the clusters less one; infinite for the normal distribution.
    r_squared, adjusted_r_squared : float
        Of linear models: the share of y's variance that is explained.
    f_statistic, f_p_value : float
        Of linear models: all weights but the intercept being 0, by `cov`.
    sigma : float
        Of linear models: the standard deviation of the residuals, in y's units.
    log_likelihood, log_likelihood_null : float
        Of the model, and of the mean alone.
    pseudo_r_squared, lr_statistic, lr_p_value : float
        Of the others: McFadden's 1 - log_likelihood / log_likelihood_null, and twice the gain by chi-squared.
    aic, bic : float
        Akaike's and Schwarz's criterion; weights are counted, variances are not.
    durbin_watson : float
        2 where a residual says nothing of the next; NaN for rows with weights.
    jarque_bera, jarque_bera_p_value, skew, kurtosis : float
        Whether residuals are normal.
    breusch_pagan, breusch_pagan_p_value : float
        Whether their variance depends on the columns (Koenker's form).
    condition_number : float
        Of X as it stands with its column of ones: the ratio of the largest to the smallest singular value.
    deviance, null_deviance, pearson_chi2, dispersion : float
        Of logistic and Poisson models; the dispersion is chi-squared over `df_resid`.
    notes : tuple of str
        What somebody who reads the figures has to know.
    """

    kind: str
    model: str
    target: str
    classes: tuple[str, ...]
    terms: tuple[str, ...]
    steps: tuple[str, ...]
    cov: str
    alpha: float
    coef: NDArray[np.float64]
    std_errors: NDArray[np.float64]
    statistic: NDArray[np.float64]
    p_values: NDArray[np.float64]
    conf_int: NDArray[np.float64]
    covariance: NDArray[np.float64]
    stability: NDArray[np.float64] | None
    bootstrap_sd: NDArray[np.float64] | None
    n_rows: int
    n_samples: float
    df_model: float
    df_resid: float
    df_inference: float
    log_likelihood: float
    log_likelihood_null: float
    aic: float
    bic: float
    notes: tuple[str, ...]
    condition_number: float = np.nan
    r_squared: float = np.nan
    adjusted_r_squared: float = np.nan
    f_statistic: float = np.nan
    f_p_value: float = np.nan
    sigma: float = np.nan
    durbin_watson: float = np.nan
    jarque_bera: float = np.nan
    jarque_bera_p_value: float = np.nan
    skew: float = np.nan
    kurtosis: float = np.nan
    breusch_pagan: float = np.nan
    breusch_pagan_p_value: float = np.nan
    pseudo_r_squared: float = np.nan
    lr_statistic: float = np.nan
    lr_p_value: float = np.nan
    deviance: float = np.nan
    null_deviance: float = np.nan
    pearson_chi2: float = np.nan
    dispersion: float = np.nan

    @property
    def penalised(self) -> bool:
        """Whether there are no intervals because something draws or holds the weights."""
        return self.stability is not None

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the covariance as plain numbers, strings, lists and dicts.

        Returns
        -------
        dict
            By the names of the attributes, with the weights' figures under 'weights': a list with a dict for
            each (of multinomial models with its 'class'). What is not a number is None, so that it can be
            written as JSON.
        """
        arrays = {"coef", "std_errors", "statistic", "p_values", "conf_int", "covariance", "terms"}
        kept = (field.name for field in fields(self))
        single = {name: _plain(getattr(self, name)) for name in kept if name not in arrays | _RESAMPLED}
        return {**single, "weights": self._records()}

    def to_frame(self) -> Any:
        """Return the weights as a data frame.

        Returns
        -------
        pandas.DataFrame
            A row for each weight, indexed by 'term', or by 'class' and 'term'; columns 'coef', 'std_error',
            'statistic', 'p_value', 'low', 'high' and, of penalised models, 'stability' and 'bootstrap_sd'.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        import pandas as pd  # noqa: PLC0415 - not a dependency

        keys = ["class", "term"] if self.coef.ndim > 1 else ["term"]
        return pd.DataFrame(self._records()).set_index(keys).astype(np.float64)

    def __str__(self) -> str:
        lines = [self._headline(), ""]
        for title, rows in self._tables():
            lines += [title] * bool(title)
            shown = rows[: _MOST_TERMS + 1]
            widths = [max(len(cells[place]) for cells in shown) for place in range(len(shown[0]))]
            for cells in shown:
                padded = map(str.rjust, cells[1:], widths[1:])
                lines.append(f"{cells[0]:<{widths[0]}}  {'  '.join(padded)}".rstrip())
            if len(rows) > len(shown):
                lines.append(f"{len(rows) - len(shown)} more weights: to_frame() has them all.")
            lines.append("")
        return "\n".join([*lines, *self._fit(), *(f"- {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        parts = [_TABLE, f"<p><b>{escape(self._headline())}</b></p>"]
        for title, rows in self._tables():
            head = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
            lines = ("".join(f"<td>{escape(cell)}</td>" for cell in cells) for cells in rows[1:])
            body = "".join(f"<tr>{line}</tr>" for line in lines)
            parts += [f"<h3>{escape(title)}</h3>"] * bool(title)
            parts.append(
                f'<table class="fulcra-weights"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
            )
        parts += [f"<p>{escape(line)}</p>" for line in self._fit()]
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return "".join([*parts, f"<ul>{notes}</ul>" * bool(notes)])

    def _records(self) -> list[dict[str, Any]]:
        found = []
        several = self.coef.ndim > 1
        for at in np.ndindex(self.coef.shape):
            record: dict[str, Any] = {"class": self.classes[at[0] + 1]} if several else {}
            record["term"] = self.terms[at[-1]]
            for title, part in (
                ("coef", self.coef),
                ("std_error", self.std_errors),
                ("statistic", self.statistic),
                ("p_value", self.p_values),
                ("low", self.conf_int[..., 0]),
                ("high", self.conf_int[..., 1]),
            ):
                record[title] = _plain(part[at])
            if self.stability is not None and self.bootstrap_sd is not None:
                record["stability"] = _plain(self.stability[at])
                record["bootstrap_sd"] = _plain(self.bootstrap_sd[at])
            found.append(record)
        return found

    def _headline(self) -> str:
        what = self.target
        if self.kind == "logistic":
            what = f"{self.target!r} rather than {self.classes[0]!r}"
        elif self.kind == "multinomial":
            what = f"{len(self.classes)} classes"
        after = f" after {', '.join(self.steps)}" if self.steps else ""
        rows = f"{self.n_rows:,} row{'s' * (self.n_rows != 1)}"
        if self.n_samples != self.n_rows:
            rows += f" that count {self.n_samples:,.6g}"
        by = "" if self.penalised else f"; {self.cov} standard errors"
        return f"{_KINDS[self.kind]} of {what} ({self.model}{after}): {rows}{by}."

    def _tables(self) -> list[tuple[str, list[tuple[str, ...]]]]:
        if self.coef.ndim == 1:
            return [("", [self._headings(), *(self._cells((at,)) for at in range(len(self.terms)))])]
        return [
            (
                f"{name} rather than {self.classes[0]}",
                [self._headings(), *(self._cells((place, at)) for at in range(len(self.terms)))],
            )
            for place, name in enumerate(self.classes[1:])
        ]

    def _headings(self) -> tuple[str, ...]:
        if self.penalised:
            return "", "weight", "bootstrap sd", "stability"
        letter = "z" if np.isinf(self.df_inference) else "t"
        return "", "weight", "std error", letter, "p", f"{100 * (1 - self.alpha):.6g}% interval"

    def _cells(self, at: tuple[int, ...]) -> tuple[str, ...]:
        term, weight = self.terms[at[-1]], self.coef[at]
        if self.stability is not None and self.bootstrap_sd is not None:
            sd = self.bootstrap_sd[at]
            share = "-" if np.isnan(self.stability[at]) else f"{self.stability[at]:.0%}"
            return term, human(weight, sd), human(sd, sd), share
        error = self.std_errors[at]
        low, high = self.conf_int[at]
        ends = "-" if np.isnan(low) else f"{human(low, error)} to {human(high, error)}"
        statistic = "-" if np.isnan(error) else _statistic(self.statistic[at])
        return term, human(weight, error), human(error, error), statistic, _p(self.p_values[at]), ends

    def _fit(self) -> list[str]:
        """Write the figures of the fit, a line for each question."""
        lines = []
        model, resid = f"{self.df_model:.6g}", f"{self.df_resid:.6g}"
        if self.kind == "linear":
            lines.append(f"R² {_short(self.r_squared)}")
            if not self.penalised:
                lines[-1] += (
                    f", adjusted {_short(self.adjusted_r_squared)}; F({model}, {self.df_inference:.6g}) "
                    f"{_short(self.f_statistic)}, p {_p(self.f_p_value)}"
                )
        else:
            lines.append(f"McFadden's pseudo R² {_short(self.pseudo_r_squared)}")
            if not self.penalised:
                lines[-1] += (
                    f"; likelihood ratio chi²({model}) {_short(self.lr_statistic)}, p {_p(self.lr_p_value)}"
                )
        likely = (
            f"log-likelihood {_short(self.log_likelihood)} (mean alone {_short(self.log_likelihood_null)})"
        )
        if not self.penalised:
            likely += f", AIC {_short(self.aic)}, BIC {_short(self.bic)}"
        lines.append(likely)
        if self.kind == "linear":
            sd = f"standard deviation {_short(self.sigma)} with {resid} degrees of freedom; "
            lines.append(
                f"residuals: {'' if self.penalised else sd}"
                f"Durbin-Watson {_short(self.durbin_watson)}; Jarque-Bera {_short(self.jarque_bera)}, p "
                f"{_p(self.jarque_bera_p_value)} (skew {_short(self.skew)}, kurtosis {_short(self.kurtosis)})"
                f"; Breusch-Pagan {_short(self.breusch_pagan)}, p {_p(self.breusch_pagan_p_value)}"
            )
        else:
            lines.append(
                f"deviance {_short(self.deviance)} (mean alone {_short(self.null_deviance)}), Pearson's chi² "
                f"{_short(self.pearson_chi2)}"
            )
            if not self.penalised:
                lines[-1] += f" with {resid} degrees of freedom, dispersion {_short(self.dispersion)}"
        lines.append(f"condition number {_short(self.condition_number)}")
        return lines


_RESAMPLED = {"stability", "bootstrap_sd"}


def _short(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def _statistic(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 1e6 else f"{value:.3g}"


def _p(value: float) -> str:
    return "-" if np.isnan(value) else "<0.001" if value < 0.001 else f"{value:.3f}"


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
