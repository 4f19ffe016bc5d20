"""Reasons for which a pending job waits."""

from collections.abc import Callable
from datetime import datetime

from au2.domain import clock as clocks
from au2.domain.job import Job, JobState
from au2.domain.waiting import Waiting, explain_waiting
from au2.stores.database.database import Database
from au2.stores.database.jobs import find_position
from au2.stores.notices.base import DISPATCHER, Notices


class JobWaiting:
    """Explanation of waiting for pending jobs."""

    def __init__(
        self,
        database: Database,
        notices: Notices,
        *,
        places: int,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        """``places`` is how many jobs the dispatcher works on at once."""
        self._database = database
        self._notices = notices
        self._places = places
        self._clock = clock

    def find(self, job: Job) -> Waiting | None:
        """Return what a job waits for that the caller may see; None: it is not pending any more.

        Of others' jobs it only says how many there are.
        """
        if job.state is not JobState.PENDING:
            return None
        with self._database.read() as transaction:
            position = find_position(transaction, job.id, at=self._clock())
        if position is None:
            return None
        has_dispatcher = self._notices.is_listening(DISPATCHER)
        return explain_waiting(position, places=self._places, has_dispatcher=has_dispatcher)
