"""Entities, legal changes, errors and small pure functions. Standard library only."""
