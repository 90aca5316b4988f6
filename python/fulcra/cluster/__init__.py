"""Clusters and their centroids."""

from fulcra.cluster._kmeans import KMeans, k_means
from fulcra.cluster._seeding import kmeans_plusplus

__all__ = ["KMeans", "k_means", "kmeans_plusplus"]
