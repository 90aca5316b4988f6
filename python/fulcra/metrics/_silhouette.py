"""Silhouettes: how much nearer each row is to its own cluster than to the next.

Source: Rousseeuw (1987), "Silhouettes: a graphical aid to the interpretation and validation of cluster
analysis", Journal of Computational and Applied Mathematics 20.
"""

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import check_random_state, check_X_y

from fulcra import _core
from fulcra._base import Data, Interval, check_function_params
from fulcra.metrics._by_centers import coefficients, silhouettes_from_squares
from fulcra.metrics._checks import Labelled, check_number_of_labels, checked_labels, encoded

Metric = str | Callable[..., Any]

#: Metrics with a loop of their own, by all their names.
_PAIRS = {"euclidean": "euclidean", "l2": "euclidean"} | dict.fromkeys(
    ("manhattan", "l1", "cityblock"), "manhattan"
)
#: Metrics whose sums over a cluster follow from its mean.
_SQUARES = ("sqeuclidean", "cosine")
#: Mebibytes for a block of distances that scikit-learn computes; more is not faster.
_WORKING_MEMORY = 64


@check_function_params(
    {"X": ["array-like", "sparse matrix"], "labels": ["array-like"], "metric": [str, callable]}
)
def silhouette_samples(
    X: Data, labels: Data, *, metric: Metric = "euclidean", **kwds: Any
) -> NDArray[np.float64]:
    """Return the silhouette of each row.

    That of row i is ``(b - a) / max(a, b)``: a is its mean distance to the other rows of its cluster, b the
    smallest of its mean distances to the rows of another cluster. 1 is deep inside a cluster, 0 between two,
    negative nearer to another one. Takes the place of `sklearn.metrics.silhouette_samples`, in memory that
    does not grow with the square of n_samples. Euclidean distances are direct differences in float64,
    whatever the dtype of X, and the result is the same bits on any number of threads.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or (n_samples, n_samples)
        The rows, or with ``metric='precomputed'`` their distances, 0 on the diagonal.
    labels : array-like of shape (n_samples,)
        The cluster of each row, of any type that sorts.
    metric : str or callable, default='euclidean'
        - 'euclidean' ('l2') and, for arrays, 'manhattan' ('l1', 'cityblock'): all pairs, in the core.
        - 'sqeuclidean' and 'cosine': from the clusters' means, in O(n_samples * n_clusters).
        - any other name or callable that `sklearn.metrics.pairwise_distances` takes, or 'precomputed':
          computed by it, block by block.
    **kwds : object
        For the distance function; given any, scikit-learn computes the distances.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        In [-1, 1]; 0 for the only row of a cluster.

    Raises
    ------
    ValueError
        If there are not 2 to n_samples - 1 different labels; if X is not finite, naming the first such row
        and column; if precomputed distances are not 0 on the diagonal.

    See Also
    --------
    simplified_silhouette_samples : Against centers, for a million rows.
    silhouette_estimate : The mean from a sample of the rows, with its standard error.

    References
    ----------
    Rousseeuw (1987), "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis",
    Journal of Computational and Applied Mathematics 20.

    Examples
    --------
    >>> from fulcra.metrics import silhouette_samples
    >>> silhouette_samples([[0], [1], [10], [11]], [0, 0, 1, 1])
    array([0.9047619 , 0.89473684, 0.89473684, 0.9047619 ])
    """
    given = set(kwds) - {"n_jobs", "working_memory"}
    ours = not given and isinstance(metric, str) and (metric in _PAIRS or metric in _SQUARES)
    if not ours or (sp.issparse(X) and _PAIRS.get(str(metric)) == "manhattan"):
        return _by_scikit_learn(X, labels, metric, kwds)
    rows = checked_labels(X, labels)
    check_number_of_labels(rows.n_clusters, rows.X.shape[0])
    if metric in _SQUARES:
        return silhouettes_from_squares(rows, cosine=metric == "cosine")
    return of_rows(rows, np.arange(rows.X.shape[0]), str(metric))


@check_function_params(
    {
        "X": ["array-like", "sparse matrix"],
        "labels": ["array-like"],
        "metric": [str, callable],
        "sample_size": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }
)
def silhouette_score(
    X: Data,
    labels: Data,
    *,
    metric: Metric = "euclidean",
    sample_size: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    **kwds: Any,
) -> float:
    """Return the mean silhouette of all rows; see `silhouette_samples`.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or (n_samples, n_samples)
        The rows, or with ``metric='precomputed'`` their distances.
    labels : array-like of shape (n_samples,)
        The cluster of each row.
    metric : str or callable, default='euclidean'
        As in `silhouette_samples`.
    sample_size : int, default=None
        Keep only so many rows, drawn as scikit-learn draws them, and forget the others; None keeps all.
        `silhouette_estimate` holds sampled rows against all rows instead, and says how far off it may be.
    random_state : int, RandomState instance or None, default=None
        Draws the sample.
    **kwds : object
        For the distance function.

    Returns
    -------
    float
        In [-1, 1]; higher is better.

    Raises
    ------
    ValueError
        As `silhouette_samples`.

    References
    ----------
    Rousseeuw (1987), "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis",
    Journal of Computational and Applied Mathematics 20.

    Examples
    --------
    >>> from fulcra.metrics import silhouette_score
    >>> round(silhouette_score([[0], [1], [10], [11]], [0, 0, 1, 1]), 4)
    0.8997
    """
    if sample_size is not None:
        X, labels = check_X_y(X, labels, accept_sparse=["csc", "csr"])
        some = check_random_state(random_state).permutation(X.shape[0])[:sample_size]
        X, labels = X[some], labels[some]
        X = X.T[some].T if metric == "precomputed" else X
    return float(np.mean(silhouette_samples(X, labels, metric=metric, **kwds)))


def of_rows(rows: Labelled, which: NDArray[np.int64], metric: str) -> NDArray[np.float64]:
    """Return the silhouettes of some rows, each against all rows, by one of `_PAIRS`."""
    with rows.named():
        return _core.silhouette_samples(rows.X, rows.labels, rows.n_clusters, which, _PAIRS[metric])


def _by_scikit_learn(X: Data, labels: Data, metric: Metric, kwds: dict[str, Any]) -> NDArray[np.float64]:
    """Let scikit-learn compute distances in blocks, and add them up by cluster."""
    from sklearn import get_config  # noqa: PLC0415
    from sklearn.metrics import pairwise_distances_chunked  # noqa: PLC0415 - half of scikit-learn

    X, labels = check_X_y(X, labels, accept_sparse=["csr"])
    if metric == "precomputed":
        _check_diagonal(X)
    codes, n_clusters = encoded(labels, X)
    check_number_of_labels(n_clusters, X.shape[0])
    counts = np.bincount(codes)
    membership = sp.csr_array((np.ones(len(codes)), codes, np.arange(len(codes) + 1)))

    def silhouettes(distances: Any, start: int) -> NDArray[np.float64]:
        # The product of the block with the (n_samples, n_clusters) table of who is where.
        sums = (membership.T @ distances.T.astype(np.float64)).T
        sums = sums.toarray() if sp.issparse(sums) else sums
        own = codes[start : start + len(sums)]
        return coefficients(sums, counts, own)

    kwds.setdefault("working_memory", min(_WORKING_MEMORY, get_config()["working_memory"]))
    blocks = pairwise_distances_chunked(X, reduce_func=silhouettes, metric=metric, **kwds)
    return np.concatenate(list(blocks))


def _check_diagonal(distances: Any) -> None:
    allowed = 100 * np.finfo(distances.dtype).eps if distances.dtype.kind == "f" else 0
    if np.any(np.abs(distances.diagonal()) > allowed):
        raise ValueError(
            "The precomputed distance matrix contains non-zero elements on the diagonal. "
            "Use np.fill_diagonal(X, 0)."
        )
