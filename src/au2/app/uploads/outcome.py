"""Outcome of failed uploads: session, job and version change in one transaction."""

from dataclasses import replace
from datetime import datetime

from au2.domain.event import PLATFORM
from au2.domain.job import Job, JobState, Outcome, Reason, StateChange
from au2.domain.upload import Upload, UploadState
from au2.domain.version import ImageStatus, may_become
from au2.stores.database import job_changes, jobs, versions
from au2.stores.database.content import uploads
from au2.stores.database.database import Transaction
from au2.wire.image_upload import MOST_REASON_CHARACTERS

ABANDONED = Outcome(
    JobState.FAILED,
    Reason.UPLOAD_ABANDONED,
    "The upload broke off before everything had come: start it again, what has come already is "
    "not sent twice.",
)
GIVEN_UP = Outcome(
    JobState.FAILED,
    Reason.UPLOAD_ABANDONED,
    "The upload was given up by the one who began it. Upload again to go on.",
)

DISK_FULL = Outcome(
    JobState.FAILED,
    Reason.BUILD_FAILED,
    "The server's disk is full: ask its operator for space, then upload again.",
)


def given_up(reason: str | None) -> Outcome:
    """Return how an upload ends that its sender gives up, by the sender's own words, if any.

    They are kept on one line, of printable characters, and not too long.
    """
    printable = "".join(char if char.isprintable() else " " for char in reason or "")
    words = " ".join(printable.split())[:MOST_REASON_CHARACTERS]
    return replace(GIVEN_UP, reason_text=words) if words else GIVEN_UP


def fail_upload(
    transaction: Transaction,
    upload: Upload,
    outcome: Outcome,
    *,
    at: datetime,
    actor: str = PLATFORM,
) -> None:
    """Close an open upload whose contents have not all come, and say why in its job.

    Raises:
        LeaseLost: it is no longer open, or its job was changed meanwhile.
    """
    uploads.change_upload(transaction, upload, state=UploadState.ABANDONED)
    job = jobs.find_job(transaction, upload.job_id)
    if job is not None:
        change = StateChange.end(JobState.PENDING, outcome, at)
        job_changes.change_state(transaction, job, change, token=None, actor=actor)
    _fail_version(transaction, upload.process_id, upload.version_number)


def close_stopped_upload(transaction: Transaction, job: Job) -> None:
    """Close what belongs to an upload job that was stopped before anybody worked on it."""
    upload = uploads.find_upload_of_job(transaction, job.id)
    if upload is not None and upload.state is UploadState.OPEN:
        uploads.change_upload(transaction, upload, state=UploadState.ABANDONED)
    _fail_version(transaction, job.process_id, job.version_number)


def _fail_version(transaction: Transaction, process_id: str, number: int) -> None:
    version = versions.find_version(transaction, process_id, number)
    if version is not None and may_become(version.image_status, ImageStatus.FAILED):
        versions.change_image_status(transaction, version, ImageStatus.FAILED)
