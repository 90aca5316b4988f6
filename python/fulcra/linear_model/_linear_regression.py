"""Ordinary least squares.

Sources: Golub and Van Loan (2013), "Matrix Computations", 4th edition, chapter 5; Higham (2002), "Accuracy
and Stability of Numerical Algorithms", 2nd edition, chapter 20.
"""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra import _core
from fulcra._base import Data, Interval, estimator_fit, raise_non_finite
from fulcra.linear_model._base import LinearRegressor, as_matrix
from fulcra.linear_model._nonnegative import nonnegative


class LinearRegression(LinearRegressor):
    """Ordinary least squares: the weights whose predictions differ least, squared and summed, from y.

    Takes the place of `sklearn.linear_model.LinearRegression`. Columns may have any scale and any offset;
    where columns depend on each other, `rank_` says so and the weights are those of minimum norm.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether an intercept is learned; without one, predictions are 0 where all features are.
    copy_X : bool, default=True
        Accepted; X is neither copied nor changed, for either value.
    tol : float, default=1e-6
        Accepted. scikit-learn cuts singular values off by it, and loses with them the digits of columns of
        different scale; here the cutoff is that of rounding.
    n_jobs : int, default=None
        Accepted; `fulcra.set_num_threads` says how many threads there are.
    positive : bool, default=False
        Whether weights must not be negative; dense rows only.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,), or (n_targets, n_features) for y of two dimensions
        The weights, in the dtype of X.
    intercept_ : float, or ndarray of shape (n_targets,) for y of two dimensions
        What is predicted where all features are 0; 0.0 without `fit_intercept`.
    rank_ : int
        How many columns of X, less their means, do not depend on others. Not with `positive`; of sparse rows
        with more than 2,000 columns, which are iterated over, the smaller of n_samples and n_features.
    singular_ : ndarray of shape (min(n_samples, n_features),), float64
        The singular values of X, less its columns' means, largest first; with weights, of the rows times the
        square roots of theirs. Computed when first asked for. Not with `positive`, nor where rows were
        iterated over.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    fulcra.linear_model.Ridge : Draws the weights towards 0.

    Notes
    -----
    Columns are shifted by their means and scaled to unit length. If they are then well-conditioned (at most
    1e3, estimated), the normal equations are solved by Cholesky's decomposition; else the rows are decomposed
    by Householder's QR with column pivoting, and small problems are refined with residuals in twice the
    precision. Sums over rows are kept in float64, whatever the dtype of X.

    References
    ----------
    Golub and Van Loan (2013), "Matrix Computations", 4th edition, Johns Hopkins.
    Higham (2002), "Accuracy and Stability of Numerical Algorithms", 2nd edition, SIAM.
    Lawson and Hanson (1974), "Solving Least Squares Problems", Prentice-Hall.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.linear_model import LinearRegression
    >>> years = np.array([[1.0], [2.0], [3.0], [4.0], [5.0]])
    >>> salary = np.array([30.0, 35.0, 45.0, 50.0, 60.0])  # in thousands
    >>> model = LinearRegression().fit(years, salary)
    >>> round(float(model.intercept_), 6), model.coef_.round(6).tolist()
    (21.5, [7.5])
    >>> model.predict([[6.0]]).round(6).tolist()
    [66.5]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [None, Integral],
        "positive": ["boolean"],
    }

    rank_: int

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive

    @estimator_fit
    def fit(self, X: Data, y: Data, sample_weight: Data = None) -> Self:
        """Learn the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows; dense with `positive`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            What is to be predicted, finite.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weight of each row; 2 is the same as the row twice.

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
            If X is sparse with `positive`, or y is sparse.

        Warns
        -----
        ConvergenceWarning
            If sparse rows of more than 2,000 columns were iterated over, and that came to no end.
        """
        if self.positive and sp.issparse(X):
            raise TypeError("Sparse data was passed for X, but dense data is required: use X.toarray().")
        rows, targets, weights = self._checked(X, y, sample_weight)
        several = as_matrix(targets)
        for name in ("rank_", "_fitted", "_singular"):  # of an earlier fit, without `positive`
            self.__dict__.pop(name, None)
        if self.positive:
            raise_non_finite(self, rows)
            free = np.zeros(several.shape[1])
            found = nonnegative(rows, several, weights, free, fit_intercept=self.fit_intercept)
            self._keep(*found, targets, rows.dtype)
            return self
        with self._flaws_named():
            fitted = _core.least_squares(rows, several, weights, fit_intercept=self.fit_intercept)
        self._keep(fitted.coef, fitted.intercept, targets, rows.dtype)
        self._warn_of_iterations(fitted)
        self.rank_, self._fitted = fitted.rank, fitted
        return self

    @property
    def singular_(self) -> NDArray[np.float64]:
        """The singular values of X, less its columns' means: see the attributes."""
        # Of many columns they take longer than the fit, and few ask for them.
        known = self.__dict__
        if "_fitted" in known:
            known["_singular"] = known.pop("_fitted").singular
        values: NDArray[np.float64] = known.get("_singular", np.empty(0))
        if not values.size:
            raise AttributeError(
                f"This {type(self).__name__} has no singular_: it is not fitted, or in a way that finds none."
            )
        return values

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        if "_fitted" in state:  # of the core, which stays in its process
            state["_singular"] = state.pop("_fitted").singular
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.positive
        return tags
