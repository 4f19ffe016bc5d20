"""Bytes by digest: a protocol, and stores that keep it."""
