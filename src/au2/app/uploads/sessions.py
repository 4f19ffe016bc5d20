"""Upload sessions: begin, owner, fencing token, disk space, completion and failure."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from au2.app.lookup import authorize, get_process_version
from au2.app.versions.versions import note_version
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor
from au2.domain.errors import DatabaseUnavailable, LeaseLost, NotFound, NotPermitted, StorageFull
from au2.domain.event import PLATFORM, EventAction
from au2.domain.ids import parse_guid
from au2.domain.jobs.job import Job, JobState, JobType, Outcome, Reason, StateChange
from au2.domain.processes.upload import Upload, UploadState
from au2.domain.processes.version import ImageStatus, Process, may_become
from au2.domain.wording import format_bytes_apart
from au2.stores.content.protocol import Ingester
from au2.stores.database import job_changes, jobs, processes, versions
from au2.stores.database.content import uploads
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event
from au2.stores.notices import JOBS, Notices, job_topic
from au2.wire.upload import MOST_REASON_CHARACTERS

_Upload = TypeVar("_Upload", bound=Upload)

ABANDONED = Outcome(
    JobState.FAILED,
    Reason.UPLOAD_ABANDONED,
    "The upload broke off before everything was sent: start it again, and only the rest is sent.",
)
GIVEN_UP = Outcome(
    JobState.FAILED,
    Reason.UPLOAD_ABANDONED,
    "The upload was given up by its sender. Upload again to go on.",
)
DISK_FULL = Outcome(
    JobState.FAILED,
    Reason.BUILD_FAILED,
    "The server's disk is full: ask its operator for space, then upload again.",
)


class UploadSessions(Generic[_Upload]):
    """Upload sessions of one kind, after their begin.

    Senders name an upload and its fencing token. Their calls raise NotFound for a foreign or
    missing upload, NotPermitted for another user's, and LeaseLost for a closed upload or an older
    fencing token.
    """

    def __init__(
        self,
        kind: type[_Upload],
        database: Database,
        notices: Notices,
        *,
        lease_seconds: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._kind = kind
        self._database = database
        self._notices = notices
        self._lease_seconds = lease_seconds
        self._clock = clock

    def abandon(
        self, actor: Actor, upload_id: str, fencing_token: int, reason: str | None = None
    ) -> None:
        """Give up the sender's own upload; its job tells ``reason``."""
        with self._database.write() as transaction:
            upload = self._get_open(transaction, actor, upload_id, fencing_token)
            fail_upload(transaction, upload, _given_up(reason), at=self._clock(), actor=actor.email)
        self._notices.send(job_topic(upload.job_id))

    def _get_own(self, transaction: Transaction, actor: Actor, upload_id: str) -> _Upload:
        wanted = parse_guid(upload_id)
        missing = NotFound(
            f"There is no upload {wanted}.", hint="It may have been given up: begin a new one."
        )
        upload = uploads.find_upload(transaction, wanted)
        process = None if upload is None else processes.find_process(transaction, upload.process_id)
        if process is None or not isinstance(upload, self._kind):
            raise missing
        action, view = Action.UPLOAD_VERSION, Action.VIEW_PROCESS
        authorize(actor, action, process.context, view=view, missing=missing)
        if upload.user_id != actor.user_id:
            raise NotPermitted("This upload is another user's.", hint="Begin one of your own.")
        return upload

    def _get_open(
        self, transaction: Transaction, actor: Actor, upload_id: str, fencing_token: int
    ) -> _Upload:
        upload = self._get_own(transaction, actor, upload_id)
        ensure_open(upload, fencing_token)
        return upload

    def _renew(self, upload: _Upload) -> _Upload:
        # Lost in a power cut, the upload's lease ends a little earlier.
        with self._database.write(durable=False) as transaction:
            return self._renew_in(transaction, upload)

    def _renew_in(self, transaction: Transaction, upload: _Upload) -> _Upload:
        until = self._clock() + timedelta(seconds=self._lease_seconds)
        uploads.change_upload(transaction, upload, lease_until=until)
        return replace(upload, lease_until=until)

    def _fail_for_space(self, upload: _Upload) -> None:
        # If even this row finds no space, the end of the lease tells the sender later.
        with (
            suppress(StorageFull, DatabaseUnavailable, LeaseLost),
            self._database.write() as transaction,
        ):
            fail_upload(transaction, upload, DISK_FULL, at=self._clock())
        self._notices.send(job_topic(upload.job_id))

    def _announce(self, job: Job) -> Job:
        """Wake the dispatcher and the job's followers."""
        self._notices.send(JOBS)
        self._notices.send(job_topic(job.id))
        return job


def add_upload_job(
    transaction: Transaction,
    actor: Actor,
    process: Process,
    number: int,
    context: Context,
    *,
    at: datetime,
) -> int:
    """Insert the job of an upload to a version, requested in ``context``; return its id."""
    job_id = jobs.add_job(
        transaction,
        type=JobType.UPLOAD,
        name=process.name,
        context=context,
        process_id=process.id,
        version_number=number,
        submitted_by=actor.email,
        at=at,
        ready=False,
    )
    subject = f"job:{job_id}"
    add_event(transaction, actor.email, EventAction.JOB_SUBMITTED, subject, context, at=at)
    return job_id


def queue_build(transaction: Transaction, actor: Actor, upload: Upload, *, at: datetime) -> Job:
    """Set the version of a complete upload BUILDING, and return its job, ready for dispatchers."""
    process, version = get_process_version(
        transaction, actor, Action.UPLOAD_VERSION, upload.process_id, upload.version_number
    )
    versions.change_image_status(transaction, version, ImageStatus.BUILDING)
    job_changes.make_ready(transaction, upload.job_id, at=at)
    note_version(transaction, actor, EventAction.VERSION_UPLOADED, process, version.number, at=at)
    return _job_of(transaction, upload)


def find_completed(transaction: Transaction, upload: Upload, fencing_token: int) -> Job | None:
    """Return the job of an upload completed with this fencing token; None: the upload is open.

    Raises:
        LeaseLost: the upload was closed otherwise, or another sender took over.
    """
    if upload.state is UploadState.COMPLETE and upload.fencing_token == fencing_token:
        return _job_of(transaction, upload)
    ensure_open(upload, fencing_token)
    return None


def ensure_open(upload: Upload, fencing_token: int) -> None:
    """Raise LeaseLost unless the upload is open and has this fencing token."""
    if upload.fencing_token != fencing_token:
        raise LeaseLost("Another sender took this upload over.", hint="Start the upload again.")
    if upload.state is not UploadState.OPEN:
        raise LeaseLost(
            f"This upload is {upload.state}.",
            hint=f"See its job: au2 job show {upload.job_id}",
        )


def ensure_disk_space(blobs: Ingester, noun: str, more_bytes: int) -> None:
    """Raise StorageFull if ``more_bytes`` of a ``noun`` don't fit on the disk.

    No space is reserved: a concurrent upload may still take it.
    """
    free_bytes = blobs.free_bytes()
    if more_bytes > free_bytes:
        needed, free = format_bytes_apart(more_bytes, free_bytes)
        raise StorageFull(
            f"The server's disk has no space for the {noun}: {needed} are to be sent, and {free} "
            "are free.",
            hint="Ask the server's operator for space, then give the same command again.",
        )


def fail_upload(
    transaction: Transaction,
    upload: Upload,
    outcome: Outcome,
    *,
    at: datetime,
    actor: str = PLATFORM,
) -> None:
    """Close an open upload before its completion; ``outcome`` becomes its job's.

    Raises:
        LeaseLost: the upload is no longer open, or its job was changed meanwhile.
    """
    uploads.change_upload(transaction, upload, state=UploadState.ABANDONED)
    job = jobs.find_job(transaction, upload.job_id)
    if job is not None:
        change = StateChange.end(JobState.PENDING, outcome, at)
        job_changes.change_state(transaction, job, change, fencing_token=None, actor=actor)
    _fail_version(transaction, upload.process_id, upload.version_number)


def close_stopped_upload(transaction: Transaction, job: Job) -> None:
    """Close the upload of a job that was stopped before a dispatcher took it."""
    upload = uploads.find_upload_of_job(transaction, job.id)
    if upload is not None and upload.state is UploadState.OPEN:
        uploads.change_upload(transaction, upload, state=UploadState.ABANDONED)
    _fail_version(transaction, job.process_id, job.version_number)


def _given_up(reason: str | None) -> Outcome:
    """Return the outcome of an abandoned upload, with the sender's words on one short line."""
    printable = "".join(char if char.isprintable() else " " for char in reason or "")
    words = " ".join(printable.split())[:MOST_REASON_CHARACTERS]
    return replace(GIVEN_UP, reason_text=words) if words else GIVEN_UP


def _job_of(transaction: Transaction, upload: Upload) -> Job:
    job = jobs.find_job(transaction, upload.job_id)
    if job is None:
        raise NotFound(f"There is no job {upload.job_id}.", hint="See: au2 job list")
    return job


def _fail_version(transaction: Transaction, process_id: str, number: int) -> None:
    version = versions.find_version(transaction, process_id, number)
    if version is not None and may_become(version.image_status, ImageStatus.FAILED):
        versions.change_image_status(transaction, version, ImageStatus.FAILED)
