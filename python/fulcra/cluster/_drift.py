"""How far centers went along a stream, in a table that does not grow."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

#: Intervals in the table.
_MOST = 128


class DriftLog:
    """Sums by interval of the stream; when there are `_MOST` intervals, each two become one.

    Parameters
    ----------
    n_clusters : int
        How many centers there are.
    """

    def __init__(self, n_clusters: int) -> None:
        self.n_samples = 0
        #: Of the interval that is under way.
        self.drift: NDArray[np.float64] = np.zeros(n_clusters)
        self._inertia = self._weight = 0.0
        #: Rows that it still takes, and rows of a whole one.
        self.room = self._length = 1
        self._ways: list[NDArray[np.float64]] = []
        self._sums: list[tuple[float, float]] = []

    def copy(self) -> Self:
        """Return a log that can go on without changing this one; they share rows, which nobody writes to."""
        copied = object.__new__(type(self))
        copied.__dict__.update(vars(self), _ways=self._ways.copy(), _sums=self._sums.copy())
        return copied

    def add(self, n_samples: int, drift: NDArray[np.float64], inertia: float, weight: float) -> None:
        """Add `n_samples` rows, at most `room`; `drift` is the whole interval's, with them."""
        self.n_samples += n_samples
        self.room -= n_samples
        self.drift = drift
        self._inertia += inertia
        self._weight += weight
        if self.room:
            return
        self._ways.append(drift)
        self._sums.append((self._inertia, self._weight))
        if len(self._ways) == _MOST:
            self._ways = [a + b for a, b in zip(self._ways[::2], self._ways[1::2], strict=True)]
            pairs = zip(self._sums[::2], self._sums[1::2], strict=True)
            self._sums = [(a[0] + b[0], a[1] + b[1]) for a, b in pairs]
            self._length *= 2
        self.room = self._length
        self.drift = np.zeros_like(drift)
        self._inertia = self._weight = 0.0

    def table(self) -> dict[str, NDArray[Any]]:
        """Return the whole intervals, as `history_` has them."""
        sums = np.array(self._sums).reshape(-1, 2)
        with np.errstate(invalid="ignore"):
            inertia = sums[:, 0] / sums[:, 1]  # NaN where no row had weight
        return {
            "n_samples": self._length * np.arange(1, len(self._ways) + 1),
            "drift": np.array(self._ways).reshape(-1, len(self.drift)),
            "inertia": inertia,
        }
