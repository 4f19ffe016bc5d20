"""Jobs: states, reasons, legal transitions, records, and the limits of runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from au2.domain.accounts.context import Context
from au2.domain.code import Code
from au2.domain.jobs.container_contract import Network
from au2.domain.processes.version import VersionChoice


class JobType(StrEnum):
    """Kind of work of a job."""

    UPLOAD = "metro-dispatcher:process-upload"
    RUN = "au-process:run"


class JobState(StrEnum):
    """Spec section 5."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"

    @property
    def is_final(self) -> bool:
        """Whether no other state follows."""
        return self in _FINAL


_FINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.STOPPED})

_NEXT: dict[JobState, frozenset[JobState]] = {
    JobState.PENDING: frozenset({JobState.RUNNING, JobState.FAILED, JobState.STOPPED}),
    JobState.RUNNING: _FINAL,
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.STOPPED: frozenset(),
}


def may_become(present: JobState, wanted: JobState) -> bool:
    """Whether a job may change from ``present`` to ``wanted``."""
    return wanted in _NEXT[present]


class Reason(Code):
    """Reason code of a job that ended without success."""

    EXIT_CODE = "exit-code", "The code ended with an exit code other than 0."
    OUT_OF_MEMORY = (
        "out-of-memory",
        "The kernel killed a process of the job for memory, and the code ended with 137.",
    )
    TIMED_OUT = "timed-out", "The job ran longer than its time limit and was ended."
    STOPPED = "stopped", "A user stopped the job."
    BEFORE_FAILED = "before-failed", "`before.sh` failed, so the entry point did not run."
    AFTER_FAILED = "after-failed", "The entry point ended with 0, and `after.sh` failed."
    INVALID_OUTPUT = (
        "invalid-output",
        "The output is no JSON object, is too large, or does not match the version's schema.",
    )
    DISK_FULL = (
        "disk-full",
        "The job wrote more than its disk limit, or most of all jobs on a full disk.",
    )
    IMAGE_MISSING = "image-missing", "The image's content is not in the content store."
    START_FAILED = "start-failed", "The container could not be started; no code ran."
    ENGINE_LOST = (
        "engine-lost",
        "The container or its monitor was lost, and the exit code with it.",
    )
    BUILD_FAILED = "build-failed", "The package could not be built into an image."
    IMPORT_FAILED = "import-failed", "The image was refused when it was checked."
    UPLOAD_ABANDONED = (
        "upload-abandoned",
        "The upload was given up, or its client sent nothing for the time of its lease.",
    )


@dataclass(frozen=True, slots=True)
class Phase:
    """A named stretch of an attempt: ``upload``, ``build``, ``prepare``, ``create``, ``run``, …"""

    name: str
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job or attempt ended: final state, reason code, message, exit code."""

    state: JobState
    reason: Reason | None = None
    reason_text: str | None = None
    """A sentence with the next step."""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class StateChange:
    """One legal transition of a job's state. Raises ValueError for an illegal one."""

    before: JobState
    after: JobState
    at: datetime
    outcome: Outcome | None = None
    """Of the job, where ``after`` is final."""

    def __post_init__(self) -> None:
        """Hold the table of legal transitions."""
        if not may_become(self.before, self.after):
            raise ValueError(f"a job can't go from {self.before} to {self.after}")
        if self.after.is_final != (self.outcome is not None):
            raise ValueError("a job has an outcome when it ends, and only then")

    @classmethod
    def start(cls, at: datetime) -> Self:
        """Return the change from PENDING to RUNNING."""
        return cls(JobState.PENDING, JobState.RUNNING, at)

    @classmethod
    def end(cls, before: JobState, outcome: Outcome, at: datetime) -> Self:
        """Return the change from ``before`` to the outcome's state."""
        return cls(before, outcome.state, at, outcome)


@dataclass(frozen=True, slots=True)
class Resources:
    """Resources of a run, as requested."""

    cpu: float
    """Cores."""
    memory_bytes: int
    processes: int
    timeout_seconds: float
    network: Network
    shared_memory_bytes: int | None = None
    """Size of ``/dev/shm``, which counts against the memory; None: as large as the memory."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Submission of a run, kept with the job."""

    arguments: Mapping[str, Any]
    environment: Mapping[str, str]
    resources: Resources
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Variable → name of the secret whose value it gets when the job starts."""
    version_choice: VersionChoice | None = None
    """Why it has its version. None: it was submitted before that was kept."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a job."""

    number: int
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    container_id: str | None = None
    image_digest: str | None = None
    phases: tuple[Phase, ...] = ()
    used: Mapping[str, float] = field(default_factory=dict)
    """``cpu_seconds``, ``memory_peak_bytes``, ``log_bytes``, ``log_gaps`` (at how many places of
    the log output is missing), ``out_of_memory_kills`` (how many processes the kernel killed for
    memory): as far as measured."""


@dataclass(frozen=True, slots=True)
class Job:
    """One recorded piece of work: a run, a package upload or an image upload."""

    id: int
    type: JobType
    state: JobState
    name: str
    context: Context
    process_id: str
    version_number: int
    submitted_by: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: Reason | None = None
    reason_text: str | None = None
    exit_code: int | None = None
    request: RunRequest | None = None
    """None for upload jobs."""
    output: Mapping[str, Any] | None = None
    status_text: str | None = None
    progress: float | None = None
    stop_requested_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The last run of a process in a context, in short."""

    id: int
    state: JobState
    reason: Reason | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed job: a lease with a fencing token."""

    job: Job
    """The job as of the claim."""
    attempt: Attempt
    fencing_token: int
    resumed: bool
    """Whether the attempt was begun under an earlier claim, so that its progress is unknown."""


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Resources of a run that asks for none, and the most that a run may ask for.

    The defaults are those of a server whose operator set nothing. The maxima are the widest that
    settings allow; a server takes narrower ones from its settings and its machine.
    """

    default_cpu: float = 1.0
    default_memory_bytes: int = 512 << 20
    default_timeout_seconds: float = 3600.0
    default_network: Network = Network.INTERNET
    processes: int = 512
    max_cpu: float = 1024.0
    max_memory_bytes: int = 1 << 50
    max_timeout_seconds: float = 365 * 86_400.0
    max_arguments_bytes: int = 1 << 20
    """As JSON."""
