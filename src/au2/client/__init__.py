"""Typed calls of the HTTP API: one module per noun, on one small transport."""
