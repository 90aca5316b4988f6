"""What linear classifiers share: known weights, scores, probabilities; and what a penalty's names say."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from fulcra import _core
from fulcra._base import Data, Floats, check_rows, non_finite_error, raise_non_finite, require_fitted


class LinearClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose scores are ``X @ coef_.T + intercept_``: log-odds, or softmax."""

    classes_: NDArray[Any]
    coef_: Any
    intercept_: Any
    n_features_in_: int

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
            The weights; float32 is kept, everything else becomes float64. One row is the log-odds of the
            second of two classes.
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
        >>> from fulcra.linear_model import LogisticRegression
        >>> spam = LogisticRegression.from_weights([0.5, 1.2, -0.8], -0.3, classes=["ham", "spam"])
        >>> spam.predict_proba([[3, 1, 0]]).round(4).tolist()
        [[0.0832, 0.9168]]
        """
        model = cls(**params)
        weights = check_array(
            coef, dtype=[np.float64, np.float32], order="C", copy=True, ensure_2d=False, input_name="coef"
        )
        if weights.ndim == 2:
            validate_data(model, coef, reset=True, skip_check_array=True)  # the features' names and number
        else:
            weights = weights[np.newaxis]
            model.n_features_in_ = weights.shape[1]
        if feature_names is not None:
            names = np.asarray(feature_names, dtype=object)
            if names.shape != weights.shape[1:]:
                raise ValueError(
                    f"feature_names has {names.size} names; coef has {weights.shape[1]} columns."
                )
            model.feature_names_in_ = names
        if len(weights) == 2:
            raise ValueError(
                "coef of two rows is ambiguous: two classes have one row, the log-odds of the second (the "
                "difference of the rows)."
            )
        many = max(len(weights), 2)
        labels = np.arange(many) if classes is None else np.asarray(classes)
        if labels.shape != (many,):
            raise ValueError(f"classes has {labels.size} labels; coef of shape {weights.shape} needs {many}.")
        known, order = np.unique(labels, return_index=True)
        if len(known) < many:
            raise ValueError(f"classes must all be different; they are {labels.tolist()}.")
        constant = np.asarray(intercept, dtype=weights.dtype)
        if constant.ndim and constant.shape != weights.shape[:1]:
            raise ValueError(
                f"intercept has shape {constant.shape}; coef of shape {weights.shape} needs one number"
                + (f", or {len(weights)}." if len(weights) > 1 else ".")
            )
        if not np.isfinite(constant).all():
            raise ValueError(f"intercept must be finite; it is {intercept!r}.")
        constant = np.broadcast_to(constant, weights.shape[:1]).copy()
        model.classes_ = known
        if many == 2:
            sign = weights.dtype.type(1 if order[0] == 0 else -1)  # the labels may have changed places
            model.coef_, model.intercept_ = sign * weights, sign * constant
        else:
            model.coef_, model.intercept_ = weights[order], constant[order]
        return model

    def decision_function(self, X: Data) -> Floats:
        """Return the scores of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log-odds of the second of two classes; else one score a class. In the dtype of X.

        Raises
        ------
        NotFittedError
            If there are no weights yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        scores = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Data) -> NDArray[Any]:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels from `classes_`; the first of those that are equally probable.

        Raises
        ------
        NotFittedError
            If there are no weights yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        scores = self._scores(X)
        indices = (scores[:, 0] > 0).astype(np.intp) if scores.shape[1] == 1 else scores.argmax(axis=1)
        labels: NDArray[Any] = self.classes_[indices]
        return labels

    def predict_log_proba(self, X: Data) -> Floats:
        """Return the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`, finite where the probabilities are too small for their dtype.

        Raises
        ------
        NotFittedError
            If there are no weights yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        scores = self._scores(X)
        if scores.shape[1] == 1:
            both: Floats = np.hstack([-np.logaddexp(0, scores), -np.logaddexp(0, -scores)])
            return both
        scores -= scores.max(axis=1, keepdims=True)
        with np.errstate(under="ignore"):
            scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        logarithms: Floats = scores
        return logarithms

    def predict_proba(self, X: Data) -> Floats:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`, in the dtype of X.

        Raises
        ------
        NotFittedError
            If there are no weights yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        with np.errstate(under="ignore"):
            proba: Floats = np.exp(self.predict_log_proba(X))
        return proba

    def sparsify(self) -> Self:
        """Turn `coef_` into a CSR matrix, which pays where most weights are 0.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        NotFittedError
            If there are no weights yet.
        """
        require_fitted(self, "coef_")
        self.coef_ = sp.csr_matrix(self.coef_)
        return self

    def densify(self) -> Self:
        """Turn `coef_` back into an array.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        NotFittedError
            If there are no weights yet.
        """
        require_fitted(self, "coef_")
        if sp.issparse(self.coef_):
            self.coef_ = self.coef_.toarray()
        return self

    def _scores(self, X: Data) -> Floats:
        """Return (n_samples, 1) or (n_samples, n_classes)."""
        require_fitted(self, "coef_")
        rows = check_rows(self, X, reset=False)
        coef = self.coef_.toarray() if sp.issparse(self.coef_) else self.coef_
        weights = np.ascontiguousarray(np.atleast_2d(coef), dtype=np.float64)
        constants = np.array(np.broadcast_to(self.intercept_, len(weights)), dtype=np.float64)
        with self._flaws_named():
            scores: Floats = _core.linear_predict(rows, weights, constants)
        # What is not finite in a row shows in its sum, whatever the weights: 0 times infinity is NaN.
        if not np.isfinite(scores).all():
            raise_non_finite(self, rows)
        return scores

    @contextmanager
    def _flaws_named(self) -> Iterator[None]:
        """Raise the user's error, by the user's names, for a value of X that the core finds."""
        try:
            yield
        except _core.NonFiniteError as error:
            raise non_finite_error(self, error) from None

    def _keep(self, coef: NDArray[np.float64], intercept: NDArray[np.float64], dtype: Any) -> None:
        """Set `coef_` and `intercept_` in `dtype`."""
        with np.errstate(over="ignore"):
            narrow = coef.astype(dtype), intercept.astype(dtype)
        if not all(np.isfinite(part).all() for part in narrow):
            raise ValueError(
                f"The weights are too large for {np.dtype(dtype)}: scale X"
                + (", or pass it in float64." if np.dtype(dtype) == np.float32 else ".")
            )
        self.coef_, self.intercept_ = narrow

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def check_solver(solver: str, penalty: str | None, *, dual: bool) -> None:
    """Raise for what scikit-learn's solver of that name cannot do: the name is a promise to readers."""
    if solver not in {"liblinear", "saga"} and penalty not in {"l2", None}:
        raise ValueError(f"Solver {solver} supports only 'l2' or None penalties, got {penalty} penalty.")
    if solver != "liblinear" and dual:
        raise ValueError(f"Solver {solver} supports only dual=False, got dual={dual}")
    if penalty == "elasticnet" and solver != "saga":
        raise ValueError(f"Only 'saga' solver supports elasticnet penalty, got solver={solver}.")
    if solver == "liblinear" and penalty is None:
        raise ValueError("C=np.inf as well as penalty=None is not supported for the liblinear solver")
    if solver == "liblinear" and penalty == "l1" and dual:
        raise ValueError("solver='liblinear' supports only dual=False with penalty='l1', got dual=True.")


def penalty_of(estimator: Any) -> tuple[float, float]:
    """Return C and the L1 ratio that parameters, old and new, say, with scikit-learn's warnings."""
    penalty: str | None
    C, ratio, given = float(estimator.C), estimator.l1_ratio, estimator.penalty
    if given == "deprecated":
        if ratio is None:
            warnings.warn(
                "'l1_ratio=None' was deprecated in version 1.8 and will trigger an error in 1.10. Use "
                "0<=l1_ratio<=1 instead.",
                FutureWarning,
                stacklevel=4,
            )
        penalty = {0.0: "l2", 1.0: "l1"}.get(float(ratio or 0.0), "elasticnet")
        penalty = None if np.isinf(C) else penalty
    else:
        penalty = given
        warnings.warn(
            "'penalty' was deprecated in version 1.8 and will be removed in 1.10. To avoid this warning, "
            "leave 'penalty' set to its default value and use 'l1_ratio' or 'C' instead. Use l1_ratio=0 "
            "instead of penalty='l2', l1_ratio=1 instead of penalty='l1', l1_ratio set to a float "
            "between 0 and 1 "
            "instead of penalty='elasticnet', and C=np.inf instead of penalty=None.",
            FutureWarning,
            stacklevel=4,
        )
    check_solver(estimator.solver, penalty, dual=estimator.dual)
    if penalty != "elasticnet" and ratio is not None and 0 < ratio < 1:
        warnings.warn(
            f"l1_ratio parameter is only used when penalty is 'elasticnet'. Got (penalty={penalty})",
            stacklevel=4,
        )
    if (given == "l2" and ratio != 0) or (given == "l1" and ratio != 1):
        warnings.warn(
            f"Inconsistent values: penalty={given} with l1_ratio={ratio}. penalty is deprecated. Please use "
            "l1_ratio only.",
            stacklevel=4,
        )
    if penalty == "elasticnet" and ratio is None:
        raise ValueError("l1_ratio must be specified when penalty is elasticnet.")
    if given is None and C != 1.0:
        warnings.warn("Setting penalty=None will ignore the C and l1_ratio parameters", stacklevel=4)
    if estimator.n_jobs is not None:
        warnings.warn(
            "'n_jobs' has no effect since 1.8 and will be removed in 1.10. You provided "
            f"'n_jobs={estimator.n_jobs}', please leave it unspecified.",
            FutureWarning,
            stacklevel=4,
        )
    if penalty is None:
        return np.inf, 0.0
    return C, {"l2": 0.0, "l1": 1.0}.get(penalty, float(ratio or 0.0))
