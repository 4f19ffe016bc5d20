"""Dispatcher: claims jobs, executes runs and uploads, captures logs, renews claims."""
