"""Grace times and size limits of an execution."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExecutionLimits:
    """Limits set by the operator; the defaults hold for local runs, too."""

    stop_grace_seconds: float = 10.0
    """Between the stop signal and the kill."""
    after_grace_seconds: float = 10.0
    """For ``after.sh`` of a job that was stopped or reached its time limit."""
    output_bytes: int = 1 << 20
    log_bytes: int = 1 << 30
    disk_bytes: int = 10 << 30
    """Writable layer, scratch folder and log. Not enforced in local runs."""
