"""Image uploads: first the missing blobs, then the manifest."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from au2.app.lookup import get_process, get_version
from au2.app.registry.images import MountableBlobs
from au2.app.uploads.blob_receiver import BlobReceiver, name_of_part
from au2.app.uploads.image_versions import (
    begin_image,
    ensure_takes_image,
    find_image_digest,
    get_image_version,
    queue_import,
    upload_in_progress,
)
from au2.app.uploads.leases import SenderHeartbeats
from au2.app.uploads.sessions import (
    ABANDONED,
    DISK_FULL,
    Renewal,
    ensure_disk_space,
    ensure_open,
    fail_upload,
    get_open_upload,
    get_own_upload,
    given_up,
    job_of_upload,
)
from au2.domain import clock as clocks
from au2.domain.errors import Conflict, DatabaseUnavailable, InvalidRequest, LeaseLost, StorageFull
from au2.domain.identity import Action, Actor
from au2.domain.job import Job
from au2.domain.repository import Repository, process_repository
from au2.domain.upload import ImageUpload, Upload, UploadState
from au2.domain.version import Process, Version
from au2.domain.wording import format_bytes_apart
from au2.oci.spec.digest import parse_digest, sha256_of
from au2.oci.spec.manifest import parse_manifest
from au2.oci.spec.platform import AMD64, Platform
from au2.stores.content.protocol import ContentStore
from au2.stores.database.content import uploads
from au2.stores.database.content.repositories import add_repository_blobs, find_repository_blobs
from au2.stores.database.database import Database, Transaction
from au2.stores.notices import JOBS, Notices, job_topic


@dataclass(frozen=True, slots=True)
class ImageUploadOptions:
    """What the operator may set."""

    lease_seconds: float = 120.0
    blob_max_bytes: int = 64 << 30
    """Largest layer as it travels."""
    platform: Platform = AMD64
    """Of this machine."""


@dataclass(frozen=True, slots=True)
class VersionImageStatus:
    """What a sender may want to know of a version before it begins."""

    version: Version
    image_digest: str | None
    """Of the manifest that is there or is being imported."""
    platform: Platform
    """Of this machine."""


@dataclass(frozen=True, slots=True)
class BegunImage:
    """An upload session that goes on."""

    upload: ImageUpload
    lease_seconds: float
    heartbeat_seconds: float
    resumed: bool
    platform: Platform
    """Of this machine."""


class ImageUploads:
    """Upload sessions of images."""

    def __init__(
        self,
        database: Database,
        blobs: ContentStore,
        notices: Notices,
        usable: MountableBlobs,
        *,
        options: ImageUploadOptions | None = None,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._notices = notices
        self._usable = usable
        self._options = options or ImageUploadOptions()
        self._clock = clock
        self._senders = SenderHeartbeats(self._options.lease_seconds, started_at=clock())

    def standing(self, actor: Actor, process_id: str, number: int) -> VersionImageStatus:
        """Return how it stands with a version's image; changes nothing.

        Raises:
            NotFound: the version is foreign or missing.
            NotPermitted: the actor is no developer.
            Conflict: it takes no image.
        """
        with self._database.read() as transaction:
            _, version = get_image_version(transaction, actor, process_id, number)
            digest = find_image_digest(transaction, version)
        return VersionImageStatus(version, digest, self._options.platform)

    def begin(self, actor: Actor, process_id: str, number: int) -> BegunImage:
        """Begin to send an image to a version, or go on with what one began oneself.

        Going on takes a new fencing token, so a sender that was thought dead can do no more. One
        that gives signs of life is not taken over.

        Raises:
            NotFound: the version is foreign or missing.
            NotPermitted: the actor is no developer.
            Conflict: it takes no image, has one, or somebody else is sending one.
            StillSending: the actor is, by another command.
        """
        now = self._clock()
        with self._database.write() as transaction:
            process, version = get_image_version(transaction, actor, process_id, number)
            ensure_takes_image(process, version)
            present = uploads.find_open_upload(transaction, process.id, number)
            if isinstance(present, ImageUpload) and present.user_id == actor.user_id:
                self._senders.ensure_silent(present, now)
                upload = self._take_over(transaction, present, now)
            else:
                if present is not None:
                    version = _end_other(transaction, process, version, present, now)
                upload = begin_image(
                    transaction,
                    actor,
                    process,
                    version,
                    at=now,
                    lease_until=self._senders.lease_end(now),
                )
        self._notices.send(job_topic(upload.job_id))
        return BegunImage(
            upload,
            self._options.lease_seconds,
            self._senders.heartbeat_seconds,
            resumed=upload.fencing_token > 1,
            platform=self._options.platform,
        )

    def authorize(self, actor: Actor, upload_id: str, fencing_token: int) -> None:
        """Refuse unless the upload is the actor's, at this fencing token.

        It may have been completed: to do so again is harmless. Raises NotFound, NotPermitted,
        LeaseLost.
        """
        with self._database.read() as transaction:
            upload = get_own_upload(transaction, actor, upload_id, ImageUpload)
        if upload.fencing_token != fencing_token or upload.state is not UploadState.COMPLETE:
            ensure_open(upload, fencing_token)

    def find_lacking(
        self, actor: Actor, upload_id: str, fencing_token: int, wanted: Mapping[str, int]
    ) -> dict[str, int]:
        """Return which blobs (size in bytes by digest) must be sent, and how much has come of each.

        Those that the actor may use already become the repository's own. Counts as a sign of life.

        Raises:
            NotFound, NotPermitted, LeaseLost: as :meth:`receive`.
            InvalidRequest: a blob that is there has another size.
            StorageFull: what is lacking does not fit on the disk; better known before it is sent.
        """
        # A layer that came compressed, to the registry, is there uncompressed too.
        packed = {digest: self._blobs.find_compressed(digest) for digest in wanted}
        asked = {*wanted, *filter(None, packed.values())}
        with self._database.read() as transaction:
            upload = get_open_upload(transaction, actor, upload_id, fencing_token, ImageUpload)
            repository = _repository_of(upload)
            usable = self._usable.find(transaction, actor, repository, asked)
        usable |= {
            digest: self._blobs.size_bytes(digest)
            for digest, other in packed.items()
            if other in usable and digest not in usable
        }
        usable = {digest: size for digest, size in usable.items() if digest in wanted}
        for digest, size_bytes in usable.items():
            if size_bytes != wanted[digest]:
                raise InvalidRequest(f"The blob {digest} has another size than was stated.")
        there = {digest: size for digest, size in usable.items() if self._blobs.lease(digest)}
        now = self._clock()
        # A mere sign of life comes every few seconds, and needs no flush to disk.
        with self._database.write(durable=bool(there)) as transaction:
            self._renew_in(transaction, upload, now)
            add_repository_blobs(transaction, repository, there, at=now)
        lacking = {
            digest: self._blobs.ingest_bytes(name_of_part(repository, digest))
            for digest in wanted
            if digest not in there
        }
        more_bytes = sum(wanted[digest] - come for digest, come in lacking.items())
        ensure_disk_space(self._blobs, "image", more_bytes)
        return lacking

    def receive(
        self,
        actor: Actor,
        upload_id: str,
        fencing_token: int,
        digest: str,
        *,
        size_bytes: int,
        offset_bytes: int,
    ) -> BlobReceiver:
        """Begin to receive a piece of a blob; feed the receiver with the request's body.

        Raises:
            NotFound: the upload is foreign or missing.
            NotPermitted: it is another user's.
            LeaseLost: it is closed, or ``fencing_token`` is an older one.
            Conflict: another number of bytes has come.
            InvalidRequest: no digest, or larger than is taken.
        """
        parse_digest(digest)
        if size_bytes > self._options.blob_max_bytes:
            found, most = format_bytes_apart(size_bytes, self._options.blob_max_bytes)
            raise InvalidRequest(
                f"The layer has {found}; at most {most} are taken.",
                hint="Split it: smaller layers are also shared and sent better.",
            )
        with self._database.read() as transaction:
            upload = get_open_upload(transaction, actor, upload_id, fencing_token, ImageUpload)
        renew = Renewal(
            self._renew,
            upload,
            self._clock,
            self._options.lease_seconds,
            self._senders.heartbeat_seconds,
        )
        renew()
        repository = _repository_of(upload)
        return BlobReceiver(
            self._blobs,
            name_of_part(repository, digest),
            digest,
            size_bytes=size_bytes,
            offset_bytes=offset_bytes,
            renew=renew,
            note_stored=lambda: self._note_stored(repository, {digest: size_bytes}),
            note_full=lambda: self._end_for_space(upload),
        )

    def complete(self, actor: Actor, upload_id: str, fencing_token: int, manifest: bytes) -> Job:
        """Close an upload whose blobs are all there, and let the import begin.

        Repeating is harmless.

        Args:
            manifest: the image's, byte for byte.

        Raises:
            NotFound, NotPermitted, LeaseLost: as :meth:`receive`.
            InvalidImage: not the manifest of an image.
            Conflict: blobs are lacking.
            StorageFull: no room.
        """
        digest = sha256_of(manifest)
        with self._database.read() as transaction:
            upload = get_own_upload(transaction, actor, upload_id, ImageUpload)
            if upload.state is UploadState.COMPLETE and upload.fencing_token == fencing_token:
                if upload.manifest_digest != digest:
                    raise Conflict("This upload was completed with another manifest.")
                return job_of_upload(transaction, upload)
            ensure_open(upload, fencing_token)
            repository = _repository_of(upload)
            needed = _blobs_of(manifest)
            known = find_repository_blobs(transaction, repository, needed)
        self._ensure_there(needed, known)
        with self._blobs.batch() as add:
            add(digest, manifest)
        now = self._clock()
        with self._database.write() as transaction:
            uploads.change_upload(
                transaction, upload, state=UploadState.COMPLETE, manifest_digest=digest
            )
            add_repository_blobs(transaction, repository, {digest: len(manifest)}, at=now)
            process = get_process(transaction, actor, Action.UPLOAD_VERSION, upload.process_id)
            queue_import(transaction, actor, process, upload, at=now)
            job = job_of_upload(transaction, upload)
        self._notices.send(JOBS)
        self._notices.send(job_topic(job.id))
        return job

    def leave(self, actor: Actor, upload_id: str, fencing_token: int) -> None:
        """The sender ends, and somebody may go on at once. Raises as :meth:`receive`.

        A sign of life of it that is still on its way is refused: its fencing token is an old one.
        """
        # Lost in a power cut, who goes on waits for some seconds.
        with self._database.write(durable=False) as transaction:
            upload = get_open_upload(transaction, actor, upload_id, fencing_token, ImageUpload)
            until = self._senders.note_gone(upload, self._clock())
            uploads.change_upload(
                transaction, upload, fencing_token=upload.fencing_token + 1, lease_until=until
            )

    def abandon(
        self, actor: Actor, upload_id: str, fencing_token: int, reason: str | None = None
    ) -> None:
        """Give one's own upload up. Its job tells the reason. Raises as :meth:`receive`."""
        with self._database.write() as transaction:
            upload = get_open_upload(transaction, actor, upload_id, fencing_token, ImageUpload)
            fail_upload(transaction, upload, given_up(reason), at=self._clock(), actor=actor.email)
        self._notices.send(job_topic(upload.job_id))

    def _end_for_space(self, upload: ImageUpload) -> None:
        # If there is no room even for that, the end of the lease tells it later.
        with (
            suppress(StorageFull, DatabaseUnavailable, LeaseLost),
            self._database.write() as transaction,
        ):
            fail_upload(transaction, upload, DISK_FULL, at=self._clock())
        self._notices.send(job_topic(upload.job_id))

    def _ensure_there(self, needed: Mapping[str, int], known: Mapping[str, int]) -> None:
        for digest, size_bytes in needed.items():
            if known.get(digest) != size_bytes or not self._blobs.lease(digest):
                raise Conflict(
                    f"The blob {digest} with {size_bytes} bytes has not come yet.",
                    hint="Ask which blobs are lacking, and send them first.",
                )

    def _take_over(
        self, transaction: Transaction, present: ImageUpload, now: datetime
    ) -> ImageUpload:
        fencing_token, until = present.fencing_token + 1, self._senders.lease_end(now)
        uploads.change_upload(transaction, present, fencing_token=fencing_token, lease_until=until)
        return replace(present, fencing_token=fencing_token, lease_until=until)

    def _renew(self, upload: ImageUpload) -> ImageUpload:
        # Lost in a power cut, the upload's lease ends a little earlier.
        with self._database.write(durable=False) as transaction:
            return self._renew_in(transaction, upload, self._clock())

    def _renew_in(
        self, transaction: Transaction, upload: ImageUpload, now: datetime
    ) -> ImageUpload:
        until = self._senders.lease_end(now)
        uploads.change_upload(transaction, upload, lease_until=until)
        return replace(upload, lease_until=until)

    def _note_stored(self, repository: Repository, sizes: Mapping[str, int]) -> None:
        # Lost in a power cut, they are sent again.
        with self._database.write(durable=False) as transaction:
            add_repository_blobs(transaction, repository, sizes, at=self._clock())


def _repository_of(upload: ImageUpload) -> Repository:
    return process_repository(upload.organization_id, upload.process_id)


def _blobs_of(manifest: bytes) -> dict[str, int]:
    """Return the sizes of configuration and layers by digest. Raises InvalidImage."""
    parsed = parse_manifest(manifest)
    return {blob.digest: blob.size_bytes for blob in (parsed.config, *parsed.layers)}


def _end_other(
    transaction: Transaction, process: Process, version: Version, other: Upload, now: datetime
) -> Version:
    """End another user's upload that shows no sign of life; raises Conflict if it does."""
    if other.lease_until >= now:
        raise upload_in_progress(transaction, process, version)
    fail_upload(transaction, other, ABANDONED, at=now)
    return get_version(transaction, process, version.number)
