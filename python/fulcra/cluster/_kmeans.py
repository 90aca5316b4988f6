"""k-means: Lloyd's iterations from a good start.

Sources: Lloyd (1982), "Least squares quantization in PCM"; for the start see `_seeding`.
"""

import warnings
from numbers import Real
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
    check_function_params,
    check_weights,
    estimator_fit,
)
from fulcra.cluster import _diagnostics
from fulcra.cluster._restarts import RestartingClusterer
from fulcra.cluster._seeding import NAMED_INITS, a_seed, number_of_starts, starts


class KMeans(RestartingClusterer):
    """k-means clustering: k centers that make the squared distances to the rows small.

    Takes the place of `sklearn.cluster.KMeans`. The labels are those of the truly nearest centers, whatever
    the rounding of the data's dtype, and the result is the same bits on any number of threads and any CPU.

    Parameters
    ----------
    n_clusters : int, default=8
        The number of clusters, and of centers; at most n_samples.
    init : {'k-means++', 'density', 'random', 'random_partition', 'uniform'}, callable or array-like \
of shape (n_clusters, n_features), default='k-means++'
        Where the centers start:

        - 'k-means++': rows far apart, by the greedy form of k-means++. Depends on the seed and on what the
          rows hold, not on their order.
        - 'density': rows in dense places, far from any denser row (density peaks), of all rows, or of a
          sample of 2000 or 8 for each center where there are more. Rows far from all others, which
          'k-means++' is drawn to, are left alone.
        - 'random': rows drawn by weight, without replacement (Forgy).
        - 'random_partition': the means of the rows after each was put in a random cluster.
        - 'uniform': points drawn uniformly from the bounding box of the data.
        - an array: these centers.
        - a callable: is called with ``X, n_clusters, random_state=RandomState`` and returns the centers.
    n_init : 'auto' or int, default='auto'
        The number of starts; the one with the lowest inertia wins, the first of them on a tie. 'auto': 1 for
        'k-means++', 'density' and an array, else 10.
    max_iter : int, default=300
        The most iterations of one start.
    tol : float, default=1e-4
        Stop once the squared Frobenius norm of the centers' shift, ``sum((C_new - C_old)**2)``, is at most
        `tol` times the mean of the features' (weighted) variances, of the rows that are not trimmed.
    verbose : int, default=0
        Above 0: print a line per iteration.
    random_state : int, RandomState instance or None, default=None
        Seeds the starts. A RandomState advances by one draw for each start of 'k-means++' and
        'random_partition'.
    copy_x : bool, default=True
        Accepted as by scikit-learn. X is neither changed nor copied for either value.
    algorithm : {'auto', 'lloyd', 'elkan'}, default='auto'
        All give the same bits. 'auto' leaves out the distances that cannot matter wherever that spares time;
        'lloyd' computes every distance; 'elkan' is 'auto' by the name that scikit-learn has for it.
    shift_tol : float, default=None
        Stop once ``||C_new - C_old||`` (Frobenius norm, in the units of X) is at most this.
    inertia_tol : float, default=None
        Stop once the inertia changes, from one iteration to the next, by at most this fraction of itself.
    refine : {'breathing'}, default=None
        What to do with the best start. 'breathing' adds a few centers where the sums of squares are largest,
        iterates, takes as many away where that costs least, and goes on while that lowers the inertia. The
        result is usually better than the best of ten starts, for a few times the work of one.
    empty_clusters : {'farthest', 'random', 'split'}, default='farthest'
        What a cluster that loses all its rows is given, each with all its copies:

        - 'farthest': the row that is farthest from its center.
        - 'random': a row drawn by weight, of those that do not sit on their center.
        - 'split': half of the cluster with the largest sum of squares, the rows on one side of its mean along
          its principal axis. Of no use to outliers, which 'farthest' is drawn to.
    trim : float, default=0.0
        The share of the weight, from 0 to below 1, that takes no part: in every iteration the rows that are
        farthest from their nearest center are left out of the means and the inertia (trimmed k-means).
        Rounded down to whole rows: from the farthest on as many as weigh no more than the share, rows of
        equal content together, and none that sits on its center. The start by 'k-means++' then does not draw
        from the share of the rows that is farthest from the centers so far.
    max_shift : float, default=None
        How far a center moves in one iteration at most (Euclidean, in the units of X). While one is held
        short of the mean of its rows, no rule but `max_iter` stops the fit. A center that is given other
        rows because it lost its own goes there at once. None: no bound.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The centers, in the dtype and the units of X.
    labels_ : ndarray of shape (n_samples,), int32
        For each row the index of the nearest of `cluster_centers_`, the lowest index on a tie.
    inertia_ : float
        The sum over the rows, those trimmed left out, of weight times squared distance from the nearest of
        `cluster_centers_`, in float64.
    trimmed_ : ndarray of shape (n_samples,), bool
        With `trim` above 0 only: the rows that take no part. They have labels as all others.
    diagnostics_ : list of str
        What happened, and what is wrong with the clusters, in sentences that name the cluster, the number and
        the parameter that helps: clusters that lost all rows, or have none; what `trim` and `max_shift` did;
        a fit that did not converge; outliers, in a cluster or with one of their own; centers in a sparse
        region between groups. Empty where nothing is to say. See Notes.
    n_iter_ : int
        Iterations of the best start, and of what `refine` made of it.
    history_ : dict of str to ndarray of shape (n_iter_,)
        Of the best start, and of its refinement where that was an improvement, by iteration: 'inertia' (of
        the rows to the centers that the iteration began with), 'shift' (``||C_new - C_old||``, in the units
        of X), 'seconds' (that it took), 'moved' (rows that changed their cluster) and 'evaluated' (the share
        of the distances from rows to centers that were computed).
    stop_reason_ : str
        Why the best start ended, as a sentence.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    kmeans_plusplus : The default start alone.
    screen_outliers : Rows that are far from their centers.

    Notes
    -----
    A label is the argmin of the direct difference in float64 between the row and the centers; inertia and
    distances come from direct differences in float64 as well, so that offsets and large coordinates do not
    blur them.

    Rows of weight 0 change nothing, and a weight of 2 is the same as the row twice.

    The findings in `diagnostics_` are tests, each of which accuses a clustering without flaws with a
    probability of 0.01 or less. Without flaws means that the rows of each cluster have a log-concave density:
    Gaussian of any covariance, uniform on a convex body, and whatever k-means cuts out of these. No such
    density has a heavier tail than the exponential distribution, so of n rows none is expected at more than
    ``e / 2 * (ln(n / 0.01) - 1)`` times the mean distance from the mean (more than that for small clusters);
    and in every direction a quarter of the rows or more is within half of the mean distance of it. A cluster
    as small as ``min(n / (10 * n_clusters), ln(n))`` rows, or one row, may be outliers. Weights say how rows
    compare, not how many they are.

    Inputs must not be written to by other threads while a fit runs.

    References
    ----------
    Lloyd (1982), "Least squares quantization in PCM", IEEE Transactions on Information Theory 28.
    Rodriguez and Laio (2014), "Clustering by fast search and find of density peaks", Science 344.
    Fritzke (2020), "The breathing k-means algorithm", arXiv:2006.15666.
    Cuesta-Albertos, Gordaliza and Matran (1997), "Trimmed k-means: an attempt to robustify quantizers",
    Annals of Statistics 25.
    Boley (1998), "Principal direction divisive partitioning", Data Mining and Knowledge Discovery 2.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import KMeans
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> kmeans = KMeans(n_clusters=2, random_state=0).fit(X)
    >>> kmeans.cluster_centers_[kmeans.predict([[0, 0], [12, 3]])]
    array([[ 1.,  2.],
           [10.,  2.]])
    >>> kmeans.inertia_
    16.0
    >>> KMeans(n_clusters=2, init=[[1, 4], [9, 2]], n_init=1).fit(X).stop_reason_
    'Converged after 2 iterations: no row changed its cluster.'
    """

    _stop_sentences: ClassVar[dict[str, str]] = {
        **RestartingClusterer._stop_sentences,
        "shift_tol": "Converged after {iterations}: the shift of the centers is within "
        "shift_tol={shift_tol}.",
        "inertia_tol": "Converged after {iterations}: the inertia changed by no more than "
        "inertia_tol={inertia_tol} of itself.",
    }

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RestartingClusterer._parameter_constraints,
        "init": [StrOptions(NAMED_INITS | {"density"}), callable, "array-like"],
        "copy_x": ["boolean"],
        "algorithm": [StrOptions({"auto", "lloyd", "elkan"})],
        "shift_tol": [Interval(Real, 0, None, closed="left"), None],
        "inertia_tol": [Interval(Real, 0, None, closed="left"), None],
        "refine": [StrOptions({"breathing"}), None],
        "empty_clusters": [StrOptions({"farthest", "random", "split"})],
        "trim": [Interval(Real, 0, 1, closed="left")],
        "max_shift": [Interval(Real, 0, None, closed="neither"), None],
    }

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
        copy_x: bool = True,
        algorithm: str = "auto",
        shift_tol: float | None = None,
        inertia_tol: float | None = None,
        refine: str | None = None,
        empty_clusters: str = "farthest",
        trim: float = 0.0,
        max_shift: float | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm
        self.shift_tol = shift_tol
        self.inertia_tol = inertia_tol
        self.refine = refine
        self.empty_clusters = empty_clusters
        self.trim = trim
        self.max_shift = max_shift

    @estimator_fit
    def fit(self, X: Data, y: object = None, sample_weight: Data = None) -> Self:
        """Find the centers.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows to cluster. A C-contiguous array of float32 or float64, memory-mapped or not, and a CSR
            matrix with 32-bit sorted indices are used where they are.
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
        if self.algorithm == "elkan" and self.n_clusters == 1:
            warnings.warn(
                "algorithm='elkan' doesn't make sense for a single cluster. Using 'lloyd' instead.",
                RuntimeWarning,
                stacklevel=3,
            )
        weights = check_weights(sample_weight, X)
        progress = self._progress(X, y, weights)
        random_state = check_random_state(self.random_state)
        with self._flaws_named(X):
            found = _core.kmeans_fit(
                X,
                weights,
                starts(self, X, weights, random_state, self._n_init),
                n_clusters=self.n_clusters,
                max_iter=self.max_iter,
                tol=self.tol,
                shift_tol=self.shift_tol,
                inertia_tol=self.inertia_tol,
                every_distance=self.algorithm == "lloyd",
                breathing=self.refine == "breathing",
                empty=self.empty_clusters,
                empty_seed=a_seed(random_state) if self.empty_clusters == "random" else 0,
                trim=self.trim,
                max_shift=self.max_shift,
                diagnose=True,
                listener=progress,
            )
        more = {} if found.trimmed is None else {"trimmed_": found.trimmed}
        self.__dict__.pop("trimmed_", None)  # of an earlier fit
        return self._learn(found, progress, diagnostics_=_diagnostics.of_kmeans(self, found, X), **more)

    def _verbose_endings(self) -> dict[str, str]:
        return {
            **super()._verbose_endings(),
            "shift_tol": f"center shift within shift_tol {self.shift_tol}",
            "inertia_tol": f"inertia change within inertia_tol {self.inertia_tol}",
        }


@check_function_params(
    {
        "X": ["array-like", "sparse matrix"],
        "sample_weight": ["array-like", None],
        "return_n_iter": [bool],
    }
)
def k_means(
    X: Data,
    n_clusters: int,
    *,
    sample_weight: Data = None,
    init: Data = "k-means++",
    n_init: int | str = "auto",
    max_iter: int = 300,
    verbose: bool = False,
    tol: float = 1e-4,
    random_state: int | np.random.RandomState | None = None,
    copy_x: bool = True,
    algorithm: str = "auto",
    return_n_iter: bool = False,
    shift_tol: float | None = None,
    inertia_tol: float | None = None,
    refine: str | None = None,
    empty_clusters: str = "farthest",
    trim: float = 0.0,
    max_shift: float | None = None,
) -> tuple[Floats, NDArray[np.int32], float] | tuple[Floats, NDArray[np.int32], float, int]:
    """Cluster the rows of X with `KMeans`, as a function.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The rows to cluster.
    n_clusters : int
        The number of clusters.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row.
    init, n_init, max_iter, verbose, tol, random_state, copy_x, algorithm
        See `KMeans`.
    shift_tol, inertia_tol, refine, empty_clusters, trim, max_shift
        See `KMeans`.
    return_n_iter : bool, default=False
        Whether to return the number of iterations as well.

    Returns
    -------
    centroid : ndarray of shape (n_clusters, n_features)
        The centers.
    label : ndarray of shape (n_samples,), int32
        The index of each row's nearest center.
    inertia : float
        The sum of weight times squared distance from the nearest center, of the rows that are not trimmed.
    best_n_iter : int
        Iterations of the best start; only with `return_n_iter`.

    Raises
    ------
    ValueError
        As `KMeans.fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import k_means
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> centroid, label, inertia = k_means(X, n_clusters=2, random_state=0)
    >>> inertia
    16.0
    """
    found = KMeans(
        n_clusters=n_clusters,
        init=init,
        n_init=n_init,
        max_iter=max_iter,
        verbose=verbose,
        tol=tol,
        random_state=random_state,
        copy_x=copy_x,
        algorithm=algorithm,
        shift_tol=shift_tol,
        inertia_tol=inertia_tol,
        refine=refine,
        empty_clusters=empty_clusters,
        trim=trim,
        max_shift=max_shift,
    ).fit(X, sample_weight=sample_weight)
    result = found.cluster_centers_, found.labels_, found.inertia_
    return (*result, found.n_iter_) if return_n_iter else result
