"""Waiting for the end of a job."""

import time
from collections.abc import Callable, Sequence
from typing import NoReturn

import click

from au2.cli.retry import make_retry_budget
from au2.cli.session import Session
from au2.client.resources import job_logs
from au2.client.resources.jobs import poll_job, wait_for_end
from au2.console.console import Console
from au2.domain.errors import ServerUnreachable
from au2.stores.logs.record import Record
from au2.wire.job import JobView, WaitingView


class PendingRemarks:
    """On a terminal one line that is drawn over itself; elsewhere a line for each new cause."""

    def __init__(self, console: Console, job_id: int) -> None:
        self._terminal = console
        self._job_id = job_id
        self._told: set[str] = set()
        """Codes that have been told."""
        self._is_drawn = False

    def tell(self, waiting: WaitingView | None) -> None:
        """Tell what the job waits for; None: it waits no more."""
        if waiting is None:
            self.end()
            return
        text = f"Job {self._job_id} waits. {waiting.text}"
        if self._terminal.can_animate:
            self._terminal.redraw(text)
            self._is_drawn = True
        elif waiting.code not in self._told:
            self._told.add(waiting.code)
            self._terminal.remark(text)

    def end(self) -> None:
        """Take the line away."""
        if self._is_drawn:
            self._terminal.redraw("")
            self._is_drawn = False


_EXIT_INTERRUPTED = 130


def wait_for_job(session: Session, job_id: int) -> JobView:
    """Return how the job ended, once it has."""
    remarks = PendingRemarks(session.console, job_id)
    try:
        return wait_for_end(
            session.transport,
            job_id,
            budget=make_retry_budget(session.console),
            pause=time.sleep,
            tell=remarks.tell,
        )
    except KeyboardInterrupt:
        remarks.end()
        _detach(session.console, job_id, f"au2 job wait {job_id}")
    except ServerUnreachable as error:
        error.hint = f"The job goes on without you. Wait for it again: au2 job wait {job_id}"
        raise


def follow_job(
    session: Session,
    job_id: int,
    *,
    show: Callable[[Sequence[Record]], None],
    attempt: int | None = None,
) -> JobView:
    """``show`` the job's log from its first byte as it grows; return how the job ended.

    ``attempt``: where to begin; None: at the newest.
    """
    console, remarks = session.console, PendingRemarks(session.console, job_id)
    try:
        if attempt is None:
            attempt = poll_job(session.transport, job_id).newest_attempt
        pieces = job_logs.follow_job_log(
            session.transport,
            job_id,
            attempt=attempt,
            budget=make_retry_budget(console),
            pause=time.sleep,
        )
        for found in pieces:
            if isinstance(found, WaitingView):
                remarks.tell(found)
                continue
            remarks.end()
            if isinstance(found, JobView):
                return found
            show(found)
    except KeyboardInterrupt:
        remarks.end()
        _detach(console, job_id, f"au2 job logs {job_id} --follow")
    except ServerUnreachable as error:
        error.hint = f"The job goes on without you. Follow it again: au2 job logs {job_id} --follow"
        raise
    raise AssertionError("the log ends with the job's standing or an error")


def _detach(console: Console, job_id: int, again: str) -> NoReturn:
    console.remark(f"\nJob {job_id} goes on without you.")
    console.remark(f"Go on watching: {again}")
    console.remark(f"Stop it:        au2 job stop {job_id}")
    raise click.exceptions.Exit(_EXIT_INTERRUPTED)
