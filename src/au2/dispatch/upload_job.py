"""Moves one upload job: make the image of what was sent → make the version available."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from au2.dispatch.control import Detached, JobControl, Stopped
from au2.dispatch.image_check import ImageCheck
from au2.dispatch.package_build import PackageBuild
from au2.dispatch.platform_faults import describe_platform_fault
from au2.dispatch.records import Records
from au2.dispatch.timeline import Timeline
from au2.dispatch.upload_work import UploadWork
from au2.domain.errors import (
    Au2Error,
    BlobMissing,
    DigestMismatch,
    EngineFailure,
    InvalidPackage,
    StorageFull,
)
from au2.domain.job import Ending, JobState, Phase, Reason
from au2.domain.wording import as_sentence
from au2.engines.base import Engine
from au2.logs.base import LogStore
from au2.notices.base import job_topic, log_topic
from au2.storage.claims import Claim
from au2.storage.database import Transaction
from au2.storage.job_changes import change_state, update_attempt
from au2.storage.uploads import Upload, find_upload_of_job
from au2.storage.versions import BuiltImage

logger = logging.getLogger(__name__)

_GONE = "What was uploaded is not there any more. Upload it again."
_STOPPED = Ending(JobState.STOPPED, Reason.STOPPED, "Stopped on request.")
_NO_ROOM = "Ask your operator to free space, then upload again."


@dataclass(frozen=True, slots=True)
class UploadJob:
    """How upload jobs are moved; one instance for all."""

    engine: Engine
    logs: LogStore
    records: Records
    packages: PackageBuild
    images: ImageCheck

    def begin(self, transaction: Transaction, claim: Claim, at: datetime) -> Claim:
        """Make a job RUNNING in the transaction that claims it; return the claim as it is then.

        Building may be repeated at will, so nothing has to be prepared before that is written.
        """
        if claim.job.state is not JobState.PENDING:
            return claim
        upload = find_upload_of_job(transaction, claim.job.id)
        is_image = upload is not None and upload.is_image
        phases = (Phase("import" if is_image else "build", at),)
        change_state(
            transaction,
            claim.job,
            Ending(JobState.RUNNING),
            expected=JobState.PENDING,
            token=claim.token,
            at=at,
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
        """Move a claimed job to its end. Raises LeaseLost, or a fault of ours.

        What was begun by an attempt that was cut off may be done again at will.
        """
        timeline = Timeline(self.records.clock, claim.attempt.phases)
        self.records.notices.send(job_topic(claim.job.id))
        log = self._make_log(claim)
        upload = self._find_upload(claim)
        reason = Reason.IMPORT_FAILED if upload and upload.is_image else Reason.BUILD_FAILED
        built: BuiltImage | None = None
        try:
            built = self._make(UploadWork(claim, control, timeline, log, self.records), upload)
            ending = Ending(JobState.SUCCEEDED)
        except Stopped:
            ending = _STOPPED
        except InvalidPackage as error:
            for detail in error.details:
                log(str(detail))
            text = "The package has mistakes: see the log, correct them and upload it again."
            ending = _failed(reason, text)
        except (BlobMissing, DigestMismatch):
            ending = _failed(reason, _GONE)
        except StorageFull as error:
            ending = _failed(reason, f"{error.message} {_NO_ROOM}")
        except EngineFailure as error:
            # Ours, and never told as the fault of what was sent.
            text = describe_platform_fault(claim.job.id, error)
            ending = _failed(Reason.ENGINE_LOST, text)
        except Au2Error as error:
            ending = _failed(reason, _sentence(error))
        if control.stop.is_set():
            built, ending = None, _STOPPED
        if ending.reason_text:
            log(ending.reason_text)
        self.records.finish(claim, ending, timeline, was=JobState.RUNNING, built=built)
        if built is not None:
            self._unpack(built.image_digest, control)

    def _make(self, work: UploadWork, upload: Upload | None) -> BuiltImage:
        if upload is None:
            raise BlobMissing
        maker = self.images if upload.is_image else self.packages
        return maker.make(work, upload)

    def _find_upload(self, claim: Claim) -> Upload | None:
        with self.records.database.read() as transaction:
            return find_upload_of_job(transaction, claim.job.id)

    def _unpack(self, image_digest: str, control: JobControl) -> None:
        """Make the image local already, so that its first run starts as quickly as the others."""
        try:
            with suppress(Stopped, Detached):  # The job has ended; the first run unpacks.
                self.engine.prepare(image_digest, control.check)
        except Au2Error as error:
            logger.warning("can't unpack %s yet: %s", image_digest, error.message)

    def _make_log(self, claim: Claim) -> Callable[[str], None]:
        job_id, number = claim.job.id, claim.attempt.number

        def log(text: str) -> None:
            self.logs.write_line(job_id, number, "stdout", text)
            self.records.notices.send(log_topic(job_id))

        return log


def _sentence(error: Au2Error) -> str:
    return f"{as_sentence(error.message)} {error.hint or ''}".strip()


def _failed(reason: Reason, text: str) -> Ending:
    return Ending(JobState.FAILED, reason, text)
