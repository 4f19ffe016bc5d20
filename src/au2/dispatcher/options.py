"""Settings of a dispatcher."""

from dataclasses import dataclass

from au2.execution.termination import ExecutionLimits


@dataclass(frozen=True, slots=True)
class DispatchOptions:
    """Settings by the operator; see the settings reference."""

    owner: str
    """Name of this dispatcher. The next one of the same name takes over its jobs at once."""
    concurrent_jobs: int
    lease_seconds: float = 30.0
    poll_seconds: float = 1.0
    """How often to look for pending jobs without a notice."""
    limits: ExecutionLimits = ExecutionLimits()  # noqa: RUF009 (frozen)
    """Of each run job."""
