"""Caches of dependencies: downloaded files, wheels as built and installed, whole layers."""
