"""Fake engine: scripted containers in memory, without root, kernel or processes."""
