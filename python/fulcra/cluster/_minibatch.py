"""k-means from small batches of the rows.

Sources: Sculley (2010), "Web-scale k-means clustering", WWW; for the start see `_seeding`.
"""

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fulcra import _core
from fulcra._base import (
    Data,
    Floats,
    Interval,
    StrOptions,
    check_weights,
    estimator_fit,
    raise_non_finite,
)
from fulcra._progress import CallbackSupport, StepProgress
from fulcra.cluster import _diagnostics
from fulcra.cluster._centers import CenterClusterer, last_exact
from fulcra.cluster._feed import Feed
from fulcra.cluster._seeding import NAMED_INITS, number_of_starts, starts

_LARGEST_SEED = np.iinfo(np.int32).max
#: `tol` of the k-means that centers start with: the default of KMeans.
_START_TOL = 1e-4
#: Breathing over a sample takes as long as some ten fits of it: it pays where the rows are that many more.
_MANY_MORE = 10

#: The plain sentence for each of the core's stop reasons.
_STOP_SENTENCES = {
    "tol": "Converged after {batches}: the squared shift of the centers is within tol={tol} times the mean "
    "variance of the features.",
    "no_improvement": "Converged after {batches}: the smoothed inertia did not reach a new low for "
    "max_no_improvement={max_no_improvement} in a row.",
    "max_iter": "Stopped at max_iter={max_iter}, before converging.",
    "listener": "Stopped after {batches} by a callback.",
}


class MiniBatchKMeans(CallbackSupport, CenterClusterer):
    """k-means that looks at a small batch of the rows at a time.

    Takes the place of `sklearn.cluster.MiniBatchKMeans`. A batch's rows go to their nearest centers, and each
    center moves to the mean of all the rows that it ever got. The rows may be more than memory holds: a
    memory map, or batches from any source (`fit_batches`). Beside `labels_`, a fit takes the memory of some
    batches. The result is the same bits on any number of threads and any CPU.

    Parameters
    ----------
    n_clusters : int, default=8
        The number of clusters, and of centers; at most n_samples.
    init : {'k-means++', 'random', 'random_partition', 'uniform'}, callable or array-like of shape \
(n_clusters, n_features), default='k-means++'
        Where the centers start, as for `KMeans`, over `init_size` rows drawn at random. By name, they go on
        from there by k-means of these rows, refined by breathing (see `KMeans`) where there are
        ten times as many rows or more; centers that are given or computed by a callable stay as they are.
    max_iter : int, default=100
        The most passes over the rows: at most ``max_iter * n_samples // batch_size`` batches. Also the most
        iterations of the k-means that the centers start with.
    batch_size : int, default=1024
        Rows in a batch.
    verbose : int, default=0
        Above 0: print a line per batch.
    compute_labels : bool, default=True
        Whether to label all rows at the end, and to compute `inertia_` from them.
    random_state : int, RandomState instance or None, default=None
        Seeds the start, the batches and the rows that centers are put on.
    tol : float, default=0.0
        Stop once the squared Frobenius norm of the centers' shift in a batch is at most `tol` times the
        mean of the features' variances, of the rows that the start was drawn from. 0: never.
    max_no_improvement : int or None, default=10
        Stop once this many batches in a row did not lower the smoothed inertia. None: never.
    init_size : int or None, default=None
        Rows that the start is drawn from; None: ``3 * batch_size``, or ``3 * n_clusters`` if that is fewer
        than n_clusters.
    n_init : 'auto' or int, default="auto"
        The number of starts; the one with the lowest inertia over the rows that they were drawn from is
        gone on with. 'auto': 1 for 'k-means++' and for an array, else 3.
    reassignment_ratio : float, default=0.01
        Every ``10 * n_clusters`` rows, and while a center has got no row, the centers that got less than this
        share of what the busiest got are put on rows of the batch, at most half as many as it has rows.
    max_shift : float or None, default=None
        No batch moves a center farther than this (Euclidean, in the units of X); to be put on a row is no
        such move. A batch that would does not count as converged or without improvement. None: no bound.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The centers, in the dtype and the units of X.
    counts_ : ndarray of shape (n_clusters,), float64
        The weight of the rows that each center got.
    labels_ : ndarray of shape (n_samples,), int32
        For each row the index of the nearest of `cluster_centers_`; with `compute_labels` only.
    inertia_ : float
        The sum over the rows of weight times squared distance from the nearest of `cluster_centers_`. Without
        `compute_labels` an estimate: the smoothed mean of the batches times the sum of the weights.
    n_iter_ : int
        Passes over the rows that were begun.
    n_steps_ : int
        Batches learned from.
    history_ : dict of str to ndarray of shape (n_steps_,)
        Of `fit` and `fit_batches`, by batch: 'inertia' (mean squared distance of its rows from the centers
        that they met), 'smoothed' (over batches; NaN for the first), 'shift' (``||C_new - C_old||``, in the
        units of X), 'reassigned' (centers put on rows) and 'seconds'.
    stop_reason_ : str
        Why `fit` or `fit_batches` ended, as a sentence.
    diagnostics_ : list of str
        Of `fit` and `fit_batches`: what happened, and what is wrong with the clusters, as for `KMeans`; the
        latter after `fit` with `compute_labels` only. Empty where nothing is to say.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    KMeans : Looks at all rows in each iteration.
    OnlineKMeans : Learns from one row at a time.

    Notes
    -----
    Each pass takes every row once. A batch is drawn row by row from a window of some dozen batches, and a
    window from runs of up to 64 consecutive rows all over X, so that a file is read in pieces larger than a
    page.

    The smoothed inertia is an exponentially weighted mean over half a pass, as in scikit-learn, but over no
    more than half of the batches so far. Whether it still falls is asked from half a pass on, or from 256
    batches on if that is less.

    Rows are weighted where they are learned from. Rows that no batch drew are not looked at unless
    `compute_labels` is set; NaN among them then goes unseen.

    References
    ----------
    Sculley (2010), "Web-scale k-means clustering", WWW.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import MiniBatchKMeans
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> kmeans = MiniBatchKMeans(n_clusters=2, random_state=0, batch_size=4).fit(X)
    >>> sorted(kmeans.cluster_centers_[:, 0].tolist())
    [1.0, 10.0]
    >>> def parts():  # of a file, say
    ...     yield X[:4]
    ...     yield X[4:]
    >>> kmeans = MiniBatchKMeans(n_clusters=2, random_state=0).fit_batches(parts)
    >>> sorted(kmeans.cluster_centers_[:, 0].tolist())
    [1.0, 10.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions(NAMED_INITS), callable, "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "verbose": ["verbose"],
        "compute_labels": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_no_improvement": [Interval(Integral, 0, None, closed="left"), None],
        "init_size": [Interval(Integral, 1, None, closed="left"), None],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "reassignment_ratio": [Interval(Real, 0, None, closed="left")],
        "max_shift": [Interval(Real, 0, None, closed="neither"), None],
    }

    #: What `partial_fit` adds to; `fit` begins anew.
    _exact_centers: NDArray[np.float64]
    counts_: NDArray[np.float64]

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Data = "k-means++",
        max_iter: int = 100,
        batch_size: int = 1024,
        verbose: int = 0,
        compute_labels: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 0.0,
        max_no_improvement: int | None = 10,
        init_size: int | None = None,
        n_init: int | str = "auto",
        reassignment_ratio: float = 0.01,
        max_shift: float | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.verbose = verbose
        self.compute_labels = compute_labels
        self.random_state = random_state
        self.tol = tol
        self.max_no_improvement = max_no_improvement
        self.init_size = init_size
        self.n_init = n_init
        self.reassignment_ratio = reassignment_ratio
        self.max_shift = max_shift

    @estimator_fit
    def fit(self, X: Data, y: object = None, sample_weight: Data = None) -> Self:
        """Find the centers from batches drawn from X.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows to cluster. A C-contiguous array of float32 or float64, memory-mapped or not, and a CSR
            matrix with 32-bit sorted indices are used where they are; a memory map may be larger than memory.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; None: all equal.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            If a parameter or the weights are unusable, there are fewer rows than clusters, or a row that is
            looked at is not finite: the message names the first such row and column.

        Warns
        -----
        RuntimeWarning
            If `init_size` is less than `n_clusters`, or several starts are asked for with centers given.
        """
        X = self._rows(X, reset=True)
        self._n_init = number_of_starts(self, 3)
        self._check_sizes(X.shape[0])
        weights = check_weights(sample_weight, X)
        random_state = check_random_state(self.random_state)
        n_steps = self.max_iter * X.shape[0] // self._batch_size
        progress = self._progress(n_steps, X, y, weights)
        with self._flaws_named(X):
            sample, sample_weights = self._sample(X, weights, random_state)
            many_more = X.shape[0] >= _MANY_MORE * sample.shape[0]
            found = self._learn(
                X,
                weights,
                self._first_centers(sample, sample_weights, random_state, refine=many_more),
                tol=self._absolute_tol(sample, sample_weights),
                max_steps=n_steps,
                seed=_seed(random_state),
                listener=progress,
            )
            learned = self._learned(found, X.dtype)
            learned["n_iter_"] = int(np.ceil(found.n_rows / X.shape[0]))
            if self.compute_labels:
                centers = learned["cluster_centers_"]
                labels, learned["inertia_"] = _core.minibatch_label(X, weights, centers)
                learned["labels_"] = labels
                found_flaws = _core.kmeans_diagnose(X, weights, centers, labels)
                learned["diagnostics_"] += _diagnostics.findings(found_flaws)
            else:
                learned["inertia_"] *= X.shape[0] if weights is None else weights.sum()
        return self._fitted(learned, found.stop_reason, progress)

    @estimator_fit
    def fit_batches(self, factory: Callable[[], Iterable[Any]], y: object = None) -> Self:
        """Find the centers from batches that come from anywhere: files, a data base, a generator.

        Each batch is one step, whatever its size; `batch_size` matters for the default of `init_size` only.

        Parameters
        ----------
        factory : callable
            ``factory()`` starts a pass: it returns an iterable of batches, each an array-like, CSR matrix or
            data frame of shape (any number of rows, n_features), or a tuple (X, sample_weight). It is called
            once for each pass, `max_iter` times at most, and with `compute_labels` once more. Batches that
            differ in dtype are converted to that of the first.
        y : object
            Ignored.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            As `fit`; if a pass has no batch, or if the first batches have fewer rows than there are clusters.
        TypeError
            If `factory` does not return an iterable.

        Notes
        -----
        The start is drawn from the first batches, as many as hold `init_size` rows: where the order of the
        rows means something, mix them. Nothing else is kept from batch to batch.

        Examples
        --------
        >>> import numpy as np
        >>> from fulcra.cluster import MiniBatchKMeans
        >>> X = np.random.default_rng(0).normal(size=(1000, 2))
        >>> model = MiniBatchKMeans(3, random_state=0).fit_batches(lambda: np.array_split(X, 10))
        >>> model.labels_.shape
        (1000,)
        """
        feed = Feed(self, factory, self.max_iter)
        self._n_init = number_of_starts(self, 3)
        self._init_size = self._rows_to_start_from(self.batch_size)
        first, first_weights = feed.first_rows(self._init_size)
        self._check_sizes(first.shape[0])
        random_state = check_random_state(self.random_state)
        progress = self._progress(None, None, y, None)
        with self._flaws_of(feed):
            sample, sample_weights = self._sample(first, first_weights, random_state)
            found = self._learn(
                sample,
                None,
                self._first_centers(sample, sample_weights, random_state),
                tol=self._absolute_tol(sample, sample_weights),
                max_steps=sys.maxsize,
                seed=_seed(random_state),
                feed=feed,
                listener=progress,
            )
        learned = self._learned(found, sample.dtype)
        learned["n_iter_"] = feed.n_passes
        if self.compute_labels:
            learned["labels_"], learned["inertia_"] = self._label(feed, learned["cluster_centers_"])
        else:
            learned["inertia_"] *= feed.weight_in_a_pass
        return self._fitted(learned, found.stop_reason, progress)

    @estimator_fit
    def partial_fit(self, X: Data, y: object = None, sample_weight: Data = None) -> Self:
        """Learn from one batch: all rows of X.

        The first call finds the start as `fit` does, from `init_size` rows of X.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The batch; in the first call it needs `n_clusters` rows.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; None: all equal.

        Returns
        -------
        self
            With `labels_` and `inertia_` of these rows where `compute_labels` is set. If anything goes
            wrong, it is as it was before.

        Raises
        ------
        ValueError
            As `fit`.
        """
        begun = "cluster_centers_" in vars(self)
        X = self._rows(X, reset=not begun)
        weights = check_weights(sample_weight, X)
        if "_random_state" not in vars(self):
            self._random_state = check_random_state(self.random_state)
        with self._flaws_named(X):
            if begun:
                start: Floats = last_exact(self)
                dtype = self.cluster_centers_.dtype
            else:
                self._n_init = number_of_starts(self, 3)
                self._check_sizes(X.shape[0])
                start = self._first_centers(*self._sample(X, weights, self._random_state), self._random_state)
                dtype = X.dtype
            centers, counts, since, reassigned = _core.minibatch_step(
                X,
                weights,
                start,
                self.counts_ if "counts_" in vars(self) else np.zeros(len(start)),
                since=getattr(self, "_n_since_reassigned", 0),
                reassignment_ratio=self.reassignment_ratio,
                max_shift=self.max_shift,
                seed=_seed(self._random_state),
            )
            if self.verbose and reassigned:
                print(f"[MiniBatchKMeans] Reassigning {reassigned} cluster centers.")
            self._exact_centers, self.counts_, self._n_since_reassigned = centers, counts, since
            self.cluster_centers_ = centers.astype(dtype)
            self.n_steps_ = getattr(self, "n_steps_", 0) + 1
            if self.compute_labels:
                self.labels_, self.inertia_ = _core.minibatch_label(X, weights, self.cluster_centers_)
        return self

    @classmethod
    def _params_of_known(cls, centers: Data) -> dict[str, Any]:
        return {"init": centers, "n_init": 1}

    def _check_sizes(self, n_samples: int) -> None:
        if n_samples < self.n_clusters:
            raise ValueError(f"n_samples={n_samples} should be >= n_clusters={self.n_clusters}.")
        self._batch_size = min(self.batch_size, n_samples)
        self._init_size = min(self._rows_to_start_from(self._batch_size), n_samples)

    def _rows_to_start_from(self, batch_size: int) -> int:
        if self.init_size is None:
            return 3 * batch_size if 3 * batch_size >= self.n_clusters else 3 * self.n_clusters
        if self.init_size < self.n_clusters:
            warnings.warn(
                f"init_size={self.init_size} should be larger than n_clusters={self.n_clusters}. "
                "Setting it to min(3*n_clusters, n_samples)",
                RuntimeWarning,
                stacklevel=5,
            )
            return 3 * self.n_clusters
        return self.init_size

    def _sample(
        self, X: Any, weights: NDArray[np.float64] | None, random_state: np.random.RandomState
    ) -> tuple[Any, NDArray[np.float64] | None]:
        """Return the rows that the start is drawn from, those of weight 0 not among them if it can be."""
        among = None if weights is None or weights.min() > 0 else np.flatnonzero(weights)
        if among is not None and len(among) < self.n_clusters:
            among = None
        n_rows = X.shape[0] if among is None else len(among)
        if n_rows > self._init_size:
            from sklearn.utils.random import sample_without_replacement  # noqa: PLC0415 - not light

            chosen = np.sort(sample_without_replacement(n_rows, self._init_size, random_state=random_state))
        elif among is None or n_rows == X.shape[0]:
            return X, weights
        else:
            chosen = np.arange(n_rows)
        rows = chosen if among is None else among[chosen]
        return X[rows], None if weights is None else weights[rows]

    def _first_centers(
        self,
        sample: Any,
        weights: NDArray[np.float64] | None,
        random_state: np.random.RandomState,
        *,
        refine: bool = True,
    ) -> Floats:
        """Return the best start; if by name, improved on the sample, and `refine`d further."""
        found = starts(self, sample, weights, random_state, self._n_init)
        if isinstance(self.init, str):
            return _core.kmeans_fit(
                sample,
                weights,
                found,
                n_clusters=self.n_clusters,
                max_iter=self.max_iter,
                tol=_START_TOL,
                # Batches polish what is there; which groups share a center is settled here.
                breathing=refine,
            ).centers
        centers: list[Any] = list(found)
        if len(centers) == 1:
            return centers[0]  # type: ignore[no-any-return]
        return min(centers, key=lambda start: _core.kmeans_inertia(sample, weights, start))  # type: ignore[no-any-return]

    def _learn(
        self, X: Any, weights: NDArray[np.float64] | None, centers: Floats, **how: Any
    ) -> _core.MiniBatchFit:
        return _core.minibatch_fit(
            X,
            weights,
            centers,
            np.zeros(self.n_clusters),
            since=0,
            batch_size=self._batch_size,
            max_no_improvement=self.max_no_improvement,
            reassignment_ratio=self.reassignment_ratio,
            max_shift=self.max_shift,
            **how,
        )

    def _absolute_tol(self, sample: Any, weights: NDArray[np.float64] | None) -> float:
        return self.tol and self.tol * _core.mean_variance(sample, weights)

    def _learned(self, found: _core.MiniBatchFit, dtype: Any) -> dict[str, Any]:
        """Return what is known before the last pass; `inertia_` is a mean still."""
        history = {**found.history, "shift": np.sqrt(found.history["shift"])}
        n_steps = len(history["shift"])
        smoothed = history["smoothed" if n_steps > 1 else "inertia"][-1]
        return {
            "cluster_centers_": found.centers.astype(dtype),
            "counts_": found.counts,
            "inertia_": float(smoothed),
            "n_steps_": n_steps,
            "history_": history,
            "diagnostics_": _diagnostics.of_minibatch(self, found),
            "_exact_centers": found.centers,
            "_n_since_reassigned": found.since,
        }

    def _fitted(self, learned: dict[str, Any], stop_reason: str, progress: StepProgress | None) -> Self:
        n_steps = learned["n_steps_"]
        sentence = _STOP_SENTENCES[stop_reason]
        batches = f"{n_steps} batch{'es' if n_steps > 1 else ''}"
        learned["stop_reason_"] = sentence.format(batches=batches, **vars(self))
        for name in ("labels_", "_random_state"):  # of an earlier fit
            self.__dict__.pop(name, None)
        self.__dict__.update(learned)
        if progress is not None:
            progress.stopped(stop_reason)
            progress.finished(learned)
        return self

    def _label(self, feed: Feed, centers: Floats) -> tuple[NDArray[np.int32], float]:
        parts, inertia = [], 0.0
        for X, weights in feed.one_pass():
            labels, part = _core.minibatch_label(X, weights, centers)
            parts.append(labels)
            inertia += part
        return np.concatenate(parts), inertia

    def _progress(
        self, n_steps: int | None, X: Any, y: object, weights: NDArray[np.float64] | None
    ) -> StepProgress | None:
        """Return a listener, or None where nobody wants to know: telling costs time."""
        if not self.verbose and not getattr(self, "_skl_callbacks", None):
            return None
        return StepProgress(self, n_steps=n_steps, X=X, y=y, sample_weight=weights)

    @contextmanager
    def _flaws_of(self, feed: Feed) -> Iterator[None]:
        """Name the batch that a value is in which the core cannot use."""
        try:
            yield
        except _core.NonFiniteError as error:
            raise ValueError(f"{feed.place}: {super()._named_flaw(None, error)}") from None

    def _named_flaw(self, rows: Any, error: _core.NonFiniteError) -> ValueError:
        raise_non_finite(self, rows)  # the core may have met another one first
        return super()._named_flaw(rows, error)


def _seed(random_state: np.random.RandomState) -> int:
    return int(random_state.randint(_LARGEST_SEED))
