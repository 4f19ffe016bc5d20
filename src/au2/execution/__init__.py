"""Execution of one container: supervision, termination, job inputs and results, outcome."""
