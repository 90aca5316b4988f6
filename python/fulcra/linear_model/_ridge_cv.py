"""Ridge with a penalty that is chosen by leaving rows out.

Source: Rifkin and Lippert (2007), "Notes on Regularized Least Squares".
"""

import warnings
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import check_scoring, get_scorer, get_scorer_names
from sklearn.model_selection import GridSearchCV
from sklearn.utils import check_array, check_scalar
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from fulcra import _core
from fulcra._base import Data, Interval, StrOptions, estimator_fit
from fulcra.linear_model._base import LinearRegressor, as_matrix
from fulcra.linear_model._ridge import Ridge


class RidgeCV(LinearRegressor):
    """`Ridge` with the penalty, out of several, whose predictions of rows left out are best.

    Takes the place of `sklearn.linear_model.RidgeCV`. Each row is left out once (`cv=None`); what fits
    without it would predict follows exactly from one decomposition, for all penalties.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,), default=(0.1, 1.0, 10.0)
        The penalties to choose from, above 0 (with `cv` 0 is allowed).
    fit_intercept : bool, default=True
        Whether an intercept is learned; without one, predictions are 0 where all features are.
    scoring : str, callable, default=None
        A scorer, greater is better; None is the negative mean of the squared errors (with `cv`, R²).
    cv : int, cross-validation generator or iterable, default=None
        None leaves out one row at a time; anything else is handed to `sklearn.model_selection.GridSearchCV`.
    gcv_mode : {'auto', 'svd', 'eigen'}, default=None
        Accepted. The way is chosen by the shape and the condition of X.
    store_cv_results : bool, default=False
        Whether `cv_results_` is kept; not with `cv`.
    alpha_per_target : bool, default=False
        Whether each target chooses a penalty of its own; not with `cv`.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,), or (n_targets, n_features) for several targets
        The weights, in the dtype of X: those of ``Ridge(alpha_)``, bit for bit.
    intercept_ : float, or ndarray of shape (n_targets,) for y of two dimensions
        What is predicted where all features are 0; 0.0 without `fit_intercept`.
    alpha_ : float, or ndarray of shape (n_targets,) with `alpha_per_target`
        The penalty that was chosen; the first of several that are equally good.
    best_score_ : float, or ndarray of shape (n_targets,) with `alpha_per_target`
        Its score.
    cv_results_ : ndarray of shape (n_samples, n_alphas) or (n_samples, n_targets, n_alphas)
        With `store_cv_results`: squared errors of each row left out, times its weight; where there is a
        `scoring`, the predictions instead.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    fulcra.linear_model.Ridge : With a penalty that is known.

    Notes
    -----
    `sample_weight` counts in the fits and in the errors, as scikit-learn has it: a row of weight 2 is left
    out as a whole. That is not the same as the row twice, of which one copy would stay.

    References
    ----------
    Rifkin and Lippert (2007), "Notes on Regularized Least Squares", MIT-CSAIL-TR-2007-025.

    Examples
    --------
    By hand: of x = (-1, 0, 1) and y = (-3, 0, 3) without an intercept, leaving out the last row leaves
    x·y = 3 over 1 + alpha.

    >>> import numpy as np
    >>> from fulcra.linear_model import RidgeCV
    >>> model = RidgeCV([1.0, 2.0], fit_intercept=False, store_cv_results=True)
    >>> model.fit([[-1.0], [0.0], [1.0]], [-3.0, 0.0, 3.0]).alpha_
    1.0
    >>> np.sqrt(model.cv_results_[2]).round(12).tolist()  # 3 - 3 / 2, 3 - 3 / 3
    [1.5, 2.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alphas": ["array-like", Interval(Real, 0, None, closed="neither")],
        "fit_intercept": ["boolean"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "cv": ["cv_object"],
        "gcv_mode": [StrOptions({"auto", "svd", "eigen"}), None],
        "store_cv_results": ["boolean"],
        "alpha_per_target": ["boolean"],
    }

    alpha_: Any
    best_score_: Any
    cv_results_: NDArray[Any]

    def __init__(
        self,
        alphas: Data = (0.1, 1.0, 10.0),
        *,
        fit_intercept: bool = True,
        scoring: Any = None,
        cv: Any = None,
        gcv_mode: str | None = None,
        store_cv_results: bool = False,
        alpha_per_target: bool = False,
    ) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target

    @estimator_fit  # type: ignore[arg-type] # mypy: a keyword among the params could be called `self`
    def fit(self, X: Data, y: Data, sample_weight: Data = None, **params: Any) -> Self:
        """Choose the penalty and learn the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows, at least two.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            What is to be predicted, finite.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weight of each row, in the fits and the errors.
        **params
            For the scorer, where metadata routing is on.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            If a parameter or the weights are unusable, or X or y are not finite: the message names the first
            such row and column.
        TypeError
            If y is sparse.
        """
        if params and not get_config()["enable_metadata_routing"]:
            raise ValueError(
                f"Passing extra keyword arguments to {type(self).__name__}.fit is only supported with "
                f"enable_metadata_routing=True; got {sorted(params)}."
            )
        alphas = self._penalties()
        self.__dict__.pop("cv_results_", None)  # of an earlier fit
        if self.cv is not None:
            passed = {} if sample_weight is None else {"sample_weight": sample_weight}
            return self._search(X, y, alphas, params | passed)
        rows, targets, weights = self._checked(X, y, sample_weight)
        if len(targets) < 2:
            raise ValueError(
                f"{type(self).__name__} leaves out a row and needs another one: X has n_samples=1. "
                "Use Ridge with a penalty that is known."
            )
        if self.gcv_mode == "svd" and sp.issparse(rows):
            warnings.warn(
                "The 'svd' mode is not supported for sparse X, we fallback to `gcv_mode='eigen'`. Use the "
                "default.",
                FutureWarning,
                stacklevel=3,
            )
        several = as_matrix(targets)
        left_out: Any  # nothing, unless it is kept
        with self._flaws_named():
            errors, left_out = _core.ridge_leave_one_out(
                rows,
                several,
                weights,
                alphas,
                fit_intercept=self.fit_intercept,
                keep=self.store_cv_results or self.scoring is not None,
            )
        scores = -errors if self.alpha_per_target else -errors.mean(axis=1, keepdims=True)
        if self.scoring is not None:
            given = self._for_scorer(sample_weight, weights, params)
            scores = self._scores(several - left_out, several, targets.ndim, given)
        if self.store_cv_results:
            kept = several - left_out if self.scoring is not None else left_out**2
            if self.scoring is None and weights is not None:
                kept *= weights[:, np.newaxis]
            kept = np.moveaxis(kept, 0, -1).astype(rows.dtype)
            self.cv_results_ = kept[:, 0] if targets.ndim == 1 else kept
        best = _first_best(scores)
        self.alpha_, self.best_score_ = alphas[best], scores[best, np.arange(scores.shape[1])]
        chosen = np.array(np.broadcast_to(self.alpha_, several.shape[1]))
        if len(best) == 1:
            self.alpha_, self.best_score_ = float(self.alpha_[0]), float(self.best_score_[0])
        fitted = _core.ridge(rows, several, weights, chosen, fit_intercept=self.fit_intercept)
        self._warn_of_iterations(fitted)
        self._keep(fitted.coef, fitted.intercept, targets, rows.dtype)
        if several.shape[1] == 1:
            self.coef_ = self.coef_.ravel()  # of a y of one column too, as scikit-learn's
        return self

    def _penalties(self) -> NDArray[np.float64]:
        """Return the penalties (n_alphas,)."""
        if isinstance(self.alphas, np.ndarray | list | tuple) and np.ndim(self.alphas) > 0:
            boundaries = "neither" if self.cv is None else "left"
            for index, alpha in enumerate(self.alphas):
                name = f"alphas[{index}]" if len(self.alphas) > 1 else "alphas"
                check_scalar(alpha, name, Real, min_val=0.0, include_boundaries=boundaries)
        alphas: NDArray[np.float64] = check_array(
            np.atleast_1d(self.alphas), dtype=np.float64, ensure_2d=False, input_name="alphas"
        )
        if alphas.ndim > 1:
            raise ValueError(f"alphas must be of one dimension; its shape is {alphas.shape}.")
        lowest = alphas.min()
        if lowest < 0 or (lowest == 0 and self.cv is None):
            raise ValueError(f"alphas must be above 0; the lowest is {lowest}.")
        return alphas

    def _search(self, X: Data, y: Data, alphas: NDArray[np.float64], params: dict[str, Any]) -> Self:
        """Choose by `cv`, as scikit-learn does."""
        for name in ("store_cv_results", "alpha_per_target"):
            if getattr(self, name):
                raise ValueError(f"cv!=None and {name}=True are incompatible")
        model = Ridge(fit_intercept=self.fit_intercept)
        if get_config()["enable_metadata_routing"]:
            model.set_fit_request(sample_weight=True)
        search = GridSearchCV(model, {"alpha": alphas}, cv=self.cv, scoring=self._scorer())
        search.fit(X, y, **params)
        found = search.best_estimator_
        self.alpha_, self.best_score_ = found.alpha, search.best_score_
        self.coef_, self.intercept_ = found.coef_, found.intercept_
        self.n_features_in_ = found.n_features_in_
        self.__dict__.pop("feature_names_in_", None)
        if hasattr(found, "feature_names_in_"):
            self.feature_names_in_ = found.feature_names_in_
        return self

    def _for_scorer(
        self, given: Data, weights: NDArray[np.float64] | None, params: dict[str, Any]
    ) -> dict[str, Any]:
        """Return what the scorer is called with beside predictions and targets."""
        passed = {} if given is None else {"sample_weight": weights}
        if get_config()["enable_metadata_routing"]:
            routed: dict[str, Any] = process_routing(self, "fit", **params, **passed).scorer.score
            return routed
        return passed

    def _scores(
        self, predicted: NDArray[np.float64], y: NDArray[np.float64], n_dims: int, given: dict[str, Any]
    ) -> NDArray[np.float64]:
        """Return the scorer's figures (n_alphas, n_targets or 1) for predictions (n_alphas, ...)."""
        scorer, known = self._scorer(), _Known()
        if self.alpha_per_target:
            return np.array(
                [[scorer(known, row[:, t], y[:, t], **given) for t in range(y.shape[1])] for row in predicted]
            )
        if n_dims == 1:
            predicted, y = predicted[:, :, 0], y[:, 0]
        return np.array([[scorer(known, row, y, **given)] for row in predicted])

    def _scorer(self) -> Any:
        if get_config()["enable_metadata_routing"] and self.scoring is None:
            return get_scorer("r2").set_score_request(sample_weight=True)
        return check_scoring(estimator=self, scoring=self.scoring, allow_none=True)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return which metadata go where: see scikit-learn's guide to metadata routing.

        Returns
        -------
        MetadataRouter
            For the scorer, and for the splitter `cv`.
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(scorer=self._scorer(), method_mapping=MethodMapping().add(caller="fit", callee="score"))
            .add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class _Known(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A regressor for scorers whose rows are their predictions."""

    def predict(self, X: Any) -> Any:
        return X


def _first_best(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return for each column the first row with the highest score; one that is NaN beats none."""
    best: NDArray[np.intp] = np.argmax(np.where(np.isnan(scores), -np.inf, scores), axis=0)
    return best
