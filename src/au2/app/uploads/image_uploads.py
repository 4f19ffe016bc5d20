"""Image uploads: the missing blobs first, then the manifest, then the import."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from au2.app.lookup import get_version
from au2.app.registry.images import ImageBlobs
from au2.app.uploads.blob_receiver import ImageBlobReceiver
from au2.app.uploads.image_versions import (
    begin_image,
    ensure_accepts_image,
    find_image_digest,
    find_import,
    get_image_version,
    upload_in_progress,
)
from au2.app.uploads.leases import Renewal, SenderHeartbeats
from au2.app.uploads.sessions import (
    ABANDONED,
    UploadSessions,
    ensure_disk_space,
    ensure_open,
    fail_upload,
    find_completed,
    queue_build,
)
from au2.domain import clock as clocks
from au2.domain import defaults
from au2.domain.accounts.identity import Actor
from au2.domain.errors import Conflict, InvalidRequest
from au2.domain.jobs.job import Job
from au2.domain.processes.repository import Repository, process_repository
from au2.domain.processes.upload import ImageUpload, Upload, UploadState
from au2.domain.processes.version import ImageStatus, Process, Version
from au2.domain.wording import format_bytes_apart
from au2.oci.spec.digest import parse_digest, sha256_of
from au2.oci.spec.manifest import parse_manifest
from au2.oci.spec.platform import AMD64, Platform
from au2.stores.content.protocol import ContentStore
from au2.stores.database.content import uploads
from au2.stores.database.content.repository_blobs import (
    add_repository_blobs,
    find_repository_blobs,
)
from au2.stores.database.database import Database, Transaction
from au2.stores.notices import Notices, job_topic


@dataclass(frozen=True, slots=True)
class ImageUploadOptions:
    """Options of the operator for image uploads."""

    lease_seconds: float = defaults.LEASE_SECONDS_OF_UPLOAD
    blob_max_bytes: int = defaults.IMAGE_BYTES
    """Size of the largest layer, as sent."""
    platform: Platform = AMD64
    """Platform of this machine."""


@dataclass(frozen=True, slots=True)
class VersionImageStatus:
    """Status of a version for senders, before an upload begins."""

    version: Version
    image_digest: str | None
    """Manifest digest of the version's image, stored or being imported."""
    platform: Platform
    """Platform of this machine."""


@dataclass(frozen=True, slots=True)
class BegunImage:
    """An open image upload, with the times for its sender."""

    upload: ImageUpload
    lease_seconds: float
    heartbeat_seconds: float
    resumed: bool
    platform: Platform
    """Platform of this machine."""


class ImageUploads(UploadSessions[ImageUpload]):
    """Upload sessions of images. Calls of senders raise as :class:`UploadSessions` says."""

    def __init__(
        self,
        database: Database,
        blobs: ContentStore,
        notices: Notices,
        images: ImageBlobs,
        *,
        options: ImageUploadOptions | None = None,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        self._options = options or ImageUploadOptions()
        lease_seconds = self._options.lease_seconds
        super().__init__(ImageUpload, database, notices, lease_seconds=lease_seconds, clock=clock)
        self._blobs = blobs
        self._images = images
        self._senders = SenderHeartbeats(lease_seconds, started_at=clock())

    def get_status(self, actor: Actor, process_id: str, number: int) -> VersionImageStatus:
        """Return the status of a version's image. Raises NotFound, NotPermitted.

        Raises:
            Conflict: the version is made of a package.
        """
        with self._database.read() as transaction:
            _, version = get_image_version(transaction, actor, process_id, number)
            digest = find_image_digest(transaction, version)
        return VersionImageStatus(version, digest, self._options.platform)

    def begin(self, actor: Actor, process_id: str, number: int) -> BegunImage:
        """Begin to send an image to a version, or resume the actor's own upload.

        A resumed upload gets a new fencing token, so its earlier sender can do no more. An upload
        whose sender is alive is not taken over.

        Raises:
            NotFound: the version is foreign or missing.
            NotPermitted: the actor is no developer.
            Conflict: the version accepts no image, has one, or another user is sending one.
            StillSending: another command of the actor is sending one.
        """
        now = self._clock()
        with self._database.write() as transaction:
            process, version = get_image_version(transaction, actor, process_id, number)
            ensure_accepts_image(process, version)
            present = uploads.find_open_upload(transaction, process.id, number)
            if isinstance(present, ImageUpload) and present.user_id == actor.user_id:
                self._senders.ensure_silent(present, now)
                upload = self._take_over(transaction, present, now)
            else:
                if present is not None:
                    version = _end_other(transaction, process, version, present, now)
                until = now + timedelta(seconds=self._lease_seconds)
                upload = begin_image(
                    transaction, actor, process, version, at=now, lease_until=until
                )
        self._notices.send(job_topic(upload.job_id))
        return self._begun(upload)

    def get(self, actor: Actor, upload_id: str) -> BegunImage:
        """Return the actor's own open upload. Raises as :class:`UploadSessions` says."""
        with self._database.read() as transaction:
            upload = self._get_own(transaction, actor, upload_id)
        ensure_open(upload, upload.fencing_token)
        return self._begun(upload)

    def _begun(self, upload: ImageUpload) -> BegunImage:
        return BegunImage(
            upload,
            self._options.lease_seconds,
            self._senders.heartbeat_seconds,
            resumed=upload.fencing_token > 1,
            platform=self._options.platform,
        )

    def authorize(self, actor: Actor, upload_id: str, fencing_token: int) -> None:
        """Refuse unless the upload is the actor's and has this fencing token.

        A complete upload is accepted too: its completion may be repeated.
        """
        with self._database.read() as transaction:
            upload = self._get_own(transaction, actor, upload_id)
            find_completed(transaction, upload, fencing_token)

    def find_missing(
        self, actor: Actor, upload_id: str, fencing_token: int, wanted: Mapping[str, int]
    ) -> dict[str, int]:
        """Return the blobs of ``wanted`` that must be sent, with the bytes received of each.

        ``wanted`` has sizes in bytes by digest. Blobs that the actor may mount become the
        repository's own. The call is a heartbeat.

        Raises:
            InvalidRequest: a stored blob has another size.
            StorageFull: the missing blobs don't fit on the disk; better known before they are sent.
        """
        # A compressed layer that was pushed to the registry is stored uncompressed too.
        packed = {digest: self._blobs.find_compressed(digest) for digest in wanted}
        asked = {*wanted, *filter(None, packed.values())}
        with self._database.read() as transaction:
            upload = self._get_open(transaction, actor, upload_id, fencing_token)
            repository = _repository_of(upload)
            usable = self._images.find_mountable(transaction, actor, repository, asked)
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
        # A mere heartbeat comes every few seconds, and needs no flush to disk.
        with self._database.write(durable=bool(there)) as transaction:
            self._renew_in(transaction, upload)
            add_repository_blobs(transaction, repository, there, at=self._clock())
        missing = {
            digest: self._blobs.ingest_bytes(_ingest_name(repository, digest))
            for digest in wanted
            if digest not in there
        }
        more_bytes = sum(wanted[digest] - received for digest, received in missing.items())
        ensure_disk_space(self._blobs, "image", more_bytes)
        return missing

    def receive(
        self,
        actor: Actor,
        upload_id: str,
        fencing_token: int,
        digest: str,
        *,
        size_bytes: int,
        offset_bytes: int,
    ) -> ImageBlobReceiver:
        """Begin to receive a part of a blob; feed the receiver with the request's body.

        Raises:
            Conflict: another number of bytes was received.
            InvalidRequest: ``digest`` is no digest, or ``size_bytes`` is over the limit.
        """
        parse_digest(digest)
        if size_bytes > self._options.blob_max_bytes:
            found, most = format_bytes_apart(size_bytes, self._options.blob_max_bytes)
            raise InvalidRequest(
                f"The layer has {found}; the limit is {most}.",
                hint="Split it: smaller layers are also shared and sent better.",
            )
        with self._database.read() as transaction:
            upload = self._get_open(transaction, actor, upload_id, fencing_token)
        every_seconds = self._senders.heartbeat_seconds
        renew = Renewal(self._renew, upload, self._clock, self._lease_seconds, every_seconds)
        renew()
        repository = _repository_of(upload)
        return ImageBlobReceiver(
            self._blobs,
            _ingest_name(repository, digest),
            digest,
            size_bytes=size_bytes,
            offset_bytes=offset_bytes,
            renew=renew,
            note_stored=lambda: self._note_stored(repository, {digest: size_bytes}),
            note_full=lambda: self._fail_for_space(upload),
        )

    def complete(self, actor: Actor, upload_id: str, fencing_token: int, manifest: bytes) -> Job:
        """Close an upload whose blobs are all stored, and queue its import. May be repeated.

        Args:
            actor: owner of the upload.
            upload_id: GUID.
            fencing_token: of the sender.
            manifest: of the image, byte for byte.

        Raises:
            InvalidImage: ``manifest`` is not the manifest of an image.
            Conflict: blobs are missing.
            StorageFull: the disk is full.
        """
        digest = sha256_of(manifest)
        with self._database.read() as transaction:
            upload = self._get_own(transaction, actor, upload_id)
            job = find_completed(transaction, upload, fencing_token)
            if job is not None:
                if upload.manifest_digest != digest:
                    raise Conflict("This upload was completed with another manifest.")
                return job
            repository = _repository_of(upload)
            needed = _blobs_of(manifest)
            known = find_repository_blobs(transaction, repository, needed)
        self._ensure_stored(needed, known)
        with self._blobs.batch() as add:
            add(digest, manifest)
        now = self._clock()
        with self._database.write() as transaction:
            uploads.change_upload(
                transaction, upload, state=UploadState.COMPLETE, manifest_digest=digest
            )
            add_repository_blobs(transaction, repository, {digest: len(manifest)}, at=now)
            job = queue_build(transaction, actor, upload, at=now)
        return self._announce(job)

    def import_pushed(
        self, actor: Actor, process_id: str, number: int, manifest_digest: str
    ) -> Job:
        """Queue the import of an image pushed to the registry, manifest and blobs.

        The same image once more gives the job of its import.

        Raises:
            NotFound: the version is foreign or missing.
            NotPermitted: the actor is no developer.
            Conflict: the version accepts no image, has another one, or one is being sent.
        """
        now = self._clock()
        with self._database.write() as transaction:
            process, version = get_image_version(transaction, actor, process_id, number)
            same = find_import(transaction, version, manifest_digest)
            if same is not None:
                return same
            ensure_accepts_image(process, version)
            if version.image_status is ImageStatus.UPLOADING:
                raise upload_in_progress(transaction, process, version)
            upload = begin_image(
                transaction,
                actor,
                process,
                version,
                at=now,
                lease_until=now,
                manifest_digest=manifest_digest,
            )
            job = queue_build(transaction, actor, upload, at=now)
        return self._announce(job)

    def leave(self, actor: Actor, upload_id: str, fencing_token: int) -> None:
        """Note that the sender has left, so that another command may resume at once.

        The fencing token changes, so a heartbeat of this sender that is still under way is refused.
        """
        # Lost in a power cut, the next command waits for some seconds.
        with self._database.write(durable=False) as transaction:
            upload = self._get_open(transaction, actor, upload_id, fencing_token)
            until = self._senders.note_gone(upload, self._clock())
            uploads.change_upload(
                transaction, upload, fencing_token=upload.fencing_token + 1, lease_until=until
            )

    def _ensure_stored(self, needed: Mapping[str, int], known: Mapping[str, int]) -> None:
        for digest, size_bytes in needed.items():
            if known.get(digest) != size_bytes or not self._blobs.lease(digest):
                raise Conflict(
                    f"The blob {digest} with {size_bytes} bytes is missing.",
                    hint="Ask which blobs are missing, and send them first.",
                )

    def _take_over(
        self, transaction: Transaction, present: ImageUpload, now: datetime
    ) -> ImageUpload:
        fencing_token = present.fencing_token + 1
        until = now + timedelta(seconds=self._lease_seconds)
        uploads.change_upload(transaction, present, fencing_token=fencing_token, lease_until=until)
        return replace(present, fencing_token=fencing_token, lease_until=until)

    def _note_stored(self, repository: Repository, sizes: Mapping[str, int]) -> None:
        # Lost in a power cut, the blobs are sent again.
        with self._database.write(durable=False) as transaction:
            add_repository_blobs(transaction, repository, sizes, at=self._clock())


def _repository_of(upload: ImageUpload) -> Repository:
    return process_repository(upload.organization_id, upload.process_id)


def _ingest_name(repository: Repository, digest: str) -> str:
    """Return the name of a blob's ingest, under which later uploads to the process resume.

    The name begins with the process's id, by which garbage collection knows its upload.
    """
    name = hashlib.sha256(f"{repository} {digest}".encode()).hexdigest()
    return f"{repository.process_id}_{name}"


def _blobs_of(manifest: bytes) -> dict[str, int]:
    """Return the sizes of configuration and layers by digest. Raises InvalidImage."""
    parsed = parse_manifest(manifest)
    return {blob.digest: blob.size_bytes for blob in (parsed.config, *parsed.layers)}


def _end_other(
    transaction: Transaction, process: Process, version: Version, other: Upload, now: datetime
) -> Version:
    """End another user's upload whose lease has expired; raises Conflict before."""
    if other.lease_until >= now:
        raise upload_in_progress(transaction, process, version)
    fail_upload(transaction, other, ABANDONED, at=now)
    return get_version(transaction, process, version.number)
