"""Telling who follows a pending job what it waits for."""

from collections.abc import Awaitable, Callable
from typing import Final

from au2.domain.job import Job, JobState
from au2.domain.waiting import Waiting
from au2.http.log_events import format_waiting
from au2.http.v1.views import view_waiting

_FIRST_SECONDS: Final = 2.0
"""Most jobs begin before that, and nobody needs to hear of it."""
_AGAIN_SECONDS: Final = 5.0


class WaitingEvents:
    """The events of one follower."""

    def __init__(
        self, find: Callable[[Job], Awaitable[Waiting | None]], clock: Callable[[], float]
    ) -> None:
        """``find`` says what a pending job waits for; ``clock`` counts seconds."""
        self._find = find
        self._clock = clock
        self._next_at = clock() + _FIRST_SECONDS
        self._told: bytes | None = None

    async def look(self, job: Job) -> bytes | None:
        """Return the event if something else is to be told than before; None: there is no news."""
        if job.state is not JobState.PENDING or self._clock() < self._next_at:
            return None
        self._next_at = self._clock() + _AGAIN_SECONDS
        found = await self._find(job)
        event = None if found is None else format_waiting(view_waiting(found))
        if event is None or event == self._told:
            return None
        self._told = event
        return event
