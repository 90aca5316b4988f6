"""Where k-means starts: every kind of `init`.

Sources: Arthur and Vassilvitskii (2007), "k-means++: the advantages of careful seeding"; Forgy (1965),
"Cluster analysis of multivariate data" ('random': k of the rows); Hamerly and Elkan (2002), "Alternatives to
the k-means algorithm that find better clusterings" ('random_partition': every row in a random cluster, then
the means).
"""

import warnings
from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state
from sklearn.utils.sparsefuncs import min_max_axis

from fulcra import _core
from fulcra._base import (
    Data,
    Floats,
    Interval,
    check_function_params,
    check_rows,
    check_weights,
    is_plain,
    non_finite_error,
    raise_non_finite,
)
from fulcra.cluster._density import density_peaks

#: One start of the core: centres, or the name of its own way of finding them and a seed.
Start: TypeAlias = Floats | tuple[str, int]

#: Every `init` that has a name and suits any metric; KMeans has 'density' besides.
NAMED_INITS = {"k-means++", "random", "random_partition", "uniform"}

_RARELY_BAD = ("k-means++", "density")

_IN_THE_CORE = ("k-means++", "random_partition")
_LARGEST_SEED = np.iinfo(np.int32).max


def is_array_like(init: Data) -> bool:
    """Whether `init` holds centres, rather than naming or computing them."""
    return not isinstance(init, str) and not callable(init)


def number_of_starts(estimator: Any, several: int) -> int:
    """Return what `n_init` means: 'auto' is 1 where one start is rarely bad, else `several`.

    Parameters
    ----------
    estimator : KMeans or MiniBatchKMeans
        Gives `init` and `n_init`; its `fit` calls this.
    several : int
        How many starts make up for one that is easily bad.

    Returns
    -------
    int
        At least 1.

    Warns
    -----
    RuntimeWarning
        If several starts are asked for and `init` holds centers.
    """
    init, n_init = estimator.init, estimator.n_init
    if is_array_like(init):
        if n_init not in ("auto", 1):
            warnings.warn(
                "Explicit initial center position passed: performing only one init in "
                f"{type(estimator).__name__} instead of n_init={n_init}.",
                RuntimeWarning,
                stacklevel=4,
            )
        return 1
    if n_init == "auto":
        return 1 if isinstance(init, str) and init in _RARELY_BAD else several
    return int(n_init)


def starts(
    estimator: Any,
    X: Any,
    weights: NDArray[np.float64] | None,
    random_state: np.random.RandomState,
    n_init: int,
) -> list[Start]:
    """Return what the core needs for each of `n_init` restarts.

    Parameters
    ----------
    estimator : KMeans
        Gives `init` and `n_clusters`.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Checked data.
    weights : ndarray of shape (n_samples,) or None
        Checked weights.
    random_state : RandomState
        Advances by one draw for each restart where the core draws by itself.
    n_init : int
        The number of restarts; 1 where `init` holds centres.

    Returns
    -------
    list of {(name, seed), ndarray of shape (n_clusters, n_features)}
        Arrays have the dtype of X and share no memory with `init`.

    Raises
    ------
    ValueError
        If centres that were given or computed have the wrong shape or are not finite, or X is not finite and
        that shows here.
    """
    init, k = estimator.init, estimator.n_clusters
    draw: Callable[[], Start]
    if is_array_like(init):
        given = _own_centers(init, X.dtype)
        draw = partial(_of_right_shape, given, k, X)
    elif callable(init):
        raise_non_finite(estimator, X)  # the user's function is not asked to cope
        draw = partial(computed_by, init, k, X, random_state)
    elif init == "random":
        draw = partial(forgy, X, weights, k, random_state)
    elif init == "density":
        draw = partial(density_peaks, estimator, X, weights, k, random_state)
    elif init == "uniform":
        low, high = _bounding_box(estimator, X, weights)
        draw = partial(_uniform, low, high, k, random_state)
    else:
        draw = partial(seed_for_the_core, str(init), random_state)
    return [draw() for _ in range(n_init)]


def seed_for_the_core(init: str, random_state: np.random.RandomState) -> Start:
    return init, a_seed(random_state)


def a_seed(random_state: np.random.RandomState) -> int:
    """Return a seed for the core; takes one draw."""
    return int(random_state.randint(_LARGEST_SEED))


def forgy(
    X: Any,
    weights: NDArray[np.float64] | None,
    k: int,
    random_state: np.random.RandomState,
    members: NDArray[np.integer] | None = None,
) -> Floats:
    """Return `k` of the rows of X, or of its `members`, drawn by weight without replacement.

    The probabilities are in the dtype of X, as scikit-learn has them, so that its draws are ours.
    """
    n = X.shape[0] if members is None else len(members)
    if weights is None:
        share: Floats = np.ones(n, dtype=X.dtype)
    else:
        share = (weights if members is None else weights[members]).astype(X.dtype)
    share /= share.sum()
    chosen = random_state.choice(n, size=k, replace=False, p=share)
    rows = X[chosen if members is None else members[chosen]]
    centers: Floats = rows.toarray() if sp.issparse(rows) else rows
    return centers


def _bounding_box(estimator: Any, X: Any, weights: NDArray[np.float64] | None) -> tuple[Floats, Floats]:
    """Return the least and the largest value of each column, over the rows that have weight."""
    if sp.issparse(X):
        low, high = min_max_axis(X if weights is None else X[weights > 0], axis=0)
    else:
        counted = np.True_ if weights is None else (weights > 0)[:, np.newaxis]
        low = X.min(axis=0, where=counted, initial=np.inf)
        high = X.max(axis=0, where=counted, initial=-np.inf)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise_non_finite(estimator, X)
    return low, high


def _uniform(low: Floats, high: Floats, k: int, random_state: np.random.RandomState) -> Floats:
    share = random_state.random_sample((k, len(low)))
    # Not low + share * (high - low), whose difference can overflow.
    return ((1 - share) * low + share * high).astype(low.dtype, copy=False)  # type: ignore[return-value]


def computed_by(init: Callable[..., Data], k: int, X: Any, random_state: np.random.RandomState) -> Floats:
    computed = init(X, k, random_state=random_state)
    return _of_right_shape(_own_centers(computed, X.dtype), k, X)


def _own_centers(centers: Data, dtype: np.dtype[Any]) -> Floats:
    """Return a copy of finite centers in `dtype`."""
    if is_plain(centers) and centers.dtype == dtype and np.isfinite(centers).all():
        own: Floats = centers.copy()
    else:
        own = check_array(centers, dtype=dtype, copy=True, order="C")
    return own


def _of_right_shape(centers: Floats, k: int, X: Any) -> Floats:
    if centers.shape[0] != k:
        raise ValueError(
            f"The shape of the initial centers {centers.shape} does not match the number of clusters {k}."
        )
    if centers.shape[1] != X.shape[1]:
        raise ValueError(
            f"The shape of the initial centers {centers.shape} does not match the number of features of the "
            f"data {X.shape[1]}."
        )
    return centers


@check_function_params(
    {
        "X": ["array-like", "sparse matrix"],
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "sample_weight": ["array-like", None],
        "x_squared_norms": ["array-like", None],
        "random_state": ["random_state"],
        "n_local_trials": [Interval(Integral, 1, None, closed="left"), None],
    }
)
def kmeans_plusplus(
    X: Data,
    n_clusters: int,
    *,
    sample_weight: Data = None,
    x_squared_norms: Data = None,
    random_state: int | np.random.RandomState | None = None,
    n_local_trials: int | None = None,
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Choose rows of X that lie far apart, by greedy k-means++.

    The first row is drawn by weight. Each further one is the best of `n_local_trials` rows, drawn with
    probability proportional to weight times squared distance from the nearest row chosen so far; the best
    lowers the sum of those most.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The data.
    n_clusters : int
        How many rows to choose; at most n_samples.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; a weight of 2 is the same as the row twice, 0 as no row. None: all equal.
    x_squared_norms : array-like of shape (n_samples,), default=None
        Accepted as by scikit-learn; distances here are direct differences and do not need it.
    random_state : int, RandomState instance or None, default=None
        Gives one seed. The choice depends on the seed and on what the rows hold, not on their order.
    n_local_trials : int, default=None
        None: ``2 + int(log(n_clusters))``. 1 is k-means++ as published.

    Returns
    -------
    centers : ndarray of shape (n_clusters, n_features)
        The rows, in the dtype of X.
    indices : ndarray of shape (n_clusters,), int64
        Where they are in X.

    Raises
    ------
    ValueError
        If there are fewer rows than clusters, X is not finite, or the weights are unusable.

    See Also
    --------
    KMeans : Starts this way by default.

    References
    ----------
    Arthur and Vassilvitskii (2007), "k-means++: the advantages of careful seeding", SODA.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import kmeans_plusplus
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> centers, indices = kmeans_plusplus(X, n_clusters=2, random_state=0)
    >>> bool((X[indices] == centers).all())
    True
    """
    namesake = BaseEstimator()
    rows = check_rows(namesake, X, reset=True)
    weights = check_weights(sample_weight, rows)
    if rows.shape[0] < n_clusters:
        raise ValueError(f"n_samples={rows.shape[0]} should be >= n_clusters={n_clusters}.")
    if x_squared_norms is not None:
        norms = check_array(x_squared_norms, dtype=rows.dtype, ensure_2d=False)
        if norms.shape[0] != rows.shape[0]:
            raise ValueError(
                f"The length of x_squared_norms {norms.shape[0]} should be equal to the length of n_samples "
                f"{rows.shape[0]}."
            )
    seed = int(check_random_state(random_state).randint(_LARGEST_SEED))
    try:
        indices = _core.kmeans_plusplus(rows, weights, n_clusters, n_local_trials, seed)
    except _core.NonFiniteError as error:
        raise non_finite_error(namesake, error) from None
    # The user's own rows: whole numbers stay whole numbers, as scikit-learn has it.
    if isinstance(X, np.ndarray):
        return X[indices], indices
    return (rows[indices].toarray() if sp.issparse(rows) else rows[indices]), indices
