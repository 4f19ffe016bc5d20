"""Waiting for a job's end, over cut connections."""

from collections.abc import Callable
from functools import partial

from au2.client.http.transport import Transport
from au2.client.patience import Patience
from au2.client.runs.job_status import LONGEST_WAIT_SECONDS, JobStanding, Waiting, poll_job

_BREATH_SECONDS = 0.1
_FIRST_SECONDS = 2
"""Most jobs begin before that, and nobody needs to hear what they wait for."""
_PENDING_SECONDS = 5
"""How often it is asked what a job waits for that has not begun."""


def wait_for_end(
    transport: Transport,
    job_id: int,
    *,
    patience: Patience,
    pause: Callable[[float], object],
    tell: Callable[[Waiting | None], object] = lambda _: None,
) -> JobStanding:
    """Return how the job ended, once it has; ``pause`` is ``time.sleep``.

    ``tell`` hears what the job waits for while it is pending, if that takes longer, and then None.

    Raises:
        ServerUnreachable: the server could not be reached for too long.
    """
    seconds = _FIRST_SECONDS
    while True:
        ask = partial(poll_job, transport, job_id, wait_seconds=seconds)
        standing = patience.persist(ask)
        tell(standing.waiting)
        if standing.is_final:
            return standing
        seconds = LONGEST_WAIT_SECONDS if standing.waiting is None else _PENDING_SECONDS
        # Never a tight loop, even on a server that does not wait as asked.
        pause(_BREATH_SECONDS)
