"""A case: one job on one array, checked before it is timed; its ratios to the fastest and to the limit."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._bench import contenders, machine, plain, report, timing
from fulcra._bench.contenders import OURS, OWN_START, PLAIN, TO_CONVERGENCE, Fitted
from fulcra._errors import WrongAnswerError

# Rows whose labels are held against the float64 oracle; all of them would take longer than the measuring.
_ORACLE_ROWS = 2_000
# Local optima that are reached from one start lie within this, relatively.
_OPTIMA = 0.02
_SHOWN = (OURS, PLAIN, *contenders.PEERS)
COLUMNS = ("case", "threads", *_SHOWN, "x fastest peer", "asked", "x NumPy", "limit", "share of limit")


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Parameters
    ----------
    name : str
        Rows x columns and clusters, `1e6x16_k64`, or the data set's name.
    data : callable
        Gives X of shape (n_samples, n_features).
    n_clusters : int
        How many centres; they start as rows of X drawn with a fixed seed.
    n_iter : int
        At most how many Lloyd iterations (fewer where labels stop changing), or 0 for one `predict`. With
        `contenders.TO_CONVERGENCE` everybody goes on until they settle, in whatever optimum rounding and ties
        lead them to; how far apart those are is said.
    asked : float or None
        How many times as fast as the fastest peer fulcra means to be.
    label : str
        What a reader who does not know the names is told; a case without one is left out of the short table.
    """

    name: str
    data: Callable[[], Any]
    n_clusters: int
    n_iter: int = 0
    asked: float | None = None
    label: str = ""


@dataclass
class Result:
    """What one case gave at one thread count: median seconds by contender, and what had to be said."""

    case: Case
    n_threads: int
    seconds: dict[str, float]
    limit: float
    notes: list[str] = field(default_factory=list)

    @property
    def fastest_peer(self) -> str | None:
        """Who of those that solved the same problem was soonest, fulcra and NumPy apart."""
        apart = {OURS, PLAIN, OWN_START} if self.case.n_iter else {OURS, PLAIN}
        return min(self.seconds.keys() - apart, key=self.seconds.__getitem__, default=None)

    @property
    def ratio(self) -> float | None:
        """Fastest peer's time over ours (above 1: fulcra is sooner)."""
        return None if self.fastest_peer is None else self.seconds[self.fastest_peer] / self.seconds[OURS]

    def row(self) -> tuple[str, ...]:
        """Give the cells of `COLUMNS`, in milliseconds."""
        times = []
        for name in _SHOWN:
            cell = report.milliseconds(self.seconds[name]) if name in self.seconds else "-"
            times.append(f"({cell})" if self.case.n_iter and name == OWN_START and cell != "-" else cell)
        ours = self.seconds[OURS]
        return (
            self.case.name,
            str(self.n_threads),
            *times,
            "-" if self.ratio is None else f"{self.ratio:.2f}",
            "-" if self.case.asked is None else f"{self.case.asked:g}",
            f"{self.seconds[PLAIN] / ours:.2f}" if PLAIN in self.seconds else "-",
            report.milliseconds(self.limit) if self.limit else "-",
            f"{self.limit / ours:.0%}" if self.limit else "-",
        )


def measure(
    case: Case,
    n_threads: int,
    *,
    rounds: int = 7,
    budget: float = 60.0,
    among: Collection[str] | None = None,
) -> Result:
    """Check one case and time it, everybody in turns.

    Parameters
    ----------
    case : Case
        What to do.
    n_threads : int
        For everybody.
    rounds, budget
        As in `timing.interleave`.
    among : collection of str or None
        Contenders to measure; None takes all that are installed.

    Returns
    -------
    result : Result
        Medians of the contenders whose answers stood.

    Raises
    ------
    WrongAnswerError
        If fulcra's labels are not the nearest centres, or its inertia is not scikit-learn's.
    """
    contenders.load()
    X = _data(case.data)
    start = _rows(X, case.n_clusters)
    with timing.threads(n_threads):
        calls: Mapping[str, Callable[[], Any]]
        if case.n_iter:
            calls = contenders.fitters(X, start, case.n_iter, n_threads)
        else:
            calls = contenders.assigners(X, start, n_threads)
        calls = {name: call for name, call in calls.items() if among is None or name in among}
        found = {name: call() for name, call in calls.items()}
        notes = _check_fits(found, X, case) if case.n_iter else _check_labels(found, X, start)
        settled = case.n_iter == TO_CONVERGENCE
        standing = {name: call for name, call in calls.items() if settled or name not in notes}
        seconds = timing.interleave(standing, rounds=rounds, budget=budget)
    what = "" if settled else "left out: "
    said = [f"{case.name}, {n_threads} threads: {name} {what}{note}" for name, note in notes.items()]
    return Result(case, n_threads, seconds, _limit(X, case, n_threads, _passes(case, found[OURS])), said)


def run(
    cases: Sequence[Case], thread_counts: Sequence[int], *, rounds: int = 7, budget: float = 60.0
) -> list[Result]:
    """Measure cases one after the other, saying each as it is done.

    Parameters
    ----------
    cases : sequence of Case
        In the order of the table.
    thread_counts : sequence of int
        Each case runs at each.
    rounds, budget
        As in `timing.interleave`.

    Returns
    -------
    results : list of Result
        One for each case and thread count.
    """
    results = []
    for case in cases:
        for n_threads in thread_counts:
            result = measure(case, n_threads, rounds=rounds, budget=budget)
            ratio = "" if result.ratio is None else f"  {result.ratio:.2f} x the fastest peer"
            spent = "  ".join(
                f"{name} {report.milliseconds(value)}" for name, value in result.seconds.items()
            )
            print(f"  {case.name}, {n_threads} threads, ms: {spent}{ratio}", flush=True)
            results.append(result)
    return results


@cache
def _data(make: Callable[[], Any]) -> Any:
    """Make each array once, for all thread counts."""
    return make()


def _rows(X: Any, n_clusters: int) -> NDArray[Any]:
    """Distinct rows of X, drawn with a fixed seed, as starting centres."""
    order = np.random.default_rng(1).permutation(X.shape[0])
    picked = X[np.sort(order[: 4 * n_clusters])]
    dense = picked if isinstance(picked, np.ndarray) else picked.toarray()
    distinct = np.unique(dense, axis=0)
    return np.ascontiguousarray(np.random.default_rng(2).permutation(distinct)[:n_clusters])


def _check_labels(found: Mapping[str, Any], X: NDArray[Any], centers: NDArray[Any]) -> dict[str, str]:
    """Hold our labels against the oracle and the others' inertia against ours."""
    some = np.random.default_rng(3).permutation(len(X))[:_ORACLE_ROWS]
    nearest, _ = plain.true_nearest(X[some], centers)
    if wrong := int((found[OURS][some] != nearest).sum()):
        raise WrongAnswerError(f"{wrong} of {len(some)} labels are not the nearest centre")
    ours = plain.inertia(X, centers, found[OURS])
    tolerance = 1e-5 if X.dtype == np.float32 else 1e-10
    notes = {}
    for name, labels in found.items():
        excess = plain.inertia(X, centers, labels) / ours - 1
        if abs(excess) > tolerance:
            share = (labels != found[OURS]).mean()
            notes[name] = f"{share:.1%} of its labels are not the nearest centre"
    return notes


def _check_fits(found: Mapping[str, Fitted], X: Any, case: Case) -> dict[str, str]:
    """Hold everybody's inertia, from their own centres and labels in float64, against ours."""
    measured = {name: _inertia(X, done) for name, done in found.items()}
    ours = measured[OURS]
    # Whoever sums or compares in float32 drifts off, most on pixels, whose many exact ties go either way; in
    # float64 nothing excuses a difference.
    tolerance = 1e-3 if X.dtype == np.float32 else 1e-9
    theirs = measured.get("scikit-learn", ours)
    if abs(theirs / ours - 1) > (_OPTIMA if case.n_iter == TO_CONVERGENCE else tolerance):
        raise WrongAnswerError(f"{case.name}: inertia {ours!r}, scikit-learn's is {theirs!r}")
    notes = {}
    for name, done in found.items():
        if name == OWN_START:
            continue
        if abs(measured[name] / ours - 1) > tolerance:
            notes[name] = f"inertia {measured[name] / ours - 1:+.2%} against fulcra's"
        elif done.n_iter != found[OURS].n_iter:
            notes[name] = f"{done.n_iter} iterations where fulcra needed {found[OURS].n_iter}"
    return notes


def _inertia(X: Any, done: Fitted) -> float:
    """Inertia in float64; sparse rows take ||x||^2 - 2 x.c + ||c||^2, ample at this tolerance."""
    if isinstance(X, np.ndarray):
        return plain.inertia(X, done.centers, done.labels)
    wide, centers = X.astype(np.float64), done.centers.astype(np.float64)
    products = np.asarray((wide @ centers.T)[np.arange(X.shape[0]), done.labels])
    norms: NDArray[np.float64] = (centers**2).sum(axis=1)
    squares = float(wide.multiply(wide).sum())
    return squares - 2 * float(products.sum()) + float(norms[done.labels].sum())


@cache
def _rates(dtype: str, n_threads: int) -> tuple[float, float]:
    with timing.threads(n_threads):
        return machine.gemm_rate(np.dtype(dtype).type), machine.read_rate()


def _passes(case: Case, ours: Any) -> int:
    """How often the rows are labelled: unless labels stopped changing, once more after the last update."""
    if not case.n_iter:
        return 1
    return case.n_iter + 1 if ours.n_iter == case.n_iter else int(ours.n_iter)


def _limit(X: Any, case: Case, n_threads: int, passes: int) -> float:
    """Least seconds the machine needs: arithmetic or one reading of X a pass, whichever is longer."""
    if not isinstance(X, np.ndarray):
        return 0.0
    arithmetic, memory = _rates(X.dtype.name, n_threads)
    n_samples, n_features = X.shape
    operations = 2.0 * n_samples * case.n_clusters * n_features
    return passes * max(float(operations) / arithmetic, X.nbytes / memory)
