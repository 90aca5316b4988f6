"""Counts whose logarithm is a weighted sum of features.

Source: McCullagh and Nelder (1989), "Generalized Linear Models", chapters 2 and 6.
"""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_consistent_length, column_or_1d

from fulcra import _core
from fulcra._base import Data, Floats, Interval, StrOptions, check_weights, estimator_fit
from fulcra.linear_model._base import LinearRegressor, checked_targets

#: How much smaller than `tol` the relative gradient must be: the last of Newton's steps squares it.
_FACTOR = 1e-4
#: Below this, rounding decides.
_LEAST = 1e-13


class PoissonRegressor(LinearRegressor):
    """Counts by their features: the logarithm of the expected count is ``x · w + b``.

    Takes the place of `sklearn.linear_model.PoissonRegressor`. It minimises the mean of half the Poisson
    deviance over the rows, plus ``alpha / 2 ||w||²``. The intercept carries no penalty.

    Parameters
    ----------
    alpha : float, default=1.0
        How strongly weights are drawn to 0, not negative. With 0 the weights are those of maximum likelihood;
        of columns that depend on each other, the shortest such weights.
    fit_intercept : bool, default=True
        Whether an intercept is learned; without one, the prediction is 1 where all features are 0.
    solver : {'lbfgs', 'newton-cholesky'}, default='lbfgs'
        Accepted; both are names of the same bits. It is Newton's method: with Cholesky factors of the Hessian
        for few columns, with conjugate gradients for many.
    max_iter : int, default=100
        Newton steps at most.
    tol : float, default=1e-4
        The fit has converged where the relative gradient is at most a ten-thousandth of it (and at least
        1e-13): the largest over the coordinates of ``|g| / sqrt(h c)``, with gradient g, the Hessian's
        diagonal h and the mean prediction c. By so much would a step in that coordinate alone change
        ``x · w + b``, so the units of X and y do not matter. With the default that is 1e-8, and the loss is
        right to all its digits.
    warm_start : bool, default=False
        Whether `fit` starts from the weights that are there already.
    verbose : int, default=0
        Above 0, a line is printed that says how the fit went.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        The weights, in the dtype of X: one more of feature f multiplies the prediction by ``exp(coef_[f])``.
    intercept_ : float
        The logarithm of the prediction where all features are 0; 0.0 without `fit_intercept`.
    n_iter_ : int
        Newton steps taken.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    fulcra.linear_model.Ridge : For targets that may be negative.

    Notes
    -----
    Where rows were watched for different times, or stand for areas of different sizes, fit the rate ``y /
    exposure`` with ``sample_weight=exposure``: the weights are those of an offset of ``log(exposure)``.

    Only the ratios of the weights of rows matter: doubling all changes nothing.

    References
    ----------
    McCullagh and Nelder (1989), "Generalized Linear Models", 2nd edition, Chapman and Hall.

    Examples
    --------
    By hand: with one feature that is 0 or 1 the predictions are the two groups' means, 2 and 6.

    >>> from fulcra.linear_model import PoissonRegressor
    >>> model = PoissonRegressor(alpha=0).fit([[0], [0], [1], [1]], [1, 3, 4, 8])
    >>> model.predict([[0], [1]]).round(6).tolist()
    [2.0, 6.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "solver": [StrOptions({"lbfgs", "newton-cholesky"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
    }

    n_iter_: int

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        fit_intercept: bool = True,
        solver: str = "lbfgs",
        max_iter: int = 100,
        tol: float = 1e-4,
        warm_start: bool = False,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.verbose = verbose

    @estimator_fit
    def fit(self, X: Data, y: Data, sample_weight: Data = None) -> Self:
        """Learn the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows. Sparse rows are copied once, by columns.
        y : array-like of shape (n_samples,)
            Counts or rates, finite and not negative.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weight of each row; 2 is the same as the row twice.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            If a parameter or the weights are unusable, y is negative somewhere, or X or y are not finite: the
            message names the first such row and column.
        TypeError
            If y is sparse.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` steps were not enough; or if `alpha` is 0 and no finite weights are best, as where
            a column is not 0 only in rows whose y is 0: the message names it.
        """
        known = vars(self).get("coef_") if self.warm_start else None
        rows, targets, weights = self._checked(X, y, sample_weight)
        targets = np.ascontiguousarray(column_or_1d(targets, warn=True))
        _refuse_negative(targets)
        with self._flaws_named():
            fitted = _core.poisson_fit(
                rows,
                targets,
                weights,
                self._start(known, rows.shape[1]),
                alpha=float(self.alpha),
                fit_intercept=bool(self.fit_intercept),
                gradient=max(_FACTOR * float(self.tol), _LEAST),
                max_iter=int(self.max_iter),
            )
        self._warn(fitted, targets, weights)
        coef, intercept = np.atleast_2d(fitted.coef), np.atleast_1d(fitted.intercept)
        self._keep(coef, intercept, targets, rows.dtype)
        self.n_iter_ = fitted.n_iter
        if self.verbose:
            print(
                f"PoissonRegressor: {fitted.n_iter} steps, objective {fitted.loss:.6g}, "
                f"relative gradient {fitted.gradient:.2g}"
            )
        return self

    def predict(self, X: Data) -> Floats:
        """Return the expected count for each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            ``exp(X @ coef_ + intercept_)``, in the dtype of X; infinity where that is too large for it.

        Raises
        ------
        NotFittedError
            If there are no weights yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        with np.errstate(over="ignore", under="ignore"):
            expected: Floats = np.exp(super().predict(X))
        return expected

    def score(self, X: Data, y: Data, sample_weight: Data = None) -> float:
        """Return D², the part of the deviance that the features explain.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Their counts, not negative.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weight of each row.

        Returns
        -------
        float
            1 less the deviance beside that of the mean of y: 1 at best, 0 for the mean, below 0 for what is
            worse. If all y are equal, 1 for predictions equal to them, and else 0.

        Raises
        ------
        ValueError
            If X or y are unusable.
        """
        linear = super().predict(X).astype(np.float64)
        targets = column_or_1d(checked_targets(self, y))
        check_consistent_length(linear, targets)
        _refuse_negative(targets)
        weights = check_weights(sample_weight, linear[:, np.newaxis])
        counts = targets > 0
        with np.errstate(over="ignore"):
            # y log(y / mu) - y + mu, from the linear predictor: mu may be too small, or large, for its dtype.
            own = np.where(counts, targets * (np.log(np.where(counts, targets, 1.0)) - 1.0), 0.0)
            deviance = float(np.average(own - targets * linear + np.exp(linear), weights=weights))
        mean = float(np.average(targets, weights=weights))
        of_mean = float(np.average(own, weights=weights)) + (mean - mean * np.log(mean) if mean > 0 else 0.0)
        if of_mean <= 1e-15 * mean:
            return 1.0 if deviance <= 1e-12 * mean else 0.0
        return 1.0 - deviance / of_mean

    def _start(self, coef: Any, n_features: int) -> tuple[NDArray[np.float64], float] | None:
        """Return the weights that are there as the core reads them, or None."""
        if coef is None:
            return None
        if np.shape(coef) != (n_features,):
            raise ValueError(
                f"warm_start=True needs weights of X's {n_features} features; coef_ has shape "
                f"{np.shape(coef)}."
            )
        intercept = float(self.intercept_) if self.fit_intercept else 0.0
        return np.ascontiguousarray(coef, dtype=np.float64), intercept

    def _warn(
        self, fitted: _core.PoissonFit, targets: NDArray[np.float64], weights: NDArray[np.float64] | None
    ) -> None:
        if fitted.converged:
            return
        found = fitted.diverged_column
        if found is None:
            message = (
                f"{fitted.n_iter} steps left a relative gradient of {fitted.gradient:.1e}: raise "
                f"max_iter={self.max_iter}, or alpha={self.alpha}."
            )
        elif not (targets if weights is None else targets * weights).any():
            message = "y is 0 in every row: the best intercept is minus infinity, and the one kept is finite."
        else:
            names = getattr(self, "feature_names_in_", None)
            column = f"column {found}" if names is None else f"column {names[found]!r}"
            if found == self.n_features_in_:
                column = "the intercept"
            message = (
                f"No finite weights are best: that of {column} goes to infinity, as where it says that y is "
                "0. The weights kept are finite. Leave it out, or raise alpha above 0."
            )
        warnings.warn(f"PoissonRegressor has not converged. {message}", ConvergenceWarning, stacklevel=4)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        tags.target_tags.positive_only = True
        tags.input_tags.sparse = True
        return tags


def _refuse_negative(targets: NDArray[np.float64]) -> None:
    """Raise for the first target below 0."""
    if targets.min() < 0:
        row = int(np.argmax(targets < 0))
        raise ValueError(
            "Some value(s) of y are out of the valid range of the loss 'HalfPoissonLoss': y must not be "
            f"negative; y[{row}] is {targets[row]}."
        )
