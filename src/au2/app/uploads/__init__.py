"""Uploads of packages and of ready-made images."""
