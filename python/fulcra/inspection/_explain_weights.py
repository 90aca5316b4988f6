"""What weights mean, in the table's own columns and units, and what looks wrong with them.

Sources: Greene (2012), "Econometric Analysis", 7th edition, chapters 5 and 17; Gelman (2008), "Scaling
regression inputs by dividing by two standard deviations", Statistics in Medicine 27; Fox and Monette (1992),
"Generalized collinearity diagnostics", Journal of the American Statistical Association 87.
"""

from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from fulcra._base import Data, Interval, StrOptions, check_function_params, check_weights
from fulcra._reading.weights import Weights, level_groups, weights
from fulcra.inspection._debugging import findings
from fulcra.inspection._marginal_effects import marginal_effects
from fulcra.inspection._weight_errors import Errors, errors
from fulcra.inspection._weight_report import WeightReport

#: Values of features for which effects on probabilities are averaged at a time; of more rows, so many at
#: equal distances.
_MOST_VALUES = 20_000_000
#: Features above which intervals of average effects are left out: each costs a pass over the rows.
_MOST_FEATURES = 200
#: Spreads for which a unit is a change that people have in mind.
_PLAIN = (0.5, 100.0)
#: Features above which their values are not looked at one by one: of words a unit is a unit.
_MOST_READ = 1_000
#: Rows after which most columns have shown a third value.
_PROBE = 100


@check_function_params(
    {
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "cov": [StrOptions({"nonrobust", "HC0", "HC1", "HC2", "HC3", "cluster"})],
    }
)
def explain_weights(
    model: Any,
    X: Data = None,
    y: Data = None,
    *,
    sample_weight: Data = None,
    cov: str = "nonrobust",
    groups: Data = None,
    alpha: float = 0.05,
) -> WeightReport:
    """Say what each weight of a fitted linear model means, and what looks wrong with it.

    Scalers, selections and one-hot encoders of a Pipeline are undone: weights are per unit of the table's own
    columns, those of levels against the level that was left out, or against the average of the rows. Of steps
    that mix columns linearly (PCA) the weights of the columns behind them are given; what other steps made
    ("log1p(income)") is a feature of its own.

    Parameters
    ----------
    model : estimator
        A fitted linear, logistic or Poisson regression, ours or scikit-learn's, or a Pipeline that ends in
        one.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features), default=None
        The table, as it is given to the model's `predict`: the rows of the fit. None: weights alone are read,
        as of a model made by `from_weights`.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        The targets. Without them there are no intervals, and only the columns themselves are looked at.
    sample_weight : array-like of shape (n_samples,), default=None
        As they were given to `fit`.
    cov : {'nonrobust', 'HC0', 'HC1', 'HC2', 'HC3', 'cluster'}, default='nonrobust'
        What intervals take into account; see `summarize`.
    groups : array-like of shape (n_samples,), default=None
        The clusters of rows, for ``cov='cluster'``.
    alpha : float, default=0.05
        Intervals hold with probability 1 - alpha.

    Returns
    -------
    WeightReport
        Prints as text; `contributions`, `prediction`, `findings`; `to_html()`, `to_dict()`, `to_frame()`.

    Raises
    ------
    TypeError
        If the model is none of these.
    NotFittedError
        If it is not fitted.
    ValueError
        If X or y do not suit the model; if a model without a penalty was not fitted to these rows; if y is
        given without X.

    See Also
    --------
    fulcra.inspection.summarize : Standard errors, p-values and how well the model fits.
    fulcra.inspection.CoefficientDisplay : The weights as a picture.
    fulcra.inspection.ContributionDisplay : One prediction as a picture.

    Notes
    -----
    The importance of a column is the standard deviation, over the rows, of what it adds to the score: for a
    number the effect of one standard deviation. Average marginal effects are derivatives of the probability
    or count, averaged over the rows; for levels and columns of 0 and 1, differences. Intervals are those of
    `summarize`, by the delta method where weights were undone; models with a penalty have none.

    Findings are raised beyond chance only. On 200 simulated tables without a flaw, with 2 to 20 columns that
    correlate up to 0.6 and 100 to 5,000 rows, at most 5% raise any; of each planted flaw, of a size that so
    many rows can show, at least 95% are found with the right columns. A weight is called negligible where it
    cannot be told from 0 and even the end of its 99% interval is less than a hundredth of the variance of the
    predictions; a sign unexpected where both it and the raw correlation are beyond chance (1% for the whole
    table).

    References
    ----------
    Greene (2012), "Econometric Analysis", 7th edition, Pearson.
    Gelman (2008), "Scaling regression inputs by dividing by two standard deviations", Statistics in Medicine
    27.

    Examples
    --------
    >>> from fulcra.inspection import explain_weights
    >>> from fulcra.linear_model import LinearRegression
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    >>> X, y = X[["bmi", "bp"]], y.rename("progression")
    >>> report = explain_weights(make_pipeline(StandardScaler(), LinearRegression()).fit(X, y), X, y)
    >>> report.sentences[0]
    'each extra unit of bmi adds 8.5 to progression (95%: 7.1 to 9.9)'
    >>> print(report.prediction(0))
    progression: 210 (average 152)
      the average  152
      bmi = 32.1   +49
      bp = 101      +9
      together     210
    """
    if y is not None and X is None:
        raise ValueError("y was given without X: pass the rows as well, or neither.")
    known = None
    if sample_weight is not None and X is not None:
        known = check_weights(sample_weight, X if hasattr(X, "shape") else np.empty((len(X), 1)))
    found = weights(model, X, y, None if known is None else known / known.sum())
    kept, notes = errors(found, known, cov=cov, groups=groups)
    low, high = _interval(found, kept, alpha)
    pairs = _pairs(found)
    effects, effects_low, effects_high = _effects(found, kept, pairs, alpha)
    traced, linear = found.trace, found.linear
    return WeightReport(
        linear.kind,
        linear.targets,
        None if linear.classes is None else tuple(str(label) for label in linear.classes),
        traced.features,
        traced.levels,
        traced.column,
        traced.columns,
        traced.references,
        found.intercept,
        found.weights,
        low,
        high,
        effects,
        effects_low,
        effects_high,
        _importances(found),
        found.mean,
        found.spread,
        _steps(found, pairs),
        pairs,
        found.intercept if found.share is None else found.intercept + found.weights @ found.mean,
        None if found.share is None else len(found.share),
        findings(found) if found.share is not None else (),
        notes,
        1 - alpha,
        model,
        found,
    )


def _interval(
    found: Weights, kept: Errors | None, alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    middle = found.weights
    if found.linear.kind == "multinomial":
        middle = middle - middle.mean(axis=0)
    if kept is None:
        nothing = np.full(middle.shape, np.nan)
        return nothing, nothing.copy()
    reach = _quantile(kept, alpha) * kept.of_weights
    return middle - reach, middle + reach


def _quantile(kept: Errors, alpha: float) -> float:
    if np.isinf(kept.degrees):
        return float(ndtri(1 - alpha / 2))
    return float(stdtrit(kept.degrees, 1 - alpha / 2))


def _importances(found: Weights) -> NDArray[np.float64]:
    """Return the standard deviation of what each column adds, (n_outputs, n_columns)."""
    traced = found.trace
    sizes = np.zeros((len(found.weights), len(traced.columns)))
    if found.share is None:
        for f, column in enumerate(traced.column):
            sizes[:, column] = np.maximum(sizes[:, column], np.abs(found.weights[:, f]))
        return sizes
    several = np.bincount(traced.column, minlength=len(traced.columns)) > 1
    alone = ~several[traced.column]
    sizes[:, traced.column[alone]] = np.abs(found.weights[:, alone]) * found.spread[alone]
    for column in np.flatnonzero(several):
        those = np.flatnonzero(traced.column == column)
        moved = np.asarray(traced.values[:, those] @ found.weights[:, those].T)
        moved -= found.share @ moved
        sizes[:, column] = np.sqrt(found.share @ moved**2)
    return sizes


def _pairs(found: Weights) -> NDArray[np.float64]:
    """Return the two values of numbers that have no more, (n_features, 2); NaN of others."""
    pairs = np.full((len(found.trace.features), 2), np.nan)
    if found.share is None or len(pairs) > _MOST_READ:
        return pairs
    for f, level in enumerate(found.trace.levels):
        if level is None and found.spread[f] > 0:
            cells = _column(found, f)
            low, high = cells.min(), cells.max()
            if (cells[: 1 + _PROBE] == low).sum() + (cells[: 1 + _PROBE] == high).sum() < min(
                len(cells), 1 + _PROBE
            ):
                continue  # most columns end here
            if ((cells == low) | (cells == high)).all():
                pairs[f] = low, high
    return pairs


def _steps(found: Weights, pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each feature a change that people have in mind: a unit, or a power of ten."""
    steps = np.where(np.isnan(pairs[:, 0]), 1.0, pairs[:, 1] - pairs[:, 0])
    if len(pairs) > _MOST_READ:
        return steps
    for f, (spread, level) in enumerate(zip(found.spread, found.trace.levels, strict=True)):
        plain = level is not None or not np.isnan(pairs[f, 0]) or _PLAIN[0] <= spread <= _PLAIN[1]
        if not plain and spread > 0:
            step = 10.0 ** np.floor(np.log10(spread))
            if step > 1 or not _of_whole_numbers(found, f):
                steps[f] = step
    return steps


def _column(found: Weights, f: int) -> NDArray[np.float64]:
    values = found.trace.values[:, [f]]
    dense: NDArray[np.float64] = (values.toarray() if sp.issparse(values) else values)[:, 0]
    return dense


def _of_whole_numbers(found: Weights, f: int) -> bool:
    cells = _column(found, f)
    return bool((cells == np.floor(cells)).all())


def _effects(
    found: Weights, kept: Errors | None, pairs: NDArray[np.float64], alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return average marginal effects and their intervals, (n_outputs, n_features) each."""
    nothing = np.full(found.weights.shape, np.nan)
    if found.linear.kind == "linear":
        low, high = _interval(found, kept, alpha)
        return found.weights, low, high
    p = len(found.trace.features)
    if found.share is None:
        return nothing, nothing, nothing
    values, share, middle = found.trace.values, found.share, found.mean
    is_wide = sp.issparse(values) and p > _MOST_READ  # and stays sparse
    step = 1 if is_wide else -(-len(share) * p // _MOST_VALUES)
    values, share = values[::step], share[::step] / share[::step].sum()
    if is_wide:
        rows, middle = values, np.zeros(p)
    else:
        rows = (values.toarray() if sp.issparse(values) else values) - middle
    effects, sure = marginal_effects(
        found.linear.kind,
        rows=rows,
        share=share,
        weights=found.weights,
        base=found.intercept + found.weights @ middle,
        steps=_settings(found, pairs),
        covariance=kept.covariance if kept is not None and p <= _MOST_FEATURES else None,
    )
    reach = (0.0 if kept is None else float(ndtri(1 - alpha / 2))) * sure
    return effects, effects - reach, effects + reach


def _settings(
    found: Weights, pairs: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]] | None]:
    """Return for each feature from which row to which it changes; None for a derivative."""
    p = len(found.trace.features)
    settings: list[tuple[NDArray[np.float64], NDArray[np.float64]] | None] = [None] * p
    for f in np.flatnonzero(np.isfinite(pairs[:, 0])):
        ends = np.full((2, p), np.nan)
        ends[:, f] = pairs[f] - found.mean[f]
        settings[f] = ends[0], ends[1]
    for column, those in level_groups(found.trace):
        for f in those:
            ends = np.full((2, p), np.nan)
            if found.trace.references[column] is not None:
                ends[0, those] = 0.0 - found.mean[those]
            ends[1, those] = (those == f) - found.mean[those]
            settings[f] = ends[0], ends[1]
    return settings
