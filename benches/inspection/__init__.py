"""Measurements of reports and pictures."""
