"""Records of a claimed job, each written in one transaction, and the names of its containers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from au2.dispatcher.job_secrets import ResolvedSecrets
from au2.domain.accounts.context import Context
from au2.domain.event import PLATFORM, EventAction
from au2.domain.jobs.job import Attempt, Claim, Job, JobState, Outcome, Phase, StateChange
from au2.domain.processes.version import BuiltImage, ImageStatus, Version
from au2.execution.termination import JobControl
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event
from au2.stores.database.job_changes import change_state, set_status, update_attempt
from au2.stores.database.jobs import find_job
from au2.stores.database.processes import find_process
from au2.stores.database.secrets import hold_values, release_values
from au2.stores.database.versions import change_image_status, find_newest_lock, find_version
from au2.stores.notices import Notices, job_topic


class Timeline:
    """The phases of an attempt; each begins where the one before ends."""

    def __init__(self, clock: Callable[[], datetime], phases: Iterable[Phase] = ()) -> None:
        self._clock = clock
        self._phases = list(phases)

    def begin(self, name: str) -> None:
        """End the present phase and begin the next."""
        self.end()
        self._phases.append(Phase(name, self._clock()))

    def end(self) -> None:
        """End the present phase, if there is one."""
        if self._phases and self._phases[-1].ended_at is None:
            last = self._phases.pop()
            self._phases.append(Phase(last.name, last.started_at, self._clock()))

    @property
    def phases(self) -> tuple[Phase, ...]:
        """All phases until now."""
        return tuple(self._phases)


@dataclass(frozen=True, slots=True)
class JobRecords:
    """Writes for claimed jobs; every one is refused (LeaseLost) once the claim is another's."""

    database: Database
    notices: Notices
    clock: Callable[[], datetime]

    def find_job(self, job_id: int) -> Job | None:
        """Return the job's present record."""
        with self.database.read() as transaction:
            return find_job(transaction, job_id)

    def find_version(self, job: Job) -> Version | None:
        """Return the job's version."""
        with self.database.read() as transaction:
            return find_version(transaction, job.process_id, job.version_number)

    def find_owner(self, job: Job) -> Context:
        """Return the context of the job's process; the job's own may be a project below."""
        with self.database.read() as transaction:
            process = find_process(transaction, job.process_id)
        return job.context if process is None else process.context

    def find_lock(self, process_id: str) -> Mapping[str, Any] | None:
        """Return the lock of the process's newest version with dependencies."""
        with self.database.read() as transaction:
            return find_newest_lock(transaction, process_id)

    def running(
        self,
        claim: Claim,
        timeline: Timeline,
        *,
        container_id: str | None = None,
        image_digest: str | None = None,
        secrets: ResolvedSecrets,
    ) -> datetime:
        """PENDING → RUNNING; return the time. Resolved secrets are held until the end."""
        at = self.clock()
        with self.database.write() as transaction:
            change_state(
                transaction, claim.job, StateChange.start(at), fencing_token=claim.fencing_token
            )
            update_attempt(
                transaction,
                claim.job.id,
                claim.attempt.number,
                phases=timeline.phases,
                started_at=at,
                container_id=container_id,
                image_digest=image_digest,
            )
            self._hold(transaction, claim, secrets, at)
        self.notices.send(job_topic(claim.job.id))
        return at

    def _hold(
        self, transaction: Transaction, claim: Claim, secrets: ResolvedSecrets, at: datetime
    ) -> None:
        if secrets.sealed is not None:
            hold_values(transaction, claim.job.id, claim.attempt.number, secrets.sealed)
        for secret in secrets.used:
            add_event(
                transaction,
                PLATFORM,
                EventAction.SECRET_USED,
                f"secret:{secret.id}",
                secret.context,
                at=at,
                name=secret.name,
                job=claim.job.id,
            )

    def finish(
        self,
        claim: Claim,
        outcome: Outcome,
        timeline: Timeline,
        *,
        was: JobState,
        output: Mapping[str, Any] | None = None,
        used: Mapping[str, float] | None = None,
        built: BuiltImage | None = None,
    ) -> None:
        """Write the end of the attempt and the job, and for an upload its version's."""
        timeline.end()
        at = self.clock()
        job = claim.job
        with self.database.write() as transaction:
            change = StateChange.end(was, outcome, at)
            change_state(transaction, job, change, fencing_token=claim.fencing_token, output=output)
            update_attempt(
                transaction,
                job.id,
                claim.attempt.number,
                phases=timeline.phases,
                ended_at=at,
                outcome=outcome,
                used=used,
            )
            release_values(transaction, job.id)
            if job.request is None:
                version = find_version(transaction, job.process_id, job.version_number)
                if version is not None:
                    status = ImageStatus.AVAILABLE if built else ImageStatus.FAILED
                    change_image_status(transaction, version, status, image=built)
        self.notices.send(job_topic(job.id))

    def phases(self, claim: Claim, timeline: Timeline) -> None:
        """Show the progress of an attempt; need not survive a power cut."""
        with self.database.write(durable=False) as transaction:
            update_attempt(transaction, claim.job.id, claim.attempt.number, phases=timeline.phases)
        self.notices.send(job_topic(claim.job.id))

    def status(self, claim: Claim, *, text: str | None, progress: float | None) -> None:
        """Write the status given by the code."""
        with self.database.write() as transaction:
            set_status(transaction, claim.job.id, claim.fencing_token, text=text, progress=progress)
        self.notices.send(job_topic(claim.job.id))


def make_container_id(job: Job, attempt: Attempt) -> str:
    """Return the container's id: the same attempt always has the same one."""
    return f"job-{job.id}-{attempt.number}"


def parse_container_id(container_id: str) -> tuple[int, int] | None:
    """Return (job id, attempt number) of an attempt's container; None for others.

    The id of a build container has one more word after the attempt's id.
    """
    match container_id.split("-"):
        case ["job", job_id, number, *rest] if job_id.isdecimal() and number.isdecimal():
            is_ours = not rest or (len(rest) == 1 and rest[0].isalpha())
            return (int(job_id), int(number)) if is_ours else None
        case _:
            return None


@dataclass(frozen=True, slots=True)
class BuildContext:
    """One attempt of an upload job."""

    claim: Claim
    control: JobControl
    timeline: Timeline
    log: Callable[[str], None]
    records: JobRecords

    def begin_phase(self, name: str) -> None:
        """Begin a phase of the attempt and record it."""
        self.timeline.begin(name)
        self.records.phases(self.claim, self.timeline)

    def check(self) -> None:
        """Raise Stopped or Detached if the attempt should end."""
        self.control.check()
