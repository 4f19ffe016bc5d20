"""What a dispatcher is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DispatchOptions:
    """Set by the operator; see the settings reference."""

    owner: str
    """Name of this dispatcher. The next one of the same name takes over its jobs at once."""
    concurrent_jobs: int
    lease_seconds: float = 30.0
    stop_grace_seconds: float = 10.0
    """Between the stop signal and the kill."""
    after_grace_seconds: float = 10.0
    """For ``after.sh`` of a job that was stopped or timed out."""
    log_limit_bytes: int = 1 << 30
    disk_limit_bytes: int = 10 << 30
    """What a job may write to the disk: writable layer, scratch, log."""
    output_limit_bytes: int = 1 << 20
    poll_seconds: float = 1.0
    """How often to look for work without being told that there is any."""
