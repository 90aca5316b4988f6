"""Clusters and their centroids."""

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
    from fulcra.neighbors import NearestCentroid

__all__ = [
    "BisectingKMeans",
    "FuzzyCMeans",
    "KMeans",
    "KMedians",
    "KMedoids",
    "MahalanobisKMeans",
    "MiniBatchKMeans",
    "NearestCentroid",
    "OnlineKMeans",
    "SphericalKMeans",
    "align_labels",
    "k_means",
    "kmeans_plusplus",
    "screen_outliers",
]


def __getattr__(name: str) -> Any:
    if name == "NearestCentroid":  # looked up when asked for: a classifier needs more of scikit-learn
        from fulcra.neighbors import NearestCentroid  # noqa: PLC0415

        return NearestCentroid
    raise AttributeError(f"module 'fulcra.cluster' has no attribute {name!r}")
