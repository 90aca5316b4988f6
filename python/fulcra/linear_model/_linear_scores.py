"""Weighted sums of rows, and classes by the largest of them."""

from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from fulcra import _core
from fulcra._base import Data, Floats, check_rows, non_finite_error, raise_non_finite, require_fitted
from fulcra.linear_model._linear_regression import LinearRegression


def linear_scores(model: Any, X: Data) -> Floats:
    """Return X coef_^T + intercept_, (n_samples, n_problems)."""
    require_fitted(model, "coef_")
    rows = check_rows(model, X, reset=False)
    coef = model.coef_.toarray() if sp.issparse(model.coef_) else np.atleast_2d(model.coef_)
    weights = np.ascontiguousarray(coef, dtype=np.float64)
    try:
        scores = _core.linear_predict(rows, weights, model.intercept_.astype(np.float64))
    except _core.NonFiniteError as error:
        raise non_finite_error(model, error) from None
    if not np.isfinite(scores).all():
        raise_non_finite(model, rows)
    return scores


class LabelledScores(ClassifierMixin):  # type: ignore[misc]
    """A classifier with one vector of weights for two classes, or one for each class."""

    classes_: NDArray[Any]
    coef_: Any
    intercept_: Any

    @classmethod
    def from_weights(
        cls,
        coef: Data,
        intercept: Data = 0.0,
        *,
        classes: Data = None,
        feature_names: Data = None,
        **params: Any,
    ) -> Self:
        """Return a fitted estimator with known weights.

        Parameters
        ----------
        coef : array-like or data frame of shape (n_features,), (1, n_features) or (n_classes, n_features)
            The weights; float32 is kept, everything else becomes float64. One row is that of the second of
            two classes.
        intercept : float or array-like of shape (1,) or (n_classes,), default=0.0
            The scores where all features are 0.
        classes : array-like of shape (n_classes,), default=None
            Labels in the order of the rows of `coef`; None stands for 0, 1, ... Two of them for one row.
        feature_names : array-like of shape (n_features,) of str, default=None
            Names of the columns; None takes those of a data frame.
        **params
            Parameters of the estimator.

        Returns
        -------
        estimator
            With `coef_`, `intercept_`, `classes_`, `n_features_in_` and, where there are names,
            `feature_names_in_`; labels and rows are sorted by label, as `fit` would have them.

        Raises
        ------
        ValueError
            If weights or intercepts are not finite, or intercepts, classes or names do not match them in
            number, or a class is named twice.

        Examples
        --------
        >>> from fulcra.linear_model import SGDClassifier
        >>> spam = SGDClassifier.from_weights([0.5, 1.2, -0.8], -0.3, classes=["ham", "spam"])
        >>> spam.predict([[3, 1, 0], [0, 0, 1]]).tolist()
        ['spam', 'ham']
        """
        one = np.ndim(coef) == 1
        known = LinearRegression.from_weights(
            np.asarray(coef)[np.newaxis] if one else coef, intercept, feature_names=feature_names
        )
        weights, constant = known.coef_, known.intercept_
        if len(weights) == 2:
            raise ValueError(
                "coef of two rows is ambiguous: two classes have one row, that of the second (the difference "
                "of the rows)."
            )
        many = max(len(weights), 2)
        labels = np.arange(many) if classes is None else np.asarray(classes)
        if labels.shape != (many,):
            raise ValueError(f"classes has {labels.size} labels; coef of shape {weights.shape} needs {many}.")
        sorted_labels, order = np.unique(labels, return_index=True)
        if len(sorted_labels) < many:
            raise ValueError(f"classes must all be different; they are {labels.tolist()}.")
        model = cls(**params)
        model.classes_ = sorted_labels
        if many == 2:
            sign = weights.dtype.type(1 if order[0] == 0 else -1)  # which of the two comes second
            model.coef_, model.intercept_ = sign * weights, sign * constant
        else:
            model.coef_, model.intercept_ = weights[order], constant[order]
        take_columns(model, known)
        return model

    def _rows_and_labels(self, X: Data, y: Data, *, reset: bool) -> tuple[Any, NDArray[Any]]:
        rows = check_rows(self, X, reset=reset)
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        checked = check_array(y, dtype=None, ensure_2d=False, input_name="y", estimator=self)
        labels = column_or_1d(checked, warn=True)
        check_classification_targets(labels)
        check_consistent_length(rows, labels)
        return rows, labels

    def decision_function(self, X: Data) -> Floats:
        """Return how far each row is on the side of the positive class, or of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
            The weighted sums plus the intercepts, in the dtype of X.

        Raises
        ------
        NotFittedError
            If there are no weights yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        scores = linear_scores(self, X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Data) -> NDArray[Any]:
        """Return the class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels of `classes_`.

        Raises
        ------
        NotFittedError
            If there are no weights yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        scores = self.decision_function(X)
        chosen: NDArray[Any] = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        labels: NDArray[Any] = self.classes_[chosen]
        return labels


def take_columns(model: Any, known: Any) -> None:
    """Give the model the number of columns and the names of one whose weights are known."""
    for name in ("n_features_in_", "feature_names_in_"):
        if name in vars(known):
            setattr(model, name, getattr(known, name))
