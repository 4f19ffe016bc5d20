"""Package uploads: the file list first, then the missing contents, then the build."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from au2.app.lookup import get_process, get_version
from au2.app.uploads.package_begin import OpenUpload, PackageUploadOptions
from au2.app.uploads.package_contents import ContentsReceiver, find_lacking, stored_contents
from au2.app.uploads.sessions import (
    ABANDONED,
    DISK_FULL,
    GIVEN_UP,
    NewBlobs,
    Renewal,
    context_of_upload,
    ensure_open,
    fail_upload,
    get_open_upload,
    get_own_upload,
    job_of_upload,
)
from au2.app.versions.versions import note_version
from au2.domain import clock as clocks
from au2.domain.errors import Conflict, DatabaseUnavailable, LeaseLost, StorageFull
from au2.domain.event import EventAction
from au2.domain.identity import Action, Actor
from au2.domain.ids import parse_guid
from au2.domain.job import Job
from au2.domain.upload import PackageUpload, Upload, UploadState
from au2.domain.version import ImageStatus
from au2.stores.content.protocol import ContentStore
from au2.stores.database import job_changes, versions
from au2.stores.database.content import uploads
from au2.stores.database.database import Database
from au2.stores.notices import JOBS, Notices, job_topic

_EVER = datetime.max.replace(tzinfo=UTC)
"""Every open upload's lease ends before this."""


class PackageUploads:
    """Upload sessions of packages, from the first content to the last."""

    def __init__(
        self,
        database: Database,
        blobs: ContentStore,
        notices: Notices,
        *,
        options: PackageUploadOptions | None = None,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._notices = notices
        self._options = options or PackageUploadOptions()
        self._clock = clock
        self._memory = NewBlobs()

    def get(self, actor: Actor, upload_id: str) -> OpenUpload:
        """One's own upload, and what it lacks. Counts as a sign of life.

        Raises:
            NotFound: it is foreign or missing.
            NotPermitted: it is another user's.
        """
        with self._database.read() as transaction:
            upload = get_own_upload(transaction, actor, upload_id, PackageUpload)
        if upload.state is UploadState.OPEN:
            upload = self._renew(upload)
        return OpenUpload(upload, self._lacking(upload))

    def receive(self, actor: Actor, upload_id: str, fencing_token: int) -> ContentsReceiver:
        """Begin to receive contents; feed the receiver with the request's body.

        Raises:
            NotFound: it is foreign or missing.
            NotPermitted: it is another user's.
            LeaseLost: it is closed, or ``fencing_token`` is an older one.
        """
        with self._database.read() as transaction:
            upload = get_open_upload(transaction, actor, upload_id, fencing_token, PackageUpload)
        renew = Renewal(self._renew, upload, self._clock, self._options.lease_seconds)
        renew()
        return ContentsReceiver(
            self._blobs,
            stored_contents(upload.files),
            lacking=self._lacking(upload),
            renew=renew,
            note_stored=lambda sizes: self._note_stored(upload, sizes),
            note_full=lambda brought: self._fail_for_space(upload, brought),
        )

    def finish_receiving(
        self, actor: Actor, upload_id: str, receiver: ContentsReceiver
    ) -> list[str]:
        """End a request; return what is lacking. Raises as :meth:`ContentsReceiver.finish`."""
        self._memory.add(parse_guid(upload_id), receiver.finish())
        with self._database.read() as transaction:
            upload = get_own_upload(transaction, actor, upload_id, PackageUpload)
        return self._lacking(upload)

    def complete(self, actor: Actor, upload_id: str, fencing_token: int) -> Job:
        """Close an upload that has everything, and let the build begin. Repeating is harmless.

        Raises:
            NotFound, NotPermitted, LeaseLost: as :meth:`receive`.
            Conflict: contents are lacking.
        """
        now = self._clock()
        with self._database.read() as transaction:
            upload = get_own_upload(transaction, actor, upload_id, PackageUpload)
            if upload.state is UploadState.COMPLETE and upload.fencing_token == fencing_token:
                return job_of_upload(transaction, upload)
            ensure_open(upload, fencing_token)
        lacking = self._lacking(upload)
        if lacking:
            raise Conflict(f"{len(lacking)} contents have not come yet.", hint="Send them first.")
        # Lost in a power cut, the upload counts as abandoned, and its job says so.
        with self._database.write(durable=False) as transaction:
            uploads.change_upload(transaction, upload, state=UploadState.COMPLETE)
            process = get_process(transaction, actor, Action.UPLOAD_VERSION, upload.process_id)
            version = get_version(transaction, process, upload.version_number)
            versions.change_image_status(transaction, version, ImageStatus.BUILDING)
            job_changes.make_ready(transaction, upload.job_id, at=now)
            note_version(
                transaction, actor, EventAction.VERSION_UPLOADED, process, version.number, at=now
            )
            job = job_of_upload(transaction, upload)
        self._memory.forget(upload.id)
        self._notices.send(JOBS)
        self._notices.send(job_topic(job.id))
        return job

    def abandon(self, actor: Actor, upload_id: str, fencing_token: int) -> None:
        """Give one's own upload up. Raises as :meth:`receive`."""
        with self._database.write() as transaction:
            upload = get_open_upload(transaction, actor, upload_id, fencing_token, PackageUpload)
            fail_upload(transaction, upload, GIVEN_UP, at=self._clock(), actor=actor.email)
        self._memory.forget(upload.id)
        self._notices.send(job_topic(upload.job_id))

    def expire_abandoned(self, now: datetime | None = None) -> list[int]:
        """Close uploads without a sign of life and say so in their jobs; return the jobs' ids."""
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
            # Looked at again: it may have been renewed since.
            if present is not None and present.lease_until < at:
                fail_upload(transaction, present, ABANDONED, at=at)
                return True
        return False

    def _renew(self, upload: PackageUpload) -> PackageUpload:
        until = self._clock() + timedelta(seconds=self._options.lease_seconds)
        with self._database.write() as transaction:
            uploads.change_upload(transaction, upload, lease_until=until)
        return replace(upload, lease_until=until)

    def _lacking(self, upload: PackageUpload) -> list[str]:
        with self._database.read() as transaction:
            context = context_of_upload(transaction, upload)
        return find_lacking(self._database, self._blobs, context, stored_contents(upload.files))

    def _note_stored(self, upload: Upload, sizes: Mapping[str, int]) -> None:
        # Lost in a power cut, they are sent again.
        with self._database.write(durable=False) as transaction:
            uploads.add_contents(transaction, context_of_upload(transaction, upload), sizes)

    def _fail_for_space(self, upload: Upload, brought: frozenset[str]) -> None:
        """Take back what this upload has brought, then say in its job what happened."""
        self._memory.add(upload.id, brought)
        with self._database.read() as transaction:
            still_open = uploads.list_abandoned(transaction, at=_EVER)
        needed = {
            sha256
            for other in still_open
            if isinstance(other, PackageUpload) and other.id != upload.id
            for sha256 in stored_contents(other.files)
        }
        for sha256 in self._memory.forget(upload.id) - needed:
            self._blobs.remove(f"sha256:{sha256}")
        # If there is no room even for that, the end of the lease tells it later.
        with (
            suppress(StorageFull, DatabaseUnavailable, LeaseLost),
            self._database.write() as transaction,
        ):
            fail_upload(transaction, upload, DISK_FULL, at=self._clock())
        self._notices.send(job_topic(upload.job_id))
