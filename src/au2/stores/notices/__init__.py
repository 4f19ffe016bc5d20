"""Hints between processes that something changed: a protocol, and the ways they travel."""
