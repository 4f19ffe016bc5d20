"""Staying with a job until it ends, and telling how it did."""

import time
from collections.abc import Callable, Sequence
from typing import NoReturn

import click

from au2.cli.outages import make_patience
from au2.cli.session import Session
from au2.cli.terminal import Terminal
from au2.client import following
from au2.client.following import LogPiece
from au2.client.running import JobStanding, poll_job
from au2.client.waiting import wait_for_end
from au2.domain.errors import ServerUnreachable

_EXIT_INTERRUPTED = 130


def wait_for_job(session: Session, job_id: int) -> JobStanding:
    """Return how the job ended, once it has."""
    try:
        patience = make_patience(session.terminal)
        return wait_for_end(session.transport, job_id, patience=patience, pause=time.sleep)
    except KeyboardInterrupt:
        _detach(session.terminal, job_id, f"au2 job wait {job_id}")
    except ServerUnreachable as error:
        error.hint = f"The job goes on without you. Wait for it again: au2 job wait {job_id}"
        raise


def follow_job(
    session: Session,
    job_id: int,
    *,
    show: Callable[[Sequence[LogPiece]], None],
    attempt: int | None = None,
) -> JobStanding:
    """``show`` the job's log from its first byte as it grows; return how the job ended.

    ``attempt``: where to begin; None: at the newest.
    """
    terminal = session.terminal
    try:
        if attempt is None:
            attempt = poll_job(session.transport, job_id).newest_attempt
        pieces = following.follow_job(
            session.transport,
            job_id,
            attempt=attempt,
            patience=make_patience(terminal),
            pause=time.sleep,
        )
        for found in pieces:
            if isinstance(found, JobStanding):
                return found
            show(found)
    except KeyboardInterrupt:
        _detach(terminal, job_id, f"au2 job logs {job_id} --follow")
    except ServerUnreachable as error:
        error.hint = f"The job goes on without you. Follow it again: au2 job logs {job_id} --follow"
        raise
    raise AssertionError("the log ends with the job's standing or an error")


def conclude(terminal: Terminal, standing: JobStanding, *, pass_exit_code: bool = False) -> None:
    """End well if the job did; else tell why not and end with 1, or with the job's own code."""
    if standing.succeeded:
        return
    reason = f" ({standing.reason})" if standing.reason else ""
    sentence = f": {standing.reason_text}" if standing.reason_text else "."
    terminal.remark(f"Job {standing.id} {standing.state}{reason}{sentence}")
    code = standing.exit_code if pass_exit_code else None
    # A job can fail although its program ended with 0; a failure never passes for success.
    raise click.exceptions.Exit((code or 1) & 0xFF or 1)


def _detach(terminal: Terminal, job_id: int, again: str) -> NoReturn:
    terminal.remark(f"\nJob {job_id} goes on without you.")
    terminal.remark(f"Go on watching: {again}")
    terminal.remark(f"Stop it:        au2 job stop {job_id}")
    raise click.exceptions.Exit(_EXIT_INTERRUPTED)
