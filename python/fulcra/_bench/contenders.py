"""Who is measured: fulcra, plain NumPy, scikit-learn and the peers installed, each called as its users do.

Every function takes the rows, the centres and the thread count and gives callables without arguments, so
that only the work itself is timed. A contender that cannot take a case is left out of it: faiss and
superkmeans know float32 only.
"""

import importlib
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fulcra._bench import plain
from fulcra.cluster import KMeans

Labels: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Fitted:
    """What a fit ends with."""

    centers: NDArray[Any]  # (n_clusters, n_features)
    labels: Labels  # (n_samples,)
    n_iter: int


Assign: TypeAlias = Callable[[], Labels]
Fit: TypeAlias = Callable[[], Fitted]

# More iterations than any case needs until no label changes.
TO_CONVERGENCE = 1000
PLAIN = "NumPy"
OURS = "fulcra"
# superkmeans takes no starting centres, so its fit solves another problem: shown, never in a ratio.
OWN_START = "superkmeans"
PEERS = {
    "scikit-learn": "sklearn",
    "intelex": "sklearnex",
    "faiss": "faiss",
    "superkmeans": "superkmeans",
}


def installed() -> tuple[str, ...]:
    """Name the peers that can be imported here."""
    return tuple(name for name, module in PEERS.items() if importlib.util.find_spec(module))


def load() -> None:
    """Import the peers: only pools that are loaded already can be held to a number of threads."""
    for name in installed():
        importlib.import_module(PEERS[name])


def holding(kind: Any, centers: NDArray[Any]) -> Any:
    """Give a scikit-learn-like estimator that predicts with known centres, bit for bit.

    Parameters
    ----------
    kind : type
        scikit-learn's KMeans, or one with its interface.
    centers : ndarray of shape (n_clusters, n_features)
        The centres.

    Returns
    -------
    estimator : kind
        Fitted.
    """
    # Twice the centres: intelex hands over to scikit-learn unless there are more rows than clusters.
    rows = np.vstack((centers, centers))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # rounding can empty clusters of such a fit
        estimator = kind(len(centers), init=centers, n_init=1, max_iter=1).fit(rows)
    estimator.cluster_centers_ = centers
    return estimator


def assigners(X: Any, centers: NDArray[Any], n_threads: int) -> dict[str, Assign]:
    """Give everybody who can label these rows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The rows, float32 or float64, C-contiguous.
    centers : ndarray of shape (n_clusters, n_features)
        The centres, of the dtype of X.
    n_threads : int
        For the peers that are told directly; the pools are limited by `timing.threads`.

    Returns
    -------
    calls : dict of str to callable
        fulcra first, NumPy second.
    """
    ours = KMeans.from_centers(centers)
    calls: dict[str, Assign] = {OURS: lambda: ours.predict(X), PLAIN: lambda: plain.assign(X, centers)}
    peers = installed()
    if "scikit-learn" in peers:
        from sklearn.cluster import KMeans as SklearnKMeans  # noqa: PLC0415  # peers load when measured

        calls["scikit-learn"] = partial(holding(SklearnKMeans, centers).predict, X)
    if "intelex" in peers:
        from sklearnex.cluster import KMeans as IntelKMeans  # noqa: PLC0415

        calls["intelex"] = partial(holding(IntelKMeans, centers).predict, X)
    if X.dtype == np.float32:
        if "faiss" in peers:
            calls["faiss"] = _faiss_assigner(X, centers, n_threads)
        if "superkmeans" in peers:
            from superkmeans import SuperKMeans  # noqa: PLC0415

            engine = SuperKMeans(*centers.shape, hierarchical=False, n_threads=n_threads)
            calls["superkmeans"] = lambda: engine.assign(X, centers)
    return calls


def fitters(X: Any, start: NDArray[Any], n_iter: int, n_threads: int) -> dict[str, Fit]:
    """Give everybody who can run Lloyd's iterations on these rows, until no label changes.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_features)
        The rows, float32 or float64.
    start : ndarray of shape (n_clusters, n_features)
        The starting centres, of the dtype of X.
    n_iter : int
        At most how many iterations; there is no tolerance. faiss and superkmeans cannot stop earlier, so
        they stay away where it is `TO_CONVERGENCE`.
    n_threads : int
        As in `assigners`.

    Returns
    -------
    calls : dict of str to callable
        fulcra first; NumPy second where X is dense.
    """
    n_clusters = len(start)
    dense = isinstance(X, np.ndarray)
    settings = {"init": start, "n_init": 1, "max_iter": n_iter, "tol": 0.0}

    def estimator(kind: Any) -> Fit:
        def run() -> Fitted:
            done = kind(n_clusters, **settings).fit(X)
            return Fitted(done.cluster_centers_, done.labels_, done.n_iter_)

        return run

    calls: dict[str, Fit] = {OURS: estimator(KMeans)}
    if dense:
        calls[PLAIN] = lambda: Fitted(*plain.fit(X, start, n_iter))
    peers = installed()
    if "scikit-learn" in peers:
        from sklearn.cluster import KMeans as SklearnKMeans  # noqa: PLC0415

        calls["scikit-learn"] = estimator(SklearnKMeans)
    if "intelex" in peers:
        from sklearnex.cluster import KMeans as IntelKMeans  # noqa: PLC0415

        calls["intelex"] = estimator(IntelKMeans)
    if dense and X.dtype == np.float32 and n_iter < TO_CONVERGENCE:
        if "faiss" in peers:
            calls["faiss"] = _faiss_fitter(X, start, n_iter, n_threads)
        if "superkmeans" in peers:
            calls["superkmeans"] = _superkmeans_fitter(X, n_clusters, n_iter, n_threads)
    return calls


def _faiss_assigner(X: NDArray[np.float32], centers: NDArray[np.float32], n_threads: int) -> Assign:
    import faiss  # noqa: PLC0415

    faiss.omp_set_num_threads(n_threads)
    index = faiss.IndexFlatL2(centers.shape[1])
    index.add(centers)

    def search() -> Labels:
        labels: Labels = index.search(X, 1)[1].ravel()
        return labels

    return search


def _faiss_fitter(X: NDArray[np.float32], start: NDArray[np.float32], n_iter: int, n_threads: int) -> Fit:
    import faiss  # noqa: PLC0415

    faiss.omp_set_num_threads(n_threads)
    n_clusters, n_features = start.shape

    def run() -> Fitted:
        # By default it trains on 256 rows a cluster and warns below 39: all rows, no warning.
        trained = faiss.Kmeans(
            n_features, n_clusters, niter=n_iter, max_points_per_centroid=len(X), min_points_per_centroid=1
        )
        trained.train(X, init_centroids=start)
        return Fitted(trained.centroids, trained.index.search(X, 1)[1].ravel(), n_iter)

    return run


def _superkmeans_fitter(X: NDArray[np.float32], n_clusters: int, n_iter: int, n_threads: int) -> Fit:
    from superkmeans import SuperKMeans  # noqa: PLC0415

    def run() -> Fitted:
        # By default it samples the rows and stops early.
        trained = SuperKMeans(
            n_clusters,
            X.shape[1],
            hierarchical=False,
            iters=n_iter,
            sampling_fraction=1.0,
            max_points_per_cluster=len(X),
            early_termination=False,
            n_threads=n_threads,
        )
        centers = trained.train(X)
        return Fitted(centers, trained.assign(X, centers), n_iter)

    return run
