"""What linear models share: targets that can be learned from, weights that are known, predictions."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import validate_data

from fulcra import _core
from fulcra._base import (
    Data,
    Floats,
    check_rows,
    check_weights,
    non_finite_error,
    raise_non_finite,
    require_fitted,
)


class LinearRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A regressor whose prediction is ``X @ coef_.T + intercept_``."""

    coef_: Floats
    intercept_: Any
    n_features_in_: int

    @classmethod
    def from_weights(
        cls, coef: Data, intercept: Data = 0.0, *, feature_names: Data = None, **params: Any
    ) -> Self:
        """Return a fitted estimator with known weights.

        Parameters
        ----------
        coef : array-like or data frame of shape (n_features,) or (n_targets, n_features)
            The weights; float32 is kept, everything else becomes float64.
        intercept : float or array-like of shape (n_targets,), default=0.0
            What is predicted where all features are 0.
        feature_names : array-like of shape (n_features,) of str, default=None
            Names of the columns; None takes those of a data frame.
        **params
            Parameters of the estimator.

        Returns
        -------
        estimator
            With `coef_`, `intercept_`, `n_features_in_` and, where there are names, `feature_names_in_`.

        Raises
        ------
        ValueError
            If weights or intercepts are not finite, or intercepts or names do not match them in number.

        Examples
        --------
        >>> from fulcra.linear_model import LinearRegression
        >>> names = ["square feet", "bedrooms", "age", "miles"]
        >>> price = LinearRegression.from_weights([150, 30000, -2000, -5000], 50000, feature_names=names)
        >>> price.feature_names_in_.tolist()
        ['square feet', 'bedrooms', 'age', 'miles']
        >>> score = LinearRegression.from_weights([0.002, -200, 150, -300], 600)
        >>> score.predict([[75000, 0.3, 0.95, 0.25]]).tolist()
        [757.5]
        """
        model = cls(**params)
        weights = check_array(
            coef, dtype=[np.float64, np.float32], order="C", copy=True, ensure_2d=False, input_name="coef"
        )
        if weights.ndim == 2:
            validate_data(model, coef, reset=True, skip_check_array=True)  # the features' names and number
        else:
            model.n_features_in_ = len(weights)
        if feature_names is not None:
            names = np.asarray(feature_names, dtype=object)
            if names.shape != weights.shape[-1:]:
                raise ValueError(
                    f"feature_names has {names.size} names; coef has {weights.shape[-1]} columns."
                )
            model.feature_names_in_ = names
        constant = np.asarray(intercept, dtype=weights.dtype)
        if constant.ndim and constant.shape != weights.shape[:-1]:
            raise ValueError(
                f"intercept has shape {constant.shape}; coef of shape {weights.shape} needs one number"
                + (f", or {len(weights)}." if weights.ndim == 2 else ".")
            )
        if not np.isfinite(constant).all():
            raise ValueError(f"intercept must be finite; it is {intercept!r}.")
        model.coef_ = weights
        model.intercept_ = np.broadcast_to(constant, weights.shape[:-1]).copy()[()]
        return model

    def predict(self, X: Data) -> Floats:
        """Return the prediction for each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_targets) for weights of several targets
            The weighted sums of the features plus the intercepts, in the dtype of X.

        Raises
        ------
        NotFittedError
            If there are no weights yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        require_fitted(self, "coef_")
        rows = check_rows(self, X, reset=False)
        weights = np.ascontiguousarray(np.atleast_2d(self.coef_), dtype=np.float64)
        constants = np.array(np.broadcast_to(self.intercept_, len(weights)), dtype=np.float64)
        with self._flaws_named():
            predicted = _core.linear_predict(rows, weights, constants)
        # What is not finite in a row shows in its sum, whatever the weights: 0 times infinity is NaN.
        if not np.isfinite(predicted).all():
            raise_non_finite(self, rows)
        return predicted if np.ndim(self.coef_) > 1 else predicted[:, 0]

    def _checked(
        self, X: Data, y: Data, sample_weight: Data
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.float64] | None]:
        """Return rows, targets (n_samples,) or (n_samples, n_targets), and weights as the core reads them."""
        rows = check_rows(self, X, reset=True)
        targets = checked_targets(self, y)
        check_consistent_length(rows, targets)
        return rows, targets, check_weights(sample_weight, rows)

    @contextmanager
    def _flaws_named(self) -> Iterator[None]:
        """Raise the user's error, by the user's names, for a value of X that the core finds."""
        try:
            yield
        except _core.NonFiniteError as error:
            raise non_finite_error(self, error) from None

    def _warn_of_iterations(self, fitted: _core.LinearFit) -> None:
        """Warn where iterations over sparse rows have not reached what certifies them."""
        if not fitted.converged:
            warnings.warn(
                f"{type(self).__name__} stopped after {fitted.n_iter} iterations over sparse rows, before "
                "the gradient was as small as it must be. Scale the columns, or give a penalty (Ridge).",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _keep(
        self, coef: NDArray[np.float64], intercept: NDArray[np.float64], targets: Any, dtype: Any
    ) -> None:
        """Set `coef_` and `intercept_` from (n_targets, n_features) and (n_targets,), shaped as `targets`."""
        with np.errstate(over="ignore"):
            narrow = coef.astype(dtype, copy=False), intercept.astype(dtype, copy=False)
        if not all(np.isfinite(part).all() for part in narrow):
            raise ValueError(
                f"The weights are too large for {np.dtype(dtype)}: scale X or y"
                + (", or pass X in float64." if np.dtype(dtype) == np.float32 else ".")
            )
        coef, intercept = narrow
        several = targets.ndim > 1
        self.coef_ = coef if several else coef[0]
        if self.fit_intercept:
            self.intercept_ = intercept if several else intercept[0]
        else:
            self.intercept_ = 0.0


def as_matrix(targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the targets as (n_samples, n_targets), C-contiguous."""
    return np.ascontiguousarray(targets.reshape(len(targets), -1))


def checked_targets(estimator: Any, y: Data) -> NDArray[np.float64]:
    """Return targets (n_samples,) or (n_samples, n_targets) that are finite numbers."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    if sp.issparse(y):
        raise TypeError("Sparse data was passed for y, but dense data is required: use y.toarray().")
    targets: NDArray[np.float64] = check_array(
        y, dtype=np.float64, ensure_2d=False, ensure_all_finite=False, input_name="y", estimator=estimator
    )
    finite = np.isfinite(targets)
    if not finite.all():
        row = int(np.argmin(finite.reshape(len(targets), -1).all(axis=1)))
        kind = (
            "NaN"
            if np.isnan(targets[row]).any()
            else "infinity or a value too large for dtype('float64')"  # scikit-learn's words
        )
        raise ValueError(f"Input y contains {kind}: the first is in row {row}. Leave such rows out.")
    return targets
