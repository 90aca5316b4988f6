"""Measurements, one folder a room: `python -m benches.cluster` runs a room's and writes RESULTS.md."""
