"""Upload sessions: owner, fencing token, lease, disk space and failure."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from au2.app.lookup import authorize
from au2.domain.context import Context
from au2.domain.errors import LeaseLost, NotFound, NotPermitted, StorageFull
from au2.domain.event import PLATFORM
from au2.domain.identity import Action, Actor
from au2.domain.ids import parse_guid
from au2.domain.job import Job, JobState, Outcome, Reason, StateChange
from au2.domain.upload import Upload, UploadState
from au2.domain.version import ImageStatus, may_become
from au2.domain.wording import format_bytes_apart
from au2.stores.content.protocol import Ingester
from au2.stores.database import job_changes, jobs, processes, versions
from au2.stores.database.content import uploads
from au2.stores.database.database import Transaction
from au2.wire.upload import MOST_REASON_CHARACTERS

_Upload = TypeVar("_Upload", bound=Upload)
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


@dataclass(slots=True)
class Renewal(Generic[_Upload]):
    """Prolongs a lease once a part of it has gone."""

    renew: Callable[[_Upload], _Upload]
    upload: _Upload
    clock: Callable[[], datetime]
    lease_seconds: float
    every_seconds: float | None = None
    """How old the last sign of life may become; None: half of the lease."""

    def __call__(self) -> None:
        """Prolong it if that is due. Raises LeaseLost."""
        every = self.lease_seconds / 2 if self.every_seconds is None else self.every_seconds
        left = self.upload.lease_until - self.clock()
        if left < timedelta(seconds=self.lease_seconds - every):
            self.upload = self.renew(self.upload)


def get_own_upload(
    transaction: Transaction, actor: Actor, upload_id: str, kind: type[_Upload]
) -> _Upload:
    """The actor's upload of that kind. Raises NotFound, NotPermitted."""
    wanted = parse_guid(upload_id)
    missing = NotFound(f"There is no upload {wanted} here.")
    upload = uploads.find_upload(transaction, wanted)
    process = None if upload is None else processes.find_process(transaction, upload.process_id)
    if process is None or not isinstance(upload, kind):
        raise missing
    action, view = Action.UPLOAD_VERSION, Action.VIEW_PROCESS
    authorize(actor, action, process.context, view=view, missing=missing)
    if upload.user_id != actor.user_id:
        raise NotPermitted("This upload is another user's.", hint="Begin one of your own.")
    return upload


def get_open_upload(
    transaction: Transaction, actor: Actor, upload_id: str, fencing_token: int, kind: type[_Upload]
) -> _Upload:
    """The actor's upload, open and under this fencing token. Raises LeaseLost too."""
    upload = get_own_upload(transaction, actor, upload_id, kind)
    ensure_open(upload, fencing_token)
    return upload


def context_of_upload(transaction: Transaction, upload: Upload) -> Context:
    """Where the process belongs that the upload is for: what comes is known there."""
    process = processes.find_process(transaction, upload.process_id)
    return Context(upload.organization_id) if process is None else process.context


def ensure_open(upload: Upload, fencing_token: int) -> None:
    """Raise LeaseLost unless the upload is open and this is its fencing token."""
    if upload.fencing_token != fencing_token:
        raise LeaseLost("Another sender took this upload over.", hint="Start the upload again.")
    if upload.state is not UploadState.OPEN:
        raise LeaseLost(
            f"This upload is {upload.state}.",
            hint=f"See its job: au2 job show {upload.job_id}",
        )


def job_of_upload(transaction: Transaction, upload: Upload) -> Job:
    """The record of an upload. Raises NotFound."""
    job = jobs.find_job(transaction, upload.job_id)
    if job is None:
        raise NotFound(f"There is no job {upload.job_id} here.")
    return job


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


def ensure_disk_space(blobs: Ingester, noun: str, more_bytes: int) -> None:
    """Raise StorageFull if ``more_bytes`` of a ``noun`` that are to be sent can't be kept.

    Room is held for nobody: who passes may still be the last to come.
    """
    free_bytes = blobs.free_bytes()
    if more_bytes > free_bytes:
        needed, free = format_bytes_apart(more_bytes, free_bytes)
        raise StorageFull(
            f"The server's disk has no space for the {noun}: {needed} are to be sent, and {free} "
            "are free.",
            hint="Ask the server's operator for space, then give the same command again.",
        )


@dataclass(slots=True)
class NewBlobs:
    """Contents by upload. In memory: what a restart forgets is left to the garbage collection."""

    _brought: dict[str, set[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    _MOST_UPLOADS = 1000

    def add(self, upload_id: str, contents: Iterable[str]) -> None:
        """Note what an upload has brought."""
        with self._lock:
            self._brought.setdefault(upload_id, set()).update(contents)
            while len(self._brought) > self._MOST_UPLOADS:
                self._brought.pop(next(iter(self._brought)))

    def forget(self, upload_id: str) -> set[str]:
        """Return what an upload has brought, and forget it."""
        with self._lock:
            return self._brought.pop(upload_id, set())
