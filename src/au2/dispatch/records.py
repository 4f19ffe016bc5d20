"""What a dispatcher writes down of a claimed job, each in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from au2.dispatch.timeline import Timeline
from au2.domain.job import Ending, Job, JobState
from au2.domain.version import ImageStatus, Version
from au2.notices.base import Notices, job_topic
from au2.storage.claims import Claim
from au2.storage.database import Database
from au2.storage.job_changes import change_state, set_status, update_attempt
from au2.storage.jobs import find_job
from au2.storage.versions import BuiltImage, change_image_status, find_version


@dataclass(frozen=True, slots=True)
class Records:
    """Writes for claimed jobs; every one is refused (LeaseLost) once the claim is another's."""

    database: Database
    notices: Notices
    clock: Callable[[], datetime]

    def find_job(self, job_id: int) -> Job | None:
        """The job as it is now."""
        with self.database.read() as transaction:
            return find_job(transaction, job_id)

    def find_version(self, job: Job) -> Version | None:
        """The version that the job is about."""
        with self.database.read() as transaction:
            return find_version(transaction, job.process_id, job.version_number)

    def running(
        self,
        claim: Claim,
        timeline: Timeline,
        *,
        container_id: str | None = None,
        image_digest: str | None = None,
    ) -> datetime:
        """PENDING → RUNNING; return when."""
        at = self.clock()
        with self.database.write() as transaction:
            change_state(
                transaction,
                claim.job,
                Ending(JobState.RUNNING),
                expected=JobState.PENDING,
                token=claim.token,
                at=at,
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
        self.notices.send(job_topic(claim.job.id))
        return at

    def finish(
        self,
        claim: Claim,
        ending: Ending,
        timeline: Timeline,
        *,
        was: JobState,
        output: Mapping[str, Any] | None = None,
        used: Mapping[str, float] | None = None,
        built: BuiltImage | None = None,
    ) -> None:
        """Write the end of the attempt and the job, and for an upload that of its version."""
        timeline.end()
        at = self.clock()
        job = claim.job
        with self.database.write() as transaction:
            change_state(
                transaction,
                job,
                ending,
                expected=was,
                token=claim.token,
                at=at,
                output=output,
            )
            update_attempt(
                transaction,
                job.id,
                claim.attempt.number,
                phases=timeline.phases,
                ended_at=at,
                ending=ending,
                used=used,
            )
            if job.request is None:
                version = find_version(transaction, job.process_id, job.version_number)
                if version is not None:
                    status = ImageStatus.AVAILABLE if built else ImageStatus.FAILED
                    change_image_status(transaction, version, status, image=built)
        self.notices.send(job_topic(job.id))

    def status(self, claim: Claim, *, text: str | None, progress: float | None) -> None:
        """Keep what the code says of itself."""
        with self.database.write() as transaction:
            set_status(transaction, claim.job.id, claim.token, text=text, progress=progress)
        self.notices.send(job_topic(claim.job.id))
