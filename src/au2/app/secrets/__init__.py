"""Secrets of contexts, and the keys that encrypt their values."""
