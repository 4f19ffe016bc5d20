"""Explanation of a job's state: one code, one sentence, a timeline, a hint."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from shlex import quote

from au2.domain.code import Code
from au2.domain.jobs.job import Attempt, Job, JobState, Reason, Resources
from au2.domain.jobs.waiting import Waiting, WaitingCode
from au2.domain.wording import format_bytes, format_seconds

QUEUED = "queued"
OUTPUT = "output"
_SEEN_IN_LOG = (
    Reason.EXIT_CODE,
    Reason.BEFORE_FAILED,
    Reason.AFTER_FAILED,
    Reason.BUILD_FAILED,
    Reason.IMPORT_FAILED,
    Reason.INVALID_OUTPUT,
)
_WORTH_ANOTHER_RUN = (Reason.STOPPED, Reason.START_FAILED, Reason.ENGINE_LOST)
_OTHERS = "Those that run: au2 job list --state RUNNING --all-contexts"


class ProgressCode(Code):
    """State of a job that neither waits nor ended without success."""

    RUNNING = "running", "Its code is running."
    STOPPING = "stopping", "A stop was requested, and its code has not ended yet."
    SUCCEEDED = "succeeded", "It ended with success."


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a job's time."""

    name: str
    """``queued``, the phases of an attempt, and ``output`` until the record was complete."""
    attempt: int | None
    """Number of the attempt; None: between attempts."""
    started_at: datetime
    milliseconds: int
    is_open: bool
    """Whether it goes on."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a job is in its state."""

    code: Code
    """A :class:`ProgressCode`, a code of waiting, or the reason of its end."""
    text: str
    """One sentence, with the job as "it"."""
    hint: str | None
    """A command, or a sentence about the next step."""
    timeline: tuple[Span, ...]
    waiting: Waiting | None = None
    """Of a pending job."""


def list_codes() -> list[Code]:
    """Return every code of an explanation: of waits, of running, of ends."""
    return [*WaitingCode, *ProgressCode, *Reason]


def explain_job(job: Job, waiting: Waiting | None, now: datetime) -> Explanation:
    """Explain a job's state.

    Args:
        job: the record.
        waiting: cause of the wait of a pending job; None: unknown, as it was just claimed.
        now: end of the stretch that goes on.
    """
    code, text = _describe(job, waiting, now)
    timeline = tuple(_list_spans(job, now))
    return Explanation(code, text, _hint(job, code), timeline, waiting)


def _describe(job: Job, waiting: Waiting | None, now: datetime) -> tuple[Code, str]:
    if job.state is JobState.PENDING:
        if waiting is None:
            return WaitingCode.PREPARING, WaitingCode.PREPARING.meaning
        return waiting.code, waiting.text
    if job.state is JobState.RUNNING:
        return _describe_running(job, now)
    if job.state is JobState.SUCCEEDED:
        took = format_seconds(_seconds(job.started_at or job.created_at, job.ended_at or now))
        return ProgressCode.SUCCEEDED, f"It ended with success after {took}."
    reason = job.reason or Reason.STOPPED
    return reason, job.reason_text or reason.meaning


def _describe_running(job: Job, now: datetime) -> tuple[Code, str]:
    ran = format_seconds(_seconds(job.started_at or job.created_at, now))
    if job.stop_requested_at is not None:
        since = format_seconds(_seconds(job.stop_requested_at, now))
        return ProgressCode.STOPPING, f"A stop was requested {since} ago; its code is ending."
    most = ""
    if job.request is not None:
        most = f", of {format_seconds(job.request.resources.timeout_seconds)} at most"
    said = f" It last said: {job.status_text}" if job.status_text else ""
    return ProgressCode.RUNNING, f"It has been running for {ran}{most}.{said}"


def _hint(job: Job, code: Code) -> str | None:
    logs, again = f"au2 job logs {job.id}", f"au2 process run {quote(job.name)}"
    if code is ProgressCode.SUCCEEDED:
        return None if job.output is None else f"Its output: au2 job output {job.id}"
    if job.request is not None and code in (Reason.OUT_OF_MEMORY, Reason.TIMED_OUT):
        return _hint_of_more(job.request.resources, code, again)
    hints: dict[Code, str] = {
        **dict.fromkeys(_SEEN_IN_LOG, f"Its last lines: {logs} --tail 20"),
        **dict.fromkeys(_WORTH_ANOTHER_RUN, f"Run it again: {again}"),
        Reason.IMAGE_MISSING: "Upload it again: au2 process repo upload",
        Reason.UPLOAD_ABANDONED: "Upload it again: au2 process repo upload",
        WaitingCode.PLACES: _OTHERS,
        WaitingCode.JOBS_BEFORE: _OTHERS,
        ProgressCode.RUNNING: f"Follow it: {logs} -f",
    }
    return hints.get(code)


def _hint_of_more(resources: Resources, code: Code, again: str) -> str:
    if code is Reason.TIMED_OUT:
        return f"With more time: {again} --timeout {2 * resources.timeout_seconds:.0f}s"
    doubled = max(2 * resources.memory_bytes >> 20, 1)
    had = format_bytes(resources.memory_bytes)
    return f"It had {had}. With more: {again} --memory {doubled}MiB"


def _list_spans(job: Job, now: datetime) -> Iterator[Span]:
    """Yield the stretches in their order; those of the same time follow each other."""
    waiting_since = job.created_at
    for attempt in job.attempts:
        yield _span(QUEUED, None, waiting_since, attempt.created_at, now)
        yield from _list_attempt(attempt, now)
        waiting_since = attempt.ended_at or now
    if not job.attempts:
        yield _span(QUEUED, None, waiting_since, job.ended_at, now)


def _list_attempt(attempt: Attempt, now: datetime) -> Iterator[Span]:
    number, last = attempt.number, None
    for phase in attempt.phases:
        # The attempt's end closes a phase that its dispatcher never came to close.
        last = phase.ended_at or attempt.ended_at
        yield _span(phase.name, number, phase.started_at, last, now)
    if last is not None and attempt.ended_at is not None and attempt.ended_at > last:
        yield _span(OUTPUT, number, last, attempt.ended_at, now)


def _span(
    name: str, attempt: int | None, begin: datetime, end: datetime | None, now: datetime
) -> Span:
    took = max((end or now) - begin, timedelta())  # The clock may have been set back.
    return Span(name, attempt, begin, took // timedelta(milliseconds=1), is_open=end is None)


def _seconds(begin: datetime, end: datetime) -> float:
    return max((end - begin).total_seconds(), 0.0)
