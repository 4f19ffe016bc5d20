"""The platform's remarks on memory kills and the log limit, for job record and log. Pure."""

from collections.abc import Iterator

from au2.domain.wording import format_bytes
from au2.engines.base import Observation

LIMIT_REACHED = "The log reached its limit"
"""Begin of the remark at the end of a truncated log."""


def list_final_remarks(
    seen: Observation, *, memory_bytes: int, log_limit_bytes: int
) -> Iterator[str]:
    """Yield the remarks for the end of a run's log."""
    if seen.log_truncated:
        yield f"{LIMIT_REACHED} of {format_bytes(log_limit_bytes)}; the rest is not kept."
    if kills := describe_memory_kills(seen, memory_bytes):
        yield kills


def describe_memory_kills(seen: Observation, memory_bytes: int) -> str | None:
    """Return cause and advice for processes killed by the kernel for memory; None: none were.

    Args:
        seen: the observation of the container.
        memory_bytes: the container's limit.
    """
    count = seen.out_of_memory_kills
    if not count:
        return None
    processes = "a process" if count == 1 else f"{count} processes"
    killed = f"The kernel killed {processes} of this run"
    limit = format_bytes(memory_bytes)
    if seen.reached_memory_limit:
        return (
            f"{killed} for memory: it needed more than its {limit}. Give the run more with "
            "--memory."
        )
    return (
        f"{killed} because the machine had no memory left; the run's own limit of {limit} was "
        "not reached. Run it again; if it happens again, ask your operator."
    )
