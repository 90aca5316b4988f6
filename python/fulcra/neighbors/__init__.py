"""Classes, each with a point that stands for it."""

from fulcra.neighbors._nearest_centroid import NearestCentroid

__all__ = ["NearestCentroid"]
