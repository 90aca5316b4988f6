"""Fuzzy c-means: every row belongs to every cluster, more to the nearer ones.

Sources: Dunn (1973), "A fuzzy relative of the ISODATA process"; Bezdek (1981), "Pattern Recognition with
Fuzzy Objective Function Algorithms".
"""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fulcra import _core
from fulcra._base import Data, Floats, Interval, StrOptions, check_weights, estimator_fit
from fulcra.cluster._centers import CenterClusterer
from fulcra.cluster._seeding import starts


class FuzzyCMeans(CenterClusterer):
    """Fuzzy c-means clustering: each row has a membership in each cluster, from 0 to 1, 1 in all together.

    Memberships and centers are found in turns, each the best for the other, so the objective
    ``J = sum(w_i * u_ij**m * ||x_i - c_j||**2)`` never rises.

    Parameters
    ----------
    n_clusters : int, default=8
        The number of clusters, and of centers; at most n_samples.
    m : float, default=2.0
        How fuzzy, above 1. Near 1 every row belongs to its nearest center, as in k-means; the larger, the
        more equal all memberships are.
    init : {'k-means++', 'random', 'uniform'}, callable or array-like of shape (n_clusters, n_features), \
default='k-means++'
        Where the centers start: rows far apart, rows drawn by weight, points of the bounding box, what
        ``init(X, n_clusters, random_state=...)`` returns, or these. See `KMeans`.
    max_iter : int, default=300
        The most iterations.
    tol : float, default=1e-8
        Stop once the squared Frobenius norm of the centers' shift, ``sum((C_new - C_old)**2)``, is at most
        `tol` times the mean of the features' (weighted) variances.
    random_state : int, RandomState instance or None, default=None
        Seeds the start.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The centers, in the dtype and the units of X.
    u_ : ndarray of shape (n_samples, n_clusters)
        The memberships that follow from `cluster_centers_`, in the dtype of X.
    labels_ : ndarray of shape (n_samples,), int32
        For each row the index of the nearest center, where its membership is largest; the lowest on a tie.
    partition_coefficient_ : float
        The (weighted) mean over the rows of the sum of squared memberships: 1 where every row belongs to one
        cluster, ``1 / n_clusters`` where all memberships are equal.
    objective_ : float
        J of `cluster_centers_` and `u_`, in float64.
    n_iter_ : int
        Iterations.
    history_ : dict of str to ndarray of shape (n_iter_,)
        By iteration: 'objective' (J of the centers that it began with, and their memberships), 'shift'
        (``||C_new - C_old||``, in the units of X) and 'seconds' (that it took).
    stop_reason_ : str
        Why it ended, as a sentence.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    KMeans : Every row belongs to one cluster.

    Notes
    -----
    ``u_ij = 1 / sum_l((d_ij / d_il)**(2 / (m - 1)))`` and ``c_j = sum_i(w_i * u_ij**m * x_i) / sum_i(w_i *
    u_ij**m)``, with Euclidean distances d. A row on a center belongs to it alone; to all of those that it is
    on, equally, if they are several. Only ratios to the row's smallest distance are raised to powers, so any
    m above 1 will do.

    The result is the same bits on any number of threads and any CPU. The memberships (n_samples, n_clusters)
    are held once, at the end; before that, a few rows at a time.

    References
    ----------
    Bezdek (1981), "Pattern Recognition with Fuzzy Objective Function Algorithms", Plenum.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import FuzzyCMeans
    >>> X = np.array([[0.0], [1.0], [5.0], [9.0], [10.0]])
    >>> fuzzy = FuzzyCMeans(n_clusters=2, init=[[0.0], [10.0]]).fit(X)
    >>> fuzzy.u_.round(2)[:, 0].tolist()
    [0.99, 1.0, 0.5, 0.0, 0.01]
    >>> fuzzy.predict_proba([[4.0]]).round(2).tolist()
    [[0.74, 0.26]]
    """

    #: Memberships are dense, and so is the work, whatever X is.
    _takes_sparse = False

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "m": [Interval(Real, 1, None, closed="neither")],
        "init": [StrOptions({"k-means++", "random", "uniform"}), callable, "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        m: float = 2.0,
        init: Data = "k-means++",
        max_iter: int = 300,
        tol: float = 1e-8,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.m = m
        self.init = init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    @estimator_fit
    def fit(self, X: Data, y: object = None, sample_weight: Data = None) -> Self:
        """Find the centers and the memberships.

        Parameters
        ----------
        X : {array-like, data frame} of shape (n_samples, n_features)
            The rows to cluster.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; None: all equal. A weight of 2 is the same as the row twice.

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
        if X.shape[0] < self.n_clusters:
            raise ValueError(f"n_samples={X.shape[0]} should be >= n_clusters={self.n_clusters}.")
        weights = check_weights(sample_weight, X)
        random_state = check_random_state(self.random_state)
        with self._flaws_named(X):
            start = starts(self, X, weights, random_state, 1)[0]
            if isinstance(start, tuple):
                chosen = _core.kmeans_plusplus(X, weights, self.n_clusters, None, start[1])
                start = X[chosen]
            found = _core.fuzzy_fit(X, weights, start, m=self.m, max_iter=self.max_iter, tol=self.tol)
            self.cluster_centers_ = found.centers
            self.u_, self.objective_, squares = self._memberships(X, weights)
            self.labels_ = self._nearest(X)
        self.partition_coefficient_ = squares / (X.shape[0] if weights is None else float(weights.sum()))
        self.history_ = {**found.history, "shift": np.sqrt(found.history["shift"])}
        self.n_iter_ = len(self.history_["shift"])
        if found.settled:
            iterations = f"{self.n_iter_} iteration{'s' if self.n_iter_ > 1 else ''}"
            self.stop_reason_ = (
                f"Converged after {iterations}: the squared shift of the centers is within tol={self.tol} "
                "times the mean variance of the features."
            )
        else:
            self.stop_reason_ = f"Stopped at max_iter={self.max_iter}, before converging."
        return self

    def predict_proba(self, X: Data) -> Floats:
        """Return the memberships of each row in each cluster.

        Parameters
        ----------
        X : {array-like, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_clusters)
            From 0 to 1, in the dtype of X; they add up to 1 in each row.

        Raises
        ------
        NotFittedError
            If there are no centers yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        rows = self._checked(X)
        with self._flaws_named(rows):
            return self._memberships(rows, None)[0]

    def _loss(self, rows: Any, weights: NDArray[np.float64] | None) -> float:
        return self._memberships(rows, weights)[1]

    def _memberships(self, rows: Any, weights: NDArray[np.float64] | None) -> tuple[Floats, float, float]:
        """Return u (n, c), the objective, and the weighted sum of the squared memberships."""
        return _core.fuzzy_memberships(rows, weights, self.cluster_centers_, self.m)
