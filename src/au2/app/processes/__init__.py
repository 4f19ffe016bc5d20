"""Processes of a context."""
