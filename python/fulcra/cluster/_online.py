"""k-means from one row at a time.

Source: MacQueen (1967), "Some methods for classification and analysis of multivariate observations".
"""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fulcra import _core
from fulcra._base import Data, Floats, Interval, StrOptions, check_weights, estimator_fit, non_finite_error
from fulcra.cluster._centers import CenterClusterer, last_exact
from fulcra.cluster._diagnostics import findings
from fulcra.cluster._drift import DriftLog
from fulcra.cluster._seeding import NAMED_INITS, starts

#: Rows that a start is drawn from, or three for each cluster if that is more.
_INIT_SIZE = 1024
#: What `partial_fit` leaves behind: it would be of other centers.
_OF_A_FIT = ("labels_", "inertia_", "diagnostics_")


class OnlineKMeans(CenterClusterer):
    """k-means that learns from each row at once, for streams.

    A row x goes to its nearest center, which moves towards it: ``C_j += eta * (x - C_j)``. A chunk of rows is
    the same, bit for bit, as its rows one by one.

    Parameters
    ----------
    n_clusters : int, default=8
        The number of clusters, and of centers.
    init : {'k-means++', 'random', 'random_partition', 'uniform'}, callable or array-like of shape \
(n_clusters, n_features), default='k-means++'
        Where the centers start, as for `KMeans`, over the first `init_size` rows of the first chunk.
    learning_rate : {'1/count', 'constant', 'invscaling'}, default='1/count'
        eta, the share of its way to a row that a center goes:

        - '1/count': the row's weight over that of all rows that the center has got. The center is their mean.
        - 'constant': `eta0`. Old rows are forgotten.
        - 'invscaling': ``eta0 / counts_[j] ** power_t``.
    eta0 : float, default=0.1
        eta, or where it begins; above 0, at most 1.
    power_t : float, default=0.5
        How fast eta falls with 'invscaling'; above 0.
    max_shift : float or None, default=None
        No row moves a center farther than this, in the units of X. None: no bound.
    half_life : float or None, default=None
        Rows of the stream after which what a center has got counts half in `counts_`, for streams that
        change. None: it always counts in full.
    init_size : int or None, default=None
        How many of the first rows the start is drawn from. None: 1024, or three for each cluster.
    random_state : int, RandomState instance or None, default=None
        Seeds the start. Nothing else is random.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The centers, in the dtype and the units of X.
    counts_ : ndarray of shape (n_clusters,), float64
        The weight of the rows that each center got, as far as it still counts. It may be set: centers that
        are known begin with 0, and with '1/count' move onto the first row that they get.
    n_samples_seen_ : int
        Rows learned from.
    labels_ : ndarray of shape (n_samples,), int32
        Of `fit` only: for each row the index of the nearest of `cluster_centers_`.
    inertia_ : float
        Of `fit` only: the sum over the rows of weight times squared distance from the nearest of
        `cluster_centers_`.
    diagnostics_ : list of str
        Of `fit` only: what is wrong with the clusters, as for `KMeans`; empty where nothing is to say.
    history_ : dict of str to ndarray
        By interval of the stream, of equal numbers of rows, 128 intervals at most: they are joined two by
        two when they become more. 'n_samples' (rows at the end of the interval), 'drift' (of shape
        (n_intervals, n_clusters): the length of the way that each center went) and 'inertia' (mean squared
        distance of the rows from the centers that they met). What follows the last whole interval is left
        out.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    MiniBatchKMeans : Learns from batches, several passes over the rows.

    Notes
    -----
    A weight of w is the row w times in succession: exactly with '1/count' and 'constant' (eta becomes
    ``1 - (1 - eta)**w``), unless `max_shift` cuts a move short.

    References
    ----------
    MacQueen (1967), "Some methods for classification and analysis of multivariate observations",
    Proceedings of the 5th Berkeley Symposium.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import OnlineKMeans
    >>> model = OnlineKMeans(2, init=[[0.0], [10.0]], learning_rate="constant", eta0=0.5)
    >>> model.partial_fit([[2.0]]).cluster_centers_.tolist()
    [[1.0], [10.0]]
    >>> model.partial_fit([[6.0]]).cluster_centers_.tolist()
    [[1.0], [8.0]]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions(NAMED_INITS), callable, "array-like"],
        "learning_rate": [StrOptions({"1/count", "constant", "invscaling"})],
        "eta0": [Interval(Real, 0, 1, closed="right")],
        "power_t": [Interval(Real, 0, None, closed="neither")],
        "max_shift": [Interval(Real, 0, None, closed="neither"), None],
        "half_life": [Interval(Real, 0, None, closed="neither"), None],
        "init_size": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Data = "k-means++",
        learning_rate: str = "1/count",
        eta0: float = 0.1,
        power_t: float = 0.5,
        max_shift: float | None = None,
        half_life: float | None = None,
        init_size: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.max_shift = max_shift
        self.half_life = half_life
        self.init_size = init_size
        self.random_state = random_state

    @estimator_fit
    def fit(self, X: Data, y: object = None, sample_weight: Data = None) -> Self:
        """Begin anew and learn from the rows of X in their order, once; then label them.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows.
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
            If a parameter or the weights are unusable, there are fewer rows than clusters, or X is not
            finite: the message names the first such row and column.
        """
        X = self._rows(X, reset=True)
        weights = check_weights(sample_weight, X)
        self._begin(X, weights)
        self._learn(X, weights)
        with self._flaws_named(X):
            labels, self.inertia_ = _core.minibatch_label(X, weights, self.cluster_centers_)
            flaws = _core.kmeans_diagnose(X, weights, self.cluster_centers_, labels)
        self.labels_, self.diagnostics_ = labels, findings(flaws)
        return self

    def partial_fit(self, X: Data, y: object = None, sample_weight: Data = None) -> Self:
        """Learn from one row or more, in their order.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows; in the first call at least `n_clusters` of them, unless `init` holds centers. Nothing is
            converted, and little checked, where X is a C-contiguous array of float32 or float64.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; None: all equal.

        Returns
        -------
        self
            The estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            As `fit`.
        """
        if sample_weight is None and self._is_ready_for(X):
            self._learn(X, None)
        else:
            self._checked_partial_fit(X, sample_weight)
        return self

    @property
    def history_(self) -> dict[str, NDArray[Any]]:
        """How far the centers went, by interval of the stream."""
        try:
            log: DriftLog = vars(self)["_log"]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no history_ before it has learned") from None
        return log.table()

    @estimator_fit
    def _checked_partial_fit(self, X: Data, sample_weight: Data) -> None:
        begun = "cluster_centers_" in vars(self)
        X = self._rows(X, reset=not begun)
        weights = check_weights(sample_weight, X)
        if not begun:
            self._begin(X, weights)
        self._learn(X, weights)

    def _is_ready_for(self, X: Data) -> bool:
        """Whether X can be learned from as it is: to check everything anew would take longest."""
        known = vars(self)
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype in (np.float64, np.float32)
            and X.dtype.isnative
            and X.flags.c_contiguous
            and X.flags.aligned
            and X.shape[0] > 0
            and X.shape[1] == known.get("n_features_in_")
            and known.get("_rules_in_use") == self._rules()
            and "feature_names_in_" not in known
        )

    def _rules(self) -> tuple[str, float, float, float, float]:
        unbounded = float("inf")
        return (
            self.learning_rate,
            self.eta0,
            self.power_t,
            unbounded if self.max_shift is None else self.max_shift,
            unbounded if self.half_life is None else self.half_life,
        )

    def _begin(self, X: Any, weights: NDArray[np.float64] | None) -> None:
        """Find the first centers."""
        k = self.n_clusters
        size = max(_INIT_SIZE, 3 * k) if self.init_size is None else max(self.init_size, k)
        sample = X[:size]
        if isinstance(self.init, str) and sample.shape[0] < k:
            raise ValueError(f"n_samples={sample.shape[0]} should be >= n_clusters={k}.")
        sample_weights = None if weights is None else weights[:size]
        if sample_weights is not None and np.count_nonzero(sample_weights) < k:
            sample_weights = None
        with self._flaws_named(sample):
            start: Any = starts(self, sample, sample_weights, check_random_state(self.random_state), 1)[0]
            if isinstance(start, tuple):
                start = self._drawn(sample, sample_weights, *start)
        for name in (*_OF_A_FIT, "counts_", "_log", "_exact_centers"):  # of an earlier fit
            self.__dict__.pop(name, None)
        self.cluster_centers_ = start

    def _drawn(self, sample: Any, weights: NDArray[np.float64] | None, how: str, seed: int) -> Floats:
        if how == "k-means++":
            rows = sample[_core.kmeans_plusplus(sample, weights, self.n_clusters, None, seed)]
            drawn: Floats = rows if isinstance(rows, np.ndarray) else rows.toarray()
            return drawn
        # No iteration: the means of a random partition as they are.
        return _core.kmeans_fit(
            sample, weights, [(how, seed)], n_clusters=self.n_clusters, max_iter=0, tol=0.0
        ).centers

    def _learn(self, X: Any, weights: NDArray[np.float64] | None) -> None:
        """Take the rows in, an interval of the history after the other; all of them or none."""
        rules = self._rules()
        shown = self.cluster_centers_
        centers = last_exact(self)
        counts = vars(self).get("counts_")
        if counts is None:
            counts = np.zeros(len(centers))
        log = vars(self).get("_log")
        log = DriftLog(len(centers)) if log is None else log.copy()
        n_rows, done = X.shape[0], 0
        while done < n_rows:
            until = min(n_rows, done + log.room)
            whole = until - done == n_rows
            part = X if whole else X[done:until]
            share = weights if weights is None or whole else weights[done:until]
            try:
                centers, counts, drift, inertia, weight = _core.online_update(
                    part, share, centers, counts, log.drift, *rules
                )
            except _core.NonFiniteError as error:
                row, column, kind = error.args
                raise non_finite_error(self, _core.NonFiniteError(done + row, column, kind)) from None
            log.add(until - done, drift, inertia, weight)
            done = until
        self.__dict__.update(
            cluster_centers_=centers.astype(shown.dtype, copy=False),
            counts_=counts,
            n_samples_seen_=log.n_samples,
            _exact_centers=centers,
            _log=log,
            _rules_in_use=rules,
        )
        for name in _OF_A_FIT:  # of other centers
            self.__dict__.pop(name, None)
