"""Batches that come from anywhere, pass after pass, as the core asks for them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra._base import check_weights, raise_non_finite

#: Checked rows, and their weights.
Batch: TypeAlias = tuple[Any, NDArray[np.float64] | None]


class Feed:
    """Hands checked batches to the core (`_core.Feed`).

    Parameters
    ----------
    estimator : CenterClusterer
        Who learns; the first batch sets its number and names of features.
    factory : callable
        Starts a pass: returns an iterable of arrays, or of tuples (X, sample_weight).
    max_passes : int
        How many passes there are at most.
    """

    def __init__(self, estimator: Any, factory: Callable[[], Iterable[Any]], max_passes: int) -> None:
        self._estimator = estimator
        self._factory = factory
        self._first: Any = None
        self._max_passes = max_passes
        self._held: deque[Batch] = deque()
        self._coming: Iterator[Batch] = iter(())
        #: As far as known.
        self.rows_in_a_pass = 0
        self.weight_in_a_pass = 0.0
        #: Begun so far.
        self.n_passes = 0
        self._n_batches = 0

    @property
    def place(self) -> str:
        """Which batch was handed over last, in words."""
        return f"Batch {self._n_batches} of pass {self.n_passes}"

    def first_rows(self, n_rows: int) -> Batch:
        """Begin the first pass and return its first batches, `n_rows` rows of them or more if there are.

        They are handed over as well.
        """
        self._begin_pass()
        rows = 0
        for batch in self._coming:
            raise_non_finite(self._estimator, batch[0])
            self._held.append(batch)
            rows += batch[0].shape[0]
            if rows >= n_rows:
                break
        parts = [X for X, _ in self._held]
        X = sp.vstack(parts, format="csr") if sp.issparse(parts[0]) else np.concatenate(parts)
        if all(weights is None for _, weights in self._held):
            return X, None
        filled = [np.ones(X.shape[0]) if weights is None else weights for X, weights in self._held]
        return X, np.concatenate(filled)

    def next_batch(self) -> Batch | None:
        """Return the next batch, or None where there is no further pass."""
        while True:
            batch = self._held.popleft() if self._held else next(self._coming, None)
            if batch is not None:
                self._n_batches += 1
                return batch
            if self.n_passes == self._max_passes:
                return None
            self._begin_pass()

    def one_pass(self) -> Iterator[Batch]:
        """Start a pass and check its batches."""
        given = self._factory()
        if not isinstance(given, Iterable) or isinstance(given, np.ndarray):
            raise TypeError(
                f"factory() must return an iterable of batches; it returned {type(given).__name__}."
            )
        rows, weight = 0, 0.0
        for item in given:
            batch = self._checked(item)
            rows += batch[0].shape[0]
            weight += batch[0].shape[0] if batch[1] is None else batch[1].sum()
            self.rows_in_a_pass = max(self.rows_in_a_pass, rows)
            self.weight_in_a_pass = max(self.weight_in_a_pass, weight)
            yield batch
        if not rows:
            raise ValueError(
                "factory() returned no batch: it is called once for each pass and must start anew, not "
                "return an iterator that is used up."
            )

    def _begin_pass(self) -> None:
        self.n_passes += 1
        self._n_batches = 0
        self._coming = self.one_pass()

    def _checked(self, item: Any) -> Batch:
        X, sample_weight = item if isinstance(item, tuple) and len(item) == 2 else (item, None)
        rows = self._estimator._rows(X, reset=self._first is None)
        if self._first is None:
            self._first = rows[:1]
        if sp.issparse(rows) != sp.issparse(self._first):
            raise ValueError("Some batches are sparse and some are dense; all must be of one kind.")
        return rows.astype(self._first.dtype, copy=False), check_weights(sample_weight, rows)
