"""A fitted linear model as reports see it: weights, rows and targets, whoever made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from fulcra import _core
from fulcra._base import Data, raise_non_finite
from fulcra._reading.columns import known_columns
from fulcra._reading.restraints import Kind, Restraint, ancestors, reader
from fulcra._reading.undoing import steps_before


@dataclass(frozen=True)
class Linear:
    """A linear model, and the table as it sees it.

    Attributes
    ----------
    transformers : list of estimator
        Fitted steps in front of the model.
    model : estimator
        The linear model itself.
    kind : {'linear', 'logistic', 'multinomial', 'poisson'}
        The mean of y is ``X coef + intercept``, its logistic function (of the second class), its softmax, or
        its exponential.
    coef : ndarray of shape (n_outputs, n_model_columns), float64
        A row for each target or, of 'multinomial', each class.
    intercept : ndarray of shape (n_outputs,), float64
        0 without one.
    has_intercept : bool
        Whether it was learned.
    precision : dtype
        Of the model's weights: float32 or float64.
    restraint : Restraint
        Penalties and bounds.
    classes : ndarray of shape (n_classes,), or None
        Of 'logistic' and 'multinomial'.
    names : tuple of str
        Of the model's columns.
    targets : tuple of str
        What the rows of `coef` are about: names of y's columns, or classes (of 'logistic' the second one).
    rows : {ndarray, CSR matrix} of shape (n_samples, n_model_columns), float32 or float64, or None
        The table as the model sees it, finite.
    y : ndarray of shape (n_samples, n_targets), float64, or of shape (n_samples,), intp, or None
        The targets; of 'logistic' and 'multinomial' places in `classes`.
    """

    transformers: list[Any]
    model: Any
    kind: Kind
    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    has_intercept: bool
    precision: Any
    restraint: Restraint
    classes: NDArray[Any] | None
    names: tuple[str, ...]
    targets: tuple[str, ...]
    rows: Any
    y: NDArray[Any] | None

    @property
    def penalised(self) -> bool:
        """Whether intervals around the weights would be false; `restraint.why` says why."""
        return bool(self.restraint.why)

    def scores(self) -> NDArray[np.float64]:
        """Return ``X coef + intercept``, (n_samples, n_outputs)."""
        rows: Any = self.rows
        usable = not sp.issparse(rows) or (rows.indices.dtype == np.int32 and rows.has_canonical_format)
        if rows.dtype == np.float64 and usable:
            return np.asarray(_core.linear_predict(rows, self.coef, self.intercept), dtype=np.float64)
        return np.asarray(rows @ self.coef.T, dtype=np.float64) + self.intercept


def linear(model: Any, X: Data = None, y: Data = None) -> Linear:
    """Read a fitted linear model and, where they are given, its rows and targets.

    Parameters
    ----------
    model : estimator
        A least-squares, logistic or Poisson model, ours or scikit-learn's, or a Pipeline that ends in one.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features), default=None
        The table, as it is given to the model's `predict`.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        The targets.

    Returns
    -------
    Linear
        What reports need of it.

    Raises
    ------
    TypeError
        If the model is not such a model.
    NotFittedError
        If it is not fitted.
    ValueError
        If X does not suit it, or y is not what it learned.
    """
    transformers, last = steps_before(model)
    needed = (
        "model must be a fitted linear, logistic or Poisson regression, or a Pipeline that ends in one; got "
    )
    if isinstance(last, type):
        raise TypeError(f"{needed}the class {last.__name__}.")
    read = reader(last)
    if read is None:
        raise TypeError(f"{needed}{_a(last)}.")
    if hasattr(X, "fit"):
        raise TypeError(f"X must be a table; got {_a(X)}.")
    check_is_fitted(last)
    stored = last.coef_.toarray() if sp.issparse(last.coef_) else np.asarray(last.coef_)
    coef = np.atleast_2d(stored).astype(np.float64)
    has_intercept = bool(getattr(last, "fit_intercept", True))
    intercept = np.broadcast_to(np.asarray(last.intercept_, dtype=np.float64), len(coef)).copy()
    classes = np.asarray(last.classes_) if hasattr(last, "classes_") else None
    kind = read.kind
    if classes is not None and len(classes) > 2:
        if "SGDClassifier" in ancestors(last):
            raise TypeError(f"{needed}an SGDClassifier of {len(classes)} classes: one model for each.")
        kind = "multinomial"
    elif kind == "logistic" and len(coef) == 2:  # a softmax of two classes
        coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
    names = _names(model, transformers, last, X, coef.shape[1])
    rows = None if X is None else _rows(model, transformers, X, names)
    return Linear(
        transformers,
        last,
        kind,
        coef,
        intercept,
        has_intercept,
        np.dtype(np.float32 if stored.dtype == np.float32 else np.float64),
        read.restraint(last, len(coef)),
        classes,
        names,
        _targets(y, classes, len(coef)),
        rows,
        None if y is None else _checked(y, classes, kind, rows, len(coef)),
    )


def _a(thing: Any) -> str:
    name = type(thing).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _names(model: Any, transformers: Sequence[Any], last: Any, X: Data, n_columns: int) -> tuple[str, ...]:
    """Return what the model's columns are called: as the steps name them, else x0, x1, ..."""
    unnamed = tuple(f"x{place}" for place in range(n_columns))
    own = getattr(last, "feature_names_in_", None)
    if own is not None and len(own) == n_columns:
        return tuple(str(name) for name in own)
    given = getattr(model, "feature_names_in_", None)
    if given is None:
        given = getattr(X, "columns", None)
    names = None if given is None else np.asarray([str(name) for name in given], dtype=object)
    for step in transformers:
        if step is None or isinstance(step, str):
            continue
        try:
            names = np.asarray(step.get_feature_names_out(names), dtype=object)
        except (AttributeError, ValueError, TypeError):
            names = None
    return unnamed if names is None or len(names) != n_columns else tuple(str(name) for name in names)


def _rows(model: Any, transformers: Sequence[Any], X: Data, names: tuple[str, ...]) -> Any:
    rows: Any = known_columns(model, X)
    for step in transformers:
        if step is not None and not isinstance(step, str):
            rows = step.transform(rows)
    rows = check_array(
        rows,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        order="C",
        ensure_all_finite=False,
        input_name="X",
    )
    if rows.shape[1] != len(names):
        raise ValueError(f"X has {rows.shape[1]} columns; the model has {len(names)} weights.")
    raise_non_finite(SimpleNamespace(feature_names_in_=np.array(names, dtype=object)), rows)
    return rows


def _targets(y: Data, classes: NDArray[Any] | None, n_outputs: int) -> tuple[str, ...]:
    if classes is not None:
        return tuple(str(label) for label in (classes if len(classes) > 2 else classes[1:]))
    if n_outputs > 1:
        named = getattr(y, "columns", range(n_outputs))
        return tuple(str(name) if isinstance(name, str) else f"y{name}" for name in named)
    columns = getattr(y, "columns", [getattr(y, "name", None)])
    return (str(columns[0]) if columns[0] is not None else "y",)


def _checked(y: Data, classes: NDArray[Any] | None, kind: Kind, rows: Any, n_outputs: int) -> NDArray[Any]:
    """Return y as `Linear.y` describes it."""
    if classes is not None:
        labels: NDArray[Any] = np.asarray(y)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1:
            raise ValueError(f"y must have one label for each row; its shape is {labels.shape}.")
        check_consistent_length(rows, labels)
        codes = _places(labels, classes)
        if (codes < 0).any():
            row = int(np.argmin(codes))
            raise ValueError(
                f"y[{row}] is {labels.tolist()[row]!r}; the model knows the classes "
                f"{', '.join(repr(label) for label in classes.tolist()[:10])}."
            )
        return codes
    values: NDArray[np.float64] = check_array(
        y, dtype=np.float64, ensure_2d=False, ensure_all_finite=False, input_name="y"
    )
    values = values.reshape(len(values), -1)
    check_consistent_length(rows, values)
    if values.shape[1] != n_outputs:
        raise ValueError(f"y has {values.shape[1]} columns; the model has weights for {n_outputs}.")
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise ValueError(f"y must be finite; row {int(np.argmin(finite))} is not. Leave such rows out.")
    if kind == "poisson" and values.min() < 0:
        row = int(np.argmin(values[:, 0]))
        raise ValueError(f"y must hold counts, not negative; y[{row}] is {values[row, 0]:g}.")
    return values


def _places(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.intp]:
    """Return each label's place in `classes`, which are in order; -1 for others."""
    if labels.dtype.kind == classes.dtype.kind and labels.dtype.kind in "biufSU":
        codes = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
        return np.where(classes[codes] == labels, codes, -1)
    known = {label: place for place, label in enumerate(classes.tolist())}
    return np.array([known.get(label, -1) for label in labels.tolist()], dtype=np.intp)
