"""Fuzzy c-means: every row belongs to every cluster, more to the nearer ones.

Sources: Dunn (1973), "A fuzzy relative of the ISODATA process"; Bezdek (1981), "Pattern Recognition with
Fuzzy Objective Function Algorithms".
"""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import validate_data

from fulcra import _core
from fulcra._base import (
    Data,
    Floats,
    Interval,
    StrOptions,
    check_rows,
    check_weights,
    estimator_fit,
    non_finite_error,
    require_fitted,
)
from fulcra.cluster._seeding import starts


class FuzzyCMeans(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    ClusterMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
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

    @classmethod
    def from_centers(cls, centers: Data, *, feature_names: Data = None, **params: Any) -> Self:
        """Return a fitted estimator with known centers.

        It predicts, transforms and scores. A later `fit` starts from these centers, unless `params` say
        otherwise.

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
        FuzzyCMeans
            With `cluster_centers_`, `n_features_in_` and, where there are names, `feature_names_in_`.

        Raises
        ------
        ValueError
            If the centers are not finite, or the names do not match them in number.

        Examples
        --------
        >>> from fulcra.cluster import FuzzyCMeans
        >>> known = FuzzyCMeans.from_centers([[0.0], [3.0]])
        >>> known.predict_proba([[1.0], [3.0]]).round(2).tolist()
        [[0.8, 0.2], [0.0, 1.0]]
        """
        model = cls(**{"init": centers, **params})
        checked = check_array(
            centers, dtype=[np.float64, np.float32], order="C", copy=True, input_name="centers"
        )
        validate_data(model, centers, reset=True, skip_check_array=True)  # the features' names and number
        if feature_names is not None:
            names = np.asarray(feature_names, dtype=object)
            if names.shape != (checked.shape[1],):
                raise ValueError(
                    f"feature_names has {names.size} names; the centers have {checked.shape[1]} columns."
                )
            model.feature_names_in_ = names
        model.n_clusters = checked.shape[0]
        model.cluster_centers_ = checked
        return model

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
        X = _dense_rows(self, X, reset=True)
        if X.shape[0] < self.n_clusters:
            raise ValueError(f"n_samples={X.shape[0]} should be >= n_clusters={self.n_clusters}.")
        weights = check_weights(sample_weight, X)
        random_state = check_random_state(self.random_state)
        try:
            start = starts(self, X, weights, random_state, 1)[0]
            if isinstance(start, tuple):
                chosen = _core.kmeans_plusplus(X, weights, self.n_clusters, None, start[1])
                start = X[chosen]
            found = _core.fuzzy_fit(X, weights, start, m=self.m, max_iter=self.max_iter, tol=self.tol)
            u, objective, squares = _core.fuzzy_memberships(X, weights, found.centers, self.m)
            labels = _core.kmeans_predict(X, found.centers)
        except _core.NonFiniteError as error:
            raise non_finite_error(self, error) from None
        self.cluster_centers_ = found.centers
        self.u_, self.objective_, self.labels_ = u, objective, labels
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

    def fit_predict(self, X: Data, y: object = None, sample_weight: Data = None) -> NDArray[np.int32]:
        """Find the centers and return the labels; the same as ``fit(X).labels_``.

        Parameters
        ----------
        X : {array-like, data frame} of shape (n_samples, n_features)
            The rows to cluster.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.

        Returns
        -------
        ndarray of shape (n_samples,), int32
            The index of each row's nearest center.
        """
        labels: NDArray[np.int32] = self.fit(X, sample_weight=sample_weight).labels_
        return labels

    def predict(self, X: Data) -> NDArray[np.int32]:
        """Return the index of the nearest center for each row: where its membership is largest.

        Parameters
        ----------
        X : {array-like, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,), int32
            The lowest index on a tie.

        Raises
        ------
        NotFittedError
            If there are no centers yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        X = self._checked(X)
        try:
            return _core.kmeans_predict(X, self.cluster_centers_)
        except _core.NonFiniteError as error:
            raise non_finite_error(self, error) from None

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
        return self._memberships(self._checked(X), None)[0]

    def fit_transform(self, X: Data, y: object = None, sample_weight: Data = None) -> Floats:
        """Find the centers and return the distances; the same as ``fit(X).transform(X)``.

        Parameters
        ----------
        X : {array-like, data frame} of shape (n_samples, n_features)
            The rows to cluster.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.

        Returns
        -------
        ndarray of shape (n_samples, n_clusters)
            Euclidean distances, in the dtype of X.
        """
        return self.fit(X, sample_weight=sample_weight)._distances(X)

    def transform(self, X: Data) -> Floats:
        """Return the distance of each row from each center.

        Parameters
        ----------
        X : {array-like, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_clusters)
            Euclidean distances, in the dtype of X.

        Raises
        ------
        NotFittedError
            If there are no centers yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        return self._distances(X)

    def score(self, X: Data, y: object = None, sample_weight: Data = None) -> float:
        """Return minus the objective of X.

        Parameters
        ----------
        X : {array-like, data frame} of shape (n_samples, n_features)
            New rows.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; None: all equal.

        Returns
        -------
        float
            Minus the sum over rows and clusters of weight times membership to the power m times squared
            distance.

        Raises
        ------
        NotFittedError
            If there are no centers yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite, or the weights are unusable.
        """
        X = self._checked(X)
        return -self._memberships(X, check_weights(sample_weight, X))[1]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        """How many columns `transform` returns; scikit-learn's mixin asks for it by this name."""
        return len(self.cluster_centers_)

    def _checked(self, X: Data) -> Any:
        require_fitted(self, "cluster_centers_")
        return _dense_rows(self, X, reset=False)

    def _memberships(self, X: Any, weights: NDArray[np.float64] | None) -> tuple[Floats, float, float]:
        try:
            return _core.fuzzy_memberships(X, weights, self.cluster_centers_, self.m)
        except _core.NonFiniteError as error:
            raise non_finite_error(self, error) from None

    def _distances(self, X: Data) -> Floats:
        X = self._checked(X)
        try:
            return _core.kmeans_distances(X, self.cluster_centers_)
        except _core.NonFiniteError as error:
            raise non_finite_error(self, error) from None


def _dense_rows(estimator: FuzzyCMeans, X: Data, *, reset: bool) -> Floats:
    """Return X as the core reads it; memberships are dense, and so is the work, whatever X is."""
    if sp.issparse(X):
        raise TypeError("Sparse data was passed, but dense data is required: use X.toarray().")
    rows: Floats = check_rows(estimator, X, reset=reset)
    return rows
