"""Standard errors, intervals and tests for the weights of a fitted linear model, and how well it fits."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length

from fulcra._base import Data, Interval, StrOptions, check_function_params, check_weights
from fulcra._reading.linear import Linear, linear
from fulcra.inspection._summing import Summing
from fulcra.inspection._weight_summary import WeightSummary


@check_function_params(
    {
        "cov": [StrOptions({"nonrobust", "HC0", "HC1", "HC2", "HC3", "cluster"})],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "n_resamples": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    }
)
def summarize(
    model: Any,
    X: Data,
    y: Data,
    *,
    sample_weight: Data = None,
    cov: str = "nonrobust",
    groups: Data = None,
    alpha: float = 0.05,
    n_resamples: int = 100,
    random_state: int | np.random.RandomState | None = 0,
) -> WeightSummary:
    """Give standard errors, intervals and tests for the weights of a fitted linear model.

    The model stays as it is: figures are those of its own weights, on the rows of its fit. Whether these are
    the rows is checked; other rows are refused.

    Parameters
    ----------
    model : estimator
        A fitted least-squares, logistic (binary or multinomial) or Poisson model, ours or scikit-learn's, or
        a Pipeline that ends in one; weights are then those of the columns that leave the last step.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The rows of the fit, as they were given to the model's `fit`.
    y : array-like of shape (n_samples,)
        Their targets.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights of the fit. 2 is the same as the row twice, here as in `fit`: divide weights that are
        precisions, not counts, by their mean.
    cov : {'nonrobust', 'HC0', 'HC1', 'HC2', 'HC3', 'cluster'}, default='nonrobust'
        What standard errors hold for. 'nonrobust': errors of one variance (linear), or the variance that
        follows from the mean. 'HC0' to 'HC3': any variance; 'HC3' is for few rows. 'cluster': errors that
        depend on each other within `groups`.
    groups : array-like of shape (n_samples,), default=None
        The cluster of each row, for 'cluster' only.
    alpha : float, default=0.05
        Intervals hold with probability 1 - alpha.
    n_resamples : int, default=100
        Bootstrap refits of a penalised model; 0 for none.
    random_state : int, RandomState instance or None, default=0
        Draws them.

    Returns
    -------
    WeightSummary
        Prints as text; `to_frame()`, `to_dict()`.

    Raises
    ------
    TypeError
        If the model is no such model.
    NotFittedError
        If it is not fitted.
    ValueError
        If X and y are not what it was fitted on, y has several columns, or parameters or weights are
        unusable.

    Notes
    -----
    Penalised models get no intervals: their weights are off on purpose, and intervals around them would
    nearly never hold the true ones. `stability` says how often refits to resampled rows agree in a weight's
    sign; `notes` say what to refit for intervals. The same holds of weights that may not be negative, and of
    `class_weight`.

    Figures are those of statsmodels' OLS, Logit, MNLogit and GLM. Linear models have Student's t with any
    `cov` (as with its ``use_t=True``), with the number of clusters less one as degrees of freedom for
    'cluster'. 'HC1' to 'HC3' of logistic and Poisson models are corrected too, by the leverage of the rows
    (statsmodels gives those of 'HC0' for all). Likelihood ratios and information criteria do not depend on
    `cov`.

    Columns that are made of each other, and columns that tell classes apart entirely, have no unique weight:
    a note names them, and their standard errors are NaN.

    References
    ----------
    White (1980), "A heteroskedasticity-consistent covariance matrix estimator and a direct test for
    heteroskedasticity", Econometrica 48.
    MacKinnon and White (1985), "Some heteroskedasticity-consistent covariance matrix estimators with improved
    finite sample properties", Journal of Econometrics 29.
    Liang and Zeger (1986), "Longitudinal data analysis using generalized linear models", Biometrika 73.
    McCullagh and Nelder (1989), "Generalized Linear Models", 2nd edition, Chapman and Hall.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.inspection import summarize
    >>> from fulcra.linear_model import LinearRegression
    >>> years = np.array([[1.0], [2.0], [3.0], [4.0], [5.0]])
    >>> salary = np.array([30.0, 35.0, 45.0, 50.0, 60.0])  # in thousands
    >>> summary = summarize(LinearRegression().fit(years, salary), years, salary)
    >>> summary.terms, summary.coef.round(6).tolist()
    (('intercept', 'x0'), [21.5, 7.5])
    >>> summary.std_errors.round(3).tolist(), summary.conf_int[1].round(2).tolist()
    ([1.658, 0.5], [5.91, 9.09])
    """
    if groups is not None and cov != "cluster":
        raise ValueError(f"groups are for cov='cluster'; cov is {cov!r}.")
    found = linear(model, X, y)
    if X is None or y is None:
        raise ValueError("summarize needs the rows and targets of the fit: X and y must not be None.")
    if len(found.coef) > 1 and found.kind == "linear":
        raise ValueError(f"y has {len(found.coef)} columns; summarize takes one: fit a model for each.")
    given = check_weights(sample_weight, found.rows)
    clusters = _clusters(groups, cov, found)
    weights = np.ones(found.rows.shape[0]) if given is None else given
    return Summing(found, weights, is_counted=given is not None).summary(
        cov, clusters, alpha, n_resamples, check_random_state(random_state)
    )


def _clusters(groups: Data, cov: str, found: Linear) -> NDArray[np.intp] | None:
    if cov != "cluster":
        return None
    if groups is None:
        raise ValueError("cov='cluster' needs groups: the cluster of each row.")
    labels = np.asarray(groups)
    if labels.ndim != 1:
        raise ValueError(f"groups must have one label for each row; their shape is {labels.shape}.")
    check_consistent_length(found.rows, labels)
    known, codes = np.unique(labels, return_inverse=True)
    if len(known) < 2:
        raise ValueError("cov='cluster' needs two groups at least; there is one.")
    return codes.astype(np.intp)
