"""What a model has learned, in the table's own columns and units: reports and pictures."""

from fulcra.inspection._centroid_profile_display import CentroidProfileDisplay
from fulcra.inspection._cluster_display import ClusterDisplay
from fulcra.inspection._cluster_report import ClusterReport
from fulcra.inspection._convergence_display import ConvergenceDisplay
from fulcra.inspection._drift_display import DriftDisplay
from fulcra.inspection._elbow_display import ElbowDisplay
from fulcra.inspection._explain_clusters import explain_clusters
from fulcra.inspection._silhouette_display import SilhouetteDisplay
from fulcra.inspection._summarize import summarize
from fulcra.inspection._weight_summary import WeightSummary

__all__ = [
    "CentroidProfileDisplay",
    "ClusterDisplay",
    "ClusterReport",
    "ConvergenceDisplay",
    "DriftDisplay",
    "ElbowDisplay",
    "SilhouetteDisplay",
    "WeightSummary",
    "explain_clusters",
    "summarize",
]
