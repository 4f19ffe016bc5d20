"""Moves every job to its end: claim, step, renew, reconcile; log capture."""
