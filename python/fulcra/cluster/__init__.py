"""Clusters and their centroids."""

from fulcra.cluster._align import align_labels
from fulcra.cluster._fuzzy import FuzzyCMeans
from fulcra.cluster._kmeans import KMeans, k_means
from fulcra.cluster._kmedians import KMedians
from fulcra.cluster._kmedoids import KMedoids
from fulcra.cluster._mahalanobis import MahalanobisKMeans
from fulcra.cluster._minibatch import MiniBatchKMeans
from fulcra.cluster._online import OnlineKMeans
from fulcra.cluster._seeding import kmeans_plusplus
from fulcra.cluster._spherical import SphericalKMeans

__all__ = [
    "FuzzyCMeans",
    "KMeans",
    "KMedians",
    "KMedoids",
    "MahalanobisKMeans",
    "MiniBatchKMeans",
    "OnlineKMeans",
    "SphericalKMeans",
    "align_labels",
    "k_means",
    "kmeans_plusplus",
]
