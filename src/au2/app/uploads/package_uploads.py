"""Package uploads: the missing contents first, then the build."""

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from au2.app.uploads.leases import Renewal
from au2.app.uploads.package_begin import OpenUpload, PackageUploadOptions
from au2.app.uploads.package_contents import ContentsReceiver, find_missing, stored_contents
from au2.app.uploads.sessions import (
    ABANDONED,
    UploadSessions,
    fail_upload,
    find_completed,
    queue_build,
)
from au2.domain import clock as clocks
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Actor
from au2.domain.errors import Conflict, LeaseLost
from au2.domain.ids import parse_guid
from au2.domain.jobs.job import Job
from au2.domain.processes.upload import PackageUpload, Upload, UploadState
from au2.stores.content.protocol import ContentStore
from au2.stores.database import processes
from au2.stores.database.content import uploads
from au2.stores.database.database import Database, Transaction
from au2.stores.notices import Notices, job_topic

_EVER = datetime.max.replace(tzinfo=UTC)
"""Every open upload's lease ends before this."""


class PackageUploads(UploadSessions[PackageUpload]):
    """Upload sessions of packages. Calls of senders raise as :class:`UploadSessions` says."""

    def __init__(
        self,
        database: Database,
        blobs: ContentStore,
        notices: Notices,
        *,
        options: PackageUploadOptions | None = None,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        lease_seconds = (options or PackageUploadOptions()).lease_seconds
        super().__init__(PackageUpload, database, notices, lease_seconds=lease_seconds, clock=clock)
        self._blobs = blobs
        self._new_blobs = NewBlobs()

    def get(self, actor: Actor, upload_id: str) -> OpenUpload:
        """Return the actor's own upload with its missing contents, and renew its lease."""
        with self._database.read() as transaction:
            upload = self._get_own(transaction, actor, upload_id)
        if upload.state is UploadState.OPEN:
            upload = self._renew(upload)
        return OpenUpload(upload, self._find_missing(upload))

    def receive(self, actor: Actor, upload_id: str, fencing_token: int) -> ContentsReceiver:
        """Begin to receive contents; feed the receiver with the request's body."""
        with self._database.read() as transaction:
            upload = self._get_open(transaction, actor, upload_id, fencing_token)
        every_seconds = self._lease_seconds / 2
        renew = Renewal(self._renew, upload, self._clock, self._lease_seconds, every_seconds)
        renew()
        return ContentsReceiver(
            self._blobs,
            stored_contents(upload.files),
            missing=self._find_missing(upload),
            renew=renew,
            note_stored=lambda sizes: self._note_stored(upload, sizes),
            note_full=lambda brought: self._take_back(upload, brought),
        )

    def finish_receiving(
        self, actor: Actor, upload_id: str, receiver: ContentsReceiver
    ) -> list[str]:
        """End a request; return the missing contents. Raises as :meth:`ContentsReceiver.finish`."""
        self._new_blobs.add(parse_guid(upload_id), receiver.finish())
        with self._database.read() as transaction:
            upload = self._get_own(transaction, actor, upload_id)
        return self._find_missing(upload)

    def complete(self, actor: Actor, upload_id: str, fencing_token: int) -> Job:
        """Close an upload whose contents are all stored, and queue its build. May be repeated.

        Raises:
            Conflict: contents are missing.
        """
        with self._database.read() as transaction:
            upload = self._get_own(transaction, actor, upload_id)
            job = find_completed(transaction, upload, fencing_token)
        if job is not None:
            return job
        missing = self._find_missing(upload)
        if missing:
            raise Conflict(f"{len(missing)} contents are missing.", hint="Send them first.")
        # Lost in a power cut, the upload counts as abandoned, and its job says so.
        with self._database.write(durable=False) as transaction:
            uploads.change_upload(transaction, upload, state=UploadState.COMPLETE)
            job = queue_build(transaction, actor, upload, at=self._clock())
        self._new_blobs.forget(upload.id)
        return self._announce(job)

    def abandon(
        self, actor: Actor, upload_id: str, fencing_token: int, reason: str | None = None
    ) -> None:
        """Give up the sender's own upload; its job tells ``reason``."""
        super().abandon(actor, upload_id, fencing_token, reason)
        self._new_blobs.forget(parse_guid(upload_id))

    def expire_abandoned(self, now: datetime | None = None) -> list[int]:
        """Close uploads with expired leases and say so in their jobs; return the jobs' ids."""
        at = now or self._clock()
        with self._database.read() as transaction:
            overdue = uploads.list_abandoned(transaction, at=at)
        closed = [upload.job_id for upload in overdue if self._expire(upload, at)]
        for job_id in closed:
            self._notices.send(job_topic(job_id))
        return closed

    def _expire(self, upload: Upload, at: datetime) -> bool:
        with suppress(LeaseLost), self._database.write() as transaction:
            present = uploads.find_upload(transaction, upload.id)
            # Read again: the lease may have been renewed since.
            if present is not None and present.lease_until < at:
                fail_upload(transaction, present, ABANDONED, at=at)
                return True
        return False

    def _find_missing(self, upload: PackageUpload) -> list[str]:
        with self._database.read() as transaction:
            context = _context_of(transaction, upload)
        return find_missing(self._database, self._blobs, context, stored_contents(upload.files))

    def _note_stored(self, upload: Upload, sizes: Mapping[str, int]) -> None:
        # Lost in a power cut, the contents are sent again.
        with self._database.write(durable=False) as transaction:
            uploads.add_contents(transaction, _context_of(transaction, upload), sizes)

    def _take_back(self, upload: PackageUpload, brought: frozenset[str]) -> None:
        """Remove the contents that only this upload needs, then say in its job that it failed."""
        self._new_blobs.add(upload.id, brought)
        with self._database.read() as transaction:
            still_open = uploads.list_abandoned(transaction, at=_EVER)
        needed = {
            sha256
            for other in still_open
            if isinstance(other, PackageUpload) and other.id != upload.id
            for sha256 in stored_contents(other.files)
        }
        for sha256 in self._new_blobs.forget(upload.id) - needed:
            self._blobs.remove(f"sha256:{sha256}")
        self._fail_for_space(upload)


@dataclass(slots=True)
class NewBlobs:
    """Contents that uploads added to the store, by upload.

    In memory: contents that a restart forgets are left to garbage collection.
    """

    _brought: dict[str, set[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    _MOST_UPLOADS = 1000

    def add(self, upload_id: str, contents: Iterable[str]) -> None:
        """Note contents that an upload added."""
        with self._lock:
            self._brought.setdefault(upload_id, set()).update(contents)
            while len(self._brought) > self._MOST_UPLOADS:
                self._brought.pop(next(iter(self._brought)))

    def forget(self, upload_id: str) -> set[str]:
        """Forget an upload; return the contents that it added."""
        with self._lock:
            return self._brought.pop(upload_id, set())


def _context_of(transaction: Transaction, upload: Upload) -> Context:
    """Context of the upload's process, in which its contents become known."""
    process = processes.find_process(transaction, upload.process_id)
    return Context(upload.organization_id) if process is None else process.context
