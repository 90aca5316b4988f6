"""Clusters and their centroids."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fulcra.cluster._align import align_labels
from fulcra.cluster._bisecting import BisectingKMeans
from fulcra.cluster._fuzzy import FuzzyCMeans
from fulcra.cluster._kmeans import KMeans, k_means
from fulcra.cluster._kmedians import KMedians
from fulcra.cluster._kmedoids import KMedoids
from fulcra.cluster._mahalanobis import MahalanobisKMeans
from fulcra.cluster._minibatch import MiniBatchKMeans
from fulcra.cluster._online import OnlineKMeans
from fulcra.cluster._screening import screen_outliers
from fulcra.cluster._seeding import kmeans_plusplus
from fulcra.cluster._spherical import SphericalKMeans

if TYPE_CHECKING:
    from fulcra.cluster._monitor import CentroidMonitor, DriftReport, RowReport
    from fulcra.neighbors import NearestCentroid

__all__ = [
    "BisectingKMeans",
    "CentroidMonitor",
    "DriftReport",
    "FuzzyCMeans",
    "KMeans",
    "KMedians",
    "KMedoids",
    "MahalanobisKMeans",
    "MiniBatchKMeans",
    "NearestCentroid",
    "OnlineKMeans",
    "RowReport",
    "SphericalKMeans",
    "align_labels",
    "k_means",
    "kmeans_plusplus",
    "screen_outliers",
]


#: What needs more of scikit-learn, or this module itself, is looked up when asked for.
_LATER = {
    "CentroidMonitor": "fulcra.cluster._monitor",
    "DriftReport": "fulcra.cluster._monitor",
    "NearestCentroid": "fulcra.neighbors",
    "RowReport": "fulcra.cluster._monitor",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'fulcra.cluster' has no attribute {name!r}")
