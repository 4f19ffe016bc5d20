"""Logs of jobs at rest: the record format, a protocol, and stores that keep it."""
