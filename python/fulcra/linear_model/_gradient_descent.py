"""Gradient descent, every step written down: the loop, its rates and directions, and its end in words."""

import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state

from fulcra import _core
from fulcra._base import Interval, StrOptions
from fulcra._progress import CallbackSupport
from fulcra._starting_weights import STARTS, starting_weights

Weights = NDArray[np.float64]  # (n_targets, n_features + 1), the intercept last

#: A loss of so many times that of the start is not coming back.
_HOPELESS = 1e4
#: Momentum, Adam and batches let the loss rise between falls: it is given so many times as long.
_RISES = 10
#: Numbers of `history_["weights"]`, 8 MB: beyond, every other step of it is left out, again and again.
WEIGHTS_KEPT = 1_000_000
#: Steps of the power iteration for the steepest curvature: an estimate from below, good to a few per cent.
_POWER_STEPS = 50


class GradientDescent(CallbackSupport):
    """The parameters and the loop of models that learn by gradient descent."""

    learning_rate: float
    schedule: str
    power_t: float
    decay: float
    decay_every: int
    solver: str
    momentum: float
    nesterovs_momentum: bool
    batch_size: int | None
    alpha: float
    fit_intercept: bool
    init: Any
    max_iter: int
    tol: float
    n_iter_no_change: int
    random_state: Any
    warm_start: bool
    coef_: Any
    intercept_: Any
    _largest: str
    history_: dict[str, Any]
    n_iter_: int
    stop_reason_: str

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "schedule": [StrOptions({"constant", "invscaling", "exponential", "cosine", "step"})],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "decay": [Interval(Real, 0, 1, closed="right")],
        "decay_every": [Interval(Integral, 1, None, closed="left")],
        "solver": [StrOptions({"sgd", "adam"})],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "init": [StrOptions(set(STARTS)), "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
    }

    def _first_weights(self, shape: tuple[int, int], random: Any) -> Weights:
        """Return the weights to start from, of `init` or with `warm_start` of the last fit."""
        t, d = shape
        known, W = vars(self), np.zeros((t, d + 1))
        if self.warm_start and "coef_" in known:
            coef = np.atleast_2d(self.coef_)
            if coef.shape != shape:
                raise ValueError(f"warm_start: the weights have shape {coef.shape}; {shape} is needed.")
            W[:, :d], W[:, d] = coef, self.intercept_
        elif isinstance(self.init, str):
            W[:, :d] = starting_weights((d, t), self.init, random_state=random).T
        else:
            given = check_array(self.init, dtype=np.float64, ensure_2d=False, input_name="init")
            if given.size != t * (d + 1) or given.shape[-1] != d + 1:
                raise ValueError(
                    f"init has shape {given.shape}; {t} x {d + 1} weights are needed, the intercept last."
                )
            W[:] = given.reshape(t, d + 1)
        if not self.fit_intercept:
            W[:, d] = 0
        return W

    def _descend(
        self, rows: Any, y: NDArray[np.float64], weights: Any, t: int, told: "Told", *, log_loss: bool
    ) -> Weights:
        """Return the weights that the descent ends with; sets `history_`, `n_iter_` and `stop_reason_`."""
        n, d = rows.shape
        # The largest eigenvalue of diag(p) - p p^T: p (1 - p) of two classes, at most a half of several.
        bend = 1.0 if not log_loss else 0.25 if t == 1 else 0.5
        random = check_random_state(self.random_state)
        W = self._first_weights((t, d), random)

        def look(at: Weights, chosen: NDArray[np.int64] | None = None) -> tuple[float, Weights]:
            coef, constant = np.ascontiguousarray(at[:, :d]), np.ascontiguousarray(at[:, d])
            loss, slope = _core.descent_gradient(rows, y, weights, chosen, coef, constant, log_loss)
            slope[:, :d] += self.alpha * coef
            if not self.fit_intercept:
                slope[:, d] = 0
            return loss + 0.5 * self.alpha * float(np.vdot(coef, coef)), slope

        with np.errstate(over="ignore", invalid="ignore"):  # a descent that diverges says so itself
            return self._loop(W, look, n, random, told, lambda: _curvature(rows, weights, self, bend))

    def _loop(  # noqa: PLR0917 - one caller, above
        self,
        W: Weights,
        look: Callable[..., tuple[float, Weights]],
        n: int,
        random: Any,
        told: "Told",
        curvature: Callable[[], float],
    ) -> Weights:
        scale = float(np.linalg.norm(look(np.zeros_like(W))[1]))
        loss, slope = look(W)
        direction = _Direction(self, W.shape)
        seen: dict[str, list[float]] = {"loss": [], "gradient_norm": [], "learning_rate": []}
        trail = _Trail(W.size)
        best, kept, without = loss, W, 0
        while True:
            size, step = float(np.linalg.norm(slope)), len(seen["loss"])
            rate = self._rate(step)
            for values, value in zip(seen.values(), (loss, size, rate), strict=True):
                values.append(value)
            trail.pass_by(step, W)
            if loss < best * (1 - np.finfo(float).eps) or step == 0:
                best, kept, without = loss, W, 0
            else:
                without += 1
            stopped = step > 0 and told.iterated(step, loss, size)
            reason = self._reason(seen, scale, without, curvature)
            if reason or stopped:
                break
            if self.batch_size is None or self.batch_size >= n:
                W = W + direction.step(slope, rate)
            else:
                order = random.permutation(n).astype(np.int64)
                for start in range(0, n, self.batch_size):
                    W = W + direction.step(look(W, order[start : start + self.batch_size])[1], rate)
            loss, slope = look(W)
        self.n_iter_ = step
        self.history_ = {key: np.array(values) for key, values in seen.items()} | trail.ends(step, W)
        self.stop_reason_ = reason or f"A callback stopped the descent after {self.n_iter_} iterations."
        return kept if self.stop_reason_.startswith(("Diverged", "The l")) else W

    def _reason(
        self, seen: dict[str, list[float]], scale: float, without: int, curvature: Callable[[], float]
    ) -> str:
        """Return why the descent ends here, or nothing; warns where that is not its goal."""
        loss, size, rate = (values[-1] for values in seen.values())
        step = len(seen["loss"]) - 1
        hopeless = _HOPELESS * max(seen["loss"][0], scale**2)
        if not np.isfinite(loss) or not np.isfinite(size) or loss > hopeless:
            reason = self._diverged(step, rate, curvature)
        elif size <= self.tol * scale:
            return (
                f"The gradient norm {size:.3g} is at most tol={self.tol:g} times what it is at weights of "
                f"zero, {scale:.3g}."
            )
        elif without >= self.n_iter_no_change * (1 if self._falls() else _RISES):
            reason = self._overshot(seen, curvature)
            if not reason:
                return (
                    f"The loss no longer falls: it is {loss:.6g}, and none of the last {without} iterations "
                    f"lowered it; the gradient norm is {size:.3g}."
                )
        elif step >= self.max_iter:
            reason = self._overshot(seen, curvature) or (
                f"Stopped after max_iter={self.max_iter} iterations with a gradient norm of {size:.3g}, "
                f"above tol={self.tol:g} times {scale:.3g}. More iterations, a larger learning_rate or "
                "columns of one scale (StandardScaler) help."
            )
        else:
            return ""
        warnings.warn(reason, ConvergenceWarning, stacklevel=6)
        return reason

    def _falls(self) -> bool:
        """Return whether a step of a rate that is small enough always lowers the loss."""
        return self.solver == "sgd" and not self.momentum and self.batch_size is None

    def _room(self, curvature: Callable[[], float]) -> float:
        """Return the rate below which steps do not overshoot; names the steepest column."""
        m, steepest = self.momentum, curvature()
        # Polyak's momentum and Nesterov's on a quadratic: Lessard, Recht and Packard (2016), table 1.
        return (2 + 2 * m) / (1 + 2 * m if self.nesterovs_momentum else 1) / steepest

    def _diverged(self, step: int, rate: float, curvature: Callable[[], float]) -> str:
        room = self._room(curvature)
        limit = "" if self.solver == "adam" else f"; below {room:.3g} it would be stable"
        return (
            f"Diverged in iteration {step}: the learning rate {rate:g} is too large{limit}. {self._largest} "
            "is the steepest: scale the columns (StandardScaler). The best weights so far are kept."
        )

    def _overshot(self, seen: dict[str, list[float]], curvature: Callable[[], float]) -> str:
        """Return that the rate is too large, if the loss rises of late and the curvature says so."""
        late = np.array(seen["loss"][-_RISES:])
        if self.solver == "adam" or not (np.diff(late) > 1e-9 * np.abs(late[1:])).any():
            return ""
        rate, room = seen["learning_rate"][-1], self._room(curvature)
        if rate <= room:
            return ""
        return (
            f"The learning rate {rate:g} is too large: steps overshoot, and the loss goes up and down, "
            f"{late[-1]:.6g} after {len(seen['loss']) - 1} iterations; below {room:.3g} it would fall. "
            f"{self._largest} is the steepest: scale the columns (StandardScaler). The best weights so far "
            "are kept."
        )

    def _rate(self, t: int) -> float:
        """Return the learning rate of iteration t, 0 the first."""
        factors = {
            "constant": 1.0,
            "invscaling": (t + 1) ** -self.power_t,
            "exponential": self.decay ** (t / self.decay_every),
            "step": self.decay ** (t // self.decay_every),
            "cosine": 0.5 * (1 + np.cos(np.pi * min(t / self.max_iter, 1.0))),
        }
        return float(self.learning_rate * factors[self.schedule])


class _Direction:
    """Where a step goes: against the gradient, with what earlier ones left."""

    def __init__(self, model: Any, shape: tuple[int, ...]) -> None:
        self.model, self.t = model, 0
        self.first, self.second = np.zeros(shape), np.zeros(shape)

    def step(self, slope: Weights, rate: float) -> Weights:
        """Return what to add to the weights."""
        model, self.t = self.model, self.t + 1
        if model.solver == "adam":  # Kingma and Ba (2015), algorithm 1
            self.first = model.beta_1 * self.first + (1 - model.beta_1) * slope
            self.second = model.beta_2 * self.second + (1 - model.beta_2) * slope * slope
            mean = self.first / (1 - model.beta_1**self.t)
            size = self.second / (1 - model.beta_2**self.t)
            moved: Weights = -rate * mean / (np.sqrt(size) + model.epsilon)
            return moved
        self.first = model.momentum * self.first - rate * slope
        # Sutskever et al. (2013): Nesterov's, seen from the point that it looks ahead to.
        return model.momentum * self.first - rate * slope if model.nesterovs_momentum else self.first


class _Trail:
    """The weights on their way, thinned evenly where all would be too many."""

    def __init__(self, size: int) -> None:
        self.most, self.stride = max(2, WEIGHTS_KEPT // size), 1
        self.steps: list[int] = []
        self.weights: list[Weights] = []

    def pass_by(self, step: int, W: Weights) -> None:
        if step % self.stride == 0 and len(self.steps) == self.most:
            self.stride *= 2
            self.weights = [
                W for at, W in zip(self.steps, self.weights, strict=True) if at % self.stride == 0
            ]
            self.steps = [at for at in self.steps if at % self.stride == 0]
        if step % self.stride == 0:
            self.steps.append(step)
            self.weights.append(W)

    def ends(self, step: int, W: Weights) -> dict[str, NDArray[Any]]:
        """Return what `history_` has of it, the last weights among them."""
        if self.steps[-1] != step:
            self.steps.append(step)
            self.weights.append(W)
        weights = np.array(self.weights)
        return {
            "weights": weights[:, 0] if W.shape[0] == 1 else weights,
            "iteration": np.array(self.steps),
        }


class Told:
    """Who hears of each iteration: standard output, and scikit-learn's callbacks.

    Parameters
    ----------
    model : CallbackSupport
        Who is fitted; has `max_iter` and `verbose`.
    X, y, sample_weight : object
        The data, for the callbacks.
    """

    def __init__(self, model: Any, X: Any, y: Any, sample_weight: Any) -> None:
        self.model, self.context = model, None
        if getattr(model, "_skl_callbacks", None):
            metadata = None if sample_weight is None else {"sample_weight": sample_weight}
            self.given = {"estimator": model, "X": X, "y": y, "metadata": metadata}
            self.context = model._init_callback_context(max_subtasks=model.max_iter)
            self.context.call_on_fit_task_begin(**self.given)

    def iterated(self, step: int, loss: float, size: float) -> bool:
        """Iteration number `step`, 1 the first, is done; True asks for no further ones."""
        if self.model.verbose:
            print(f"Iteration {step}, loss {loss:.8g}, gradient norm {size:.3g}")
        if self.context is None:
            return False
        task = self.context.subcontext(task_name="iteration")
        task.call_on_fit_task_begin(**self.given)
        return bool(task.call_on_fit_task_end(**self.given))

    def finished(self) -> None:
        """Tell the callbacks that the fit is done and what was learned."""
        if self.context is not None:
            learned = {
                name: value
                for name, value in vars(self.model).items()
                if name.endswith("_") and name[0] != "_"
            }
            self.context.call_on_fit_task_end(**self.given, reconstruction_attributes=learned)


def _curvature(rows: Any, weights: Any, model: Any, bend: float) -> float:
    """Return the largest curvature of the loss, `bend` that of a row in its score; names the steepest column.

    With targets of zero the gradient of the squared loss at v is the Hessian times v.
    """
    n, d = rows.shape
    squares = np.asarray(
        (rows.multiply(rows) if hasattr(rows, "multiply") else np.square(rows, dtype=np.float64)).mean(axis=0)
    )
    column = int(np.argmax(squares.ravel()))
    names = getattr(model, "feature_names_in_", None)
    model._largest = f"Column {column}" if names is None else f"The column {names[column]!r}"
    v, zeros = np.ones((1, d + 1)) / np.sqrt(d + 1), np.zeros((n, 1))
    v[0, column] += 1
    largest = 0.0
    for _ in range(_POWER_STEPS):
        v /= np.linalg.norm(v)
        coef, constant = np.ascontiguousarray(v[:, :d]), np.ascontiguousarray(v[:, d])
        _, v = _core.descent_gradient(rows, zeros, weights, None, coef, constant, False)
        if not model.fit_intercept:
            v[:, d] = 0
        largest = float(np.linalg.norm(v))
        if not 0 < largest < np.inf:
            break
    return bend * largest + float(model.alpha)
