"""Clusters and their centroids."""

from fulcra.cluster._kmeans import KMeans, k_means
from fulcra.cluster._kmedoids import KMedoids
from fulcra.cluster._seeding import kmeans_plusplus

__all__ = ["KMeans", "KMedoids", "k_means", "kmeans_plusplus"]
