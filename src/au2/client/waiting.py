"""Waiting for a job's end, over cut connections."""

from collections.abc import Callable

from au2.client.following import RETRY_DELAYS_SECONDS
from au2.client.running import LONGEST_WAIT_SECONDS, JobStanding, poll_job
from au2.client.transport import Transport
from au2.domain.errors import ServerUnreachable

_BREATH_SECONDS = 0.1


def wait_for_end(
    transport: Transport, job_id: int, *, pause: Callable[[float], None]
) -> JobStanding:
    """Return how the job ended, once it has; ``pause`` is ``time.sleep``.

    Raises:
        ServerUnreachable: the server could not be reached for a while.
    """
    failures = 0
    while True:
        try:
            standing = poll_job(transport, job_id, wait_seconds=LONGEST_WAIT_SECONDS)
        except ServerUnreachable:
            if failures == len(RETRY_DELAYS_SECONDS):
                raise
            pause(RETRY_DELAYS_SECONDS[failures])
            failures += 1
            continue
        if standing.is_final:
            return standing
        failures = 0
        # Never a tight loop, even on a server that does not wait as asked.
        pause(_BREATH_SECONDS)
