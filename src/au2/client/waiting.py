"""Waiting for a job's end, over cut connections."""

from collections.abc import Callable

from au2.client.patience import Patience
from au2.client.running import LONGEST_WAIT_SECONDS, JobStanding, poll_job
from au2.client.transport import Transport

_BREATH_SECONDS = 0.1


def wait_for_end(
    transport: Transport,
    job_id: int,
    *,
    patience: Patience,
    pause: Callable[[float], object],
) -> JobStanding:
    """Return how the job ended, once it has; ``pause`` is ``time.sleep``.

    Raises:
        ServerUnreachable: the server could not be reached for too long.
    """
    while True:
        standing = patience.persist(
            lambda: poll_job(transport, job_id, wait_seconds=LONGEST_WAIT_SECONDS)
        )
        if standing.is_final:
            return standing
        # Never a tight loop, even on a server that does not wait as asked.
        pause(_BREATH_SECONDS)
