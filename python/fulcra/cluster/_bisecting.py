"""Bisecting k-means: the worst cluster is parted in two, until there are enough.

Source: Steinbach, Karypis and Kumar (2000), "A comparison of document clustering techniques".
"""

import warnings
from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from fulcra import _core
from fulcra._base import Data, Interval, StrOptions, check_weights, estimator_fit, raise_non_finite
from fulcra.cluster._centers import CenterClusterer
from fulcra.cluster._seeding import Start, computed_by, forgy, seed_for_the_core


class BisectingKMeans(CenterClusterer):
    """Bisecting k-means: the worst cluster, at first all rows, is parted by k-means until there are k.

    Takes the place of `sklearn.cluster.BisectingKMeans`. The clusters form a binary tree, which new rows go
    down: at each fork to the nearer of two centers. The result is the same bits on any number of threads and
    any CPU.

    Parameters
    ----------
    n_clusters : int, default=8
        The number of clusters, and of centers; at most n_samples.
    init : {'k-means++', 'random'} or callable, default='random'
        Where the two centers of a bisection start:

        - 'k-means++': rows far apart. Depends on the seed and on what the rows hold, not on their order.
        - 'random': two rows drawn by weight.
        - a callable: is called with ``X, 2, random_state=RandomState``, X being the rows of the cluster, and
          returns two centers.
    n_init : int, default=1
        The number of starts of each bisection; the one with the lowest inertia wins, the first on a tie.
    random_state : int, RandomState instance or None, default=None
        Seeds the starts. A RandomState advances by one draw for each start of 'k-means++'.
    max_iter : int, default=300
        The most iterations of one start of a bisection.
    verbose : int, default=0
        Above 0: print the centers of each bisection.
    tol : float, default=1e-4
        Stop a bisection once the squared Frobenius norm of the centers' shift is at most `tol` times the mean
        of the features' (weighted) variances within the cluster.
    copy_x : bool, default=True
        Accepted as by scikit-learn. X is not changed for either value.
    algorithm : {'lloyd', 'elkan'}, default='lloyd'
        Accepted as by scikit-learn. Both give the same bits, in the same time, and leave out rows that cannot
        change sides.
    bisecting_strategy : {'biggest_inertia', 'largest_cluster'}, default='biggest_inertia'
        Which cluster is parted next: the one with the largest inertia, or the one with the most rows (with
        `sample_weight`, the largest sum of weights).

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The centers, in the dtype and the units of X, from left to right in the tree.
    labels_ : ndarray of shape (n_samples,), int32
        For each row the index of its cluster, which is what `predict` says.
    inertia_ : float
        The sum over the rows of weight times squared distance from the center of their cluster, in float64.
    n_iter_ : int
        Iterations of all bisections, of the best start of each.
    history_ : dict of str to ndarray of shape (n_clusters - 1,)
        By bisection: 'inertia' (of all rows, after it), 'size' (of the cluster it parted, in rows), 'n_iter'
        (of its best start), 'cut_short' (whether `max_iter` ended it) and 'seconds' (that it took).
    stop_reason_ : str
        Why there were no more bisections, as a sentence.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    KMeans : Looks for all centers at once.

    Notes
    -----
    The nearest of all centers may be one in another branch of the tree: `transform` and `score` look at all
    centers, as scikit-learn's do, and so does `predict` of an estimator that `from_centers` made, which has
    no tree. A `fit` of such an estimator starts afresh.

    Beside X, a fit holds 8 bytes a row, and of the rows that are being parted 20 bytes each and a copy,
    unless that is all.

    References
    ----------
    Steinbach, Karypis and Kumar (2000), "A comparison of document clustering techniques", KDD Workshop on
    Text Mining.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import BisectingKMeans
    >>> X = np.array([[1, 1], [10, 1], [3, 1], [10, 0], [2, 1], [10, 2], [10, 8], [10, 9], [10, 10]])
    >>> model = BisectingKMeans(n_clusters=3, random_state=0).fit(X)
    >>> model.cluster_centers_
    array([[ 2.,  1.],
           [10.,  9.],
           [10.,  1.]])
    >>> model.predict([[0, 0], [12, 3]])
    array([0, 2], dtype=int32)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"k-means++", "random"}), callable],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "verbose": ["verbose"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "copy_x": ["boolean"],
        "algorithm": [StrOptions({"lloyd", "elkan"})],
        "bisecting_strategy": [StrOptions({"biggest_inertia", "largest_cluster"})],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Data = "random",
        n_init: int = 1,
        random_state: int | np.random.RandomState | None = None,
        max_iter: int = 300,
        verbose: int = 0,
        tol: float = 1e-4,
        copy_x: bool = True,
        algorithm: str = "lloyd",
        bisecting_strategy: str = "biggest_inertia",
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.random_state = random_state
        self.max_iter = max_iter
        self.verbose = verbose
        self.tol = tol
        self.copy_x = copy_x
        self.algorithm = algorithm
        self.bisecting_strategy = bisecting_strategy

    @estimator_fit
    def fit(self, X: Data, y: object = None, sample_weight: Data = None) -> Self:
        """Find the tree of clusters.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows to cluster.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; None: all equal. Centers that a callable computes do not depend
            on it.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            If a parameter or the weights are unusable, there are fewer rows than clusters, or X is not
            finite: the message names the first such row and column.

        Warns
        -----
        ConvergenceWarning
            If fewer than `n_clusters` clusters have rows, for want of distinct rows.
        """
        X = self._rows(X, reset=True)
        if X.shape[0] < self.n_clusters:
            raise ValueError(f"n_samples={X.shape[0]} should be >= n_clusters={self.n_clusters}.")
        weights = check_weights(sample_weight, X)
        with self._flaws_named(X):
            found = _core.bisecting_fit(
                X,
                weights,
                _Guide(self, X, weights),
                n_clusters=self.n_clusters,
                max_iter=self.max_iter,
                tol=self.tol,
                by_size=self.bisecting_strategy == "largest_cluster",
            )
        if found.n_found < self.n_clusters:
            warnings.warn(
                f"Number of distinct clusters ({found.n_found}) found smaller than n_clusters "
                f"({self.n_clusters}). Possibly due to duplicate points in X.",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.cluster_centers_ = found.centers
        self.labels_ = found.labels
        self.inertia_ = found.inertia
        self.history_ = found.history
        self.n_iter_ = int(found.history["n_iter"].sum())
        self.stop_reason_ = _stop_reason(found, self.n_clusters, self.max_iter)
        self._tree = found.tree_centers, found.branches
        return self

    @classmethod
    def _params_of_known(cls, centers: Data) -> dict[str, Any]:
        return {}  # k centers say nothing of the first two

    def _nearest(self, rows: Any) -> NDArray[np.int32]:
        centers, branches = vars(self).get("_tree", ((), ()))
        return _core.bisecting_predict(rows, centers, branches) if len(branches) else super()._nearest(rows)


def _stop_reason(found: _core.BisectingFit, n_clusters: int, max_iter: int) -> str:
    n_bisections = len(found.history["n_iter"])
    why = "" if found.n_found == n_clusters else ", since no cluster has rows that differ"
    cut_short = int(found.history["cut_short"].sum())
    also = f" {cut_short} of them stopped at max_iter={max_iter}, before converging." if cut_short else ""
    bisections = f"{n_bisections} bisection{'' if n_bisections == 1 else 's'}"
    clusters = f"{found.n_found} cluster{'' if found.n_found == 1 else 's'}"
    return f"Stopped after {bisections} with {clusters}{why}.{also}"


class _Guide:
    """Gives the core the starts of each bisection as it comes to it.

    Which cluster is parted next, and with it what `random_state` draws from, depends on what was found.
    """

    def __init__(self, estimator: BisectingKMeans, X: Any, weights: NDArray[np.float64] | None) -> None:
        self.estimator = estimator
        self.X = X
        self.weights = weights
        self.random_state = check_random_state(estimator.random_state)
        if callable(estimator.init):
            raise_non_finite(estimator, X)  # the user's function is not asked to cope

    def starts(self, members: NDArray[np.uint32] | None) -> list[Start]:
        X, init, random_state = self.X, self.estimator.init, self.random_state
        draw: Callable[[], Start]
        if callable(init):
            draw = partial(computed_by, init, 2, X if members is None else X[members], random_state)
        elif init == "random":
            draw = partial(forgy, X, self.weights, 2, random_state, members)
        else:
            draw = partial(seed_for_the_core, init, random_state)
        return [draw() for _ in range(self.estimator.n_init)]

    def parted(self, centers: NDArray[np.float64]) -> None:
        if self.estimator.verbose:
            print(f"New centroids from bisection: {centers}")
