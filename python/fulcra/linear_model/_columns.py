"""What coordinate descent shares: data by columns, checked, and one call of the core with its warnings."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import validate_data

from fulcra import _core
from fulcra._base import Data, _check_csr, check_rows, is_plain, non_finite_error


@dataclass(frozen=True)
class Design:
    """X as the core reads it, copied only if it has to be."""

    #: ndarray or CSR of shape (n_samples, n_features), or (n_features, n_samples) where `transposed`.
    values: Any
    transposed: bool

    @property
    def X(self) -> Any:
        """The rows, (n_samples, n_features)."""
        return self.values.T if self.transposed else self.values

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return int(self.values.shape[1 if self.transposed else 0])

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.values.shape[0 if self.transposed else 1])

    @property
    def dtype(self) -> Any:
        """float32 or float64."""
        return self.values.dtype

    def rows(self, chosen: NDArray[np.intp]) -> "Design":
        """Return a copy of some rows."""
        return as_design(self.X[chosen])


def as_design(X: Any) -> Design:
    """Return checked X by whichever side its values lie in one piece."""
    if sp.issparse(X):
        return Design(_check_csr(X.tocsc().T), transposed=True)
    if X.flags.c_contiguous:
        return Design(X, transposed=False)
    if X.flags.f_contiguous:
        return Design(X.T, transposed=True)
    return Design(np.ascontiguousarray(X), transposed=False)


def check_columns(estimator: Any, X: Data) -> Design:
    """Return X by columns or rows, and set the number and names of its features.

    Parameters
    ----------
    estimator : BaseEstimator
        Whose number and names of features are set.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The data. A contiguous float32 or float64 array of either order is not copied.

    Returns
    -------
    Design
        Whether the values are finite has not been looked at: the core sees that on its way.

    Raises
    ------
    ValueError
        As `fulcra._base.check_rows`.
    """
    if sp.issparse(X):
        checked = validate_data(
            estimator,
            X,
            reset=True,
            accept_sparse="csc",
            dtype=[np.float64, np.float32],
            ensure_all_finite=False,
        )
        return as_design(checked)
    if type(X) is np.ndarray and X.ndim == 2 and not X.flags.c_contiguous and is_plain(X.T):
        check_rows(estimator, X[:1], reset=True)
        return Design(X.T, transposed=True)
    return Design(check_rows(estimator, X, reset=True), transposed=False)


@contextmanager
def flaws_named(estimator: Any) -> Iterator[None]:
    """Raise the user's error, by the user's names, for a value of X that the core finds."""
    try:
        yield
    except _core.NonFiniteError as error:
        raise non_finite_error(estimator, error) from None


def as_start(coef: Data, n_targets: int, n_features: int) -> NDArray[np.float64] | None:
    """Return where to start, (n_targets, n_features)."""
    if coef is None:
        return None
    start = np.array(np.atleast_2d(coef), dtype=np.float64, order="C")
    if start.shape != (n_targets, n_features):
        raise ValueError(
            f"The coefficients to start from have shape {np.shape(coef)}; {n_targets} target(s) and "
            f"{n_features} features need ({n_targets}, {n_features}), or ({n_features},) for one target."
        )
    return start


def fit_path(
    design: Design,
    targets: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    alphas: NDArray[np.float64],
    *,
    estimator: Any,
    l1_ratio: float,
    fit_intercept: bool,
    positive: bool,
    max_iter: int | None,
    tol: float,
    start: NDArray[np.float64] | None = None,
    stacklevel: int = 4,
) -> _core.ElasticNetFit:
    """Fit targets (n_samples, n_targets) for each alpha in turn, and warn of what did not converge."""
    with flaws_named(estimator):
        fitted = _core.elastic_net(
            design.values,
            targets,
            weights,
            np.ascontiguousarray(alphas, dtype=np.float64),
            start,
            transposed=design.transposed,
            l1_ratio=float(l1_ratio),
            fit_intercept=bool(fit_intercept),
            positive=bool(positive),
            max_iter=1000 if max_iter is None else int(max_iter),
            tol=float(tol),
        )
    missed = fitted.gap > fitted.allowed[:, None]
    if missed.any():
        target, step = (int(at) for at in np.argwhere(missed)[0])
        message = (
            "Objective did not converge. You might want to increase the number of iterations, or to consider "
            f"increasing regularisation: after {fitted.n_iter[target, step]} passes at "
            f"alpha={alphas[step]:.6g} the duality gap is {fitted.gap[target, step]:.3e}, and "
            f"tol={tol:g} allows {fitted.allowed[target]:.3e} (both by row)."
        )
        if alphas[step] * l1_ratio < np.finfo(np.float64).eps:
            message += " Without a penalty on absolute values, LinearRegression or Ridge is exact."
        warnings.warn(message, ConvergenceWarning, stacklevel=stacklevel)
    return fitted


def alpha_grid(
    design: Design,
    target: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    *,
    estimator: Any,
    l1_ratio: float,
    fit_intercept: bool,
    positive: bool,
    eps: float,
    n_alphas: int,
) -> NDArray[np.float64]:
    """Return alphas from the smallest that leaves no weight down to `eps` of it, evenly on a log scale."""
    if l1_ratio == 0:
        raise ValueError(
            "Automatic alpha grid generation is not supported for l1_ratio=0. Please supply a grid by "
            "providing your estimator with the appropriate `alphas=` argument."
        )
    with flaws_named(estimator):
        largest = _core.lasso_alpha_max(
            design.values,
            np.ascontiguousarray(target),
            weights,
            transposed=design.transposed,
            fit_intercept=bool(fit_intercept),
            positive=bool(positive),
        )
    largest /= l1_ratio
    least = float(np.finfo(np.float64).resolution)
    if largest <= least:
        return np.full(n_alphas, least)
    grid: NDArray[np.float64] = np.geomspace(largest, largest * eps, num=n_alphas)
    return grid


def check_gram(X: Any, gram: Data, *, fit_intercept: bool) -> None:
    """Check a matrix of products that is given: it is computed anew, but a wrong one is a mistake."""
    if isinstance(gram, str | bool | np.bool_):
        return
    gram = np.asarray(gram)
    n_features = X.shape[1]
    if gram.shape != (n_features, n_features):
        raise ValueError(
            f"precompute has shape {gram.shape}; X with {n_features} columns needs ({n_features}, "
            f"{n_features})."
        )
    if sp.issparse(X):
        return
    if fit_intercept and not np.allclose(X.mean(axis=0), 0):
        warnings.warn(
            "Gram matrix was provided but X was centered to fit intercept: recomputing Gram matrix.",
            UserWarning,
            stacklevel=3,
        )
        return
    first = n_features // 2
    second = min(first + 1, n_features - 1)
    expected, given = X[:, first] @ X[:, second], gram[first, second]
    rtol = 1e-4 if np.float32 in (gram.dtype, X.dtype) else 1e-7
    if not np.isclose(expected, given, rtol=rtol, atol=1e-5):
        raise ValueError(
            "Gram matrix passed in via 'precompute' parameter did not pass validation when a single element "
            "was checked - please check that it was computed properly. For element "
            f"({first},{second}) we computed {expected} but the user-supplied value was {given}."
        )
