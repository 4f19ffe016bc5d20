"""Execution of upload jobs: make the image, then make the version available."""

import logging
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from au2.dispatcher.faults import WriteRetry, describe_platform_fault
from au2.dispatcher.image_importer import ImageImporter
from au2.dispatcher.job_records import BuildContext, JobRecords, Timeline
from au2.dispatcher.package_builder import PackageBuilder
from au2.domain.errors import (
    Au2Error,
    BlobMissing,
    DatabaseUnavailable,
    DigestMismatch,
    EngineFailure,
    InvalidPackage,
    LeaseLost,
    StorageFull,
)
from au2.domain.jobs.job import Claim, JobState, Outcome, Phase, Reason, StateChange
from au2.domain.processes.upload import ImageUpload, PackageUpload, Upload
from au2.domain.processes.version import BuiltImage
from au2.engines.protocol import Engine
from au2.execution.termination import Detached, JobControl, Stopped
from au2.stores.database.content.uploads import find_upload_of_job
from au2.stores.database.database import Transaction
from au2.stores.database.job_changes import change_state, update_attempt
from au2.stores.logs.protocol import LogStore, LogWriter
from au2.stores.logs.record import PLATFORM, STDOUT
from au2.stores.notices import Notices, job_topic, log_topic

logger = logging.getLogger(__name__)

_GONE = "The uploaded files are not there any more. Upload them again."
_STOPPED = Outcome(JobState.STOPPED, Reason.STOPPED, "Stopped on request.")
_MISSING = "The server's disk was full: lines are missing here."
_NO_SPACE = "Ask your operator to free space, then upload again."


@dataclass(slots=True)
class UploadLog:
    """The log of an upload job. A full disk loses lines and never holds the job up."""

    logs: LogStore
    notices: Notices
    claim: Claim
    _writer: LogWriter | None = field(default=None, init=False)
    _has_gap: bool = field(default=False, init=False)

    def write(self, text: str) -> None:
        """Add lines. Raises LeaseLost once another worker has taken the job over."""
        claim = self.claim
        try:
            if self._writer is None:
                self._writer = self.logs.writer(
                    claim.job.id, claim.attempt.number, claim.fencing_token
                )
            if self._has_gap:
                self._writer.write_line(PLATFORM, _MISSING)
                self._has_gap = False
            self._writer.write_line(STDOUT, text)
        except StorageFull:
            self._has_gap = True
        self.notices.send(log_topic(claim.job.id))

    def close(self) -> None:
        """Close the log for writing."""
        if self._writer is not None:
            self._writer.close()


@dataclass(frozen=True, slots=True)
class UploadJob:
    """Executor of upload jobs; one instance for all."""

    engine: Engine
    logs: LogStore
    records: JobRecords
    packages: PackageBuilder
    images: ImageImporter
    write_retry: WriteRetry

    def begin(self, transaction: Transaction, claim: Claim, at: datetime) -> Claim:
        """Make a job RUNNING in the transaction of its claim; return the changed claim.

        A build may be repeated, so RUNNING may be written before any preparation.
        """
        if claim.job.state is not JobState.PENDING:
            return claim
        upload = find_upload_of_job(transaction, claim.job.id)
        phases = (Phase("import" if isinstance(upload, ImageUpload) else "build", at),)
        change_state(
            transaction, claim.job, StateChange.start(at), fencing_token=claim.fencing_token
        )
        update_attempt(
            transaction, claim.job.id, claim.attempt.number, phases=phases, started_at=at
        )
        return replace(
            claim,
            job=replace(claim.job, state=JobState.RUNNING),
            attempt=replace(claim.attempt, phases=phases, started_at=at),
        )

    def run(self, claim: Claim, control: JobControl) -> None:
        """Execute a claimed job until its end. Raises Detached, LeaseLost, or a platform fault.

        The work of an interrupted attempt is simply done again.
        """
        timeline = Timeline(self.records.clock, claim.attempt.phases)
        self.records.notices.send(job_topic(claim.job.id))
        log = UploadLog(self.logs, self.records.notices, claim)
        try:
            built = self._execute(claim, control, timeline, log)
        finally:
            log.close()
        if built is not None:
            self._unpack(built.image_digest, control)

    def _execute(
        self, claim: Claim, control: JobControl, timeline: Timeline, log: UploadLog
    ) -> BuiltImage | None:
        """Make the image and record the outcome; return the image if there is one."""
        context = BuildContext(claim, control, timeline, log.write, self.records)
        built, outcome = self._try(context)
        if control.stop.is_set():
            built, outcome = None, _STOPPED
        if outcome.reason_text:
            log.write(outcome.reason_text)
        self.write_retry.run(
            lambda: self.records.finish(
                claim, outcome, timeline, was=JobState.RUNNING, built=built
            ),
            control,
            name=f"job {claim.job.id}",
        )
        return built

    def _try(self, context: BuildContext) -> tuple[BuiltImage | None, Outcome]:
        with self.records.database.read() as transaction:
            upload = find_upload_of_job(transaction, context.claim.job.id)
        is_image = isinstance(upload, ImageUpload)
        reason = Reason.IMPORT_FAILED if is_image else Reason.BUILD_FAILED
        try:
            return self._make(context, upload), Outcome(JobState.SUCCEEDED)
        except Stopped:
            return None, _STOPPED
        except InvalidPackage as error:
            for detail in error.details:
                context.log(str(detail))
            text = "The package has errors: see the log, correct them and upload it again."
            return None, _failed(reason, text)
        except (LeaseLost, DatabaseUnavailable):
            raise  # No outcome of the upload: the next attempt makes the image again.
        except EngineFailure as error:
            # A fault of the platform, never blamed on the upload.
            text = describe_platform_fault(context.claim.job.id, error)
            return None, _failed(Reason.ENGINE_LOST, text)
        except Au2Error as error:
            return None, _failed(reason, _explain(error))

    def _make(self, context: BuildContext, upload: Upload | None) -> BuiltImage:
        match upload:
            case ImageUpload():
                return self.images.make(context, upload)
            case PackageUpload():
                return self.packages.make(context, upload)
        raise BlobMissing

    def _unpack(self, image_digest: str, control: JobControl) -> None:
        """Unpack the image, so the first run starts as quickly as the next ones."""
        try:
            with suppress(Stopped, Detached):  # The job has ended; the first run unpacks.
                self.engine.prepare(image_digest, control.check)
        except Au2Error as error:
            logger.warning("can't unpack %s yet: %s", image_digest, error.message)


def _explain(error: Au2Error) -> str:
    if isinstance(error, BlobMissing | DigestMismatch):
        return _GONE
    if isinstance(error, StorageFull):
        return f"{error.message} {_NO_SPACE}"
    return error.explanation


def _failed(reason: Reason, text: str) -> Outcome:
    return Outcome(JobState.FAILED, reason, text)
