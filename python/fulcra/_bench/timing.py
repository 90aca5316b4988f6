"""One interleaved run: every contender once a round, in changing order, medians at the end.

Machines are shared and noisy: a figure measured now says little beside one measured a minute ago, while the
ratio of two contenders that took turns holds.
"""

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

import fulcra

# OpenMP and OpenBLAS threads spin for a while after their last task; the next contender must not
# share the cores with them.
_SETTLE_SECONDS = 0.1
_MEASUREMENT_SECONDS = 0.05
_MOST_REPEATS = 200
# Below this a median is not one.
_MEDIAN_ROUNDS = 3


@contextmanager
def threads(n_threads: int) -> Iterator[None]:
    """Hold everybody (fulcra, OpenMP and BLAS pools of NumPy and the peers) to this many threads.

    Parameters
    ----------
    n_threads : int
        How many.
    """
    with threadpool_limits(n_threads):
        fulcra.set_num_threads(n_threads)
        try:
            yield
        finally:
            fulcra.set_num_threads(None)


def interleave(
    calls: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 7,
    budget: float = 60.0,
    repeats: int | None = None,
    settle: float = _SETTLE_SECONDS,
) -> dict[str, float]:
    """Median seconds of each call, taken in turns.

    Parameters
    ----------
    calls : mapping of str to callable
        The contenders. Each has been called once before, so that pools and caches are warm.
    rounds : int
        How often each is timed.
    budget : float
        Seconds after which no further round starts, unless fewer than three are done and it is not three
        times overdrawn.
    repeats : int or None
        Calls within one measurement, after one that is not timed if they are more than one; None makes as
        many as fill 50 ms for whoever is fastest, so that a short call is not measured with the cold caches
        and sleeping cores that a rest leaves.
    settle : float
        Seconds to rest before each measurement.

    Returns
    -------
    medians : dict of str to float
        Seconds for one call.
    """
    spent: dict[str, list[float]] = {name: [] for name in calls}
    repeats = _repeats(calls) if repeats is None else repeats
    order = list(calls)
    shuffle = random.Random(0).shuffle
    begun = time.perf_counter()
    collecting = gc.isenabled()
    gc.disable()
    try:
        for done in range(rounds):
            elapsed = time.perf_counter() - begun
            if (done >= _MEDIAN_ROUNDS and elapsed > budget) or (done and elapsed > 3 * budget):
                break
            # Whoever runs first after the same neighbour each time would always meet the same caches.
            shuffle(order)
            for name in order:
                call = calls[name]
                time.sleep(settle)
                if repeats > 1:
                    call()  # the rest has left cold caches and sleeping cores
                start = time.perf_counter()
                for _ in range(repeats):
                    call()
                spent[name].append((time.perf_counter() - start) / repeats)
    finally:
        if collecting:
            gc.enable()
    return {name: statistics.median(seconds) for name, seconds in spent.items()}


def _repeats(calls: Mapping[str, Callable[[], object]]) -> int:
    """How many calls of the fastest contender fill a measurement."""
    fastest = float("inf")
    for call in calls.values():
        start = time.perf_counter()
        call()
        fastest = min(fastest, time.perf_counter() - start)
    return max(1, min(_MOST_REPEATS, int(_MEASUREMENT_SECONDS / fastest)))
