"""Jobs and their logs."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from au2.wire.base import Model, View


class RunCreation(Model):
    """Body of ``POST /api/v1/jobs``: run a process. None: the version's or platform's default."""

    process: str = Field(max_length=200)
    version: int | None = None
    """None: the newest published version; if none is published, the newest available one."""
    latest: bool = False
    """Run the newest available version, published or not; goes without ``version``."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    """Variable → name of the secret whose value it gets."""
    cpu: float | None = Field(default=None, gt=0, le=1024)
    memory_bytes: int | None = Field(default=None, ge=1 << 22)
    shared_memory_bytes: int | None = Field(default=None, ge=1)
    """Size of ``/dev/shm``, which counts against the memory. None: the version's default, else as
    large as the memory."""
    timeout_seconds: float | None = Field(default=None, gt=0)
    network: Literal["internet", "none"] | None = None


class PhaseView(View):
    """A stretch of an attempt."""

    name: str
    started_at: datetime
    ended_at: datetime | None


class AttemptView(View):
    """One try of a job."""

    number: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    state: str | None
    reason: str | None
    reason_text: str | None
    exit_code: int | None
    image_digest: str | None
    phases: list[PhaseView]
    used: dict[str, float]


class ResourcesView(View):
    """What a run job asked for."""

    cpu: float
    memory_bytes: int
    processes: int
    timeout_seconds: float
    network: str
    shared_memory_bytes: int | None = None
    """Size of ``/dev/shm``. None: as large as the memory."""


class NewerVersionView(View):
    """A version with a higher number than the one that runs."""

    version: int
    image_status: str
    upload_job: int | None


class VersionChoiceView(View):
    """Why a run has its version, as of its submission."""

    rule: Literal["stated", "published", "available", "latest"]
    text: str | None
    """A sentence, where a newer version is not taken."""
    newer: list[NewerVersionView]
    """The newest with an image, and the newest of all: those that are newer than what runs."""


class WaitingView(View):
    """What a pending job waits for."""

    code: Literal["upload", "no-dispatcher", "places", "jobs-before", "dispatcher", "preparing"]
    text: str
    jobs_before: int
    """Older jobs that are still to be taken, of all contexts."""
    jobs_taken: int
    """Jobs that are worked on, of all contexts."""
    places: int
    """How many jobs are worked on at once."""


class JobView(View):
    """The job record."""

    id: int
    type: str
    state: str
    reason: str | None
    reason_text: str | None
    name: str
    organization: str
    project: str | None
    process: str
    version: int
    version_choice: VersionChoiceView | None = None
    """Of runs, unless they were submitted before this was kept."""
    submitted_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    arguments: dict[str, Any] | None
    environment: dict[str, str] | None
    """What was given at submission. Who may not run it sees names only."""
    secrets: dict[str, str] | None = None
    """Variable → name of a secret."""
    resources: ResourcesView | None
    output: dict[str, Any] | None
    status_text: str | None
    progress: float | None
    stop_requested_at: datetime | None
    attempts: list[AttemptView]
    waiting: WaitingView | None = None
    """While it is PENDING: in the answer of ``GET /api/v1/jobs/{job}`` only."""


class JobPage(View):
    """A page of jobs, newest first."""

    items: list[JobView]
    next_before: int | None
    """Pass as ``before`` to get the next page; None on the last."""


class LogRecord(View):
    """One record of a log. Exactly one of ``text`` and ``base64`` is set."""

    time: str
    """RFC 3339 with nanoseconds."""
    stream: Literal["stdout", "stderr", "platform"]
    partial: bool = False
    """The line goes on in the next record of this stream; else it ended with a newline."""
    text: str | None = None
    base64: str | None = None
    """For bytes that are not UTF-8, or, of a long line whose pieces come in several events, half of
    a character."""


class LogChunk(View):
    """Data of a server-sent event ``log``; the event's id is the offset to go on from."""

    records: list[LogRecord]
