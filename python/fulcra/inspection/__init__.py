"""What a model has learned, in the table's own columns and units: reports and pictures."""

from fulcra.inspection._centroid_profile_display import CentroidProfileDisplay
from fulcra.inspection._cluster_display import ClusterDisplay
from fulcra.inspection._cluster_report import ClusterReport
from fulcra.inspection._coefficient_display import CoefficientDisplay
from fulcra.inspection._contribution_display import ContributionDisplay
from fulcra.inspection._convergence_display import ConvergenceDisplay
from fulcra.inspection._drift_display import DriftDisplay
from fulcra.inspection._elbow_display import ElbowDisplay
from fulcra.inspection._explain_clusters import explain_clusters
from fulcra.inspection._explain_weights import explain_weights
from fulcra.inspection._finding import Finding
from fulcra.inspection._permutation_importance import permutation_importance
from fulcra.inspection._prediction import Prediction
from fulcra.inspection._regularization_path_display import RegularizationPathDisplay
from fulcra.inspection._silhouette_display import SilhouetteDisplay
from fulcra.inspection._summarize import summarize
from fulcra.inspection._weight_report import WeightReport
from fulcra.inspection._weight_summary import WeightSummary

__all__ = [
    "CentroidProfileDisplay",
    "ClusterDisplay",
    "ClusterReport",
    "CoefficientDisplay",
    "ContributionDisplay",
    "ConvergenceDisplay",
    "DriftDisplay",
    "ElbowDisplay",
    "Finding",
    "Prediction",
    "RegularizationPathDisplay",
    "SilhouetteDisplay",
    "WeightReport",
    "WeightSummary",
    "explain_clusters",
    "explain_weights",
    "permutation_importance",
    "summarize",
]
