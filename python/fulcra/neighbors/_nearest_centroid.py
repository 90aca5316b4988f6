"""The classifier by the nearest centroid, and its shrunken form.

Sources: Tibshirani, Hastie, Narasimhan and Chu (2002), "Diagnosis of multiple cancer types by shrunken
centroids of gene expression"; Hastie, Tibshirani and Friedman (2009), "The Elements of Statistical Learning",
whose equations (18.2) to (18.5) are meant below.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.sparsefuncs import min_max_axis

from fulcra import _core
from fulcra._base import (
    Data,
    Interval,
    StrOptions,
    check_rows,
    estimator_fit,
    non_finite_error,
    raise_non_finite,
    require_fitted,
)

#: Rows whose scores are computed at a time: what they take beside X stays small.
_ROWS_AT_A_TIME = 8192


def _is_euclidean(estimator: "NearestCentroid") -> bool:
    return estimator.metric == "euclidean"


class NearestCentroid(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classification by the nearest of the classes' centroids.

    Takes the place of `sklearn.neighbors.NearestCentroid`. With equal priors, `predict` returns the class of
    the truly nearest centroid, whatever the rounding of the data's dtype; all results but those that take
    a logarithm are the same bits on any number of threads and any CPU.

    Parameters
    ----------
    metric : {'euclidean', 'manhattan'}, default='euclidean'
        What is near. A centroid is the mean of its rows, or with 'manhattan' the median, feature by feature.
    shrink_threshold : float, default=None
        Moves centroids towards the mean of all rows: by this many of the deviations that `deviations_` counts
        in, in each feature, and no farther than the mean. Features whose deviations are all 0 do not matter.
    priors : {'uniform', 'empirical'} or array-like of shape (n_classes,), default='uniform'
        The classes' probabilities before a row is seen; 'empirical': their shares of the rows.

    Attributes
    ----------
    centroids_ : ndarray of shape (n_classes, n_features), float64
        The (shrunken) centroids, in the units of X.
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    deviations_ : ndarray of shape (n_classes, n_features)
        How far the centroids are from the mean of all rows, in standard errors: eq. (18.4), or (18.5) if
        shrunken.
    within_class_std_dev_ : ndarray of shape (n_features,)
        The pooled standard deviation of the rows around the centroids of their classes before shrinking.
    class_prior_ : ndarray of shape (n_classes,)
        The classes' prior probabilities.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    fulcra.cluster.KMeans : Finds centers without being given classes.

    Notes
    -----
    `decision_function` and the probabilities measure distances in units of `within_class_std_dev_`, eq.
    (18.2), as scikit-learn's do, and `predict` does so where the priors differ; with equal priors it looks
    for the nearest centroid in the units of X. A feature that does not vary within the classes counts in its
    own unit.

    References
    ----------
    Tibshirani, Hastie, Narasimhan and Chu (2002), "Diagnosis of multiple cancer types by shrunken centroids
    of gene expression", PNAS 99(10).
    Hastie, Tibshirani and Friedman (2009), "The Elements of Statistical Learning", 2nd edition, Springer.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.neighbors import NearestCentroid
    >>> X = np.array([[-1, -1], [-2, -1], [-3, -2], [1, 1], [2, 1], [3, 2]])
    >>> y = np.array(["left", "left", "left", "right", "right", "right"])
    >>> model = NearestCentroid().fit(X, y)
    >>> model.predict([[-0.8, -1]]).tolist()
    ['left']
    >>> model.predict_proba([[-0.8, -1], [0, 0.1]]).round(3).tolist()
    [[1.0, 0.0], [0.168, 0.832]]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "metric": [StrOptions({"euclidean", "manhattan"})],
        "shrink_threshold": [Interval(Real, 0, None, closed="neither"), None],
        "priors": ["array-like", StrOptions({"empirical", "uniform"})],
    }

    def __init__(
        self,
        metric: str = "euclidean",
        *,
        shrink_threshold: float | None = None,
        priors: Data = "uniform",
    ) -> None:
        self.metric = metric
        self.shrink_threshold = shrink_threshold
        self.priors = priors

    @estimator_fit
    def fit(self, X: Data, y: Data) -> Self:
        """Find the centroids of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            The class of each row.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            If a parameter is unusable, there is but one class, all rows are equal, or X is not finite: the
            message names the first such row and column.

        Warns
        -----
        UserWarning
            If priors do not add up to 1, or a feature does not vary within the classes.
        """
        rows = check_rows(self, X, reset=True)
        self.classes_, labels = _classes(self, y, rows)
        n_samples, n_classes = len(labels), len(self.classes_)
        with self._flaws_named():
            self.centroids_, means, counts, squares = _core.class_centroids(
                rows, labels, n_classes, self.metric == "manhattan"
            )
        self.class_prior_ = self._checked_priors(counts)
        # One row a class leaves no degree of freedom: no deviation either.
        self.within_class_std_dev_ = np.sqrt(squares / max(n_samples - n_classes, 1))
        if (self.within_class_std_dev_ == 0).any():
            if _all_rows_are_equal(rows):
                raise ValueError("All features have zero variance. Division by zero.")
            warnings.warn(
                "self.within_class_std_dev_ has at least 1 zero standard deviation. "
                "Inputs within the same classes for at least 1 feature are identical.",
                UserWarning,
                stacklevel=3,
            )
        self._shrink(means, counts)
        return self

    def predict(self, X: Data) -> NDArray[Any]:
        """Return the class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            The classes of the nearest centroids, the first of `classes_` on a tie; where the priors differ,
            those with the largest scores.

        Raises
        ------
        NotFittedError
            If there are no centroids yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        rows = self._checked(X)
        if not np.isclose(self.class_prior_, 1 / len(self.classes_)).all():
            labels = np.concatenate([scores.argmax(axis=1) for scores in self._scores(rows)])
        elif self.metric == "manhattan":
            parts = self._distances(rows, self.centroids_, 1.0)
            labels = np.concatenate([distances.argmin(axis=1) for distances in parts])
        else:
            with self._flaws_named():
                labels = _core.kmeans_predict(rows, self.centroids_)
        found: NDArray[Any] = self.classes_[labels]
        return found

    @available_if(_is_euclidean)  # type: ignore[untyped-decorator]
    def decision_function(self, X: Data) -> NDArray[np.float64]:
        """Return the discriminant scores, eq. (18.2); only for the Euclidean metric.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            Minus the squared distance in units of `within_class_std_dev_`, plus twice the logarithm of the
            prior; for two classes, the second's less the first's.

        Raises
        ------
        NotFittedError
            If there are no centroids yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        scores = self._all_scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    @available_if(_is_euclidean)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Data) -> NDArray[np.float64]:
        """Return the probability of each class; only for the Euclidean metric.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; they add up to 1 in each row.

        Raises
        ------
        NotFittedError
            If there are no centroids yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        return np.exp(self.predict_log_proba(X))  # type: ignore[no-any-return]

    @available_if(_is_euclidean)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Data) -> NDArray[np.float64]:
        """Return the logarithm of the probability of each class; only for the Euclidean metric.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.

        Raises
        ------
        NotFittedError
            If there are no centroids yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        scores = self._all_scores(X)
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return scores

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _checked(self, X: Data) -> Any:
        require_fitted(self, "centroids_")
        return check_rows(self, X, reset=False)

    @contextmanager
    def _flaws_named(self) -> Iterator[None]:
        """Raise the user's error, by the user's names, for a value of X that the core finds."""
        try:
            yield
        except _core.NonFiniteError as error:
            raise non_finite_error(self, error) from None

    def _checked_priors(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        n_classes = len(counts)
        if isinstance(self.priors, str):
            empirical = self.priors == "empirical"
            return counts / counts.sum() if empirical else np.full(n_classes, 1 / n_classes)
        priors: NDArray[np.float64] = check_array(
            self.priors, dtype=np.float64, ensure_2d=False, copy=True, input_name="priors"
        )
        if priors.shape != (n_classes,):
            raise ValueError(f"priors has shape {priors.shape}; y has {n_classes} classes.")
        if (priors < 0).any():
            raise ValueError("priors must be non-negative")
        if priors.sum() == 0:
            raise ValueError("priors are zero for every class; at least one must be above zero.")
        if not np.isclose(priors.sum(), 1.0):
            warnings.warn(
                "The priors do not sum to 1. Normalizing such that it sums to one.", UserWarning, stacklevel=4
            )
            priors /= priors.sum()
        return priors

    def _shrink(self, means: NDArray[np.float64], counts: NDArray[np.float64]) -> None:
        """Set `deviations_`, and shrink `centroids_` where that is asked."""
        center = counts @ means / counts.sum()
        within = self.within_class_std_dev_
        errors = np.sqrt(1 / counts - 1 / counts.sum())[:, np.newaxis] * (within + np.median(within))
        apart = self.centroids_ - center
        # A feature without any deviation is infinitely many of them away from the mean, or none.
        with np.errstate(divide="ignore", invalid="ignore"):
            self.deviations_ = np.where(apart == 0, 0.0, apart / errors)
        if self.shrink_threshold:
            size = np.maximum(np.abs(self.deviations_) - self.shrink_threshold, 0)
            self.deviations_ = np.copysign(size, self.deviations_)
            self.centroids_ = center + np.where(errors > 0, errors * np.nan_to_num(self.deviations_), apart)

    def _distances(
        self, rows: Any, centroids: NDArray[np.float64], unit: NDArray[np.float64] | float
    ) -> Iterator[NDArray[np.float64]]:
        """Yield the distances of some rows after others, divided by `unit`, from centroids."""
        raise_non_finite(self, rows)
        for first in range(0, rows.shape[0], _ROWS_AT_A_TIME):
            part = rows[first : first + _ROWS_AT_A_TIME].astype(np.float64)
            if not sp.issparse(part):
                part /= unit
            elif self.metric == "manhattan":
                part = part.toarray() / unit
            else:
                part.data /= np.broadcast_to(unit, part.shape[1])[part.indices]
            try:
                if self.metric == "manhattan":
                    distances = _core.pairwise_distances(part, centroids, "manhattan")
                else:
                    distances = _core.kmeans_distances(part, centroids)
            except _core.NonFiniteError as error:
                row, column, kind = error.args
                raise non_finite_error(self, _core.NonFiniteError(first + row, column, kind)) from None
            yield distances.astype(np.float64, copy=False)

    def _scores(self, rows: Any) -> Iterator[NDArray[np.float64]]:
        """Yield the discriminant scores (n, n_classes) of some rows after others."""
        unit = np.where(self.within_class_std_dev_ == 0, 1.0, self.within_class_std_dev_)
        with np.errstate(divide="ignore"):
            prior = 2 * np.log(self.class_prior_)
        for distances in self._distances(rows, self.centroids_ / unit, unit):
            yield prior - distances * distances

    def _all_scores(self, X: Data) -> NDArray[np.float64]:
        return np.concatenate(list(self._scores(self._checked(X))))


def _classes(estimator: Any, y: Data, rows: Any) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Return the classes in order, and for each row the index of its own."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    y = check_array(y, ensure_2d=False, dtype=None, input_name="y")
    y = column_or_1d(y, warn=True)
    check_consistent_length(rows, y)
    check_classification_targets(y)
    classes, labels = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"The number of classes has to be greater than one; got {len(classes)} class")
    return classes, labels.astype(np.int32)


def _all_rows_are_equal(rows: Any) -> bool:
    low, high = min_max_axis(rows, axis=0) if sp.issparse(rows) else (rows.min(axis=0), rows.max(axis=0))
    return bool((low == high).all())
