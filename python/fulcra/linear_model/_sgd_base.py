"""What SGDClassifier and SGDRegressor share: parameters that fit together, held-out rows, one call."""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from fulcra import _core
from fulcra._base import (
    Data,
    Floats,
    Interval,
    StrOptions,
    check_weights,
    non_finite_error,
    require_fitted,
)

REGRESSION_LOSSES = {"squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"}
#: Seeds of scikit-learn's are below this.
MAX_SEED = np.iinfo(np.int32).max

_ZERO_HELD_OUT = (
    "The sample weights for validation set are all zero, consider using a different random state."
)


class SGD(BaseEstimator):  # type: ignore[misc]
    """Weights that are learned row by row."""

    coef_: Any
    intercept_: Floats
    n_features_in_: int
    n_iter_: int
    t_: float

    #: The loss whose steps may be passive-aggressive.
    _passive_loss: ClassVar[str]

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "penalty": [StrOptions({"l2", "l1", "elasticnet"}), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "shuffle": ["boolean"],
        "verbose": ["verbose"],
        "epsilon": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "learning_rate": [StrOptions({"constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"})],
        "eta0": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, None, None, closed="neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "average": [Interval(Integral, 0, None, closed="neither"), "boolean"],
    }

    def densify(self) -> Self:
        """Turn `coef_` into an array, as `fit` leaves it.

        Returns
        -------
        self
            The fitted estimator.
        """
        require_fitted(self, "coef_")
        if sp.issparse(self.coef_):
            self.coef_ = self.coef_.toarray()
        return self

    def sparsify(self) -> Self:
        """Turn `coef_` into a sparse matrix, which takes less memory where most weights are 0.

        Returns
        -------
        self
            The fitted estimator. `densify` must come before it is fitted further.
        """
        require_fitted(self, "coef_")
        self.coef_ = sp.csr_matrix(self.coef_)
        return self

    def _check_together(self, *, partial: bool) -> None:
        """Raise for parameters that are each allowed, and not with each other."""
        if partial and self.early_stopping:
            raise ValueError("early_stopping should be False with partial_fit")
        if self.learning_rate == "optimal" and self.alpha == 0:
            raise ValueError(
                "alpha must be > 0 since learning_rate is 'optimal'. alpha is used to compute the optimal "
                "learning rate."
            )
        if self.learning_rate in {"pa1", "pa2"} and self.loss != self._passive_loss:
            raise ValueError(
                f"Learning rate '{self.learning_rate}' only works with loss '{self._passive_loss}'."
            )
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise ValueError("l1_ratio must be set when penalty is 'elasticnet'")

    def _check_weights(self, sample_weight: Data, rows: Any) -> NDArray[np.float64] | None:
        if self.early_stopping and sample_weight is not None and not np.any(sample_weight):
            raise ValueError(_ZERO_HELD_OUT)
        return check_weights(sample_weight, rows)

    def _held_out(
        self, splitter: type, y: NDArray[Any], weights: NDArray[np.float64] | None
    ) -> NDArray[np.bool_] | None:
        """Return which rows are held out to decide when to stop."""
        if not self.early_stopping:
            return None
        split = splitter(test_size=self.validation_fraction, random_state=self.random_state)
        _, held = next(split.split(np.zeros((len(y), 1)), y))
        if weights is not None and not weights[held].any():
            raise ValueError(_ZERO_HELD_OUT)
        mask = np.zeros(len(y), dtype=bool)
        mask[held] = True
        return mask

    def _start(self, shape: tuple[int, int], dtype: Any, coef_init: Data, intercept_init: Data) -> None:
        """Set the weights that steps begin with: those given, or zeros."""
        k, d = shape
        if sp.issparse(coef_init):
            coef_init = coef_init.toarray()
        coef = np.zeros((k, d), dtype) if coef_init is None else np.array(coef_init, dtype, order="C")
        allowed: set[tuple[int, ...]] = {(k, d)} if k > 1 else {(1, d), (d,)}
        if coef.shape not in allowed:
            raise ValueError(
                "Provided coef_init does not match dataset: "
                f"it has shape {coef.shape} where {(k, d)} is needed."
            )
        intercept = np.zeros(k, dtype) if intercept_init is None else np.array(intercept_init, dtype)
        if intercept.shape != (k,) and (k > 1 or intercept.shape != ()):
            raise ValueError(
                "Provided intercept_init does not match dataset: "
                f"it has shape {intercept.shape} where {(k,)} is needed."
            )
        self.coef_, self.intercept_ = coef.reshape(k, d), intercept.reshape(k)
        for name in ("_standard_coef", "_standard_intercept", "_average_coef", "_average_intercept"):
            self.__dict__.pop(name, None)

    def _learn(
        self,
        rows: Any,
        y: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
        held_out: NDArray[np.bool_] | None,
        *,
        classes: list[float | None],
        class_weights: list[tuple[float, float]],
        seeds: list[int],
        max_iter: int,
    ) -> None:
        """Take the steps from the weights that there are, and set what was learned."""
        dtype, shape = self.coef_.dtype, np.atleast_2d(self.coef_).shape
        coef, intercept = self.coef_, self.intercept_
        mean: Any = np.zeros((shape[0], 0))
        mean_intercept: Any = np.zeros(shape[0])
        if self.average:
            known = vars(self)
            coef, intercept = known.get("_standard_coef", coef), known.get("_standard_intercept", intercept)
            mean = np.asarray(known.get("_average_coef", np.zeros(shape))).reshape(shape)
            mean_intercept = known.get("_average_intercept", mean_intercept)
        ratios = {"l2": 0.0, "l1": 1.0, "elasticnet": self.l1_ratio, None: None}
        wide = [
            np.ascontiguousarray(part, dtype=np.float64)
            for part in (np.reshape(coef, shape), intercept, mean, mean_intercept)
        ]
        try:
            found = _core.sgd_fit(
                rows,
                y,
                weights,
                held_out,
                _core_settings(self, ratios[self.penalty], max_iter),
                classes,
                seeds,
                class_weights,
                wide[0],
                wide[1],
                wide[2],
                wide[3],
                _tell if self.verbose else None,
            )
        except _core.NonFiniteError as error:
            raise non_finite_error(self, error) from None
        with np.errstate(over="ignore"):
            learned = [
                part.astype(dtype)
                for part in (found.coef, found.intercept, found.mean_coef, found.mean_intercept)
            ]
        if any(found.overflowed) or not all(np.isfinite(part).all() for part in learned):
            self._raise_overflow(rows, len(found.epochs[int(np.argmax(found.overflowed))]))
        self.n_iter_ = max(len(epochs) for epochs in found.epochs)
        self.t_ += self.n_iter_ * rows.shape[0]
        self.coef_, self.intercept_ = learned[:2]
        if self.average:
            self._standard_coef, self._standard_intercept = learned[:2]
            self._average_coef, self._average_intercept = learned[2:]
            if self.average <= self.t_ - 1:
                self.coef_, self.intercept_ = learned[2].copy(), learned[3].copy()
        self.history_ = _history(found.epochs, held_out is not None)
        if all(found.converged):
            what = "score of the rows held out" if held_out is not None else "objective"
            self.stop_reason_ = (
                f"Stopped after {self.n_iter_} epochs: in the last {self.n_iter_no_change} the {what} "
                f"improved by less than tol={self.tol:g}."
            )
        else:
            self.stop_reason_ = f"Stopped after max_iter={max_iter} epochs."

    def _raise_overflow(self, rows: Any, epoch: int) -> None:
        sizes = abs(rows).max(axis=0)
        sizes = sizes.toarray().ravel() if sp.issparse(sizes) else np.asarray(sizes)
        column = int(np.argmax(sizes))
        names = getattr(self, "feature_names_in_", None)
        raise ValueError(
            f"Floating-point under-/overflow occurred at epoch #{epoch}. "
            "Scaling input data with StandardScaler or MinMaxScaler might help. "
            f"The largest column is {column if names is None else names[column]!r}, with values up to "
            f"{sizes[column]:g}; a lower eta0 (now {self.eta0:g}) takes shorter steps."
        )

    def _warn(self) -> None:
        """Warn of epochs that came to no end, and of what scikit-learn gives up."""
        if self.tol is not None and self.n_iter_ == self.max_iter:
            warnings.warn(
                "Maximum number of iteration reached before convergence. Consider increasing max_iter to "
                f"improve the fit: after {self.max_iter} epochs the objective still changes by "
                f"tol={self.tol:g} or more, or has not stayed for n_iter_no_change epochs.",
                ConvergenceWarning,
                stacklevel=4,
            )
        if self.power_t < 0:
            warnings.warn(
                "Negative values for `power_t` are deprecated in version 1.8 and will raise an error in "
                "1.10. Use values in the range [0.0, inf) instead.",
                FutureWarning,
                stacklevel=4,
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class _Settings:
    """A fit's parameters as the core reads them."""

    def __init__(self, **settings: Any) -> None:
        vars(self).update(settings)


def _core_settings(model: Any, l1_ratio: float | None, max_iter: int) -> _Settings:
    return _Settings(
        loss=model.loss,
        epsilon=float(model.epsilon),
        l1_ratio=l1_ratio,
        alpha=float(model.alpha),
        learning_rate=model.learning_rate,
        eta0=float(model.eta0),
        power_t=float(model.power_t),
        fit_intercept=bool(model.fit_intercept),
        max_iter=int(max_iter),
        tol=None if model.tol is None else float(model.tol),
        n_iter_no_change=int(model.n_iter_no_change),
        shuffle=bool(model.shuffle),
        average=int(model.average),
        t=float(model.t_),
    )


def _tell(  # noqa: PLR0917 - the core calls it, in this order
    problem: int,
    norm: float,
    nonzero: int,
    intercept: float,
    steps: int,
    loss: float,
    objective: float,
    score: float,
) -> None:
    held = "" if np.isnan(score) else f", Validation score: {score:f}"
    print(
        f"Problem {problem}, norm: {norm:.2f}, NNZs: {nonzero}, Bias: {intercept:.6f}, T: {steps}, "
        f"Avg. loss: {loss:f}, Objective: {objective:f}{held}"
    )


def _history(problems: list[list[tuple[float, float, float]]], scored: bool) -> dict[str, Floats]:
    """Return each figure by epoch, (n_epochs,) or (n_epochs, n_classes): NaN once a class has stopped."""
    longest = max(len(epochs) for epochs in problems)
    table = np.full((longest, len(problems), 3), np.nan)
    for p, epochs in enumerate(problems):
        table[: len(epochs), p] = epochs
    table = table[:, 0] if len(problems) == 1 else table
    keys = ("loss", "objective", "score") if scored else ("loss", "objective")
    return {key: table[..., at] for at, key in enumerate(keys)} | {"epoch": np.arange(1.0, longest + 1)}
