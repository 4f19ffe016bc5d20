"""Calls of the HTTP API, by noun."""
