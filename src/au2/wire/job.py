"""Jobs and their logs."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from au2.wire.base import Limits, OneOf, RequestType, ResponseType
from au2.wire.page import Page

_FINAL_STATES: Final = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})


class RunCreation(RequestType):
    """Body of ``POST /api/v1/jobs``: run a process. None: the version's or platform's default."""

    process: Annotated[str, Limits(max_length=200)]
    version: int | None = None
    """None: the newest published version; if none is published, the newest available one."""
    latest: bool = False
    """Run the newest available version, published or not; goes without ``version``."""
    arguments: dict[str, Any] = {}
    environment: dict[str, str] = {}
    secrets: dict[str, str] = {}
    """Variable → name of the secret whose value it gets."""
    cpu: Annotated[float, Limits(gt=0, le=1024)] | None = None
    memory_bytes: Annotated[int, Limits(ge=1 << 22)] | None = None
    shared_memory_bytes: Annotated[int, Limits(ge=1)] | None = None
    """Size of ``/dev/shm``, which counts against the memory. None: the version's default, else as
    large as the memory."""
    timeout_seconds: Annotated[float, Limits(gt=0)] | None = None
    network: Literal["internet", "none"] | None = None


class PhaseView(ResponseType):
    """Phase of an attempt, like ``build`` or ``run``."""

    name: str
    started_at: datetime
    ended_at: datetime | None

    @property
    def seconds(self) -> float:
        """Length of the phase; 0 for an unfinished one."""
        return _seconds_between(self.started_at, self.ended_at) or 0.0


class AttemptView(ResponseType):
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


class ResourcesView(ResponseType):
    """Resources of a run, as requested."""

    cpu: float
    memory_bytes: int
    processes: int
    timeout_seconds: float
    network: str
    shared_memory_bytes: int | None = None
    """Size of ``/dev/shm``. None: as large as the memory."""


class NewerVersionView(ResponseType):
    """A version with a higher number than the run's version."""

    version: int
    image_status: str
    upload_job: int | None


class VersionChoiceView(ResponseType):
    """Reason for a run's version, as of its submission."""

    rule: Annotated[str, OneOf("stated", "published", "available", "latest")]
    text: str | None
    """A sentence, where a newer version is not taken."""
    newer: list[NewerVersionView]
    """The newest with an image, and the newest of all: those that are newer than what runs."""


class WaitingView(ResponseType):
    """Cause of a pending job's wait."""

    code: Annotated[
        str,
        OneOf("upload", "no-dispatcher", "places", "jobs-before", "dispatcher", "preparing"),
    ]
    text: str
    jobs_before: int
    """Older jobs that are still to be taken, of all contexts."""
    jobs_taken: int
    """Jobs that are worked on, of all contexts."""
    places: int
    """How many jobs are worked on at once."""


class JobView(ResponseType):
    """The job record."""

    id: int
    type: str
    state: str
    reason: str | None
    reason_text: str | None
    name: str
    organization: str
    organization_name: str | None = None
    """In the list of all contexts only, like the project's."""
    project: str | None
    project_name: str | None = None
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
    """Cause of a PENDING state: in the response to ``GET /api/v1/jobs/{job}`` only."""

    @property
    def version_text(self) -> str | None:
        """Sentence about newer versions, where a run takes another than the newest."""
        return None if self.version_choice is None else self.version_choice.text

    @property
    def newer(self) -> list[NewerVersionView]:
        """Versions with a higher number than the run's version."""
        return [] if self.version_choice is None else self.version_choice.newer

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self.state in _FINAL_STATES

    @property
    def succeeded(self) -> bool:
        """Whether the job ended well."""
        return self.state == "SUCCEEDED"

    @property
    def newest_attempt(self) -> int:
        """Number of the last attempt so far; each retry adds one."""
        return max((attempt.number for attempt in self.attempts), default=1)

    @property
    def phases(self) -> list[PhaseView]:
        """Phases of the last attempt that have ended."""
        newest = [a for a in self.attempts if a.number == self.newest_attempt]
        return [phase for a in newest for phase in a.phases if phase.ended_at is not None]

    @property
    def waited_seconds(self) -> float | None:
        """Time from the submission to the start; None: not started."""
        return _seconds_between(self.created_at, self.started_at)

    @property
    def ran_seconds(self) -> float | None:
        """Time from the start to the end; None: not started or not ended."""
        return _seconds_between(self.started_at, self.ended_at)


def _seconds_between(begun: datetime | None, ended: datetime | None) -> float | None:
    return None if begun is None or ended is None else (ended - begun).total_seconds()


class JobPage(Page):
    """A page of jobs, newest first."""

    items: list[JobView]


class LogRecord(ResponseType):
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


class LogPositionView(ResponseType):
    """Where to begin reading the log of an attempt."""

    attempt: int
    """Number of the attempt: the one asked for, else the newest."""
    offset_bytes: int
    """Of the first wanted record; the log's end if none is wanted yet."""
    size_bytes: int
    """Size of the log at this moment."""


class LogChunk(ResponseType):
    """Data of a server-sent event ``log``; the event's id is the offset to go on from."""

    records: list[LogRecord]
