"""Submission of runs, status of jobs, and their logs."""
