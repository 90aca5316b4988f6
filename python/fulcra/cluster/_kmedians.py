"""k-medians: Manhattan distance, and medians for centers.

Source: Bradley, Mangasarian and Street (1996), "Clustering via concave minimization".
"""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fulcra import _core
from fulcra._base import Data, Floats, check_weights, estimator_fit
from fulcra.cluster._restarts import RestartingClusterer
from fulcra.cluster._seeding import number_of_starts, starts


class KMedians(RestartingClusterer):
    """k-medians clustering: k centers that make the Manhattan distances to the rows small.

    The center of a cluster is the median of each of its features, so that a few rows far away do not pull it
    as they pull a mean.

    Parameters
    ----------
    n_clusters : int, default=8
        The number of clusters, and of centers; at most n_samples.
    init : {'k-means++', 'random', 'random_partition', 'uniform'}, callable or array-like of shape \
(n_clusters, n_features), default='k-means++'
        Where the centers start; see `KMeans`. 'k-means++' draws rows in proportion to their Manhattan
        distance from the nearest center so far; 'random_partition' takes medians.
    n_init : 'auto' or int, default='auto'
        The number of starts; the one with the lowest inertia wins, the first of them on a tie. 'auto': 1 for
        'k-means++' and for an array, else 10.
    max_iter : int, default=300
        The most iterations of one start.
    tol : float, default=1e-4
        Stop once the squared Frobenius norm of the centers' shift, ``sum((C_new - C_old)**2)``, is at most
        `tol` times the mean of the features' (weighted) variances.
    verbose : int, default=0
        Above 0: print a line per iteration.
    random_state : int, RandomState instance or None, default=None
        Seeds the starts.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The centers, in the dtype and the units of X: each coordinate is a value that the feature has.
    labels_ : ndarray of shape (n_samples,), int32
        For each row the index of the nearest of `cluster_centers_`, the lowest index on a tie.
    inertia_ : float
        The sum over the rows of weight times Manhattan distance from the nearest of `cluster_centers_`, in
        float64.
    n_iter_ : int
        Iterations of the best start.
    history_ : dict of str to ndarray of shape (n_iter_,)
        Of the best start, by iteration: 'inertia' (of the medians that the iteration ended with, and the
        rows that they were taken of), 'shift' (``||C_new - C_old||``, in the units of X), 'seconds' (that it
        took), 'moved' (rows that changed their cluster) and 'evaluated' (the share of the distances from rows
        to centers that were computed).
    stop_reason_ : str
        Why the best start ended, as a sentence.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    KMeans : Squared Euclidean distances and means.
    KMedoids : Any distance; centers are rows.

    Notes
    -----
    Of an even number of values the lower of the two in the middle is the median: the least value that half of
    the weight is at or below. Every value between the two would do as well; this one is exact in the dtype of
    X, and a weight of 2 is the same as the row twice.

    A label is the argmin of ``|x_0 - c_0| + |x_1 - c_1| + ...`` in float64, features in order. Each step is
    the best for what the other has found, so the inertia never rises. The result is the same bits on any
    number of threads and any CPU.

    An empty cluster is given the rows with the farthest content from their centers. Rows of weight 0 change
    nothing.

    X is dense: medians of sparse rows are zero nearly everywhere.

    References
    ----------
    Bradley, Mangasarian and Street (1996), "Clustering via concave minimization", NIPS 9.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import KMedians
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [1000, 0]])
    >>> medians = KMedians(n_clusters=2, init=[[0, 0], [9, 9]]).fit(X)
    >>> medians.cluster_centers_
    array([[ 1.,  2.],
           [10.,  2.]])
    >>> medians.transform([[4, 3]])
    array([[4., 7.]])
    """

    #: Medians of mostly zeros are zero, and distances from centers are dense work.
    _takes_sparse = False

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Data = "k-means++",
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state

    @estimator_fit
    def fit(self, X: Data, y: object = None, sample_weight: Data = None) -> Self:
        """Find the centers.

        Parameters
        ----------
        X : {array-like, data frame} of shape (n_samples, n_features)
            The rows to cluster. A C-contiguous array of float32 or float64, memory-mapped or not, is used
            where it is.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; None: all equal. Centers that are given or computed by a
            callable do not depend on it.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        TypeError
            If X is sparse.
        ValueError
            If a parameter or the weights are unusable, there are fewer rows than clusters, or X is not
            finite: the message names the first such row and column.

        Warns
        -----
        ConvergenceWarning
            If fewer than `n_clusters` clusters have rows, for want of distinct rows.
        """
        X = self._enough_rows(X)
        self._n_init = number_of_starts(self, 10)
        weights = check_weights(sample_weight, X)
        progress = self._progress(X, y, weights)
        with self._flaws_named(X):
            found = _core.kmedians_fit(
                X,
                weights,
                starts(self, X, weights, check_random_state(self.random_state), self._n_init),
                n_clusters=self.n_clusters,
                max_iter=self.max_iter,
                tol=self.tol,
                listener=progress,
            )
        return self._learn(found, progress)

    def _nearest(self, rows: Any) -> NDArray[np.int32]:
        return _core.kmedians_predict(rows, self.cluster_centers_)

    def _distances(self, rows: Any) -> Floats:
        return _core.kmedians_distances(rows, self.cluster_centers_)

    def _loss(self, rows: Any, weights: NDArray[np.float64] | None) -> float:
        return _core.kmedians_loss(rows, weights, self.cluster_centers_)
