"""What people are told of processes that the kernel killed for memory. Pure."""

from au2.domain.wording import format_bytes
from au2.engines.base import Observation


def describe_memory_kills(seen: Observation, memory_bytes: int) -> str | None:
    """Return what happened and what to do, for the record and the log; None if nothing was killed.

    Args:
        seen: the container.
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
