"""Waiting for a job: reasons for the wait, the growing log, the outcome and the exit code."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import click

from au2.cli.command import Session
from au2.cli.jobs.job_log import LogStart
from au2.client.resources import job_logs
from au2.client.resources.jobs import wait_for_end
from au2.console.console import Console
from au2.console.failures import EXIT_INTERRUPTED, exit_failed
from au2.domain.errors import ServerUnreachable
from au2.domain.wording import format_seconds
from au2.stores.logs.record import Record
from au2.wire.documents import format_document
from au2.wire.job import JobView, WaitingView

_MOST_OUTPUT_CHARACTERS: Final = 2000
_NOTED_WAIT_SECONDS: Final = 1.0
"""Shorter waits before the start are not mentioned."""


class PendingRemarks:
    """Reasons why a job waits: one line drawn over itself, or without a terminal a line each."""

    def __init__(self, console: Console, job_id: int) -> None:
        self._console = console
        self._job_id = job_id
        self._told: set[str] = set()
        """Codes of the printed reasons."""
        self._is_drawn = False

    def tell(self, waiting: WaitingView | None) -> None:
        """Print the reason; None: the job does not wait any more."""
        if waiting is None:
            self.end()
            return
        text = f"Job {self._job_id} waits. {waiting.text}"
        if self._console.can_animate:
            self._console.redraw(text)
            self._is_drawn = True
        elif waiting.code not in self._told:
            self._told.add(waiting.code)
            self._console.remark(text)

    def end(self) -> None:
        """Remove the line."""
        if self._is_drawn:
            self._console.redraw("")
            self._is_drawn = False


def wait_for_job(session: Session, job_id: int) -> JobView:
    """Wait for the end of the job; return its record."""
    with _detaching(session.console, job_id, f"au2 job wait {job_id}", "Wait for it") as remarks:
        return wait_for_end(
            session.transport,
            job_id,
            budget=session.make_retry_budget(),
            pause=time.sleep,
            tell=remarks.tell,
        )


def follow_job(
    session: Session,
    job_id: int,
    *,
    show: Callable[[Sequence[Record]], None],
    start: LogStart,
) -> JobView:
    """``show`` the job's log from ``start`` on until the job ends; return the record."""
    again = f"au2 job logs {job_id} --follow"
    with _detaching(session.console, job_id, again, "Follow it") as remarks:
        attempt, offset = start.find(session.transport, job_id)
        pieces = job_logs.follow_job_log(
            session.transport,
            job_id,
            attempt=attempt,
            offset=offset,
            budget=session.make_retry_budget(),
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
    raise AssertionError("the log ends with the job's record or an error")


@contextmanager
def _detaching(console: Console, job_id: int, command: str, verb: str) -> Iterator[PendingRemarks]:
    """Say how to wait again after Ctrl-C and after an outage, which leave the job running."""
    remarks = PendingRemarks(console, job_id)
    try:
        yield remarks
    except KeyboardInterrupt:
        remarks.end()
        console.remark(f"\nJob {job_id} goes on without you.")
        console.remark(f"Go on watching: {command}")
        console.remark(f"Stop it:        au2 job stop {job_id}")
        raise click.exceptions.Exit(EXIT_INTERRUPTED) from None
    except ServerUnreachable as error:
        error.hint = f"The job goes on without you. {verb} again: {command}"
        raise


def report_and_exit(console: Console, job: JobView, *, pass_exit_code: bool = False) -> None:
    """Print the outcome on stderr; fail the command unless the job succeeded.

    In JSON and YAML the job's record is the output, also of one that failed.
    """
    if console.makes_document:
        console.show_document(format_document(job))
    else:
        report_outcome(console, job)
    exit_unless_succeeded(job, pass_exit_code=pass_exit_code)


def report_outcome(console: Console, job: JobView) -> None:
    """Print the outcome of the job, its status and its output on stderr."""
    console.remark(describe_outcome(job))
    if job.status_text:
        console.remark(f"Status: {_describe_status(job)}")
    if job.output is not None:
        console.remark(f"Output: {_describe_output(job.id, job.output)}")


def exit_unless_succeeded(job: JobView, *, pass_exit_code: bool = False) -> None:
    """Fail the command with 1, or with the job's own code, unless the job succeeded."""
    if job.succeeded:
        return
    exit_failed(job.exit_code if pass_exit_code else None)


def describe_outcome(job: JobView) -> str:
    """Return ``Job 12 FAILED (exit-code) after 3.2 s: The code exited with code 3.``"""
    reason = f" ({job.reason})" if job.reason else ""
    sentence = f": {job.reason_text}" if job.reason_text else "."
    return f"Job {job.id} {job.state}{reason}{_describe_time(job)}{sentence}"


def _describe_time(job: JobView) -> str:
    if job.ran_seconds is None:
        return ""
    waited = job.waited_seconds or 0.0
    before = ""
    if waited >= _NOTED_WAIT_SECONDS:
        before = f", and {format_seconds(waited)} of waiting before"
    return f" after {format_seconds(job.ran_seconds)}{before}"


def _describe_status(job: JobView) -> str:
    # On one line: the text of the code must not look like lines of ours.
    text = " ".join((job.status_text or "").split())
    return text if job.progress is None else f"{text} ({job.progress:.0%})"


def _describe_output(job_id: int, output: Any) -> str:
    text = json.dumps(output, ensure_ascii=False)
    if len(text) <= _MOST_OUTPUT_CHARACTERS:
        return text
    return f"{text[:_MOST_OUTPUT_CHARACTERS]}… (cut; all of it: au2 job output {job_id})"
