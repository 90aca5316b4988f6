"""Least squares with weights drawn towards 0.

Source: Hoerl and Kennard (1970), "Ridge regression: biased estimation for nonorthogonal problems".
"""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import check_array

from fulcra import _core
from fulcra._base import Data, Interval, StrOptions, estimator_fit, raise_non_finite
from fulcra.linear_model._base import LinearRegressor, as_matrix
from fulcra.linear_model._nonnegative import nonnegative

#: Where scikit-learn takes sparse rows, with and without an intercept.
_SPARSE_SOLVERS = {
    True: {"auto", "lbfgs", "lsqr", "sag", "sparse_cg"},
    False: {"auto", "cholesky", "lbfgs", "lsqr", "sag", "saga", "sparse_cg"},
}


class Ridge(LinearRegressor):
    """Least squares with a penalty on the squares of the weights: ``||y - X w||² + alpha ||w||²``.

    Takes the place of `sklearn.linear_model.Ridge`. The solution is the exact one, whichever `solver` is
    named. The intercept carries no penalty.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        How strongly weights are drawn to 0, not negative; an array has one for each target. With 0 the
        weights are those of `LinearRegression`.
    fit_intercept : bool, default=True
        Whether an intercept is learned; without one, predictions are 0 where all features are.
    copy_X : bool, default=True
        Accepted; X is neither copied nor changed, for either value.
    max_iter : int, default=None
        Accepted; only scikit-learn's iterative solvers need it.
    tol : float, default=1e-4
        Accepted; only scikit-learn's iterative solvers need it.
    solver : {'auto', 'svd', 'cholesky', 'lsqr', 'sparse_cg', 'sag', 'saga', 'lbfgs'}, default='auto'
        Accepted, within scikit-learn's rules of which one goes with `positive`, and with sparse rows. All
        give the same bits.
    positive : bool, default=False
        Whether weights must not be negative.
    random_state : int, RandomState instance or None, default=None
        Accepted; nothing is drawn.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,), or (n_targets, n_features) for several targets
        The weights, in the dtype of X.
    intercept_ : float, or ndarray of shape (n_targets,) for y of two dimensions
        What is predicted where all features are 0; 0.0 without `fit_intercept`.
    n_iter_ : int
        1, or the iterations of 'lsqr', the most over the targets.
    solver_ : str
        `solver`; of 'auto', what was used: 'cholesky', 'qr' or 'lsqr', or 'nnls' with `positive`.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    fulcra.linear_model.LinearRegression : Without a penalty.

    Notes
    -----
    The penalty counts weights in the units of X: scale columns first where these differ. A row's weight of 2
    is the same as the row twice, but all weights doubled is half of the penalty.

    References
    ----------
    Hoerl and Kennard (1970), "Ridge regression: biased estimation for nonorthogonal problems", Technometrics
    12(1).

    Examples
    --------
    By hand: of x = (-1, 0, 1) and y = (-3, 0, 3), x·y is 6 and x·x is 2, so the weight is 6 / (2 + 1).

    >>> from fulcra.linear_model import Ridge
    >>> Ridge(alpha=1.0).fit([[-1.0], [0.0], [1.0]], [-3.0, 0.0, 3.0]).coef_.round(12).tolist()
    [2.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "solver": [
            StrOptions({"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}),
        ],
        "positive": ["boolean"],
        "random_state": ["random_state"],
    }

    n_iter_: int
    solver_: str

    def __init__(
        self,
        alpha: Data = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    @estimator_fit
    def fit(self, X: Data, y: Data, sample_weight: Data = None) -> Self:
        """Learn the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows.
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
            If a parameter or the weights are unusable, `alpha` does not match the targets in number, or X or
            y are not finite: the message names the first such row and column.
        TypeError
            If y is sparse.

        Warns
        -----
        ConvergenceWarning
            If sparse rows of more than 2,000 columns were iterated over, and that came to no end.
        """
        self._check_solver(sparse=sp.issparse(X))
        rows, targets, weights = self._checked(X, y, sample_weight)
        several = as_matrix(targets)
        alphas = self._alphas(several.shape[1])
        if self.positive:
            raise_non_finite(self, rows)
            coef, intercept = nonnegative(rows, several, weights, alphas, fit_intercept=self.fit_intercept)
            method, n_iter = "nnls", 1
        else:
            with self._flaws_named():
                fitted = _core.ridge(rows, several, weights, alphas, fit_intercept=self.fit_intercept)
            self._warn_of_iterations(fitted)
            coef, intercept, method = fitted.coef, fitted.intercept, fitted.method
            n_iter = max(fitted.n_iter, 1)
        self._keep(coef, intercept, targets, rows.dtype)
        if several.shape[1] == 1:
            self.coef_ = self.coef_.ravel()  # of a y of one column too, as scikit-learn's
        self.n_iter_ = n_iter
        self.solver_ = method if self.solver == "auto" else self.solver
        return self

    def _check_solver(self, *, sparse: bool) -> None:
        """Raise for what scikit-learn's solver of that name cannot do: the name is a promise to readers."""
        if self.solver == "lbfgs" and not self.positive:
            raise ValueError("'lbfgs' solver can be used only when positive=True. Please use another solver.")
        if self.positive and self.solver not in {"auto", "lbfgs"}:
            raise ValueError(
                f"solver={self.solver!r} does not support positive fitting. Please set the solver to 'auto' "
                "or 'lbfgs', or set `positive=False`"
            )
        if sparse and self.solver not in _SPARSE_SOLVERS[bool(self.fit_intercept)]:
            what = "fitting the intercept on sparse data" if self.solver != "svd" else "sparse data"
            raise ValueError(f"solver={self.solver!r} does not support {what}; solver='auto' does.")

    def _alphas(self, n_targets: int) -> NDArray[np.float64]:
        """Return the penalty of each target."""
        alphas: NDArray[np.float64] = check_array(
            np.atleast_1d(self.alpha), dtype=np.float64, ensure_2d=False, input_name="alpha"
        )
        if alphas.ndim > 1:
            raise ValueError(
                f"alpha must be a number or have one for each target; its shape is {alphas.shape}."
            )
        if len(alphas) not in {1, n_targets}:
            raise ValueError(
                f"Number of targets and number of penalties do not correspond: {len(alphas)} != {n_targets}"
            )
        if (alphas < 0).any():
            raise ValueError(f"alpha must not be negative; got {alphas.min()}.")
        return np.array(np.broadcast_to(alphas, n_targets))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver in _SPARSE_SOLVERS[bool(self.fit_intercept)]
        return tags
