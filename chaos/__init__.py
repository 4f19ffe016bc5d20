"""Faults on purpose: processes are killed and paused, the disk is full, the database locked."""
