"""Measurements of `fulcra.linear_model`."""
