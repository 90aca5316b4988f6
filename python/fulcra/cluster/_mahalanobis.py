"""k-means by Mahalanobis distance: clusters that are ellipsoids.

Sources: Symons (1981), "Clustering criteria and multivariate normal mixtures"; Friedman (1989), "Regularized
discriminant analysis" (shrinkage).
"""

from contextlib import contextmanager
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array, check_random_state

from fulcra import _core
from fulcra._base import Data, Floats, Interval, StrOptions, check_weights, estimator_fit
from fulcra.cluster._restarts import RestartingClusterer
from fulcra.cluster._seeding import number_of_starts, starts

if TYPE_CHECKING:
    from collections.abc import Iterator


class MahalanobisKMeans(RestartingClusterer):
    """k-means clustering by Mahalanobis distance, ``d(x, c)**2 = (x - c)^T S^-1 (x - c)``.

    Features may be correlated, and in different units. The covariance S is found with the clusters: one for
    all, or one for each.

    Parameters
    ----------
    n_clusters : int, default=8
        The number of clusters, and of centers; at most n_samples.
    covariance : {'shared', 'full'} or array-like of shape (n_features, n_features) or (n_clusters, \
n_features, n_features), default='shared'
        The covariance S:

        - 'shared': one, that of the rows around their centers.
        - 'full': one for each cluster. Larger clusters may lie around smaller ones.
        - an array: this one, or these.
    shrinkage : float, default=0.001
        How far estimated covariances are drawn to the diagonal matrix of the features' variances, from 0 to
        below 1. Above 0 no cluster can shrink to nothing; directions in which rows vary by less than this
        share of what their features do are blurred.
    init : {'k-means++', 'random', 'random_partition', 'uniform'}, callable or array-like of shape \
(n_clusters, n_features), default='k-means++'
        Where the centers start; see `KMeans`. 'k-means++' draws by the Mahalanobis distance of the covariance
        of all rows, which is where S starts.
    n_init : 'auto' or int, default='auto'
        The number of starts; the one with the lowest inertia wins, the first of them on a tie. 'auto': 1 for
        'k-means++' and for an array, else 10.
    max_iter : int, default=300
        The most iterations of one start.
    tol : float, default=1e-6
        Stop once an iteration lowers the inertia by at most `tol` for each unit of weight.
    verbose : int, default=0
        Above 0: print a line per iteration.
    random_state : int, RandomState instance or None, default=None
        Seeds the starts.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The centers, in the dtype and the units of X.
    covariances_ : ndarray of shape (n_features, n_features), or (n_clusters, n_features, n_features)
        S, shrunk, in float64: one for 'shared', else one for each cluster.
    precisions_cholesky_ : ndarray of the shape of `covariances_`
        Upper triangular P with ``P @ P.T`` the inverse of S: ``(x - c) @ P`` is as long as x is far from c.
    penalties_ : ndarray of shape (n_clusters,)
        What a cluster adds to the inertia for each of its rows, beside the distance; see Notes.
    shrinkage_ : float
        The shrinkage that was used, 0 for a given S.
    labels_ : ndarray of shape (n_samples,), int32
        For each row the cluster to whose part of the inertia it adds least, the lowest index on a tie. For
        one S that is the nearest center.
    inertia_ : float
        What `fit` makes small, in float64; see Notes. It may be negative.
    n_iter_ : int
        Iterations of the best start.
    history_ : dict of str to ndarray of shape (n_iter_,)
        Of the best start, by iteration: 'inertia' (of the centers and covariances that the iteration began
        with), 'shift' (``||C_new - C_old||``, in the units of X), 'seconds' (that it took), 'moved' (rows
        that changed their cluster) and 'evaluated' (always 1).
    stop_reason_ : str
        Why the best start ended, as a sentence.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    KMeans : S is the unit matrix.
    sklearn.mixture.GaussianMixture : Rows belong to several clusters, in part.

    Notes
    -----
    With a for `shrinkage_` and T the diagonal matrix of the features' (weighted) variances, the inertia is

    ``sum(w * ((1 - a) * d(x, c)**2 + a * trace(T S^-1) + log(det S)))``

    with the c and S of each row's cluster; the last two terms are `penalties_`. Without the determinant, S
    would grow until all distances vanish. Given the labels, the inertia is least at the means and at
    ``S = (1 - a) * E + a * T``, with E the covariance that the rows have: each step is the best for what the
    others have found, so the inertia never rises. With a = 0 any invertible linear map of the features, and
    any shift, leads to the same clusters; with a > 0 any change of their units does.

    A cluster that has no rows is given the rows of the content that adds most to the inertia, if they lower
    it there. Rows of weight 0 change nothing, and a weight of 2 is the same as the row twice.

    `fit` reads rows a few at a time, and holds one float64 for each, but a start by 'k-means++' takes a
    float64 copy of X in other coordinates. X is dense.

    References
    ----------
    Symons (1981), "Clustering criteria and multivariate normal mixtures", Biometrics 37.
    Friedman (1989), "Regularized discriminant analysis", JASA 84.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import MahalanobisKMeans
    >>> along = np.linspace(-9, 9, 7)
    >>> wide = np.array([0.1, -0.1, 0.1, 0.0, -0.1, 0.1, -0.1])
    >>> X = np.r_[np.c_[along, along + wide], np.c_[along, along + 2 - wide]]  # two long parallel strips
    >>> strips = MahalanobisKMeans(n_clusters=2, n_init=10, random_state=0).fit(X)
    >>> sorted(np.bincount(strips.labels_[:7], minlength=2).tolist())
    [0, 7]
    """

    #: A whitened row is dense.
    _takes_sparse = False

    _stop_sentences: ClassVar[dict[str, str]] = {
        **RestartingClusterer._stop_sentences,
        "tol": "Converged after {iterations}: the last lowered the inertia by no more than tol={tol} for "
        "each unit of weight.",
    }

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RestartingClusterer._parameter_constraints,
        "covariance": [StrOptions({"shared", "full"}), "array-like"],
        "shrinkage": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        covariance: Data = "shared",
        shrinkage: float = 0.001,
        init: Data = "k-means++",
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-6,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.covariance = covariance
        self.shrinkage = shrinkage
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state

    @classmethod
    def from_centers(cls, centers: Data, *, feature_names: Data = None, **params: Any) -> Self:
        """Return a fitted estimator with known centers and a known covariance.

        See `KMeans.from_centers`.

        Parameters
        ----------
        centers : array-like or data frame of shape (n_clusters, n_features)
            The centers; float32 is kept, everything else becomes float64.
        feature_names : array-like of shape (n_features,) of str, default=None
            Names of the columns; None takes those of a data frame.
        **params
            Parameters of the estimator, apart from `n_clusters`. `covariance` has to be an array.

        Returns
        -------
        MahalanobisKMeans
            With `cluster_centers_`, `covariances_`, `precisions_cholesky_`, `penalties_`, `n_features_in_`
            and, where there are names, `feature_names_in_`.

        Raises
        ------
        ValueError
            If the centers are not finite, the covariance is none, or the names do not match them in number.

        Examples
        --------
        >>> from fulcra.cluster import MahalanobisKMeans
        >>> known = MahalanobisKMeans.from_centers([[1, 2]], covariance=[[4, 0], [0, 1]])
        >>> known.transform([[3, 2], [1, 5]])
        array([[1.],
               [3.]])
        """
        model = super().from_centers(centers, feature_names=feature_names, **params)
        covariances = model._given_covariances(model.cluster_centers_.shape[1])
        if covariances is None:
            raise ValueError(
                f"from_centers needs a covariance that is known, as an array; it is {model.covariance!r}."
            )
        with model._flaws_named(None):
            factors, log_dets = _core.mahalanobis_factors(covariances)
        model._know(covariances, factors, log_dets, shrinkage=0.0)
        return model

    @estimator_fit
    def fit(self, X: Data, y: object = None, sample_weight: Data = None) -> Self:
        """Find the centers and the covariances.

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
            If a parameter or the weights are unusable, there are fewer rows than clusters, a covariance is
            singular (a column is constant; or follows from others, or a cluster has too few rows, and
            `shrinkage` is 0), or X is not finite: the message names the first such row and column.

        Warns
        -----
        ConvergenceWarning
            If fewer than `n_clusters` clusters have rows, for want of distinct rows.
        """
        X = self._enough_rows(X)
        self._n_init = number_of_starts(self, 10)
        weights = check_weights(sample_weight, X)
        given = self._given_covariances(X.shape[1])
        progress = self._progress(X, y, weights)
        if given is not None:
            full, shrinkage = len(given) > 1, 0.0
        else:
            full, shrinkage = self.covariance == "full", float(self.shrinkage)
            if X.shape[0] == 1:
                raise ValueError("n_samples=1: to estimate a covariance takes at least 2.")
        with self._flaws_named(X):
            found = _core.mahalanobis_fit(
                X,
                weights,
                starts(self, X, weights, check_random_state(self.random_state), self._n_init),
                n_clusters=self.n_clusters,
                max_iter=self.max_iter,
                tol=self.tol,
                shrinkage=shrinkage,
                full=full,
                covariances=given,
                listener=progress,
            )
        self._know(found.covariances, found.precisions_cholesky, found.penalties, shrinkage=shrinkage)
        return self._learn(found.clusters, progress)

    @contextmanager
    def _flaws_named(self, rows: Any) -> "Iterator[None]":
        try:
            with super()._flaws_named(rows):
                yield
        except _core.SingularError as error:
            cluster, column, constant = error.args
            name = self.__dict__.get("feature_names_in_", range(column + 1))[column]
            why = "is constant" if constant else "follows from the columns before it"
            raise ValueError(
                f"The covariance of cluster {cluster} is singular: column {name!r} {why}. Raise shrinkage, "
                "leave the column out, or ask for fewer clusters."
            ) from None

    def _verbose_endings(self) -> dict[str, str]:
        return {
            "unchanged": "strict convergence",
            "tol": f"inertia fell by no more than {self.tol} for each unit of weight",
        }

    def _given_covariances(self, n_features: int) -> NDArray[np.float64] | None:
        """Return the covariances that the user knows, (1 or n_clusters, n_features, n_features)."""
        if isinstance(self.covariance, str):
            return None
        given: NDArray[np.float64] = check_array(
            self.covariance, dtype=np.float64, allow_nd=True, input_name="covariance"
        )
        square = (n_features, n_features)
        if given.shape not in (square, (self.n_clusters, *square)):
            raise ValueError(
                f"covariance has shape {given.shape}; {square} or {(self.n_clusters, *square)} is needed for "
                f"{n_features} features and {self.n_clusters} clusters."
            )
        if not np.allclose(given, np.swapaxes(given, -1, -2), rtol=1e-8, atol=0):
            raise ValueError("covariance must be symmetric.")
        return given.reshape(-1, *square)

    def _know(
        self,
        covariances: NDArray[np.float64],
        factors: NDArray[np.float64],
        penalties: NDArray[np.float64],
        *,
        shrinkage: float,
    ) -> None:
        one = len(covariances) == 1 and (
            self.covariance == "shared" if isinstance(self.covariance, str) else np.ndim(self.covariance) == 2
        )
        self.covariances_ = covariances[0] if one else covariances
        self.precisions_cholesky_ = factors[0] if one else factors
        self.penalties_ = np.broadcast_to(penalties, (self.n_clusters,)).copy()
        self.shrinkage_ = shrinkage

    def _nearest(self, rows: Any) -> NDArray[np.int32]:
        return self._labelled(rows, None)[0]

    def _distances(self, rows: Any) -> Floats:
        return _core.mahalanobis_distances(rows, self.cluster_centers_, self._factors())

    def _loss(self, rows: Any, weights: NDArray[np.float64] | None) -> float:
        return self._labelled(rows, weights)[1]

    def _labelled(self, rows: Any, weights: NDArray[np.float64] | None) -> tuple[NDArray[np.int32], float]:
        """Return the labels, and the sum of weight times what each row adds to the inertia."""
        factors = self._factors()
        penalties = self.penalties_[: len(factors)]
        return _core.mahalanobis_label(
            rows, weights, self.cluster_centers_, factors, penalties, 1 - self.shrinkage_
        )

    def _factors(self) -> NDArray[np.float64]:
        return self.precisions_cholesky_.reshape(-1, *self.precisions_cholesky_.shape[-2:])
