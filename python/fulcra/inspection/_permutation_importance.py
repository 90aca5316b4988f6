"""How much worse a model scores when the values of one column are handed to other rows.

Source: Breiman (2001), "Random Forests".
"""

import copy
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin, is_classifier
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils import Bunch, check_array, check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.random import sample_without_replacement

from fulcra import _core
from fulcra._base import (
    Data,
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    check_function_params,
    check_weights,
)
from fulcra.linear_model._base import LinearRegressor

#: scikit-learn's own classes whose predictions follow from `X @ coef_.T + intercept_`, regressors first.
_REGRESSORS = {"ElasticNet", "ElasticNetCV", "Lasso", "LassoCV", "LinearRegression", "Ridge", "RidgeCV"}
_THEIRS = {*_REGRESSORS, "LogisticRegression", "LogisticRegressionCV"}

#: Scores of a regression that follow from its sum of squared errors.
_OF_SQUARES = {None, "r2", "neg_mean_squared_error", "neg_root_mean_squared_error"}

Scorer = Callable[..., Any]


@check_function_params(
    {
        "estimator": [HasMethods(["fit"])],
        "X": ["array-like"],
        "y": ["array-like", None],
        "scoring": [StrOptions(set(get_scorer_names())), callable, list, tuple, dict, None],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "sample_weight": ["array-like", None],
        "max_samples": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
        ],
    }
)
def permutation_importance(
    estimator: Any,
    X: Data,
    y: Data,
    *,
    scoring: Any = None,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: Any = None,
    sample_weight: Data = None,
    max_samples: float = 1.0,
) -> Any:
    """Return by how much the score falls when the values of one column are handed to other rows.

    Takes the place of `sklearn.inspection.permutation_importance`: for the same `random_state` the same
    permutations, and the same numbers to rounding. For linear models, fulcra's and the common ones of
    scikit-learn, nothing is predicted anew, which makes it several times as fast: their sums change by the
    weight times what the column's values have changed by.

    Parameters
    ----------
    estimator : object
        A fitted estimator, of whatever library.
    X : array-like or data frame of shape (n_samples, n_features)
        The rows: those of the fit, or better others.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), or None
        The targets; None where the scorer needs none.
    scoring : str, callable, list, tuple or dict, default=None
        The scorer, or several; None is the estimator's own `score`.
    n_repeats : int, default=5
        How often each column is permuted.
    n_jobs : int, default=None
        Processes that share the columns, as joblib has it. Squared errors of linear regressions are shared
        among fulcra's threads instead.
    random_state : int, RandomState instance or None, default=None
        Which permutations.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in the scores.
    max_samples : int or float, default=1.0
        How many rows are drawn, for each column the same, or what part of them.

    Returns
    -------
    Bunch, or dict of them by the scorers' names
        `importances` of shape (n_features, n_repeats): the score of all rows as they are less that with one
        column permuted; and of shape (n_features,) `importances_mean` and `importances_std`.

    Raises
    ------
    ValueError
        If a parameter is unusable, `max_samples` exceeds the rows, or the estimator finds fault with X or y.

    Notes
    -----
    The importance of a column is what the model does with it, not what could be learned from it: of columns
    that say the same each may seem of little use.

    References
    ----------
    Breiman (2001), "Random Forests", Machine Learning 45(1).

    Examples
    --------
    A price by square metres and, hardly, by age:

    >>> from fulcra.inspection import permutation_importance
    >>> from fulcra.linear_model import LinearRegression
    >>> X = [[50, 10], [80, 40], [100, 20], [120, 30]]
    >>> price = LinearRegression.from_weights([2.0, -0.1])
    >>> found = permutation_importance(price, X, price.predict(X), random_state=0)
    >>> found.importances_mean.argsort().tolist()
    [1, 0]
    """
    if not hasattr(X, "iloc"):
        X = check_array(X, ensure_all_finite="allow-nan", dtype=None)
    n_samples = X.shape[0]
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max + 1)
    if not isinstance(max_samples, Integral):
        max_samples = int(max_samples * n_samples)
    elif max_samples > n_samples:
        raise ValueError(f"max_samples must be <= n_samples; {max_samples} is more than {n_samples}.")
    scorer = check_scoring(estimator, scoring=scoring)
    baseline = _score(scorer, estimator, X, y, sample_weight)
    chosen, orders = _permutations(seed, n_samples, int(max_samples), n_repeats)
    if chosen is not None:
        X, y, sample_weight = _take(X, chosen), _take(y, chosen), _take(sample_weight, chosen)
    linear = _Linear.of(estimator, X, scoring)
    quick = None if linear is None else linear.scores_of_squares(y, sample_weight, orders, scoring)
    if quick is not None:
        return _importances(baseline, quick)
    model: _Linear | _Any = linear or _Any(estimator, X)
    if linear is not None:
        scorer = _plain_scorer(estimator, y, scoring) or scorer
    found = Parallel(n_jobs=n_jobs)(
        delayed(model.rescore)(y, sample_weight, column, orders, scorer) for column in range(X.shape[1])
    )
    if not isinstance(baseline, dict):
        return _importances(baseline, np.array(found))
    by_name = _by_name(found)
    return {name: _importances(baseline[name], by_name[name]) for name in baseline}


def _score(scorer: Scorer, estimator: Any, X: Data, y: Data, sample_weight: Data) -> Any:
    if sample_weight is None:
        return scorer(estimator, X, y)
    return scorer(estimator, X, y, sample_weight=sample_weight)


def _permutations(
    seed: int, n_samples: int, max_samples: int, n_repeats: int
) -> tuple[NDArray[np.intp] | None, NDArray[np.uint32]]:
    """Return which rows take part (None: all), and the places that their values come from in each repeat.

    scikit-learn draws both anew for each column, from the same seed: they are the same for all. It permutes
    the column of the repeat before, so that an order is that of the one before, permuted.
    """
    rng = np.random.RandomState(seed)
    chosen = None
    if max_samples < n_samples:
        chosen = sample_without_replacement(n_samples, max_samples, random_state=rng)
    order = np.arange(max_samples)
    come_from = order.astype(np.uint32)
    orders = np.empty((n_repeats, max_samples), dtype=np.uint32)
    for repeat in range(n_repeats):
        rng.shuffle(order)
        come_from = come_from[order]
        orders[repeat] = come_from
    return chosen, orders


def _take(values: Data, rows: NDArray[np.intp]) -> Data:
    if values is None:
        return None
    return values.iloc[rows] if hasattr(values, "iloc") else np.asarray(values)[rows]


class _Any:
    """A model that predicts every permutation anew."""

    def __init__(self, estimator: Any, X: Data) -> None:
        self.estimator, self.X = estimator, X

    def rescore(
        self, y: Data, sample_weight: Data, column: int, orders: NDArray[np.uint32], scorer: Scorer
    ) -> list[Any]:
        """Return the score of each order of a column's values."""
        X, scores = self.X, []
        permuted = X.copy()
        for order in orders:
            if hasattr(X, "iloc"):
                values = X.iloc[order, column]
                values.index = X.index
                permuted[permuted.columns[column]] = values
            else:
                permuted[:, column] = X[order, column]
            scores.append(_score(scorer, self.estimator, permuted, y, sample_weight))
        return scores


class _Linear:
    """A linear model of ours, and what its weights make of the rows: all that its predictions follow from."""

    def __init__(self, estimator: Any, rows: NDArray[np.float64]) -> None:
        self.estimator, self.rows = estimator, rows
        self.coef = np.ascontiguousarray(np.atleast_2d(estimator.coef_), dtype=np.float64)
        intercept = np.array(np.broadcast_to(estimator.intercept_, len(self.coef)), dtype=np.float64)
        self.sums = _core.linear_predict(rows, self.coef, intercept)

    @classmethod
    def of(cls, estimator: Any, X: Data, scoring: Any) -> "_Linear | None":
        """Return nothing where another class, scorers of the user's, or what X holds ask for predictions."""
        kind = type(estimator)
        known = kind.__module__.startswith("fulcra.linear_model.") or _is_theirs(kind, _THEIRS)
        names = list(scoring.values()) if isinstance(scoring, dict) else scoring
        names = names if isinstance(names, list | tuple) else [names]
        if not (known and hasattr(estimator, "coef_")) or sp.issparse(estimator.coef_):
            return None
        if not all(name is None or isinstance(name, str) for name in names):
            return None
        try:
            rows = np.ascontiguousarray(X.to_numpy() if hasattr(X, "iloc") else X, dtype=np.float64)
        except (TypeError, ValueError):
            return None
        return cls(estimator, rows) if np.isfinite(rows).all() else None

    def scores_of_squares(
        self, y: Data, sample_weight: Data, orders: NDArray[np.uint32], scoring: Any
    ) -> NDArray[np.float64] | None:
        """Return the scores (n_features, n_repeats) of a regression, where squared errors make them."""
        model = type(self.estimator)
        plain = issubclass(model, LinearRegressor) and model.predict is LinearRegressor.predict
        if not (plain or _is_theirs(model, _REGRESSORS)) or isinstance(scoring, list | tuple | dict):
            return None
        if scoring not in _OF_SQUARES or (scoring is None and model.score is not RegressorMixin.score):
            return None
        targets = np.asarray(y, dtype=np.float64).reshape(len(self.rows), -1)
        if targets.shape != self.sums.shape:
            return None
        weights = check_weights(sample_weight, self.rows)
        middle = np.average(targets, axis=0, weights=weights)
        heavy = np.ones(len(targets)) if weights is None else weights
        spread = heavy @ (targets - middle) ** 2
        if scoring in {None, "r2"} and (len(targets) < 2 or not spread.all()):
            return None
        residuals = np.ascontiguousarray((targets - self.sums).T)
        squares = _core.permuted_squares(self.rows, residuals, self.coef, weights, orders)
        if scoring in {None, "r2"}:
            return np.asarray(np.mean(1 - squares / spread, axis=2))
        squares = squares / heavy.sum()
        if scoring == "neg_root_mean_squared_error":
            squares = np.sqrt(squares)
        return np.asarray(-np.mean(squares, axis=2))

    def rescore(
        self, y: Data, sample_weight: Data, column: int, orders: NDArray[np.uint32], scorer: Scorer
    ) -> list[Any]:
        """Return the score of each order of a column's values, from sums that follow from the old ones."""
        values = self.rows[:, column]
        # The same model of other columns: each sum is one, and its only weight is 1.
        model = copy.copy(self.estimator)
        vars(model).pop("feature_names_in_", None)
        several = np.ndim(self.estimator.coef_) > 1
        model.coef_ = np.eye(len(self.coef)) if several else np.ones(1)
        model.intercept_ = np.zeros(len(self.coef)) if several else 0.0
        model.n_features_in_ = len(self.coef)
        scores = []
        for order in orders:
            sums = self.sums + np.outer(values[order] - values, self.coef[:, column])
            scores.append(_score(scorer, model, sums, y, sample_weight))
        return scores


class _Accuracy:
    """The scorer "accuracy" without the checks of y that it makes each time; `classes_` holds all of y."""

    def __init__(self, y: NDArray[Any]) -> None:
        self.y = y

    def __call__(self, model: Any, X: Data, _: Data, sample_weight: Data = None) -> float:
        return float(np.average(model.predict(X) == self.y, weights=sample_weight))


class _LogLoss:
    """The scorer "neg_log_loss" likewise."""

    def __init__(self, y: NDArray[Any], classes: NDArray[Any]) -> None:
        self.places = np.arange(len(y)), np.searchsorted(classes, y)

    def __call__(self, model: Any, X: Data, _: Data, sample_weight: Data = None) -> float:
        shares = model.predict_proba(X)[self.places]
        least = np.finfo(shares.dtype).eps
        return float(np.average(np.log(np.clip(shares, least, 1 - least)), weights=sample_weight))


def _plain_scorer(estimator: Any, y: Data, scoring: Any) -> Scorer | None:
    """Return a quicker scorer with the same figures, if there is one."""
    if not is_classifier(estimator):
        return None
    labels, classes = np.asarray(y), estimator.classes_
    if labels.ndim != 1 or not np.array_equal(np.unique(labels), classes):
        return None
    own = scoring is None and type(estimator).score is ClassifierMixin.score
    if own or (isinstance(scoring, str) and scoring == "accuracy"):
        return _Accuracy(labels)
    return _LogLoss(labels, classes) if isinstance(scoring, str) and scoring == "neg_log_loss" else None


def _is_theirs(kind: type, names: set[str]) -> bool:
    return kind.__module__.startswith("sklearn.linear_model.") and kind.__name__ in names


def _by_name(found: Sequence[Sequence[dict[str, float]]]) -> dict[str, NDArray[np.float64]]:
    """Return for each scorer its scores (n_features, n_repeats)."""
    return {name: np.array([[one[name] for one in scores] for scores in found]) for name in found[0][0]}


def _importances(baseline: float, scores: NDArray[np.float64]) -> Bunch:
    importances = baseline - scores
    return Bunch(
        importances_mean=np.mean(importances, axis=1),
        importances_std=np.std(importances, axis=1),
        importances=importances,
    )
