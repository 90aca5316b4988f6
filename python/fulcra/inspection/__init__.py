"""What a model has learned, in the table's own columns and units: reports and pictures."""

from fulcra.inspection._cluster_report import ClusterReport
from fulcra.inspection._explain_clusters import explain_clusters

__all__ = ["ClusterReport", "explain_clusters"]
