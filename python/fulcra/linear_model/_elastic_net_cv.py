"""How strong a penalty on absolute values is to be, by cross-validation."""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.model_selection import check_cv
from sklearn.utils import check_scalar
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import column_or_1d

from fulcra._base import Data, Interval, StrOptions, estimator_fit
from fulcra.linear_model._columns import Design, alpha_grid, check_gram, fit_path
from fulcra.linear_model._elastic_net import SparseRegressor
from fulcra.linear_model._paths import as_alphas, enet_path, lasso_path


class _CrossValidated(SparseRegressor):
    """Paths over folds, the best value of the penalty, and a fit of all rows with it."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "eps": [Interval(Real, 0, None, closed="neither")],
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "fit_intercept": ["boolean"],
        "precompute": [StrOptions({"auto"}), "array-like", "boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "copy_X": ["boolean"],
        "cv": ["cv_object"],
        "verbose": ["verbose"],
        "n_jobs": [Integral, None],
        "positive": ["boolean"],
        "random_state": ["random_state"],
        "selection": [StrOptions({"cyclic", "random"})],
    }

    alpha_: float
    l1_ratio_: float
    alphas_: NDArray[np.float64]
    mse_path_: NDArray[np.float64]
    dual_gap_: Any
    n_iter_: int

    def _learn(self, X: Data, y: Data, sample_weight: Data, params: dict[str, Any]) -> Self:
        if params and not get_config()["enable_metadata_routing"]:
            raise ValueError(
                f"{sorted(params)} were passed to fit. Metadata routing to `cv` is only supported if "
                "enable_metadata_routing=True: see sklearn.set_config."
            )
        design, targets, weights = self._checked_columns(X, y, sample_weight)
        if targets.ndim > 1 and targets.shape[1] > 1:
            raise ValueError(f"For multi-task outputs, use MultiTask{type(self).__name__}")
        target = column_or_1d(targets, warn=True)
        check_gram(design.X, self.precompute, fit_intercept=self.fit_intercept)
        ratios = np.atleast_1d(np.asarray(getattr(self, "l1_ratio", 1.0), dtype=np.float64))
        grids = self._grids(design, target, weights, ratios)
        routed = self._split_params(sample_weight, params)
        folds = list(check_cv(self.cv).split(design.X, target, **routed))
        errors = np.array(
            [
                [self._errors((design, target, weights), fold, ratio, grid) for fold in folds]
                for ratio, grid in zip(ratios, grids, strict=True)
            ]
        )
        self.mse_path_ = np.squeeze(np.moveaxis(errors, 2, 1))
        means = errors.mean(axis=1)
        best = int(np.argmin(means.min(axis=1)))
        ratio, alpha = float(ratios[best]), float(grids[best][np.argmin(means[best])])
        fitted = fit_path(
            design,
            target[:, None],
            weights,
            np.array([alpha]),
            l1_ratio=ratio,
            **self._search(stacklevel=6),
        )
        self._keep(fitted.coef[:, 0], fitted.intercept[:, 0], target, design.dtype)
        self.alpha_ = alpha
        if hasattr(self, "l1_ratio"):
            self.l1_ratio_ = ratio
        given = not isinstance(self.alphas, Integral)
        self.alphas_ = grids[0] if given or len(ratios) == 1 else np.asarray(grids)
        self.dual_gap_ = fitted.gap[0, 0].astype(design.dtype)
        self.n_iter_ = int(fitted.n_iter[0, 0])
        return self

    def _search(self, *, stacklevel: int) -> dict[str, Any]:
        return {
            "estimator": self,
            "fit_intercept": self.fit_intercept,
            "positive": self.positive,
            "max_iter": self.max_iter,
            "tol": self.tol,
            "stacklevel": stacklevel,
        }

    def _grids(
        self, design: Design, target: NDArray[np.float64], weights: Any, ratios: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """Return the alphas to try for each share of the penalty."""
        if not isinstance(self.alphas, Integral):
            for index, alpha in enumerate(self.alphas):
                check_scalar(alpha, f"alphas[{index}]", target_type=Real, min_val=0.0)
            return [as_alphas(self.alphas)] * len(ratios)
        return [
            alpha_grid(
                design,
                target,
                weights,
                estimator=self,
                l1_ratio=float(ratio),
                fit_intercept=self.fit_intercept,
                positive=self.positive,
                eps=self.eps,
                n_alphas=int(self.alphas),
            )
            for ratio in ratios
        ]

    def _split_params(self, sample_weight: Data, params: dict[str, Any]) -> dict[str, Any]:
        """Return what the splitter is to be given."""
        if not get_config()["enable_metadata_routing"]:
            return {}
        split: dict[str, Any] = process_routing(
            self, "fit", sample_weight=sample_weight, **params
        ).splitter.split
        return split

    def _errors(
        self,
        data: tuple[Design, NDArray[np.float64], NDArray[np.float64] | None],
        fold: tuple[NDArray[np.intp], NDArray[np.intp]],
        ratio: float,
        alphas: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the mean squared errors (n_alphas,) on the rows of a fold that were held out."""
        (design, target, weights), (train, test) = data, fold
        fitted = fit_path(
            design.rows(train),
            np.ascontiguousarray(target[train][:, None]),
            None if weights is None else np.ascontiguousarray(weights[train]),
            alphas,
            l1_ratio=float(ratio),
            **self._search(stacklevel=8),
        )
        predicted = design.X[test] @ fitted.coef[0].T + fitted.intercept[0]
        squares = (np.asarray(predicted) - target[test][:, None]) ** 2
        held_out = None if weights is None else weights[test]
        errors: NDArray[np.float64] = np.average(squares, axis=0, weights=held_out)
        return errors

    def get_metadata_routing(self) -> MetadataRouter:
        """Return where metadata go: sample_weight to `fit`, what `cv` asks for to its `split`.

        Returns
        -------
        MetadataRouter
            As scikit-learn's user guide describes it.
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(splitter=check_cv(self.cv), method_mapping=MethodMapping().add(caller="fit", callee="split"))
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags


class LassoCV(_CrossValidated):
    """`Lasso` with the `alpha` that predicts rows best that it has not seen.

    Takes the place of `sklearn.linear_model.LassoCV`.

    Parameters
    ----------
    eps : float, default=1e-3
        The last alpha of an automatic grid, as a share of its first, which leaves no weight.
    alphas : int or array-like of shape (n_alphas,), default=100
        The values to try, or how many there are on an automatic grid.
    fit_intercept : bool, default=True
        Whether an intercept is learned.
    precompute : 'auto', bool or array-like of shape (n_features, n_features), default='auto'
        Accepted; products of columns are formed where that pays. An array is checked against X.
    max_iter : int, default=1000
        Most passes over the weights, for each alpha.
    tol : float, default=1e-4
        The duality gap at which the search ends, as a share of ``||y||²`` (centred).
    copy_X : bool, default=True
        Accepted; X is never changed.
    cv : int, cross-validation generator or iterable, default=None
        How rows are split; None is five folds.
    verbose : bool or int, default=False
        Accepted; nothing is printed.
    n_jobs : int, default=None
        Accepted; `fulcra.set_num_threads` sets the threads.
    positive : bool, default=False
        Whether weights must not be negative.
    random_state : int, RandomState instance or None, default=None
        Accepted; nothing is drawn.
    selection : {'cyclic', 'random'}, default='cyclic'
        Accepted; both give the same bits.

    Attributes
    ----------
    alpha_ : float
        The best value.
    alphas_ : ndarray of shape (n_alphas,)
        The values tried, largest first.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared error on the rows of each fold that were held out.
    coef_ : ndarray of shape (n_features,)
        The weights of all rows with `alpha_`, in the dtype of X.
    intercept_ : float
        What is predicted where all features are 0; 0.0 without `fit_intercept`.
    dual_gap_ : float
        How far the objective is from its minimum at most, in squared units of y.
    n_iter_ : int
        Passes over the weights, and steps of Newton's method, of the last fit.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    fulcra.linear_model.Lasso : With an `alpha` that is known.

    References
    ----------
    Friedman, Hastie and Tibshirani (2010), "Regularization paths for generalized linear models via coordinate
    descent", Journal of Statistical Software 33(1).

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.linear_model import LassoCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 10))
    >>> model = LassoCV().fit(X, 3 * X[:, 0] + rng.normal(size=100))
    >>> model.mse_path_.shape, int(np.argmax(np.abs(model.coef_)))
    ((100, 5), 0)
    """

    path = staticmethod(lasso_path)

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        cv: Any = None,
        verbose: Any = False,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    @estimator_fit  # type: ignore[arg-type] # of **params mypy thinks that they may be called "self"
    def fit(self, X: Data, y: Data, sample_weight: Data = None, **params: Any) -> Self:
        """Choose `alpha_` and learn the weights with it.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            What is to be predicted, finite.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weight of each row, in the fits and in the errors.
        **params : dict
            Passed on to the splitter, where metadata routing is enabled.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            If a parameter or the weights are unusable, y has several targets, or X or y are not finite.

        Warns
        -----
        ConvergenceWarning
            If a gap was still above `tol` after `max_iter` passes.
        """
        return self._learn(X, y, sample_weight, params)


class ElasticNetCV(_CrossValidated):
    """`ElasticNet` with the `alpha` and `l1_ratio` that predict rows best that it has not seen.

    Takes the place of `sklearn.linear_model.ElasticNetCV`.

    Parameters
    ----------
    l1_ratio : float or array-like of shape (n_l1_ratios,), default=0.5
        Shares of the penalty on absolute values to try.
    eps : float, default=1e-3
        The last alpha of an automatic grid, as a share of its first, which leaves no weight.
    alphas : int or array-like of shape (n_alphas,), default=100
        The values to try, or how many there are on an automatic grid.
    fit_intercept : bool, default=True
        Whether an intercept is learned.
    precompute : 'auto', bool or array-like of shape (n_features, n_features), default='auto'
        Accepted; products of columns are formed where that pays. An array is checked against X.
    max_iter : int, default=1000
        Most passes over the weights, for each alpha.
    tol : float, default=1e-4
        The duality gap at which the search ends, as a share of ``||y||²`` (centred).
    cv : int, cross-validation generator or iterable, default=None
        How rows are split; None is five folds.
    copy_X : bool, default=True
        Accepted; X is never changed.
    verbose : bool or int, default=0
        Accepted; nothing is printed.
    n_jobs : int, default=None
        Accepted; `fulcra.set_num_threads` sets the threads.
    positive : bool, default=False
        Whether weights must not be negative.
    random_state : int, RandomState instance or None, default=None
        Accepted; nothing is drawn.
    selection : {'cyclic', 'random'}, default='cyclic'
        Accepted; both give the same bits.

    Attributes
    ----------
    alpha_ : float
        The best value.
    l1_ratio_ : float
        The best share.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratios, n_alphas)
        The values tried, largest first.
    mse_path_ : ndarray of shape (n_alphas, n_folds) or (n_l1_ratios, n_alphas, n_folds)
        Mean squared error on the rows of each fold that were held out.
    coef_ : ndarray of shape (n_features,)
        The weights of all rows with the best values, in the dtype of X.
    intercept_ : float
        What is predicted where all features are 0; 0.0 without `fit_intercept`.
    dual_gap_ : float
        How far the objective is from its minimum at most, in squared units of y.
    n_iter_ : int
        Passes over the weights, and steps of Newton's method, of the last fit.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    fulcra.linear_model.ElasticNet : With an `alpha` and an `l1_ratio` that are known.

    References
    ----------
    Friedman, Hastie and Tibshirani (2010), "Regularization paths for generalized linear models via coordinate
    descent", Journal of Statistical Software 33(1).

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.linear_model import ElasticNetCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 10))
    >>> model = ElasticNetCV(l1_ratio=[0.1, 0.5, 1.0]).fit(X, 3 * X[:, 0] + rng.normal(size=100))
    >>> model.l1_ratio_, model.mse_path_.shape
    (1.0, (3, 100, 5))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_CrossValidated._parameter_constraints,
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), "array-like"],
    }

    path = staticmethod(enet_path)

    def __init__(
        self,
        *,
        l1_ratio: Any = 0.5,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        copy_X: bool = True,
        verbose: Any = 0,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    @estimator_fit  # type: ignore[arg-type] # of **params mypy thinks that they may be called "self"
    def fit(self, X: Data, y: Data, sample_weight: Data = None, **params: Any) -> Self:
        """Choose `alpha_` and `l1_ratio_` and learn the weights with them.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            What is to be predicted, finite.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weight of each row, in the fits and in the errors.
        **params : dict
            Passed on to the splitter, where metadata routing is enabled.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            If a parameter or the weights are unusable, y has several targets, or X or y are not finite.

        Warns
        -----
        ConvergenceWarning
            If a gap was still above `tol` after `max_iter` passes.
        """
        return self._learn(X, y, sample_weight, params)
