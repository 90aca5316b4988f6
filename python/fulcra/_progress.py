"""Whom a fit tells how far it is: a line per iteration on stdout, and scikit-learn's callbacks.

The tree of tasks that callbacks see is fit / restart / iteration, or fit / step where there are batches.
"""

from collections.abc import Mapping
from typing import Any, Self

import sklearn

from fulcra._base import Data


class CallbackSupport:
    """`set_callbacks` of scikit-learn 1.9; importing `sklearn.callback` (0.1 s) waits until it is used."""

    def set_callbacks(self, *callbacks: Any) -> Self:
        """Set the callbacks that `fit` calls.

        Parameters
        ----------
        *callbacks : callback instances
            For example `sklearn.callback.ProgressBar()`; none removes those that are set.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        ImportError
            If scikit-learn is older than 1.9.
        TypeError
            If one of them does not follow scikit-learn's protocol.
        """
        _callback_support().set_callbacks(self, *callbacks)
        return self

    def _init_callback_context(self, **options: Any) -> Any:
        return _callback_support()._init_callback_context(self, **options)


def _callback_support() -> Any:
    try:
        from sklearn.callback import CallbackSupportMixin  # noqa: PLC0415 - see CallbackSupport
    except ImportError as error:
        raise ImportError(
            f"Callbacks need scikit-learn 1.9 or newer; this is {sklearn.__version__}."
        ) from error
    return CallbackSupportMixin


class FitProgress:
    """Listens to the core (`_core.Listener`) while `fit` runs.

    Parameters
    ----------
    estimator : CallbackSupport
        Who is fitted; has `max_iter` and `verbose`.
    n_restarts : int
        How many runs there are going to be.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The checked data, for the callbacks.
    y : object
        What `fit` was given, for the callbacks.
    sample_weight : ndarray of shape (n_samples,) or None
        The checked weights, for the callbacks.
    endings : mapping of str to str
        For each of the core's stop reasons the end of its verbose line, with ``{shift}`` in it where that is
        wanted.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        n_restarts: int,
        X: Any,
        y: Data,
        sample_weight: Any,
        endings: Mapping[str, str],
    ) -> None:
        self._estimator = estimator
        self._endings = endings
        self._fit: Any = None
        self._restart: Any = None
        self._iteration: Any = None
        if getattr(estimator, "_skl_callbacks", None):
            metadata = None if sample_weight is None else {"sample_weight": sample_weight}
            self._given = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
            self._fit = estimator._init_callback_context(max_subtasks=n_restarts)
            self._fit.call_on_fit_task_begin(**self._given)

    def started(self, restart: int) -> None:
        """Restart number `restart` has its first centres."""
        if self._estimator.verbose:
            print("Initialization complete")
        if self._fit is not None:
            self._restart = self._fit.subcontext(task_name="restart", max_subtasks=self._estimator.max_iter)
            self._restart.call_on_fit_task_begin(**self._given)
            self._begin_iteration()

    def iterated(  # noqa: PLR0917 - the core calls it, in this order
        self, restart: int, iteration: int, inertia: float, shift: float, moved: int, rescored: float
    ) -> bool:
        """Iteration number `iteration` is done; True asks the core to stop."""
        if self._estimator.verbose:
            share = f" {rescored:.1%} of the rows rescored." if rescored else ""
            print(f"Iteration {iteration}, inertia {inertia}.{share}")
        if self._fit is None:
            return False
        stop = self._iteration.call_on_fit_task_end(**self._given)
        self._iteration = None
        if stop:
            return True
        if iteration + 1 < self._estimator.max_iter and moved:
            self._begin_iteration()
        return False

    def stopped(self, restart: int, iteration: int, reason: str, shift: float) -> bool:
        """Restart number `restart` ended with iteration number `iteration`; True asks for no further ones."""
        if self._estimator.verbose and (ending := self._endings.get(reason)):
            print(f"Converged at iteration {iteration}: {ending.format(shift=shift)}.")
        if self._fit is None:
            return False
        if self._iteration is not None:
            # The core reports an iteration before it decides whether another one follows. What was begun
            # must be ended, as scikit-learn's own L-BFGS bridge does.
            self._iteration.call_on_fit_task_end(estimator=self._estimator)
            self._iteration = None
        return bool(self._restart.call_on_fit_task_end(**self._given))

    def finished(self, learned: Mapping[str, Any]) -> None:
        """Tell the callbacks that the fit is done and what was `learned`."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._given, reconstruction_attributes=dict(learned))

    def _begin_iteration(self) -> None:
        self._iteration = self._restart.subcontext(task_name="iteration")
        self._iteration.call_on_fit_task_begin(**self._given)


class StepProgress:
    """Listens to the core (`_core.StepListener`) while batches are learned; prints scikit-learn's lines.

    Parameters
    ----------
    estimator : CallbackSupport
        Who is fitted; has `verbose`.
    n_steps : int or None
        How many batches there are at most; None where nobody knows.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features) or None
        The checked data, for the callbacks.
    y : object
        What `fit` was given, for the callbacks.
    sample_weight : ndarray of shape (n_samples,) or None
        The checked weights, for the callbacks.
    """

    def __init__(self, estimator: Any, *, n_steps: int | None, X: Any, y: Data, sample_weight: Any) -> None:
        self._estimator = estimator
        self._of = "" if n_steps is None else f"/{n_steps}"
        self._last = ""
        self._fit: Any = None
        if getattr(estimator, "_skl_callbacks", None):
            metadata = None if sample_weight is None else {"sample_weight": sample_weight}
            self._given = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
            self._fit = estimator._init_callback_context(max_subtasks=n_steps)
            self._fit.call_on_fit_task_begin(**self._given)

    def stepped(self, step: int, inertia: float, smoothed: float, shift: float, reassigned: int) -> bool:
        """Batch number `step` is learned; True asks the core to stop."""
        self._last = f"step {step + 1}{self._of}"
        if self._estimator.verbose:
            if reassigned:
                print(f"[MiniBatchKMeans] Reassigning {reassigned} cluster centers.")
            known = "" if step == 0 else f", ewa inertia: {smoothed}"
            print(f"Minibatch {self._last}: mean batch inertia: {inertia}{known}")
        if self._fit is None:
            return False
        task = self._fit.subcontext(task_name="step")
        task.call_on_fit_task_begin(**self._given)
        return bool(task.call_on_fit_task_end(**self._given))

    def stopped(self, reason: str) -> None:
        """Say why there are no further batches."""
        endings = {"tol": "small centers change", "no_improvement": "lack of improvement in inertia"}
        if self._estimator.verbose and reason in endings:
            print(f"Converged ({endings[reason]}) at {self._last}")

    def finished(self, learned: Mapping[str, Any]) -> None:
        """Tell the callbacks that the fit is done and what was `learned`."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._given, reconstruction_attributes=dict(learned))
