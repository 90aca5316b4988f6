"""The search for medoids: its starts, and CLARA's samples, around the core's improvement of one start.

Sources: Arthur and Vassilvitskii (2007), "k-means++: the advantages of careful seeding", here with distances
in place of their squares; Kaufman and Rousseeuw (1990), "Finding Groups in Data" (CLARA).
"""

import time
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra import _core
from fulcra.cluster._dissimilarity import WITH_MISSING, Dissimilarity, Given, OnDemand, check_precomputed

Lines: TypeAlias = Given | OnDemand

#: Rows whose distances from the medoids are there at a time.
_ROWS_AT_A_TIME = 65_536

_STOP_SENTENCES = {
    "fasterpam": "Converged after {iterations}: no swap lowers the inertia.",
    "alternate": "Converged after {iterations}: no medoid moved.",
}


@dataclass
class Found:
    """Rows of X that are medoids, as many as there are distinct rows at most; how they were found."""

    medoids: NDArray[np.int64]
    history: dict[str, Any]
    sentence: str


class MedoidSearch:
    """Looks for medoids among the distinct rows of X that have weight.

    Equal rows are one row with their weights' sum, and all stand in an order that depends on what they hold;
    a matrix of distances is taken as it is.

    Parameters
    ----------
    estimator : KMedoids
        Gives the parameters.
    dissimilarity : Dissimilarity
        Its metric; learns what it needs.
    rows : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Checked data.
    weights : ndarray of shape (n_samples,) or None
        Checked weights.

    Raises
    ------
    ValueError
        If a matrix of distances is unsound, or `init` names unusable rows.
    """

    def __init__(
        self, estimator: Any, dissimilarity: Dissimilarity, rows: Any, weights: NDArray[np.float64] | None
    ) -> None:
        self._estimator = estimator
        self._precomputed = estimator.metric == "precomputed"
        if self._precomputed:
            check_precomputed(estimator, rows)
            shares = np.ones(len(rows)) if weights is None else weights
            #: Where the distinct rows stand in X.
            self._places = np.flatnonzero(shares > 0)
            self._shares = shares[self._places]
        else:
            # NaN equals nothing, not even itself.
            plain = np.nan_to_num(rows, nan=-1.2345e30) if estimator.metric in WITH_MISSING else rows
            self._places, self._shares = _core.distinct_rows(plain, weights)
        self._given = self._given_start(rows)
        if self._precomputed:
            self._rows = rows if len(self._places) == len(rows) else rows[np.ix_(self._places, self._places)]
        else:
            self._rows = rows[self._places]
            dissimilarity.learn(self._rows, self._shares)
        self._dissimilarity = dissimilarity

    def run(self, memory: int, random_state: np.random.RandomState) -> Found:
        """Find the medoids.

        Parameters
        ----------
        memory : int
            Bytes that a matrix of distances may take.
        random_state : RandomState
            For starts and samples.

        Returns
        -------
        Found
            Rows of X.
        """
        if len(self._places) <= self._estimator.n_clusters:
            nothing = {"inertia": [0.0], "swaps": [0], "seconds": [0.0]}
            return Found(
                self._places, nothing, "Converged after 1 iteration: every distinct row is a medoid."
            )
        if self._estimator.method == "clara":
            return self._clara(random_state)
        method, max_iter = self._estimator.method, self._estimator.max_iter
        found = self._improve(self._lines(self._rows, memory), self._shares, random_state, method)
        if found.stop_reason == "max_iter":
            sentence = f"Stopped at max_iter={max_iter}, before converging."
        else:
            iterations = f"{found.n_iter} iteration{'s' if found.n_iter > 1 else ''}"
            sentence = _STOP_SENTENCES[method].format(iterations=iterations)
        return Found(self._places[found.medoids], found.history, sentence)

    def _lines(self, rows: Any, memory: float) -> Lines:
        if self._precomputed:
            return Given(rows)
        lines = OnDemand(self._dissimilarity, rows)
        return Given(lines.matrix()) if lines.n_rows**2 * lines.dtype.itemsize <= memory else lines

    def _improve(
        self, lines: Lines, shares: NDArray[np.float64], random_state: np.random.RandomState, method: str
    ) -> _core.KMedoidsFit:
        """Start and improve medoids among the rows of `lines`."""
        k, init = self._estimator.n_clusters, self._estimator.init
        start = self._given
        if start is None and init == "random":
            start = random_state.choice(lines.n_rows, k, replace=False, p=shares / shares.sum()).tolist()
        elif start is None and init == "k-medoids++":
            start = _far_apart(lines, shares, k, random_state)
        return _core.kmedoids_fit(
            lines.values if isinstance(lines, Given) else lines,
            None if (shares == 1).all() else shares,
            start,
            n_clusters=k,
            method=method,
            max_iter=self._estimator.max_iter,
        )

    def _clara(self, random_state: np.random.RandomState) -> Found:
        """Take those medoids of samples that have the least inertia of all rows.

        Each sample is drawn by weight, and holds the best medoids so far besides.
        """
        k, n, size = self._estimator.n_clusters, len(self._places), self._estimator.sample_size
        size = max(k, 80 + 4 * k if size is None else size)
        history: dict[str, list[float]] = {"inertia": [], "swaps": [], "seconds": []}
        best, least = np.empty(0, dtype=np.int64), np.inf
        for _ in range(1 if size >= n else self._estimator.n_samplings):
            began = time.perf_counter()
            if size >= n:
                sample, shares = np.arange(n), self._shares
            else:
                sample, shares = _draw(self._shares, size, best, k, random_state)
            part = self._rows[np.ix_(sample, sample)] if self._precomputed else self._rows[sample]
            found = self._improve(self._lines(part, np.inf), shares, random_state, "fasterpam")
            medoids = sample[found.medoids]
            points = medoids if self._precomputed else self._rows[medoids]
            _, inertia = assign(self._dissimilarity, self._rows, points, self._shares)
            history["inertia"].append(inertia)
            history["swaps"].append(int(found.history["swaps"].sum()))
            history["seconds"].append(time.perf_counter() - began)
            if inertia < least:
                best, least = medoids, inertia
        samples = len(history["inertia"])
        sentence = f"Took the best of {samples} sample{'s' if samples > 1 else ''} of {min(size, n)} rows."
        return Found(self._places[best], history, sentence)

    def _given_start(self, rows: Any) -> list[int] | None:
        """Return where among the distinct rows those stand that `init` names; None if it names none."""
        init, k, n = self._estimator.init, self._estimator.n_clusters, rows.shape[0]
        if isinstance(init, str):
            return None
        if self._estimator.method == "clara":
            raise ValueError(
                "init cannot be an array with method='clara', which starts anew for each sample."
            )
        start = np.asarray(init)
        if start.shape != (k,) or start.dtype.kind not in "iu":
            raise ValueError(
                f"init needs the indices of n_clusters={k} rows; got {start.dtype} of shape {start.shape}."
            )
        if start.min() < 0 or start.max() >= n:
            raise ValueError(f"init names row {start[(start < 0) | (start >= n)][0]}; X has {n} rows.")
        content = (lambda row: row) if self._precomputed else (lambda row: _content(rows, row))
        places = {content(row): at for at, row in enumerate(self._places.tolist())}
        wanted = [content(row) for row in start.tolist()]
        for at, held in enumerate(wanted):
            if held not in places:
                raise ValueError(f"init names row {start[at]}, whose weight is 0.")
            if held in wanted[:at]:
                other = start[wanted.index(held)]
                raise ValueError(
                    f"init names rows {other} and {start[at]}, which are the same; medoids must differ."
                )
        return [places[held] for held in wanted]


def assign(
    dissimilarity: Dissimilarity, rows: Any, medoids: Any, weights: NDArray[np.float64] | None
) -> tuple[NDArray[np.int32], float]:
    """Return each row's nearest medoid, and the sum of weight times distance from it.

    Parameters
    ----------
    dissimilarity : Dissimilarity
        The metric.
    rows : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Checked data.
    medoids : ndarray of shape (n_clusters, n_features), or of indices of shape (n_clusters,)
        Rows, or columns of a matrix of distances.
    weights : ndarray of shape (n_samples,) or None
        Checked weights.

    Returns
    -------
    labels : ndarray of shape (n_samples,), int32
        The lowest index on a tie.
    inertia : float
        The sum.
    """
    labels, inertia = [], 0.0
    for start in range(0, rows.shape[0], _ROWS_AT_A_TIME):
        some = slice(start, start + _ROWS_AT_A_TIME)
        distances = dissimilarity.between(rows[some], medoids)
        nearest, part = _core.kmedoids_assign(distances, None if weights is None else weights[some])
        labels.append(nearest)
        inertia += part
    return np.concatenate(labels), inertia


def _far_apart(
    lines: Lines, shares: NDArray[np.float64], k: int, random_state: np.random.RandomState
) -> list[int]:
    """Choose rows by greedy k-means++: drawn by weight times distance, the best of ``2 + int(log(k))``."""
    chosen = [_drawn(shares, 1, random_state)[0]]
    nearest = lines.lines(chosen[0], chosen[0] + 1)[0]
    while len(chosen) < k:
        best, least, closer = -1, np.inf, nearest
        for row in _drawn(shares * nearest, 2 + int(np.log(k)), random_state):
            distances = np.minimum(nearest, lines.lines(row, row + 1)[0])
            left = float(np.sum(shares * distances))
            if row not in chosen and left < least:
                best, least, closer = row, left, distances
        # Where all are as near as can be, as distances of 0 between different rows allow, any row does.
        chosen.append(best if best >= 0 else next(row for row in range(lines.n_rows) if row not in chosen))
        nearest = closer
    return chosen


def _drawn(masses: NDArray[np.float64], size: int, random_state: np.random.RandomState) -> list[int]:
    """Draw row numbers with probability proportional to their masses."""
    upto = np.cumsum(masses, dtype=np.float64)
    drawn = np.searchsorted(upto, random_state.random_sample(size) * upto[-1], side="right")
    rows: list[int] = np.minimum(drawn, len(masses) - 1).tolist()
    return rows


def _draw(
    shares: NDArray[np.float64],
    size: int,
    best: NDArray[np.int64],
    k: int,
    random_state: np.random.RandomState,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Draw a sample by weight, with the `best` medoids: at least k rows, and how often each came."""
    drawn = [*_drawn(shares, size, random_state), *best.tolist()]
    missing = k - len(set(drawn))
    if missing > 0:  # what stands first in an order of content is as good as drawn
        drawn += [row for row in range(2 * k) if row not in drawn][:missing]
    sample, times = np.unique(drawn, return_counts=True)
    return sample, times.astype(np.float64)


def _content(rows: Any, row: int) -> tuple[Any, ...]:
    """Return what a row holds, the same for equal rows."""
    if sp.issparse(rows):
        line = rows[[row]]
        kept = line.data != 0
        return (*line.indices[kept].tolist(), *line.data[kept].tolist())
    return tuple(None if np.isnan(value) else value for value in rows[row].tolist())
