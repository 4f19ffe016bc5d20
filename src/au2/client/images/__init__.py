"""Uploads of image archives."""
