"""Engines, which run containers: the protocol, and its native and fake implementation."""
