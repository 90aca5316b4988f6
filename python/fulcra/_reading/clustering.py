"""A fitted clustering as reports see it: its rows, labels, centers and distances, whoever made it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import is_clusterer
from sklearn.utils.validation import check_is_fitted

from fulcra._base import Data
from fulcra._reading.undoing import steps_before

#: Numbers in a block of distances.
_BLOCK = 1 << 22
#: What estimators call their centers.
_CENTERS = ("cluster_centers_", "centroids_", "means_")


@dataclass(frozen=True)
class Clustering:
    """A clusterer, and what it says of a table.

    Attributes
    ----------
    transformers : list of estimator
        Fitted steps in front of the clusterer.
    clusterer : estimator
        The clusterer itself.
    rows : {ndarray, sparse matrix, data frame} of shape (n_samples, n_model_columns)
        The table as the clusterer sees it.
    labels : ndarray of shape (n_samples,), intp
        -1 for rows that belong to no cluster.
    n_clusters : int
        How many clusters there are; some may have no rows.
    centers : ndarray of shape (n_clusters, n_model_columns), or None
        In the model's units; None where the model has none, or its columns are not numbers.
    """

    transformers: list[Any]
    clusterer: Any
    rows: Any
    labels: NDArray[np.intp]
    n_clusters: int
    centers: NDArray[np.float64] | None

    def nearest_two(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return each row's distance from its own center, and from the nearest other one.

        Returns
        -------
        own : ndarray of shape (n_samples,)
            By the model's own `transform` where that returns a distance for each cluster, else Euclidean
            distances from the centers; NaN where there is no center.
        other : ndarray of shape (n_samples,)
            Infinite where there is one cluster only.
        """
        n_samples = len(self.labels)
        own, other = np.full(n_samples, np.nan), np.full(n_samples, np.inf)
        by_model = self._measures()
        if not by_model and self.centers is None:
            return own, other
        length = max(1, _BLOCK // max(self.n_clusters, 1))
        for start in range(0, n_samples, length):
            part = slice(start, start + length)
            rows = rows_at(self.rows, part)
            distances = np.asarray(self.clusterer.transform(rows)) if by_model else self._euclidean(rows)
            distances = distances.astype(np.float64)
            mine = np.maximum(self.labels[part, np.newaxis], 0)
            own[part] = np.take_along_axis(distances, mine, axis=1)[:, 0]
            np.put_along_axis(distances, mine, np.inf, axis=1)
            other[part] = distances.min(axis=1)
        own[self.labels < 0] = np.nan
        return own, other

    def _measures(self) -> bool:
        """Whether the model's `transform` returns distances: not that of a center that decomposes."""
        if not hasattr(self.clusterer, "transform"):
            return False
        try:
            return bool(
                np.shape(self.clusterer.transform(rows_at(self.rows, slice(1)))) == (1, self.n_clusters)
            )
        except (AttributeError, NotImplementedError):
            return False

    def _euclidean(self, rows: Any) -> NDArray[np.float64]:
        from sklearn.metrics import pairwise_distances  # noqa: PLC0415 - a third of scikit-learn

        found: NDArray[np.float64] = pairwise_distances(rows, self.centers)
        return found


def rows_at(rows: Any, which: Any) -> Any:
    """Return some rows of a table, whatever holds it, by their places."""
    return rows.iloc[which] if hasattr(rows, "iloc") else rows[which]


def clustering(model: Any, X: Data) -> Clustering:
    """Ask a fitted model what it says of a table.

    Parameters
    ----------
    model : estimator
        A fitted clusterer, ours or scikit-learn's, or a Pipeline that ends in one. One without `predict` is
        taken at its `labels_`, if X has as many rows.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The table.

    Returns
    -------
    Clustering
        What reports need of it.

    Raises
    ------
    TypeError
        If the model is not a clusterer.
    NotFittedError
        If it is not fitted.
    ValueError
        If X does not suit it.
    """
    transformers, clusterer = steps_before(model)
    needed = "model must be a fitted clusterer, or a Pipeline that ends in one"
    if isinstance(clusterer, type):
        raise TypeError(f"{needed}; got the class {clusterer.__name__}.")
    if not hasattr(clusterer, "fit"):
        swapped = ": were model and X swapped?" if hasattr(clusterer, "shape") else "."
        raise TypeError(f"{needed}; got {_a(clusterer)}{swapped}")
    if hasattr(X, "fit"):
        raise TypeError(f"X must be a table; got {_a(X)}.")
    check_is_fitted(clusterer)
    if not (is_clusterer(clusterer) or any(hasattr(clusterer, name) for name in _CENTERS)):
        raise TypeError(f"{needed}; got {_a(clusterer)}.")
    rows: Any = X
    for transformer in transformers:
        if transformer is not None and transformer != "passthrough":
            rows = transformer.transform(rows)
    if sp.issparse(rows):
        rows = rows.tocsr()
    elif not hasattr(rows, "columns"):
        rows = np.asarray(rows)
    labels = _labels(clusterer, rows)
    centers = _centers(clusterer, rows)
    known = len(centers) if centers is not None else int(getattr(clusterer, "n_clusters", 0) or 0)
    n_clusters = max(known, int(labels.max(initial=-1)) + 1)
    if centers is not None and len(centers) != n_clusters:
        centers = None
    return Clustering(transformers, clusterer, rows, labels, n_clusters, centers)


def _a(thing: Any) -> str:
    name = type(thing).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _labels(clusterer: Any, rows: Any) -> NDArray[np.intp]:
    if hasattr(clusterer, "predict"):
        found = np.asarray(clusterer.predict(rows))
    else:
        found = np.asarray(clusterer.labels_)
        if len(found) != rows.shape[0]:
            raise ValueError(
                f"{type(clusterer).__name__} cannot label new rows: X must be the {len(found)} rows of its "
                f"fit; it has {rows.shape[0]}."
            )
    if hasattr(clusterer, "classes_"):
        return np.searchsorted(clusterer.classes_, found)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise TypeError(
            f"model must be a clusterer, whose labels are whole numbers; {type(clusterer).__name__} predicts "
            f"{found.dtype}."
        )
    return found.astype(np.intp)


def _centers(clusterer: Any, rows: Any) -> NDArray[np.float64] | None:
    for name in _CENTERS:
        centers = getattr(clusterer, name, None)
        if centers is None or sp.issparse(centers):
            continue
        centers = np.asarray(centers)
        if centers.ndim == 2 and centers.shape[1] == rows.shape[1] and centers.dtype.kind in "iuf":
            return centers.astype(np.float64)
    return None
