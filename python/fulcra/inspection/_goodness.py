"""How well a linear model fits: shares of variance, likelihoods, and what residuals say against it.

Sources: Durbin and Watson (1950), "Testing for serial correlation in least squares regression"; Jarque and
Bera (1980), "Efficient tests for normality, homoscedasticity and serial independence of regression
residuals"; Koenker (1981), "A note on studentizing a test for heteroscedasticity", for Breusch and Pagan's
test; McFadden (1974), "Conditional logit analysis of qualitative choice behavior".
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, fdtrc

from fulcra._reading.linear import Linear
from fulcra.inspection._covariance import Array, Frame
from fulcra.inspection._likelihood import Likelihood, summed


def of_least_squares(found: Linear, seen: Likelihood, frame: Frame, *, is_counted: bool) -> dict[str, float]:
    """Return the figures of a linear model, by their names in `WeightSummary`.

    Parameters
    ----------
    found : Linear
        With rows and targets.
    seen : Likelihood
        Its errors.
    frame : Frame
        Of its rows and weights.
    is_counted : bool
        Whether rows have weights, so that their order says nothing.

    Returns
    -------
    dict of str to float
        NaN where a figure is not defined.
    """
    weights, errors = frame.information, seen.errors[:, 0]
    many, rank = float(weights.sum()), frame.back.shape[1]
    constant = found.has_intercept or spans_ones(frame)
    squares, around, null = seen.deviance, seen.null_deviance, seen.null
    if constant and not found.has_intercept and found.y is not None:
        y = found.y[:, 0]
        around = summed(weights, (y - summed(weights, y) / many) ** 2)
        null = _normal_log(around, many)
    df_model, df_resid = rank - constant, many - rank
    share = 1 - squares / around if around > 0 else np.nan
    f = np.nan
    if df_model > 0 and df_resid > 0 and around > 0:
        f = (around - squares) / df_model / (squares / df_resid) if squares > 0 else np.inf
    adjusted = 1 - (1 - share) * (many - constant) / df_resid if df_resid > 0 else np.nan
    skew, kurtosis = _shape(errors, weights, many)
    bera = many / 6 * (skew**2 + (kurtosis - 3) ** 2 / 4)
    pagan = _breusch_pagan(errors, weights, frame) if constant and df_resid > 0 else np.nan
    return {
        "r_squared": share,
        "adjusted_r_squared": adjusted,
        "f_statistic": f,
        "f_p_value": float(fdtrc(df_model, df_resid, f)) if np.isfinite(f) else 0.0 if f > 0 else np.nan,
        "sigma": np.sqrt(squares / df_resid) if df_resid > 0 else np.nan,
        "log_likelihood": seen.log_likelihood,
        "log_likelihood_null": null,
        "aic": 2 * rank - 2 * seen.log_likelihood,
        "bic": np.log(many) * rank - 2 * seen.log_likelihood,
        "durbin_watson": np.nan
        if is_counted or squares == 0
        else float(np.square(np.diff(errors)).sum()) / squares,
        "jarque_bera": bera,
        "jarque_bera_p_value": float(chdtrc(2, bera)),
        "skew": skew,
        "kurtosis": kurtosis,
        "breusch_pagan": pagan,
        "breusch_pagan_p_value": float(chdtrc(df_model, pagan)) if df_model > 0 else np.nan,
        "df_model": float(df_model),
        "df_resid": df_resid,
    }


def of_likelihood(
    seen: Likelihood, many: float, rank: int, n_outputs: int, constant: bool
) -> dict[str, float]:
    """Return the figures of a logistic or Poisson model, by their names in `WeightSummary`."""
    df_model, df_resid = (rank - constant) * n_outputs, (many - rank) * n_outputs
    more = 2 * (seen.log_likelihood - seen.null)
    n_weights = rank * n_outputs
    return {
        "log_likelihood": seen.log_likelihood,
        "log_likelihood_null": seen.null,
        "pseudo_r_squared": 1 - seen.log_likelihood / seen.null if seen.null < 0 else np.nan,
        "lr_statistic": more,
        "lr_p_value": float(chdtrc(df_model, max(more, 0.0))) if df_model > 0 else np.nan,
        "aic": 2 * n_weights - 2 * seen.log_likelihood,
        "bic": np.log(many) * n_weights - 2 * seen.log_likelihood,
        "deviance": seen.deviance,
        "null_deviance": seen.null_deviance,
        "pearson_chi2": seen.pearson,
        "dispersion": seen.pearson / df_resid if df_resid > 0 else np.nan,
        "df_model": float(df_model),
        "df_resid": df_resid,
    }


def spans_ones(frame: Frame) -> bool:
    """Whether the columns add up to a constant, so that they hold an intercept among them."""
    if frame.has_intercept:
        return True
    ones = frame.turned(frame.information)
    return bool(frame.total - ones @ ones < 1e-9 * frame.total)


def _normal_log(squares: float, many: float) -> float:
    return -many / 2 * (np.log(2 * np.pi * squares / many) + 1) if squares > 0 else np.inf


def _shape(errors: Array, weights: Array, many: float) -> tuple[float, float]:
    """Return skew and kurtosis; NaN for residuals that do not vary."""
    away = errors - summed(weights, errors) / many
    second = summed(weights, away**2) / many
    if second == 0:
        return np.nan, np.nan
    away = away / np.sqrt(second)
    squares = away * away
    return summed(weights, squares * away) / many, summed(weights, squares * squares) / many


def _breusch_pagan(errors: Array, weights: Array, frame: Frame) -> float:
    """Return n R² of the squared residuals on the columns: Koenker's form, which asks for no normality."""
    peak = np.abs(errors).max()
    if peak == 0:
        return np.nan
    squared: NDArray[np.float64] = (errors / peak) ** 2
    many = float(weights.sum())
    middle = summed(weights, squared) / many
    around = summed(weights, (squared - middle) ** 2)
    if around == 0:
        return np.nan
    # Less the mean, so that the constant, which the columns hold, takes no part.
    of_squares = frame.sums[1, 1:] if frame.has_intercept else frame.turned(weights * (squared - middle))
    return many * float(np.square(of_squares).sum()) / around
