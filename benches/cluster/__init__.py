"""k-means: assignment, fit, what a small call costs, sparse rows."""
