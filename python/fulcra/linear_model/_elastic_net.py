"""Least squares with few weights that are not zero.

Sources: Tibshirani (1996), "Regression shrinkage and selection via the lasso"; Zou and Hastie (2005),
"Regularization and variable selection via the elastic net".
"""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.utils import check_consistent_length, metadata_routing

from fulcra._base import Data, Interval, StrOptions, check_weights, estimator_fit
from fulcra.linear_model._base import LinearRegressor, as_matrix, checked_targets
from fulcra.linear_model._columns import Design, as_start, check_columns, check_gram, fit_path
from fulcra.linear_model._paths import enet_path


class SparseRegressor(LinearRegressor):
    """A linear model of whose weights some are exactly zero."""

    @property
    def sparse_coef_(self) -> Any:
        """`coef_` as a sparse matrix of shape (n_targets, n_features)."""
        matrix = sp.csr_array(np.atleast_2d(self.coef_))
        return matrix if get_config().get("sparse_interface") == "sparray" else sp.csr_matrix(matrix)

    def _checked_columns(
        self, X: Data, y: Data, sample_weight: Data
    ) -> tuple[Design, NDArray[np.float64], NDArray[np.float64] | None]:
        """Return the design, targets (n_samples,) or (n_samples, n_targets), and weights."""
        design = check_columns(self, X)
        targets = checked_targets(self, y)
        check_consistent_length(design.X, targets)
        return design, targets, check_weights(sample_weight, design.X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class ElasticNet(SparseRegressor):
    """Least squares with a penalty on absolute values and on squares of the weights.

    Takes the place of `sklearn.linear_model.ElasticNet`. What is minimised is ``||y - X w||² / (2 n) + alpha
    l1_ratio ||w||₁ + alpha (1 - l1_ratio) / 2 ||w||²``, to a duality gap that certifies it.

    Parameters
    ----------
    alpha : float, default=1.0
        How strongly weights are drawn to 0, not negative. 0 is what `LinearRegression` does better.
    l1_ratio : float, default=0.5
        Share of the penalty on absolute values, from 0 (none; `Ridge` does that exactly) to 1 (`Lasso`).
    fit_intercept : bool, default=True
        Whether an intercept is learned; it carries no penalty.
    precompute : bool or array-like of shape (n_features, n_features), default=False
        Accepted; products of columns are formed where that pays. An array is checked against X.
    max_iter : int, default=1000
        Most passes over the weights.
    copy_X : bool, default=True
        Accepted; X is never changed, for either value.
    tol : float, default=1e-4
        The duality gap at which the search ends, as a share of ``||y||²`` (centred).
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the last one.
    positive : bool, default=False
        Whether weights must not be negative.
    random_state : int, RandomState instance or None, default=None
        Accepted; nothing is drawn.
    selection : {'cyclic', 'random'}, default='cyclic'
        Accepted; both give the same bits.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,), or (n_targets, n_features) for several targets
        The weights, in the dtype of X.
    sparse_coef_ : sparse matrix of shape (n_targets, n_features)
        The weights that are not 0.
    intercept_ : float, or ndarray of shape (n_targets,) for y of two dimensions
        What is predicted where all features are 0; 0.0 without `fit_intercept`.
    dual_gap_ : float, or ndarray of shape (n_targets,)
        How far the objective is from its minimum at most, in squared units of y.
    n_iter_ : int, or list of int for several targets
        Passes over the weights, and steps of Newton's method.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    fulcra.linear_model.Lasso : With all of the penalty on absolute values.
    fulcra.linear_model.ElasticNetCV : Chooses `alpha` and `l1_ratio`.

    Notes
    -----
    Weights of rows are divided by their mean: 2 is the same as the row twice. The penalty counts weights in
    the units of X: scale columns first where these differ.

    References
    ----------
    Zou and Hastie (2005), "Regularization and variable selection via the elastic net", Journal of the Royal
    Statistical Society B 67(2). Massias, Gramfort and Salmon (2018), "Celer: a fast solver for the lasso with
    dual extrapolation", ICML.

    Examples
    --------
    By hand: of x = (-1, 0, 1) and y = (-3, 0, 3), x·y / 3 is 2 and x·x / 3 is 2/3, so the weight is (2 - 1/2)
    / (2/3 + 1/2).

    >>> from fulcra.linear_model import ElasticNet
    >>> ElasticNet(alpha=1.0).fit([[-1.0], [0.0], [1.0]], [-3.0, 0.0, 3.0]).coef_.round(6).tolist()
    [1.285714]
    """

    __metadata_request__fit: ClassVar[dict[str, Any]] = {"check_input": metadata_routing.UNUSED}

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "precompute": ["boolean", "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "copy_X": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "positive": ["boolean"],
        "random_state": ["random_state"],
        "selection": [StrOptions({"cyclic", "random"})],
    }

    path = staticmethod(enet_path)

    dual_gap_: Any
    n_iter_: Any

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        precompute: Any = False,
        max_iter: int = 1000,
        copy_X: bool = True,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    @estimator_fit
    def fit(self, X: Data, y: Data, sample_weight: Data = None, check_input: bool = True) -> Self:
        """Learn the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows. Contiguous float arrays of either order and compressed columns are not copied.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            What is to be predicted, finite; each target has weights of its own.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weight of each row; 2 is the same as the row twice.
        check_input : bool, default=True
            Accepted; what can be left out is left out anyway.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            If a parameter or the weights are unusable, or X or y are not finite: the message names the first
            such row and column.

        Warns
        -----
        ConvergenceWarning
            If the gap was still above `tol` after `max_iter` passes.
        UserWarning
            If `alpha` is 0, where other estimators are exact.
        """
        if self.alpha == 0:
            warnings.warn(
                "With alpha=0, this algorithm does not converge well. You are advised to use the "
                "LinearRegression estimator",
                UserWarning,
                stacklevel=3,
            )
        before = getattr(self, "coef_", None) if self.warm_start else None
        design, targets, weights = self._checked_columns(X, y, sample_weight)
        several = as_matrix(targets)
        check_gram(design.X, self.precompute, fit_intercept=self.fit_intercept)
        fitted = fit_path(
            design,
            several,
            weights,
            np.array([self.alpha], dtype=np.float64),
            estimator=self,
            l1_ratio=self.l1_ratio,
            fit_intercept=self.fit_intercept,
            positive=self.positive,
            max_iter=self.max_iter,
            tol=self.tol,
            start=as_start(before, several.shape[1], design.n_features),
            stacklevel=5,
        )
        self._keep(fitted.coef[:, 0], fitted.intercept[:, 0], targets, design.dtype)
        self.dual_gap_ = fitted.gap[:, 0].astype(design.dtype)
        self.n_iter_ = fitted.n_iter[:, 0].tolist()
        if several.shape[1] == 1:
            self.coef_ = self.coef_.ravel()  # of a y of one column too, as scikit-learn's
            self.dual_gap_, self.n_iter_ = self.dual_gap_[0], self.n_iter_[0]
        return self


class Lasso(ElasticNet):
    """Least squares with a penalty on the absolute values of the weights: few are not zero.

    Takes the place of `sklearn.linear_model.Lasso`. What is minimised is ``||y - X w||² / (2 n) + alpha
    ||w||₁``, to a duality gap that certifies it.

    Parameters
    ----------
    alpha : float, default=1.0
        How strongly weights are drawn to 0, not negative. 0 is what `LinearRegression` does better.
    fit_intercept : bool, default=True
        Whether an intercept is learned; it carries no penalty.
    precompute : bool or array-like of shape (n_features, n_features), default=False
        Accepted; products of columns are formed where that pays. An array is checked against X.
    copy_X : bool, default=True
        Accepted; X is never changed, for either value.
    max_iter : int, default=1000
        Most passes over the weights.
    tol : float, default=1e-4
        The duality gap at which the search ends, as a share of ``||y||²`` (centred).
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the last one.
    positive : bool, default=False
        Whether weights must not be negative.
    random_state : int, RandomState instance or None, default=None
        Accepted; nothing is drawn.
    selection : {'cyclic', 'random'}, default='cyclic'
        Accepted; both give the same bits.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,), or (n_targets, n_features) for several targets
        The weights, in the dtype of X.
    sparse_coef_ : sparse matrix of shape (n_targets, n_features)
        The weights that are not 0.
    intercept_ : float, or ndarray of shape (n_targets,) for y of two dimensions
        What is predicted where all features are 0; 0.0 without `fit_intercept`.
    dual_gap_ : float, or ndarray of shape (n_targets,)
        How far the objective is from its minimum at most, in squared units of y.
    n_iter_ : int, or list of int for several targets
        Passes over the weights, and steps of Newton's method.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    fulcra.linear_model.LassoCV : Chooses `alpha`.
    fulcra.linear_model.lasso_path : Weights for many values of `alpha`.

    Notes
    -----
    Weights of rows are divided by their mean: 2 is the same as the row twice. The penalty counts weights in
    the units of X: scale columns first where these differ.

    References
    ----------
    Tibshirani (1996), "Regression shrinkage and selection via the lasso", Journal of the Royal Statistical
    Society B 58(1). Massias, Gramfort and Salmon (2018), "Celer: a fast solver for the lasso with dual
    extrapolation", ICML.

    Examples
    --------
    By hand: of x = (-1, 0, 1) and y = (-3, 0, 3), x·y / 3 is 2 and x·x / 3 is 2/3, so the weight is (2 - 1) /
    (2/3). A column that says nothing gets exactly 0.

    >>> from fulcra.linear_model import Lasso
    >>> X = [[-1.0, 1.0], [0.0, -2.0], [1.0, 1.0]]
    >>> Lasso(alpha=1.0).fit(X, [-3.0, 0.0, 3.0]).coef_.round(12).tolist()
    [1.5, 0.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: allowed for name, allowed in ElasticNet._parameter_constraints.items() if name != "l1_ratio"
    }

    path = staticmethod(enet_path)

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        precompute: Any = False,
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        super().__init__(
            alpha=alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            precompute=precompute,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            random_state=random_state,
            selection=selection,
        )
