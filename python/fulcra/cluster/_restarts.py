"""What clusterers that keep the best of several starts share: parameters, endings, results."""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fulcra import _core
from fulcra._base import Data, Interval, StrOptions
from fulcra._progress import CallbackSupport, FitProgress
from fulcra.cluster._centers import CenterClusterer
from fulcra.cluster._seeding import NAMED_INITS


class RestartingClusterer(CallbackSupport, CenterClusterer):
    """A clusterer with `n_clusters`, `init`, `n_init`, `max_iter`, `tol`, `verbose` and `random_state`.

    A subclass adds `__init__` and a `fit` that ends with `_learn`.
    """

    #: The plain sentence for each of the core's stop reasons, with parameters of the estimator in it.
    _stop_sentences: ClassVar[dict[str, str]] = {
        "unchanged": "Converged after {iterations}: no row changed its cluster.",
        "tol": "Converged after {iterations}: the squared shift of the centers is within tol={tol} times the "
        "mean variance of the features.",
        "max_iter": "Stopped at max_iter={max_iter}, before converging.",
        "listener": "Stopped after {iterations} by a callback.",
    }

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions(NAMED_INITS), callable, "array-like"],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    n_clusters: int
    init: Any
    n_init: int | str
    max_iter: int
    tol: float
    verbose: int

    @classmethod
    def _params_of_known(cls, centers: Data) -> dict[str, Any]:
        return {"init": centers, "n_init": 1}

    def _enough_rows(self, X: Data) -> Any:
        """Return X as the core reads it, at least as many rows as clusters."""
        rows = self._rows(X, reset=True)
        if rows.shape[0] < self.n_clusters:
            raise ValueError(f"n_samples={rows.shape[0]} should be >= n_clusters={self.n_clusters}.")
        return rows

    def _progress(self, X: Any, y: object, weights: NDArray[np.float64] | None) -> FitProgress | None:
        """Return a listener, or None where nobody wants to know: telling costs time."""
        if not self.verbose and not getattr(self, "_skl_callbacks", None):
            return None
        return FitProgress(
            self,
            n_restarts=self._n_init,
            X=X,
            y=y,
            sample_weight=weights,
            endings=self._verbose_endings(),
        )

    def _verbose_endings(self) -> dict[str, str]:
        """Return, for stop reasons, the end of the verbose line; ``{shift}`` stands for the last shift."""
        return {
            "unchanged": "strict convergence",
            "tol": f"center shift {{shift}} within tolerance {self.tol} (times the mean variance)",
        }

    def _learn(self, found: _core.KMeansFit, progress: FitProgress | None, **more: Any) -> Self:
        """Turn what the core has found, and `more`, into attributes."""
        if found.n_found < self.n_clusters:
            warnings.warn(
                f"Number of distinct clusters ({found.n_found}) found smaller than n_clusters "
                f"({self.n_clusters}). Possibly due to duplicate points in X.",
                ConvergenceWarning,
                stacklevel=4,
            )
        iterations = f"{found.n_iter} iteration{'s' if found.n_iter > 1 else ''}"
        learned = {
            "cluster_centers_": found.centers,
            "labels_": found.labels,
            "inertia_": found.inertia,
            "n_iter_": found.n_iter,
            "history_": self._history(found),
            "stop_reason_": self._stop_sentences[found.stop_reason].format(
                iterations=iterations, **vars(self)
            ),
            **more,
        }
        self.__dict__.update(learned)
        if progress is not None:
            progress.finished(learned)
        return self

    def _history(self, found: _core.KMeansFit) -> dict[str, NDArray[Any]]:
        return {**found.history, "shift": np.sqrt(found.history["shift"])}
