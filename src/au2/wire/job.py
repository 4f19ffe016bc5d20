"""Jobs and their logs."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from au2.wire.base import Limits, RequestType, ResponseType
from au2.wire.field import (
    ChoiceRuleName,
    Count,
    Digest,
    ExplanationCodeName,
    ImageStatusName,
    JobNumber,
    JobStateName,
    JobTypeName,
    Name,
    NetworkName,
    Ordinal,
    OrganizationId,
    Person,
    ProcessId,
    ProjectId,
    ReasonName,
    Seconds,
    SecretReference,
    Shown,
    VersionNumber,
    WaitingCodeName,
)
from au2.wire.page import Page

_FINAL_STATES: Final = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})


_VARIABLES = Shown(propertyNames={"type": "string", "pattern": "^[^=]+$"})
"""Keywords of a map by variable. Names in packages are stricter: letters, digits and ``_``."""


class RunCreation(RequestType):
    """Body of ``POST /api/v1/jobs``: run a process. None: the version's or platform's default."""

    process: Annotated[str, Limits(max_length=200), Shown(minLength=1, examples=["forecast"])]
    """GUID or name of the process."""
    version: VersionNumber | None = None
    """None: the newest published version; if none is published, the newest available one."""
    latest: bool = False
    """Run the newest available version, published or not; goes without ``version``."""
    arguments: dict[str, Any] = {}
    """Arguments, which the version's schema checks; at most 1 MiB as JSON unless the server's
    settings say otherwise."""
    environment: Annotated[dict[str, str], _VARIABLES] = {}
    """Variable → text, beside the version's defaults; at most 1 MiB in all, with the secrets."""
    secrets: Annotated[dict[str, SecretReference], _VARIABLES, Shown(maxProperties=100)] = {}
    """Variable → name of the secret whose value it gets."""
    cpu: Annotated[float, Limits(gt=0, le=1024)] | None = None
    """Number of cores."""
    memory_bytes: Annotated[int, Limits(ge=1 << 22), Shown(maximum=1 << 50)] | None = None
    """Most memory."""
    shared_memory_bytes: Annotated[int, Limits(ge=1), Shown(maximum=1 << 50)] | None = None
    """Size of ``/dev/shm``, which counts against the memory. None: the version's default, else as
    large as the memory."""
    timeout_seconds: Annotated[float, Limits(gt=0), Shown(maximum=365 * 86_400)] | None = None
    """Longest time that the code may run."""
    network: NetworkName | None = None
    """Network access."""


class PhaseView(ResponseType):
    """Phase of an attempt, like ``build`` or ``run``."""

    name: str
    """Name of the phase. Later servers may have more."""
    started_at: datetime
    """Time of its start."""
    ended_at: datetime | None
    """Time of its end; null: it goes on."""

    @property
    def seconds(self) -> float:
        """Length of the phase; 0 for an unfinished one."""
        return _seconds_between(self.started_at, self.ended_at) or 0.0


class AttemptView(ResponseType):
    """One try of a job."""

    number: Ordinal
    """Number, from 1; each retry adds one."""
    created_at: datetime
    """Time when it was begun."""
    started_at: datetime | None
    """Time when the code started; null: not yet."""
    ended_at: datetime | None
    """Time of its end; null: it goes on."""
    state: JobStateName | None
    """Final state; null: it goes on."""
    reason: ReasonName | None
    """Why it ended without success."""
    reason_text: str | None
    """Sentence with the particulars."""
    exit_code: int | None
    """Exit code of the code; null: it has none."""
    image_digest: Digest | None
    """Digest of the manifest of the image that runs."""
    phases: list[PhaseView]
    """Phases, in order."""
    used: dict[str, float]
    """Name of a resource → how much of it was used. Later servers may have more."""


class ResourcesView(ResponseType):
    """Resources of a run, as requested."""

    cpu: Annotated[float, Shown(exclusiveMinimum=0)]
    """Number of cores."""
    memory_bytes: Count
    """Most memory."""
    processes: Count
    """Most processes and threads at once."""
    timeout_seconds: Seconds
    """Longest time that the code may run."""
    network: NetworkName
    """Network access."""
    shared_memory_bytes: Count | None = None
    """Size of ``/dev/shm``. None: as large as the memory."""


class NewerVersionView(ResponseType):
    """A version with a higher number than the run's version."""

    version: VersionNumber
    image_status: ImageStatusName
    """Progress towards its image."""
    upload_job: JobNumber | None
    """Id of the job that builds or imports it."""


class VersionChoiceView(ResponseType):
    """Reason for a run's version, as of its submission."""

    rule: ChoiceRuleName
    """The rule."""
    text: str | None
    """A sentence, where a newer version is not taken."""
    newer: list[NewerVersionView]
    """The newest with an image, and the newest of all: those that are newer than what runs."""


class WaitingView(ResponseType):
    """Cause of a pending job's wait."""

    code: WaitingCodeName
    """The cause."""
    text: str
    """Sentence about the cause, with the job as "it"."""
    jobs_before: Count
    """Older jobs that are still to be taken, of all contexts."""
    jobs_taken: Count
    """Jobs that are worked on, of all contexts."""
    places: Count
    """How many jobs are worked on at once."""


class SpanView(ResponseType):
    """Stretch of a job's time."""

    name: Annotated[str, Shown(examples=["queued"])]
    """``queued``, a phase of an attempt, or ``output`` until the record was complete."""
    attempt: Ordinal | None
    """Number of the attempt; null: between attempts."""
    started_at: datetime
    """Its beginning."""
    milliseconds: Count
    """Its length, up to now if it is open."""
    is_open: bool
    """Whether it goes on."""


class JobExplanation(ResponseType):
    """Why a job is in its state."""

    job: JobNumber
    """Id of the job."""
    state: JobStateName
    """Its state."""
    code: ExplanationCodeName
    """Why; docs/reference/reasons.md explains each code."""
    text: str
    """One sentence, with the job as "it"."""
    hint: str | None
    """A command, or a sentence about what to do next; null: nothing."""
    timeline: list[SpanView]
    """Where the time went, in order."""
    waiting: WaitingView | None
    """Numbers of the queue, of a PENDING job."""


class JobView(ResponseType):
    """The job record."""

    id: JobNumber
    """Id of the job."""
    type: JobTypeName
    """Kind of work."""
    state: JobStateName
    """State."""
    reason: ReasonName | None
    """Why it ended without success; null: it did not."""
    reason_text: str | None
    """Sentence with the particulars, and what to do."""
    name: str
    """Name of the process at the submission."""
    organization: OrganizationId
    organization_name: Name | None = None
    """In the list of all contexts only, like the project's."""
    project: ProjectId | None
    project_name: Name | None = None
    """Like the organization's."""
    process: ProcessId
    version: VersionNumber
    version_choice: VersionChoiceView | None = None
    """Of runs, unless they were submitted before this was kept."""
    submitted_by: Person
    """Email address of who submitted it."""
    created_at: datetime
    """Time of the submission."""
    started_at: datetime | None
    """Time when its work started; null: not yet."""
    ended_at: datetime | None
    """Time of its end; null: not ended."""
    exit_code: int | None
    """Exit code of the code; null: it has none."""
    arguments: dict[str, Any] | None
    """Arguments of a run."""
    environment: dict[str, str] | None
    """What was given at submission. Who may not run it sees names only."""
    secrets: dict[str, str] | None = None
    """Variable → name of a secret."""
    resources: ResourcesView | None
    """Resources of a run."""
    output: dict[str, Any] | None
    """Output of the code; null: there is none."""
    status_text: str | None
    """Last message of the code about its progress."""
    progress: Annotated[float, Shown(minimum=0, maximum=1)] | None
    """Share of the work that is done, as the code last said."""
    stop_requested_at: datetime | None
    """Time when somebody asked to stop it."""
    attempts: list[AttemptView]
    """Attempts, oldest first."""
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
    """Jobs of this page."""


class LogRecord(ResponseType):
    """One record of a log. Exactly one of ``text`` and ``base64`` is set."""

    time: Annotated[str, Shown(maxLength=64, examples=["2030-01-31T12:00:00.000000001+00:00"])]
    """RFC 3339 with nanoseconds."""
    stream: Literal["stdout", "stderr", "platform"]
    """Where it was written; ``platform``: by au2 itself."""
    partial: bool = False
    """The line goes on in the next record of this stream; else it ended with a newline."""
    text: str | None = None
    """Text of the record, without the newline."""
    base64: str | None = None
    """For bytes that are not UTF-8, or, of a long line whose pieces come in several events, half of
    a character."""


class LogPositionView(ResponseType):
    """Where to begin reading the log of an attempt."""

    attempt: Ordinal
    """Number of the attempt: the one asked for, else the newest."""
    offset_bytes: Count
    """Of the first wanted record; the log's end if none is wanted yet."""
    size_bytes: Count
    """Size of the log at this moment."""


class LogChunk(ResponseType):
    """Data of a server-sent event ``log``; the event's id is the offset to go on from."""

    records: list[LogRecord]
    """Records, in order."""
