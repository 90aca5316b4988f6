"""Measurements of `fulcra.metrics`."""
