"""How good a clustering is, and how many clusters there are."""

from fulcra.metrics._by_centers import simplified_silhouette_samples, simplified_silhouette_score
from fulcra.metrics._dispersion import bcss, calinski_harabasz_score, davies_bouldin_score, wcss
from fulcra.metrics._estimate import SilhouetteEstimate, silhouette_estimate
from fulcra.metrics._gap import GapStatistic, gap_statistic
from fulcra.metrics._report import ClusterCountReport
from fulcra.metrics._silhouette import silhouette_samples, silhouette_score
from fulcra.metrics._suggest import suggest_n_clusters

__all__ = [
    "ClusterCountReport",
    "GapStatistic",
    "SilhouetteEstimate",
    "bcss",
    "calinski_harabasz_score",
    "davies_bouldin_score",
    "gap_statistic",
    "silhouette_estimate",
    "silhouette_samples",
    "silhouette_score",
    "simplified_silhouette_samples",
    "simplified_silhouette_score",
    "suggest_n_clusters",
    "wcss",
]
