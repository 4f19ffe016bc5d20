"""Jobs and their logs for waiting clients: one read serves all clients of a job."""

from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import Final

from au2.app.lookup import SharedJob
from au2.app.services import Services
from au2.domain.accounts.identity import Actor
from au2.domain.jobs.job import Job, JobState
from au2.domain.jobs.waiting import Waiting
from au2.http.log_events import LogPosition, format_waiting, read_events
from au2.http.noticeboard import NoticeBoard
from au2.http.shared_reads import Shared, SharedReads
from au2.http.v1.views import view_waiting
from au2.stores.logs.protocol import LogStore
from au2.stores.notices import job_topic

POLL_SECONDS = 1.0
"""Interval of polling, since notices may get lost."""
_MOST_KEPT_BYTES = 128 << 10
"""Largest shared part of a log: followers of its end read the same, others read alone."""

Events = tuple[list[bytes], LogPosition]


class JobReading:
    """Shared reads of records, rights and logs: each once for all concurrent requests."""

    def __init__(self, services: Services, logs: LogStore) -> None:
        self._services = services
        self._logs = logs
        self._actors: SharedReads[Actor] = SharedReads()
        self._jobs: SharedReads[SharedJob] = SharedReads()
        self._waiting: SharedReads[Waiting | None] = SharedReads()
        self._events: SharedReads[Events] = SharedReads(_is_short)

    async def job(self, actor: Actor, job_id: int, *, not_before: float) -> Shared[Job]:
        """Return a job, as of ``not_before`` or later, for an actor who was authenticated earlier.

        ``not_before``: monotonic seconds.

        Raises:
            NotAuthenticated: the actor's token has ended.
            NotFound: the actor may not see the job any more.
        """
        accounts, jobs = self._services.accounts, self._services.jobs
        refresh = partial(accounts.refresh, actor)
        present = await self._actors.get(actor.token_id, refresh, not_before=not_before)
        found = await self._jobs.get(
            job_id, partial(jobs.get_shared, job_id), not_before=not_before
        )
        return Shared(jobs.open(present.value, found.value), found.read_at)

    async def waiting(self, job: Job) -> Waiting | None:
        """Return a pending job's cause of waiting, as its reader may see it; None: it runs."""
        find = partial(self._services.job_waiting.find, job)
        return (await self._waiting.get(job.id, find, not_before=monotonic() - POLL_SECONDS)).value

    async def events(self, at: LogPosition, *, not_before: float) -> Events:
        """Return the next events of a log, as of ``not_before`` or later, and the next position."""
        read = partial(read_events, self._logs, at)
        return (await self._events.get(at, read, not_before=not_before)).value


def _is_short(found: Events) -> bool:
    return sum(map(len, found[0])) <= _MOST_KEPT_BYTES


async def wait_for_end(
    reading: JobReading, actor: Actor, board: NoticeBoard, job_id: int, wait_seconds: float
) -> Job:
    """Return the job at its end, after ``wait_seconds``, or when the server stops."""
    not_before = monotonic()
    deadline = not_before + wait_seconds
    with board.watch(job_topic(job_id)) as watch:
        while True:
            job = (await reading.job(actor, job_id, not_before=not_before)).value
            left_seconds = deadline - monotonic()
            if job.state.is_final or left_seconds <= 0 or board.is_closing:
                return job
            await watch.wait(min(POLL_SECONDS, left_seconds))
            not_before = max(watch.told_at, monotonic() - POLL_SECONDS)


_FIRST_SECONDS: Final = 2.0
"""Most jobs begin before that, without an event."""
_AGAIN_SECONDS: Final = 5.0


class WaitingEvents:
    """Events of one follower about a pending job's cause of waiting."""

    def __init__(
        self, find: Callable[[Job], Awaitable[Waiting | None]], clock: Callable[[], float]
    ) -> None:
        """Take ``find``, which returns a job's cause of waiting, and a clock in seconds."""
        self._find = find
        self._clock = clock
        self._next_at = clock() + _FIRST_SECONDS
        self._sent: bytes | None = None

    async def look(self, job: Job) -> bytes | None:
        """Return an event if the cause of waiting is new to the follower, else None."""
        if job.state is not JobState.PENDING or self._clock() < self._next_at:
            return None
        self._next_at = self._clock() + _AGAIN_SECONDS
        found = await self._find(job)
        event = None if found is None else format_waiting(view_waiting(found))
        if event is None or event == self._sent:
            return None
        self._sent = event
        return event
