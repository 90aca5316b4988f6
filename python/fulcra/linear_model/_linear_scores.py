"""Weighted sums of rows, and classes by the largest of them."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from fulcra import _core
from fulcra._base import Data, Floats, check_rows, non_finite_error, raise_non_finite, require_fitted


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
