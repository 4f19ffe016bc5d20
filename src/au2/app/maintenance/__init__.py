"""Maintenance by the operator: garbage collection and integrity check."""
