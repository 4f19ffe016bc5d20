"""Submitting a run and learning how it ended, without the wire models.

``process run`` is measured against ``docker run``, and importing pydantic would be a third of its
time. So this one path writes and reads the few fields that it needs by hand; a test holds them
against ``wire.job``. The server checks what is sent in any case.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from au2.client.answers import (
    find_list,
    find_mapping,
    find_number,
    find_text,
    find_whole,
    take_list,
    take_text,
    take_whole,
)
from au2.client.http.transport import Transport
from au2.client.http.urls import context_query
from au2.domain.context import Context
from au2.domain.errors import UnexpectedAnswer

LONGEST_WAIT_SECONDS = 25
"""How long one request waits for a job: below what proxies commonly cut off."""

_FINAL_STATES = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})


class Run(NamedTuple):
    """What to run: ``RunCreation``. None: the version's or the platform's default."""

    process: str
    version: int | None = None
    arguments: Mapping[str, Any] = MappingProxyType({})
    environment: Mapping[str, str] = MappingProxyType({})
    cpu: float | None = None
    memory_bytes: int | None = None
    timeout_seconds: float | None = None
    network: str | None = None
    secrets: Mapping[str, str] | None = None
    """Variable → name of a secret."""
    shared_memory_bytes: int | None = None
    latest: bool | None = None
    """Run the newest available version, published or not."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object that travels."""
        given = {name: value for name, value in self._asdict().items() if value is not None}
        return given | {
            "arguments": dict(self.arguments),
            "environment": dict(self.environment),
        }


class NewerVersion(NamedTuple):
    """A version that is newer than the one that runs: ``NewerVersionView``."""

    version: int
    image_status: str
    upload_job: int | None


class Waiting(NamedTuple):
    """What a pending job waits for: a part of ``WaitingView``."""

    code: str
    text: str


class PhaseTime(NamedTuple):
    """A phase of an attempt that has ended."""

    name: str
    seconds: float


class JobStanding(NamedTuple):
    """Where a job stands: the part of ``JobView`` that decides what a waiting command does."""

    id: int
    state: str
    reason: str | None
    reason_text: str | None
    exit_code: int | None
    newest_attempt: int = 1
    """Number of the last attempt so far; a retry is a new one."""
    phases: tuple[PhaseTime, ...] = ()
    """Of the last attempt, as far as they have ended."""
    version_text: str | None = None
    """A sentence, where the job runs another version than the newest."""
    newer: tuple[NewerVersion, ...] = ()
    """What that sentence is about."""
    waiting: Waiting | None = None
    """What it waits for, while it is pending."""
    waited_seconds: float | None = None
    """From its submission to its start; None: it did not begin."""
    ran_seconds: float | None = None
    """From its start to its end; None: it did not begin, or has not ended."""
    status_text: str | None = None
    progress: float | None = None
    """From 0 to 1."""
    output: Any = None

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.state in _FINAL_STATES

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.state == "SUCCEEDED"


def read_standing(document: Any) -> JobStanding:
    """Return the standing in a ``JobView`` document. Raises UnexpectedAnswer if it is none."""
    attempts = {take_whole(item, "number"): item for item in take_list(document, "attempts")}
    choice = find_mapping(document, "version_choice")
    waiting = find_mapping(document, "waiting")
    started_at = find_text(document, "started_at")
    return JobStanding(
        id=take_whole(document, "id"),
        state=take_text(document, "state"),
        reason=find_text(document, "reason"),
        reason_text=find_text(document, "reason_text"),
        exit_code=find_whole(document, "exit_code"),
        newest_attempt=max(attempts, default=1),
        phases=_read_phases(attempts[max(attempts)]) if attempts else (),
        version_text=find_text(choice, "text"),
        newer=tuple(map(_read_newer, find_list(choice, "newer"))),
        waiting=read_waiting(waiting) if waiting else None,
        waited_seconds=_seconds_between(find_text(document, "created_at"), started_at),
        ran_seconds=_seconds_between(started_at, find_text(document, "ended_at")),
        status_text=find_text(document, "status_text"),
        progress=find_number(document, "progress"),
        output=document.get("output"),
    )


def read_waiting(document: object) -> Waiting:
    """Return what a ``WaitingView`` document says. Raises UnexpectedAnswer if it is none."""
    return Waiting(take_text(document, "code"), take_text(document, "text"))


def _read_newer(item: object) -> NewerVersion:
    return NewerVersion(
        version=take_whole(item, "version"),
        image_status=take_text(item, "image_status"),
        upload_job=find_whole(item, "upload_job"),
    )


def _read_phases(attempt: object) -> tuple[PhaseTime, ...]:
    """Return the phases of an attempt that have ended."""
    found = []
    for phase in take_list(attempt, "phases"):
        ended_at = find_text(phase, "ended_at")
        if ended_at is not None:
            seconds = _seconds_between(take_text(phase, "started_at"), ended_at)
            found.append(PhaseTime(take_text(phase, "name"), seconds or 0.0))
    return tuple(found)


def _seconds_between(begun: str | None, ended: str | None) -> float | None:
    if begun is None or ended is None:
        return None
    try:
        return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()
    except (ValueError, TypeError) as error:  # One may have a time zone and the other none.
        raise UnexpectedAnswer from error


def submit_run(transport: Transport, context: Context, run: Run) -> JobStanding:
    """Submit ``run`` in ``context`` and return the new job."""
    document = transport.call(
        "POST", "/jobs", query=context_query(context), document=run.to_document()
    )
    return read_standing(document)


def poll_job(transport: Transport, job_id: int, *, wait_seconds: float = 0) -> JobStanding:
    """Return where a job stands, waiting at most ``wait_seconds`` for its end."""
    query = {"wait_seconds": f"{wait_seconds:g}"} if wait_seconds else None
    return read_standing(transport.call("GET", f"/jobs/{job_id}", query=query))
