"""What every estimator shares: how its data are checked, and a `fit` that fails without leaving a trace.

This is the only module that touches names which scikit-learn does not document.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar, cast

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    make_constraint,
    validate_params,
)
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from fulcra import _core

__all__ = [
    "Data",
    "Floats",
    "HasMethods",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "check_function_params",
    "check_rows",
    "check_weights",
    "estimator_fit",
    "is_plain",
    "non_finite_error",
    "raise_non_finite",
    "require_fitted",
]

#: An array-like, a data frame or a sparse matrix: whatever scikit-learn's own validation takes.
Data: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float32] | NDArray[np.float64]

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E")

_FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}

#: Rows looked through at a time where Python itself has to find a value that is not finite.
_ROWS_AT_A_TIME = 65_536


def estimator_fit(fit: Callable[Concatenate[E, P], R]) -> Callable[Concatenate[E, P], R]:
    """Decorate an estimator's `fit`.

    The parameters are checked first. If anything then goes wrong, an interrupt included, the estimator is put
    back as it was: `validate_data` has by then overwritten what it knew of the features. Callbacks of
    scikit-learn 1.9 are set up and torn down around it when there are any.
    """

    @functools.wraps(fit)
    def guarded(estimator: E, *args: P.args, **kwargs: P.kwargs) -> R:
        _check_params(estimator)
        before = vars(estimator).copy()
        run = fit
        if getattr(estimator, "_skl_callbacks", None):
            from sklearn.callback import with_callbacks  # noqa: PLC0415 - 0.1 s, most of it rich

            run = with_callbacks(fit)
        try:
            return run(estimator, *args, **kwargs)
        except BaseException:
            state = vars(estimator)
            for name in state.keys() - before.keys():
                del state[name]
            state.update(before)
            raise

    return cast(Callable[Concatenate[E, P], R], guarded)  # mypy keeps the name of its first parameter


def _check_params(estimator: Any) -> None:
    """Check an estimator's parameters as scikit-learn does, and let it say what is wrong with them."""
    if get_config()["skip_parameter_validation"]:
        return
    for name, allowed in _constraints(type(estimator)):  # type: ignore[arg-type] # types are hashable
        value = getattr(estimator, name)
        if not any(constraint.is_satisfied_by(value) for constraint in allowed):
            estimator._validate_params()


@functools.cache
def _constraints(kind: Any) -> list[tuple[str, list[Any]]]:
    """Return each parameter's constraints: making them anew takes as long as a small fit."""
    given = kind._parameter_constraints
    return [
        (name, [make_constraint(constraint) for constraint in given[name]])
        for name in kind._get_param_names()
        if given.get(name, "no_validation") != "no_validation"
    ]


def check_function_params(constraints: Mapping[str, list[Any]]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Check a function's parameters against scikit-learn's kind of constraints before it runs."""
    decorate: Callable[[Callable[P, R]], Callable[P, R]] = validate_params(
        dict(constraints), prefer_skip_nested_validation=False
    )
    return decorate


def require_fitted(estimator: Any, attribute: str) -> None:
    """Raise scikit-learn's NotFittedError if `attribute` is missing."""
    if attribute not in vars(
        estimator
    ):  # asking first saves the time that check_is_fitted takes to look at tags
        check_is_fitted(estimator, attribute)


def is_plain(X: Data) -> bool:
    """Whether scikit-learn's checks would hand X back as it is, if its values are finite."""
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.dtype in _FLOATS
        and X.size > 0
        and X.flags.c_contiguous
        and X.flags.aligned
    )


def check_rows(estimator: Any, X: Data, *, reset: bool) -> Any:
    """Return X as the core reads it, copied only if it has to be.

    Parameters
    ----------
    estimator : BaseEstimator
        Whose number and names of features are set (`reset`) or compared with.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The data. A C-contiguous float32 or float64 array, memory-mapped or not, is not copied.
    reset : bool
        True in `fit`.

    Returns
    -------
    ndarray or CSR matrix of shape (n_samples, n_features)
        C-contiguous, or with 32-bit indices that rise strictly within each row; float32 or float64. Whether
        the values are finite has not been looked at: the core sees that on its way.

    Raises
    ------
    ValueError
        As scikit-learn's `validate_data`; if entries of a masked array are masked; if the indices of a CSR
        matrix do not fit 32 bits or contradict each other.
    """
    # The checks take 0.1 ms, as long as a small fit; what they would find of a plain array shows sooner.
    if is_plain(X):
        known = vars(estimator)
        if reset:
            known.pop("feature_names_in_", None)
            estimator.n_features_in_ = X.shape[1]
            return X
        if known.get("n_features_in_") == X.shape[1] and "feature_names_in_" not in known:
            return X
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        hidden = int(np.count_nonzero(np.ma.getmaskarray(X)))
        raise ValueError(
            f"X is a masked array with {hidden} masked entries: fill them, or leave their rows out."
        )
    X = validate_data(
        estimator,
        X,
        reset=reset,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        order="C",
        ensure_all_finite=False,
    )
    return _check_csr(X) if sp.issparse(X) else _readable(X)


def _readable(array: Any, dtype: Any = None) -> Any:
    """Return the array itself, or a copy where it is not contiguous, aligned and of `dtype`."""
    return np.require(array, dtype, ["C", "A"])


def _check_csr(X: Any) -> Any:
    """Return CSR with 32-bit indices that rise strictly in each row, none out of range."""
    starts, columns, stored = X.indptr, X.indices, min(len(X.indices), len(X.data))
    # scipy trusts all of these: wrong ones make it read, and write, outside of its arrays.
    if (
        len(starts) != X.shape[0] + 1
        or starts[0] != 0
        or starts[-1] > stored
        or np.any(starts[1:] < starts[:-1])
    ):
        raise ValueError(
            f"The sparse matrix X is damaged: its indptr must hold {X.shape[0] + 1} values that rise from 0 "
            f"to at most {stored}."
        )
    used = columns[: starts[-1]]
    if used.size and (used.min() < 0 or used.max() >= X.shape[1]):
        raise ValueError(
            f"The sparse matrix X is damaged: its column indices must lie in 0..{X.shape[1] - 1}."
        )
    largest = np.iinfo(np.int32).max
    if max(starts[-1], X.shape[1]) > largest:
        raise ValueError(
            f"The sparse matrix X holds {starts[-1]} values in {X.shape[1]} columns; "
            f"32-bit indices allow {largest}."
        )
    given = X.data, columns, starts
    usable = _readable(X.data), _readable(columns, np.int32), _readable(starts, np.int32)
    if any(part is not original for part, original in zip(usable, given, strict=True)):
        X = type(X)(usable, shape=X.shape, copy=False)
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def check_weights(sample_weight: Data, X: Any) -> NDArray[np.float64] | None:
    """Return the weights as the core reads them.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), float or None
        As the user gave them; None stands for equal weights.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Checked data.

    Returns
    -------
    ndarray of shape (n_samples,) or None
        In float64, whatever the dtype of X.

    Raises
    ------
    ValueError
        If their number is not n_samples, or they are negative, not finite, all zero, or too large to add up.
    """
    if sample_weight is None:
        return None
    weights: NDArray[np.float64] = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if weights.min() < 0:
        first = int(np.argmax(weights < 0))
        raise ValueError(f"sample_weight must not be negative; sample_weight[{first}] is {weights[first]}.")
    with np.errstate(over="ignore"):
        total = weights.sum()
    if total == 0:
        raise ValueError("sample_weight is zero for every row; at least one weight must be above zero.")
    if not np.isfinite(total):
        raise ValueError("The sum of sample_weight is not finite; scale the weights down.")
    aligned: NDArray[np.float64] = _readable(weights)
    return aligned


def non_finite_error(estimator: Any, error: _core.NonFiniteError) -> ValueError:
    """Return the error to raise for what the core has found, in the user's names."""
    row, column, kind = error.args
    names = getattr(estimator, "feature_names_in_", None)
    where = f"row {row}, column {column}" if names is None else f"row {row}, column {names[column]!r}"
    if kind == "overflow":
        return ValueError(
            f"Input X contains a value too large to be squared in float64: the first is in {where}. "
            "Scale the data."
        )
    return ValueError(
        f"Input X contains {kind}: the first is in {where}. Impute such values, or leave their rows out."
    )


def raise_non_finite(estimator: Any, X: Any) -> None:
    """Raise `non_finite_error` for the first value of X that is not finite, before the core would."""
    cells = X.data if sp.issparse(X) else X
    for start in range(0, len(cells), _ROWS_AT_A_TIME):
        part = cells[start : start + _ROWS_AT_A_TIME]
        finite = np.isfinite(part)
        if finite.all():
            continue
        place = np.unravel_index(int(np.argmin(finite)), part.shape)
        kind = "NaN" if np.isnan(part[place]) else "infinity"
        first = start + int(place[0])
        if sp.issparse(X):
            row, column = int(np.searchsorted(X.indptr, first, side="right")) - 1, int(X.indices[first])
        else:
            row, column = first, int(place[1])
        raise non_finite_error(estimator, _core.NonFiniteError(row, column, kind))
