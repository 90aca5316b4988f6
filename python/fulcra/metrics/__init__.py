"""How good a clustering is, and how many clusters there are."""

from fulcra.metrics._by_centers import simplified_silhouette_samples, simplified_silhouette_score
from fulcra.metrics._dispersion import bcss, calinski_harabasz_score, davies_bouldin_score, wcss
from fulcra.metrics._silhouette import silhouette_samples, silhouette_score

__all__ = [
    "bcss",
    "calinski_harabasz_score",
    "davies_bouldin_score",
    "silhouette_samples",
    "silhouette_score",
    "simplified_silhouette_samples",
    "simplified_silhouette_score",
    "wcss",
]
