"""Lifecycle of one container: creation, start, observation, log, removal."""
