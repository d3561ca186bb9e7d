"""Compares results with a known truth."""
