"""Spherical k-means: rows by direction.

Source: Dhillon and Modha (2001), "Concept decompositions for large sparse text data using clustering".
"""

from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fulcra import _core
from fulcra._base import Data, Floats, check_weights, estimator_fit
from fulcra.cluster._restarts import RestartingClusterer
from fulcra.cluster._seeding import number_of_starts, starts


class SphericalKMeans(RestartingClusterer):
    """k-means by cosine: a row belongs to the center that points most nearly in its direction.

    How long a row is does not matter: of documents, the words that they use and not how many. The centers are
    unit vectors, towards the mean of the rows' unit vectors.

    Parameters
    ----------
    n_clusters : int, default=8
        The number of clusters, and of centers; at most n_samples.
    init : {'k-means++', 'random', 'random_partition', 'uniform'}, callable or array-like of shape \
(n_clusters, n_features), default='k-means++'
        Where the centers start; see `KMeans`. Rows are taken as unit vectors, by a callable too: 'k-means++'
        draws them in proportion to ``1 - cos`` to the nearest center so far. Centers that are given may have
        any length but 0.
    n_init : 'auto' or int, default='auto'
        The number of starts; the one with the lowest inertia wins, the first of them on a tie. 'auto': 1 for
        'k-means++' and for an array, else 10.
    max_iter : int, default=300
        The most iterations of one start.
    tol : float, default=1e-4
        Stop once the squared Frobenius norm of the centers' shift, ``sum((C_new - C_old)**2)``, is at most
        `tol` times the mean of the (weighted) variances of the features of the unit vectors.
    verbose : int, default=0
        Above 0: print a line per iteration.
    random_state : int, RandomState instance or None, default=None
        Seeds the starts.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The centers, unit vectors in the dtype of X.
    labels_ : ndarray of shape (n_samples,), int32
        For each row the index of the center at the largest cosine, the lowest index on a tie.
    inertia_ : float
        The sum over the rows of weight times ``1 - cos`` to the nearest center, in float64.
    n_iter_ : int
        Iterations of the best start.
    history_ : dict of str to ndarray of shape (n_iter_,)
        Of the best start, by iteration: 'inertia' (of the rows to the centers that the iteration began with),
        'shift' (``||C_new - C_old||``), 'seconds' (that it took), 'moved' (rows that changed their cluster)
        and 'evaluated' (the share of the distances from rows to centers that were computed).
    stop_reason_ : str
        Why the best start ended, as a sentence.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    KMeans : By Euclidean distance.

    Notes
    -----
    Of unit vectors ``||u - c||**2 = 2 * (1 - cos)``, so this is k-means of the unit vectors with centers that
    are kept at length 1, and the kernels, the guarantees and the speed are those of `KMeans`. Each step is
    the best for what the other has found, so the inertia never rises. A row is divided by its norm in float64
    and rounded to its dtype; labels are defined for that unit vector, as those of `KMeans` are.

    A row of zeros has no direction. It changes no center and counts in no sum, like one of weight 0; its
    distance from every center is 1, and its label 0.

    `fit` holds the unit vectors, as many bytes as X (the stored values of a sparse X) unless the rows of X
    have norm 1 already, but for rounding. `predict`, `transform` and `score` make them a few rows at a time.

    References
    ----------
    Dhillon and Modha (2001), "Concept decompositions for large sparse text data using clustering", Machine
    Learning 42.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import SphericalKMeans
    >>> X = np.array([[1.0, 0.0], [100.0, 1.0], [0.0, 3.0], [0.2, 9.0]])
    >>> spherical = SphericalKMeans(n_clusters=2, random_state=0).fit(X)
    >>> bool(spherical.labels_[0] == spherical.labels_[1] != spherical.labels_[2])
    True
    >>> SphericalKMeans.from_centers([[3, 4]]).transform([[6, 8], [4, -3]])
    array([[0.],
           [1.]])
    """

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

    @classmethod
    def from_centers(cls, centers: Data, *, feature_names: Data = None, **params: Any) -> Self:
        """Return a fitted estimator with known centers, which are divided by their norms.

        See `KMeans.from_centers`.

        Parameters
        ----------
        centers : array-like or data frame of shape (n_clusters, n_features)
            The centers; float32 is kept, everything else becomes float64.
        feature_names : array-like of shape (n_features,) of str, default=None
            Names of the columns; None takes those of a data frame.
        **params
            Parameters of the estimator, apart from `n_clusters`.

        Returns
        -------
        SphericalKMeans
            With `cluster_centers_`, `n_features_in_` and, where there are names, `feature_names_in_`.

        Raises
        ------
        ValueError
            If the centers are not finite, or zero, or the names do not match them in number.

        Examples
        --------
        >>> from fulcra.cluster import SphericalKMeans
        >>> SphericalKMeans.from_centers([[3, 4], [0, 5]]).cluster_centers_
        array([[0.6, 0.8],
               [0. , 1. ]])
        """
        model = super().from_centers(centers, feature_names=feature_names, **params)
        model.cluster_centers_ = _directions(model.cluster_centers_)
        return model

    @estimator_fit
    def fit(self, X: Data, y: object = None, sample_weight: Data = None) -> Self:
        """Find the centers.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows to cluster, of any length.
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
            If a parameter or the weights are unusable, there are fewer rows than clusters, a center of
            `init` is zero or every row that has weight is, or X is not finite: the message names the first
            such row and column.

        Warns
        -----
        ConvergenceWarning
            If fewer than `n_clusters` clusters have rows, for want of distinct directions.
        """
        X = self._enough_rows(X)
        self._n_init = number_of_starts(self, 10)
        weights = check_weights(sample_weight, X)
        progress = self._progress(X, y, weights)
        with self._flaws_named(X):
            units, zeros = _units(X)
            weights = _without(zeros, weights, X.shape[0])
            if weights is not None and not weights.any():
                raise ValueError("Every row of X that has weight is zero, and has no direction.")
            begin = starts(self, units, weights, check_random_state(self.random_state), self._n_init)
            found = _core.kmeans_fit(
                units,
                weights,
                [one if isinstance(one, tuple) else _directions(one) for one in begin],
                n_clusters=self.n_clusters,
                max_iter=self.max_iter,
                tol=self.tol,
                on_sphere=True,
                listener=progress,
            )
        found.labels[zeros] = 0
        return self._learn(found, progress)

    def _nearest(self, rows: Any) -> NDArray[np.int32]:
        return _core.spherical_predict(rows, self.cluster_centers_)

    def _distances(self, rows: Any) -> Floats:
        return _core.spherical_distances(rows, self.cluster_centers_)

    def _loss(self, rows: Any, weights: NDArray[np.float64] | None) -> float:
        return _core.spherical_loss(rows, weights, self.cluster_centers_)


def _units(X: Any) -> tuple[Any, NDArray[np.int64]]:
    """Return X with all rows divided by their norms, and which rows are zero."""
    cells, zeros = _core.unit_rows(X)
    if cells is None:
        return X, zeros
    if sp.issparse(X):
        return type(X)((cells, X.indices[: cells.size], X.indptr), shape=X.shape, copy=False), zeros
    return cells, zeros


def _directions(centers: Floats) -> Floats:
    units, zeros = _units(centers)
    if zeros.size:
        raise ValueError(f"Center {zeros[0]} is zero, and has no direction.")
    return units  # type: ignore[no-any-return]


def _without(
    zeros: NDArray[np.int64], weights: NDArray[np.float64] | None, n_samples: int
) -> NDArray[np.float64] | None:
    """Return the weights, 0 for the rows `zeros`."""
    if not zeros.size:
        return weights
    kept = np.ones(n_samples) if weights is None else weights.copy()
    kept[zeros] = 0
    return kept
