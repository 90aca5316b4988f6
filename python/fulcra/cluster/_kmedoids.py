"""k-medoids: clusters around rows of the data, for any distance.

Sources: see `KMedoids`; the search itself is in `_medoid_search`.
"""

import warnings
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state

from fulcra import _core
from fulcra._base import (
    Data,
    Floats,
    Interval,
    StrOptions,
    check_weights,
    estimator_fit,
    require_fitted,
)
from fulcra.cluster._centers import CenterClusterer
from fulcra.cluster._dissimilarity import (
    METRICS,
    WITH_MISSING,
    Dissimilarity,
    Metric,
    bytes_of,
    overflow_error,
)
from fulcra.cluster._medoid_search import MedoidSearch, assign


class KMedoids(CenterClusterer):
    """k-medoids clustering: k of the rows that make the distances of all rows from them small.

    A medoid is a row, so it can be looked at, outliers do not draw it away, and any distance will do, between
    categories as well.

    Parameters
    ----------
    n_clusters : int, default=8
        The number of clusters, and of medoids; at most n_samples.
    metric : str or callable, default='euclidean'
        How far apart two rows are:

        - a name that `sklearn.metrics.pairwise_distances` knows. 'euclidean', 'sqeuclidean', 'manhattan' and
          'cosine' are computed here, by direct differences in float64.
        - 'gower': for numbers and categories together, see Notes.
        - 'precomputed': X is a matrix of distances, (n_samples, n_samples) in `fit` and (n_samples,
          n_samples_in_fit) elsewhere.
        - a callable that takes two rows and returns a distance: symmetric, not negative.
    metric_params : dict, default=None
        What the metric takes besides two rows, such as ``{'p': 3}`` for 'minkowski'. 'seuclidean' and
        'mahalanobis' otherwise take (weighted) variances or covariances of X. For 'gower':
        ``{'categorical': [...]}``, the columns (positions or names) whose numbers are categories.
    method : {'fasterpam', 'alternate', 'clara'}, default='fasterpam'
        How medoids are found:

        - 'fasterpam': a medoid is swapped for any other row at once when that lowers the inertia, until no
          single swap does. A pass over the candidates takes n_samples² steps, whatever `n_clusters`.
        - 'alternate': rows to their nearest medoid and medoids to the middle of their cluster in turns.
          Quicker, and worse.
        - 'clara': 'fasterpam' on samples of the rows; the medoids that are best for all rows win. For more
          rows than n_samples² distances can be afforded for.
    init : {'k-medoids++', 'build', 'random'} or array-like of shape (n_clusters,), default='k-medoids++'
        Which medoids come first:

        - 'k-medoids++': one after the other, the best of a few rows drawn with probability proportional to
          weight times distance from the nearest medoid.
        - 'build': one after the other the row that lowers the inertia most. No randomness, and
          ``n_clusters * n_samples²`` steps.
        - 'random': rows drawn by weight.
        - an array: the indices of these rows. Not for 'clara'.
    max_iter : int, default=100
        The most passes over the candidates ('fasterpam') or iterations ('alternate').
    random_state : int, RandomState instance or None, default=None
        Seeds the start, and the samples of 'clara'.
    max_memory : int or str, default='1GB'
        Bytes that a matrix of distances may take. Where it would take more, distances are computed each time
        that they are needed: the same result, slower. Also written '512MB' or '2GiB'.
    n_samplings : int, default=10
        How many samples 'clara' draws.
    sample_size : int, default=None
        How many rows 'clara' draws for a sample, by weight; None: ``80 + 4 * n_clusters``.

    Attributes
    ----------
    medoid_indices_ : ndarray of shape (n_clusters,), int64
        Which rows of X are medoids; the first of equal rows.
    cluster_centers_ : ndarray of shape (n_clusters, n_features) or None
        Those rows, dense; of objects for a data frame with categories. None for 'precomputed'.
    labels_ : ndarray of shape (n_samples,), int32
        For each row the index of the nearest medoid, the lowest index on a tie.
    inertia_ : float
        The sum over the rows of weight times distance from the nearest medoid, in float64.
    n_iter_ : int
        Passes or iterations; for 'clara' the number of samples.
    history_ : dict of str to ndarray of shape (n_iter_,)
        By pass, iteration or sample: 'inertia' (at its end; for 'clara' that of all rows), 'swaps' (medoids
        that changed) and 'seconds' (that it took).
    stop_reason_ : str
        Why it ended, as a sentence.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    KMeans : Clusters around means, for squared Euclidean distances.

    Notes
    -----
    The result does not depend on the number of threads. But for 'precomputed', it does not depend on the
    order of the rows either, and a weight of 2 is the same as the row twice: equal rows are counted together,
    and all are taken in an order that follows from what they hold.

    Distances are kept in the dtype of X; sums of them are float64.

    Gower's distance is the mean over the columns of the difference over the column's range in `fit`, at most
    1, for numbers, and of 0 (equal) or 1 for everything else: strings, objects, booleans, categories. A value
    that is missing leaves its column out.

    'fasterpam' takes swaps in the order of Schubert and Rousseeuw's own package `kmedoids`: from the same
    start with a precomputed matrix both find the same medoids, but for ties and rounding.

    References
    ----------
    Kaufman and Rousseeuw (1990), "Finding Groups in Data", Wiley.
    Schubert and Rousseeuw (2021), "Fast and eager k-medoids clustering through O(k) runtime improvement of
    the PAM, CLARA, and CLARANS algorithms", Information Systems 101.
    Park and Jun (2009), "A simple and fast algorithm for k-medoids clustering", Expert Systems with
    Applications 36.
    Gower (1971), "A general coefficient of similarity and some of its properties", Biometrics 27.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import KMedoids
    >>> X = np.array([[1.0], [2.0], [3.0], [4.0], [100.0]])
    >>> KMedoids(n_clusters=1).fit(X).cluster_centers_
    array([[3.]])
    >>> pair = KMedoids(n_clusters=2, random_state=0).fit(X)
    >>> sorted(pair.medoid_indices_.tolist()), pair.inertia_
    ([2, 4], 4.0)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions(METRICS), callable],
        "metric_params": [dict, None],
        "method": [StrOptions({"fasterpam", "alternate", "clara"})],
        "init": [StrOptions({"k-medoids++", "build", "random"}), "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "max_memory": [Interval(Integral, 0, None, closed="left"), str],
        "n_samplings": [Interval(Integral, 1, None, closed="left")],
        "sample_size": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        metric: Metric = "euclidean",
        metric_params: dict[str, Any] | None = None,
        method: str = "fasterpam",
        init: Data = "k-medoids++",
        max_iter: int = 100,
        random_state: int | np.random.RandomState | None = None,
        max_memory: int | str = "1GB",
        n_samplings: int = 10,
        sample_size: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.metric_params = metric_params
        self.method = method
        self.init = init
        self.max_iter = max_iter
        self.random_state = random_state
        self.max_memory = max_memory
        self.n_samplings = n_samplings
        self.sample_size = sample_size

    @classmethod
    def from_centers(cls, centers: Data, *, feature_names: Data = None, **params: Any) -> Self:
        """Return a fitted estimator with known medoids.

        It predicts, transforms and scores.

        Parameters
        ----------
        centers : array-like or data frame of shape (n_clusters, n_features)
            The medoids; float32 is kept, everything else becomes float64.
        feature_names : array-like of shape (n_features,) of str, default=None
            Names of the columns; None takes those of a data frame.
        **params
            Parameters of the estimator, apart from `n_clusters`.

        Returns
        -------
        KMedoids
            With `cluster_centers_`, `n_features_in_` and, where there are names, `feature_names_in_`.

        Raises
        ------
        ValueError
            If the centers are not finite, the names do not match them in number, or the metric needs to see
            the data first: 'gower', 'precomputed', 'seuclidean' and 'mahalanobis' without `metric_params`.

        Examples
        --------
        >>> from fulcra.cluster import KMedoids
        >>> known = KMedoids.from_centers([[0, 0], [9, 9]], metric="manhattan")
        >>> known.predict([[1, 2], [8, 5]])
        array([0, 1], dtype=int32)
        """
        model = super().from_centers(centers, feature_names=feature_names, **params)
        model._validate_params()
        given = set(model.metric_params or {})
        needs_data = {"seuclidean": "V", "mahalanobis": "VI"}.get(str(model.metric))
        if model.metric in {"gower", "precomputed"} or (needs_data and needs_data not in given):
            raise ValueError(f"metric={model.metric!r} takes what it needs from the data of fit.")
        model._medoids = model.cluster_centers_
        model._dissimilarity = Dissimilarity(model)
        return model

    @estimator_fit
    def fit(self, X: Data, y: object = None, sample_weight: Data = None) -> Self:
        """Find the medoids.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features), or distances of shape \
(n_samples, n_samples)
            The rows to cluster.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; None: all equal. A row of weight 0 is no medoid.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            If a parameter or the weights are unusable, there are fewer rows than clusters, X is not finite,
            or a matrix of distances is not square, symmetric and at least 0.

        Warns
        -----
        ConvergenceWarning
            If there are fewer distinct rows (of weight above 0) than clusters: the clusters beyond them are
            empty.
        """
        memory = bytes_of(self.max_memory)
        dissimilarity = Dissimilarity(self)
        rows = dissimilarity.fit_rows(self, X, lambda n: _counted(sample_weight, n))
        weights = check_weights(sample_weight, rows)
        if rows.shape[0] < self.n_clusters:
            raise ValueError(f"n_samples={rows.shape[0]} should be >= n_clusters={self.n_clusters}.")
        with self._flaws_named(rows):
            search = MedoidSearch(self, dissimilarity, rows, weights)
            found = search.run(memory, check_random_state(self.random_state))
            medoids = found.medoids
            if len(medoids) < self.n_clusters:
                warnings.warn(
                    f"Number of distinct rows ({len(medoids)}) found smaller than n_clusters "
                    f"({self.n_clusters}). Possibly due to duplicate points in X.",
                    ConvergenceWarning,
                    stacklevel=3,
                )
                others = np.setdiff1d(np.arange(rows.shape[0]), medoids)
                medoids = np.concatenate([medoids, others[: self.n_clusters - len(medoids)]])
            self.medoid_indices_: NDArray[np.int64] = medoids
            self._dissimilarity = dissimilarity
            self._remember_medoids(X, rows)
            self.labels_, self.inertia_ = self._assign(rows, weights)
        self.history_ = {name: np.asarray(column) for name, column in found.history.items()}
        self.n_iter_ = len(self.history_["inertia"])
        self.stop_reason_ = found.sentence
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.metric not in {"gower", "precomputed"}
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.allow_nan = self.metric in WITH_MISSING
        tags.input_tags.string = tags.input_tags.categorical = self.metric == "gower"
        kinds = ["float64"] if self.metric == "gower" else ["float64", "float32"]
        tags.transformer_tags.preserves_dtype = kinds
        return tags

    @property
    def _n_features_out(self) -> int:
        """How many columns `transform` returns; scikit-learn's mixin asks for it by this name."""
        return len(self._medoids)

    @classmethod
    def _params_of_known(cls, centers: Data) -> dict[str, Any]:
        return {}

    def _remember_medoids(self, X: Data, rows: Any) -> None:
        """Set what users see of the medoids, and what distances are computed from."""
        indices = self.medoid_indices_
        if self.metric == "precomputed":
            self.cluster_centers_, self._medoids = None, indices
            return
        medoids = rows[indices]
        self._medoids = medoids.toarray() if sp.issparse(medoids) else medoids
        self.cluster_centers_ = self._medoids
        if self.metric == "gower":
            self.cluster_centers_ = check_array(X, dtype=None, ensure_all_finite=False)[indices]

    def _checked(self, X: Data) -> Any:
        require_fitted(self, "_medoids")
        return self._dissimilarity.rows(self, X)

    def _assign(self, rows: Any, weights: NDArray[np.float64] | None) -> tuple[NDArray[np.int32], float]:
        return assign(self._dissimilarity, rows, self._medoids, weights)

    def _nearest(self, rows: Any) -> NDArray[np.int32]:
        return self._assign(rows, None)[0]

    def _distances(self, rows: Any) -> Floats:
        return self._dissimilarity.between(rows, self._medoids)

    def _loss(self, rows: Any, weights: NDArray[np.float64] | None) -> float:
        return self._assign(rows, weights)[1]

    def _named_flaw(self, rows: Any, error: _core.NonFiniteError) -> ValueError:
        return overflow_error(self, rows)


def _counted(sample_weight: Data, n: int) -> NDArray[np.bool_]:
    """Which of n rows have weight; what is wrong with the weights is found later."""
    weights = np.ones(n) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    return weights > 0 if weights.shape == (n,) else np.ones(n, dtype=bool)
