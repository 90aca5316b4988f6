"""Weights for one value of the penalty after the other.

Source: Friedman, Hastie and Tibshirani (2010), "Regularization paths for generalized linear models via
coordinate descent".
"""

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length

from fulcra._base import Data, Interval, StrOptions, check_function_params, check_weights
from fulcra.linear_model._base import as_matrix, checked_targets
from fulcra.linear_model._columns import alpha_grid, as_start, check_columns, check_gram, fit_path

_CONSTRAINTS: dict[str, list[Any]] = {
    "X": ["array-like", "sparse matrix"],
    "y": ["array-like", "sparse matrix"],
    "eps": [Interval(Real, 0, None, closed="neither")],
    "n_alphas": [Interval(Integral, 1, None, closed="left"), StrOptions({"deprecated"})],
    "alphas": [Interval(Integral, 1, None, closed="left"), "array-like", None, StrOptions({"warn"})],
    "precompute": [StrOptions({"auto"}), "boolean", "array-like"],
    "Xy": ["array-like", None],
    "copy_X": ["boolean"],
    "coef_init": ["array-like", None],
    "verbose": ["verbose"],
    "return_n_iter": ["boolean"],
    "positive": ["boolean"],
}


@check_function_params(_CONSTRAINTS)
def lasso_path(
    X: Data,
    y: Data,
    *,
    eps: float = 1e-3,
    n_alphas: Any = "deprecated",
    alphas: Any = "warn",
    precompute: Any = "auto",
    Xy: Data = None,
    copy_X: bool = True,
    coef_init: Data = None,
    verbose: Any = False,
    return_n_iter: bool = False,
    positive: bool = False,
    **params: Any,
) -> tuple[Any, ...]:
    """Return the weights of `Lasso` without an intercept for many values of `alpha`.

    Takes the place of `sklearn.linear_model.lasso_path`.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        What is to be predicted. Of several targets, the path is scikit-learn's: that of `MultiTaskLasso`.
    eps : float, default=1e-3
        The last alpha of an automatic grid, as a share of its first, which leaves no weight.
    n_alphas : int, default='deprecated'
        Number of alphas; deprecated in scikit-learn 1.9 for `alphas`.
    alphas : int or array-like of shape (n_alphas,), default=100
        The values, or how many there are on an automatic grid.
    precompute : 'auto', bool or array-like of shape (n_features, n_features), default='auto'
        Accepted; products of columns are formed where that pays. An array is checked against X.
    Xy : array-like of shape (n_features,), default=None
        Accepted; it is computed.
    copy_X : bool, default=True
        Accepted; X is never changed.
    coef_init : array-like of shape (n_features,), default=None
        Weights to start from.
    verbose : bool or int, default=False
        Accepted; nothing is printed.
    return_n_iter : bool, default=False
        Whether the numbers of passes are returned.
    positive : bool, default=False
        Whether weights must not be negative.
    **params
        `tol`, `max_iter` and `sample_weight` as in `Lasso`; `random_state` and `selection` are accepted.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        The values, largest first.
    coefs : ndarray of shape (n_features, n_alphas), or (n_targets, n_features, n_alphas)
        The weights, in the dtype of X.
    dual_gaps : ndarray of shape (n_alphas,)
        How far each objective is from its minimum at most, in squared units of y.
    n_iters : list of int
        Passes; only with `return_n_iter`.

    Raises
    ------
    ValueError
        If a parameter is unusable, or X or y are not finite.

    Warns
    -----
    ConvergenceWarning
        If a gap was still above `tol` after `max_iter` passes.

    References
    ----------
    Friedman, Hastie and Tibshirani (2010), "Regularization paths for generalized linear models via coordinate
    descent", Journal of Statistical Software 33(1).

    Examples
    --------
    By hand: x·y / 3 is 2 and x·x / 3 is 2/3, so the weight is (2 - alpha) / (2/3).

    >>> from fulcra.linear_model import lasso_path
    >>> alphas, coefs, _ = lasso_path([[-1.0], [0.0], [1.0]], [-3.0, 0.0, 3.0], alphas=[2.0, 1.0, 0.5])
    >>> coefs.round(12).tolist()
    [[0.0, 1.5, 2.25]]
    """
    return enet_path(
        X,
        y,
        l1_ratio=1.0,
        eps=eps,
        n_alphas=n_alphas,
        alphas=alphas,
        precompute=precompute,
        Xy=Xy,
        copy_X=copy_X,
        coef_init=coef_init,
        verbose=verbose,
        return_n_iter=return_n_iter,
        positive=positive,
        **params,
    )


@check_function_params(
    _CONSTRAINTS | {"l1_ratio": [Interval(Real, 0, 1, closed="both")], "check_input": ["boolean"]}
)
def enet_path(
    X: Data,
    y: Data,
    *,
    l1_ratio: float = 0.5,
    eps: float = 1e-3,
    n_alphas: Any = "deprecated",
    alphas: Any = "warn",
    precompute: Any = "auto",
    Xy: Data = None,
    copy_X: bool = True,
    coef_init: Data = None,
    verbose: Any = False,
    return_n_iter: bool = False,
    positive: bool = False,
    check_input: bool = True,
    **params: Any,
) -> tuple[Any, ...]:
    """Return the weights of `ElasticNet` without an intercept for many values of `alpha`.

    Takes the place of `sklearn.linear_model.enet_path`.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        What is to be predicted. Of several targets, the path is scikit-learn's: that of
        `MultiTaskElasticNet`.
    l1_ratio : float, default=0.5
        Share of the penalty on absolute values.
    eps : float, default=1e-3
        The last alpha of an automatic grid, as a share of its first, which leaves no weight.
    n_alphas : int, default='deprecated'
        Number of alphas; deprecated in scikit-learn 1.9 for `alphas`.
    alphas : int or array-like of shape (n_alphas,), default=100
        The values, or how many there are on an automatic grid.
    precompute : 'auto', bool or array-like of shape (n_features, n_features), default='auto'
        Accepted; products of columns are formed where that pays. An array is checked against X.
    Xy : array-like of shape (n_features,), default=None
        Accepted; it is computed.
    copy_X : bool, default=True
        Accepted; X is never changed.
    coef_init : array-like of shape (n_features,), default=None
        Weights to start from.
    verbose : bool or int, default=False
        Accepted; nothing is printed.
    return_n_iter : bool, default=False
        Whether the numbers of passes are returned.
    positive : bool, default=False
        Whether weights must not be negative.
    check_input : bool, default=True
        Accepted; what can be left out is left out anyway.
    **params
        `tol`, `max_iter` and `sample_weight` as in `ElasticNet`; `random_state` and `selection` are accepted.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        The values, largest first.
    coefs : ndarray of shape (n_features, n_alphas), or (n_targets, n_features, n_alphas)
        The weights, in the dtype of X.
    dual_gaps : ndarray of shape (n_alphas,)
        How far each objective is from its minimum at most, in squared units of y.
    n_iters : list of int
        Passes; only with `return_n_iter`.

    Raises
    ------
    ValueError
        If a parameter is unusable, or X or y are not finite.

    Warns
    -----
    ConvergenceWarning
        If a gap was still above `tol` after `max_iter` passes.

    References
    ----------
    Friedman, Hastie and Tibshirani (2010), "Regularization paths for generalized linear models via coordinate
    descent", Journal of Statistical Software 33(1).

    Examples
    --------
    By hand: x·y / 3 is 2 and x·x / 3 is 2/3, so the weight is (2 - alpha / 2) / (2/3 + alpha / 2).

    >>> from fulcra.linear_model import enet_path
    >>> alphas, coefs, _ = enet_path([[-1.0], [0.0], [1.0]], [-3.0, 0.0, 3.0], alphas=[4.0, 2.0], tol=1e-12)
    >>> coefs.round(6).tolist()
    [[0.0, 0.6]]
    """
    wanted = _wanted(alphas, n_alphas)
    if not sp.issparse(y) and np.ndim(y) > 1:
        from sklearn.linear_model import MultiTaskElasticNet  # noqa: PLC0415 - only for several targets

        return tuple(
            MultiTaskElasticNet.path(
                X, y, l1_ratio=l1_ratio, eps=eps, alphas=wanted, precompute=precompute, Xy=Xy, copy_X=copy_X,
                coef_init=coef_init, verbose=verbose, return_n_iter=return_n_iter, positive=positive,
                check_input=check_input, **params,
            )
        )  # fmt: skip
    weights = params.pop("sample_weight", None)
    tol, max_iter = params.pop("tol", 1e-4), params.pop("max_iter", 1000)
    selection = params.pop("selection", "cyclic")
    params.pop("random_state", None)
    params.pop("do_screening", None)
    if params:
        raise ValueError(f"Unexpected parameters in params: {sorted(params)}")
    if selection not in {"random", "cyclic"}:
        raise ValueError("selection should be either random or cyclic.")
    data = _Data()
    design = check_columns(data, X)
    target = checked_targets(data, y)
    check_consistent_length(design.X, target)
    checked = check_weights(weights, design.X)
    check_gram(design.X, precompute, fit_intercept=False)
    if isinstance(wanted, Integral):
        grid = alpha_grid(
            design, target, checked, estimator=data, l1_ratio=l1_ratio, fit_intercept=False,
            positive=positive, eps=eps, n_alphas=int(wanted),
        )  # fmt: skip
    else:
        grid = as_alphas(wanted)
    fitted = fit_path(
        design,
        as_matrix(target),
        checked,
        grid,
        estimator=data,
        l1_ratio=l1_ratio,
        fit_intercept=False,
        positive=positive,
        max_iter=max_iter,
        tol=tol,
        start=as_start(coef_init, 1, design.n_features),
    )
    coefs = np.asarray(fitted.coef[0].T, dtype=design.dtype)
    if return_n_iter:
        return grid, coefs, fitted.gap[0], fitted.n_iter[0].tolist()
    return grid, coefs, fitted.gap[0]


def as_alphas(alphas: Data) -> NDArray[np.float64]:
    """Return values of the penalty, largest first."""
    values: NDArray[np.float64] = np.sort(np.asarray(alphas, dtype=np.float64).ravel())[::-1].copy()
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        raise ValueError(f"alphas must be finite and not negative; one is {values[bad][0]}.")
    if not len(values):
        raise ValueError("alphas must hold at least one value; it is empty.")
    return values


def _wanted(alphas: Any, n_alphas: Any) -> Any:
    """Return values, or how many there are, with scikit-learn's warnings of what is deprecated."""
    number = 100
    if not (isinstance(n_alphas, str) and n_alphas == "deprecated"):
        warnings.warn(
            "'n_alphas' was deprecated in 1.9 and will be removed in 1.11. 'alphas' now accepts an integer "
            "value which removes the need to pass 'n_alphas'. The default value of 'alphas' will change from "
            "None to 100 in 1.11. Pass an explicit value to 'alphas' and leave 'n_alphas' to its default "
            "value to silence this warning.",
            FutureWarning,
            stacklevel=5,
        )
        number = n_alphas
    if isinstance(alphas, str):
        return number
    if alphas is None:
        warnings.warn(
            "'alphas=None' is deprecated and will be removed in 1.11, at which point the default value will "
            "be set to 100. Set 'alphas=100' to silence this warning.",
            FutureWarning,
            stacklevel=5,
        )
        return number
    return alphas


class _Data(BaseEstimator):  # type: ignore[misc]
    """Whose features a function's X has."""
