"""CentroidMonitor, and what it is made of."""

from fulcra.cluster._monitor.drift_report import DriftReport
from fulcra.cluster._monitor.monitor import CentroidMonitor
from fulcra.cluster._monitor.row_report import RowReport

__all__ = ["CentroidMonitor", "DriftReport", "RowReport"]
