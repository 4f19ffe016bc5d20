"""Versions of processes: publication, choice, comparison and download."""
