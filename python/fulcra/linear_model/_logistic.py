"""Logistic regression: the log-odds of classes are weighted sums of features.

Sources: Cox (1958), "The Regression Analysis of Binary Sequences"; McCullagh and Nelder (1989), "Generalized
Linear Models", chapters 4 and 5.
"""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_consistent_length, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from fulcra import _core
from fulcra._base import Data, Interval, StrOptions, check_rows, check_weights, estimator_fit
from fulcra._progress import CallbackSupport
from fulcra.linear_model._classifier import LinearClassifier, penalty_of

#: How much smaller than `tol` a relative gradient is, and a gap: the objective's excess is of its square.
_GRADIENT, _GAP = 1e-2, 1e-4
#: Below this, rounding decides.
_LEAST = 1e-13


class LogisticRegression(CallbackSupport, LinearClassifier):
    """Classes by their features: log-odds are weighted sums, so probabilities are given too.

    Takes the place of `sklearn.linear_model.LogisticRegression`. It minimises the sum over the rows of minus
    the log-probability of their class, plus ``(l1_ratio ||w||_1 + (1 - l1_ratio) / 2 ||w||²) / C``. Two
    classes have one vector of weights, more have one each (softmax). Intercepts carry no penalty.

    Parameters
    ----------
    penalty : {'l1', 'l2', 'elasticnet'} or None, default='deprecated'
        Deprecated in scikit-learn 1.8: `l1_ratio` and `C` say it.
    C : float, default=1.0
        Inverse of the penalty's strength. ``np.inf`` is no penalty: the weights are those of maximum
        likelihood.
    l1_ratio : float, default=0.0
        0 draws weights towards 0 by their squares, 1 by their sizes, which makes some of them exactly 0;
        between them lies the elastic net.
    dual : bool, default=False
        Accepted with ``solver='liblinear'`` and squares; the primal is solved.
    tol : float, default=1e-4
        The fit has converged where the relative gradient is at most a hundredth of this (and at least 1e-13).
        It is the largest over the coordinates of ``|g| / sqrt(h c)``, with gradient g, the Hessian's diagonal
        h and the mean curvature c: by so much would a step in that coordinate alone change the log-odds, so
        the units of X do not matter. With L1 a duality gap beside the objective of a ten-thousandth of it
        certifies.
    fit_intercept : bool, default=True
        Whether intercepts are learned.
    intercept_scaling : float, default=1
        With ``solver='liblinear'``, the constant that stands for the intercept's feature; the intercept is
        then penalised like a weight, the less the larger this is.
    class_weight : dict or 'balanced', default=None
        Weights of the classes, by label; 'balanced' gives each class the same total.
    random_state : int, RandomState instance or None, default=None
        Accepted; nothing is random.
    solver : {'lbfgs', 'liblinear', 'newton-cg', 'newton-cholesky', 'sag', 'saga'}, default='lbfgs'
        A name that promises what scikit-learn's solver can do: L1 needs 'liblinear' or 'saga', the elastic
        net 'saga', several classes any but 'liblinear'. All are Newton's method, and but for the intercept of
        'liblinear' give the same bits.
    max_iter : int, default=100
        Newton steps at most.
    verbose : int, default=0
        Above 0, a line is printed that says how the fit went.
    warm_start : bool, default=False
        Whether `fit` starts from the weights that are there already.
    n_jobs : int, default=None
        Deprecated and without effect; `fulcra.set_num_threads` says how many threads there are.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels of y, sorted.
    coef_ : ndarray or CSR matrix of shape (1, n_features) or (n_classes, n_features)
        The weights, in the dtype of X; one row for two classes, of the log-odds of the second.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        The log-odds where all features are 0; zeros without `fit_intercept`.
    n_iter_ : ndarray of shape (1,)
        Newton steps taken.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    fulcra.linear_model.LogisticRegressionCV : Chooses `C` and `l1_ratio` by cross-validation.

    References
    ----------
    McCullagh and Nelder (1989), "Generalized Linear Models", 2nd edition, Chapman and Hall.
    Albert and Anderson (1984), "On the existence of maximum likelihood estimates in logistic regression
    models", Biometrika 71.

    Examples
    --------
    By hand: of the rows with 0 one in four is a 1, of those with 1 three in four, so the log-odds are -log 3
    and log 3.

    >>> import numpy as np
    >>> from fulcra.linear_model import LogisticRegression
    >>> X = np.array([[0], [0], [0], [0], [1], [1], [1], [1]])
    >>> y = [0, 0, 0, 1, 0, 1, 1, 1]
    >>> model = LogisticRegression(C=np.inf).fit(X, y)
    >>> model.predict_proba([[0], [1]]).round(6).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    >>> bool(np.isclose(model.coef_[0, 0], 2 * np.log(3)))
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "penalty": [StrOptions({"l1", "l2", "elasticnet", "deprecated"}), None],
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
        "dual": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "random_state": ["random_state"],
        "solver": [StrOptions({"lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"})],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
    }

    n_iter_: NDArray[np.int32]

    def __init__(
        self,
        penalty: str | None = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    @estimator_fit
    def fit(self, X: Data, y: Data, sample_weight: Data = None) -> Self:
        """Learn the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            Their classes: numbers or strings, at least two different ones.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weight of each row; 2 is the same as the row twice.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            If a parameter or the weights are unusable, the solver's name does not promise what is asked for,
            y has one class only, or X is not finite: the message names the first such row and column.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` steps were not enough; or if `C` is infinite and no finite weights are best, since
            features separate the classes: the message names the column.
        """
        strength, l1_ratio = penalty_of(self)
        known = self._known() if self.warm_start else None
        rows = check_rows(self, X, reset=True)
        labels, classes = encoded(self, y)
        check_consistent_length(rows, labels)
        if self.solver == "liblinear" and len(classes) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is multiclass. The "
                "'liblinear' solver does not support multiclass classification (n_classes >= 3). Choose "
                "another solver, or wrap the estimator in a OneVsRestClassifier."
            )
        weights = class_weights(self.class_weight, classes, labels, check_weights(sample_weight, rows))
        self.classes_ = classes
        with self._flaws_named():
            found = solve(
                rows,
                labels,
                weights,
                self._start(known, len(classes)),
                n_classes=len(classes),
                alpha=1.0 / strength,
                l1_ratio=l1_ratio,
                fit_intercept=bool(self.fit_intercept),
                scaling=float(self.intercept_scaling) if self.solver == "liblinear" else None,
                tol=float(self.tol),
                max_iter=int(self.max_iter),
            )
        if not found.converged:
            warnings.warn(self._trouble(found, labels), ConvergenceWarning, stacklevel=3)
        self._keep(found.coef, found.intercept, rows.dtype)
        self.n_iter_ = np.array([found.n_iter], dtype=np.int32)
        if self.verbose:
            print(
                f"{type(self).__name__}: {found.n_iter} steps, objective {found.loss:.6g}, certified to "
                f"{found.gradient:.2g}"
            )
        return self

    def _known(self) -> NDArray[np.float64] | None:
        """Return the weights that are there, with their intercepts behind them."""
        coef = vars(self).get("coef_")
        if coef is None:
            return None
        coef = coef.toarray() if sp.issparse(coef) else coef
        return np.column_stack([coef, np.broadcast_to(self.intercept_, len(coef))])

    def _start(self, known: NDArray[np.float64] | None, n_classes: int) -> NDArray[np.float64] | None:
        """Return the start as the core reads it."""
        if known is None:
            return None
        wanted = (1 if n_classes == 2 else n_classes, self.n_features_in_)
        if (len(known), known.shape[1] - 1) != wanted:
            raise ValueError(
                f"warm_start=True needs weights of shape {wanted} for this X and y; coef_ has shape "
                f"{(len(known), known.shape[1] - 1)}."
            )
        start = known if self.fit_intercept else known[:, :-1]
        return np.ascontiguousarray(start, dtype=np.float64)

    def _trouble(self, found: Any, labels: NDArray[np.int32]) -> str:
        """Say why a fit has not converged."""
        column = found.diverged_column
        if column is None:
            return (
                f"{type(self).__name__} has not converged: {found.n_iter} steps left {found.gradient:.1e} of "
                f"what certifies it. Raise max_iter={self.max_iter}, or lower C={self.C}."
            )
        names = getattr(self, "feature_names_in_", None)
        if column >= self.n_features_in_:
            where = "the intercept"
        else:
            where = f"column {column}" if names is None else f"column {names[column]!r}"
        return (
            f"{type(self).__name__} has not converged: no finite weights are best, since the features "
            f"separate classes. The weight of {where} goes to infinity; the weights kept are finite. "
            f"Leave it out, or lower C={self.C}."
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = self.solver != "liblinear"
        return tags


def encoded(estimator: Any, y: Data) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Return class indices (n_samples,) and the sorted labels (n_classes,) of y."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    if sp.issparse(y):
        raise TypeError("Sparse data was passed for y, but dense data is required: use y.toarray().")
    labels = column_or_1d(y, warn=True)
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        row = int(np.argmin(np.isfinite(labels)))
        kind = "NaN" if np.isnan(labels[row]) else "infinity"
        raise ValueError(f"Input y contains {kind}: the first is in row {row}. Leave such rows out.")
    check_classification_targets(labels)
    classes, indices = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            "This solver needs samples of at least 2 classes in the data, but the data contains only one "
            f"class: {classes[:1].tolist()[0]!r}"
        )
    return indices.astype(np.int32), classes


def class_weights(
    class_weight: Any,
    classes: NDArray[Any],
    labels: NDArray[np.int32],
    weights: NDArray[np.float64] | None,
) -> NDArray[np.float64] | None:
    """Return the weights of rows times those of their classes."""
    if class_weight is None:
        return weights
    by_class = compute_class_weight(class_weight, classes=classes, y=classes[labels], sample_weight=weights)
    by_class = np.where(np.isfinite(by_class), by_class, 0.0)  # no row of the class counts: 0 / 0
    of_rows: NDArray[np.float64] = by_class.astype(np.float64)[labels]
    if (of_rows < 0).any():
        raise ValueError(f"class_weight must not be negative; it is {class_weight!r}.")
    product = of_rows if weights is None else of_rows * weights
    if not product.any():
        raise ValueError("class_weight and sample_weight leave no row a weight above zero.")
    return product


def solve(
    rows: Any,
    labels: NDArray[np.int32],
    weights: NDArray[np.float64] | None,
    start: NDArray[np.float64] | None,
    *,
    n_classes: int,
    alpha: float,
    l1_ratio: float,
    fit_intercept: bool,
    scaling: float | None,
    tol: float,
    max_iter: int,
) -> Any:
    """Return the core's fit; with `scaling`, the intercept is the weight of a column of that constant."""
    if scaling is not None and fit_intercept:
        constant = np.full((rows.shape[0], 1), scaling, dtype=rows.dtype)
        if sp.issparse(rows):
            wide = sp.csr_matrix(sp.hstack([rows, constant], format="csr"))
        else:
            wide = np.ascontiguousarray(np.hstack([rows, constant]))
        if start is not None:
            start = start * np.append(np.ones(rows.shape[1]), 1.0 / scaling)
        rows, fit_intercept = wide, False
    else:
        scaling = None
    shared: dict[str, Any] = {
        "n_classes": n_classes,
        "alpha": alpha,
        "fit_intercept": fit_intercept,
        "max_iter": max_iter,
    }
    if l1_ratio > 0 and alpha > 0:
        found = _core.logistic_l1(
            rows, labels, weights, start, l1_ratio=l1_ratio, tol=max(_GAP * tol, _LEAST), **shared
        )
    else:
        found = _core.logistic(rows, labels, weights, start, tol=max(_GRADIENT * tol, _LEAST), **shared)
    if scaling is None:
        return found
    return _Unscaled(found, scaling)


class _Unscaled:
    """A fit whose last column stood for the intercept."""

    def __init__(self, found: Any, scaling: float) -> None:
        self.coef = found.coef[:, :-1]
        self.intercept = found.coef[:, -1] * scaling
        self.n_iter, self.converged = found.n_iter, found.converged
        self.gradient, self.loss = found.gradient, found.loss
        self.diverged_column = found.diverged_column
