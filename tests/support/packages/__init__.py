"""Packages, what they depend on, and the archives and indexes that serve it."""
