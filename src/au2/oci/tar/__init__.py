"""Tar archives: deterministic writer and distrustful reader of layers."""
