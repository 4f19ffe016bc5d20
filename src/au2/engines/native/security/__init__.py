"""Isolation of containers: capabilities, system-call filter, user namespaces."""
