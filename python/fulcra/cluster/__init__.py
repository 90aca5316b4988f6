"""Clusters and their centroids."""

from fulcra.cluster._align import align_labels
from fulcra.cluster._bisecting import BisectingKMeans
from fulcra.cluster._fuzzy import FuzzyCMeans
from fulcra.cluster._kmeans import KMeans, k_means
from fulcra.cluster._kmedoids import KMedoids
from fulcra.cluster._seeding import kmeans_plusplus

__all__ = [
    "BisectingKMeans",
    "FuzzyCMeans",
    "KMeans",
    "KMedoids",
    "align_labels",
    "k_means",
    "kmeans_plusplus",
]
