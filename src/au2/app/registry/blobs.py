"""Blobs of repositories: pull, mount, resumable push, and the limit on decompressing reads."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from au2.app.registry.access import ensure_may_use
from au2.app.registry.images import ImageBlobs
from au2.app.uploads.blob_receiver import BlobReceiver
from au2.domain import clock as clocks
from au2.domain.errors import Busy, DigestMismatch, InvalidImage, NotFound, NotPermitted
from au2.domain.identity import Action, Actor
from au2.domain.ids import is_guid, make_guid
from au2.domain.repository import Repository
from au2.domain.upload import BlobUpload
from au2.oci.spec.digest import parse_digest
from au2.oci.spec.media_types import FOREIGN_LAYERS
from au2.oci.spec.registry_manifest import RegistryManifest
from au2.stores.content.protocol import ContentStore
from au2.stores.database.content.repositories import (
    add_blob_upload,
    add_repository_blobs,
    delete_blob_upload,
    find_blob_upload,
    find_manifests,
    find_repository_blobs,
)
from au2.stores.database.database import Database, Transaction

_MOST_BYTES = 64 << 30
_PIECE_BYTES = 1 << 20
_FOREIGN_HINT = (
    "It is a non-distributable layer, which clients leave out: name this registry in the Docker "
    "daemon's allow-nondistributable-artifacts, or build the image with ordinary layers."
)


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """Progress of a blob upload."""

    id: str
    received_bytes: int


class RepositoryBlobs:
    """Search, pull, mount and push of a repository's blobs.

    Calls of an actor raise RepositoryUnknown for a foreign or missing repository, NotPermitted for
    too weak a role, and InvalidRequest for an invalid digest.
    """

    def __init__(
        self,
        database: Database,
        blobs: ContentStore,
        images: ImageBlobs,
        *,
        blob_max_bytes: int = _MOST_BYTES,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._images = images
        self._blob_max_bytes = blob_max_bytes
        self._clock = clock

    def find(self, actor: Actor, repository: Repository, digest: str) -> int:
        """Return the size in bytes of a blob of the repository. Raises NotFound."""
        parse_digest(digest)
        with self._database.read() as transaction:
            ensure_may_use(transaction, actor, Action.PULL_IMAGE, repository)
        size_bytes = self.find_all(repository, [digest]).get(digest)
        if size_bytes is None:
            raise NotFound(f"{repository} has no blob {digest}.")
        return size_bytes

    def find_all(self, repository: Repository, digests: Collection[str]) -> dict[str, int]:
        """Sizes in bytes of the repository's blobs among ``digests``; takes their leases."""
        with self._database.read() as transaction:
            found = find_repository_blobs(transaction, repository, digests)
        if repository.process_id is not None:
            found |= self._images.find_blobs(repository.process_id, set(digests) - set(found))
        return {digest: size for digest, size in found.items() if self._blobs.lease(digest)}

    def is_packed(self, digest: str) -> bool:
        """Whether reads of a blob must decompress (:class:`DecompressionLimiter`)."""
        return self._blobs.find_compressed(digest) is not None

    def read(self, digest: str, offset_bytes: int, size_bytes: int) -> Generator[bytes, None, None]:
        """Yield a part of a blob in chunks. Raises BlobMissing.

        Where the bytes before the part have to be decompressed too, empty chunks come meanwhile, so
        no chunk costs more than another.
        """
        passed_over = offset_bytes if self.is_packed(digest) else 0
        with self._blobs.open_from(digest, offset_bytes - passed_over) as file:
            while passed_over and (data := file.read(min(passed_over, _PIECE_BYTES))):
                passed_over -= len(data)
                yield b""
            while size_bytes > 0 and (data := file.read(min(size_bytes, _PIECE_BYTES))):
                size_bytes -= len(data)
                yield data

    def mount(
        self, actor: Actor, repository: Repository, digest: str, source: Repository | None
    ) -> bool:
        """Add a blob of another repository to this one; return whether there is one to mount.

        Args:
            actor: may push to ``repository`` and pull from ``source``.
            repository: receives the blob.
            digest: of the blob.
            source: has the blob; None: any repository of the organization visible to the actor.
        """
        parse_digest(digest)
        with self._database.read() as transaction:
            ensure_may_use(transaction, actor, Action.PUSH_IMAGE, repository)
            sizes = self._images.find_mountable(transaction, actor, repository, [digest])
        if digest not in sizes and source is not None:
            sizes = self._find_in(actor, source, digest)
        if digest not in sizes or not self._blobs.lease(digest):
            return False
        self.link(repository, {digest: sizes[digest]})
        return True

    def _find_in(self, actor: Actor, source: Repository, digest: str) -> dict[str, int]:
        try:
            return {digest: self.find(actor, source, digest)}
        except NotFound:
            return {}

    def link(self, repository: Repository, sizes: Mapping[str, int]) -> None:
        """Note blobs (size in bytes by digest) as the repository's."""
        with self._database.write(durable=False) as transaction:
            add_repository_blobs(transaction, repository, sizes, at=self._clock())

    def ensure_complete(self, repository: Repository, manifest: RegistryManifest) -> None:
        """Refuse a manifest unless the repository has every referenced blob and manifest.

        Raises:
            NotFound: a blob or manifest is missing.
            InvalidImage: a blob has another size than its descriptor states.
        """
        found = self.find_all(repository, {blob.digest for blob in manifest.blobs})
        for blob in manifest.blobs:
            digest, size_bytes = blob.digest, blob.size_bytes
            if digest not in found:
                raise NotFound(
                    f"The blob {digest} is missing: push it first.",
                    hint=_FOREIGN_HINT if blob.media_type in FOREIGN_LAYERS else None,
                )
            if found[digest] != size_bytes:
                raise InvalidImage(
                    f"the blob {digest} has {found[digest]} bytes, not {size_bytes} bytes"
                )
        # Leased by the search; linked, they can be pulled from this repository.
        self.link(repository, found)
        children = dict.fromkeys(child.digest for child in manifest.manifests)
        with self._database.read() as transaction:
            known = find_manifests(transaction, repository, children)
        if repository.process_id is not None:
            known |= self._images.find_images(repository.process_id, set(children) - known)
        for child in children:
            if child not in known or not self._blobs.lease(child):
                raise NotFound(f"The manifest {child} is missing: push it first.")

    # -- receiving ---------------------------------------------------------------------------

    def begin(self, actor: Actor, repository: Repository) -> UploadProgress:
        """Begin an upload of a blob."""
        upload = BlobUpload(make_guid(), repository, actor.user_id, self._clock())
        with self._database.write(durable=False) as transaction:
            ensure_may_use(transaction, actor, Action.PUSH_IMAGE, repository)
            add_blob_upload(transaction, upload)
        return UploadProgress(upload.id, 0)

    def show(self, actor: Actor, repository: Repository, upload_id: str) -> UploadProgress:
        """Return the progress of an upload.

        Raises:
            NotPermitted: the actor may not push, or the upload is another user's.
            NotFound: there is no such upload.
        """
        with self._database.read() as transaction:
            self._get_own(transaction, actor, repository, upload_id)
        return UploadProgress(upload_id, self._blobs.ingest_bytes(upload_id))

    def receive(self, actor: Actor, repository: Repository, upload_id: str) -> "RegistryReceiver":
        """Begin to receive a chunk. Raises as :meth:`show`; Conflict: another chunk is coming."""
        self.show(actor, repository, upload_id)
        return RegistryReceiver(self, repository, upload_id, self._blobs, self._blob_max_bytes)

    def cancel(self, actor: Actor, repository: Repository, upload_id: str) -> None:
        """Cancel an upload and remove its bytes. Raises as :meth:`show`."""
        self.show(actor, repository, upload_id)
        self._blobs.abort_ingest(upload_id)
        self.forget(upload_id)

    def forget(self, upload_id: str) -> None:
        """Remove the record of an ended upload."""
        with self._database.write(durable=False) as transaction:
            delete_blob_upload(transaction, upload_id)

    def _get_own(
        self, transaction: Transaction, actor: Actor, repository: Repository, upload_id: str
    ) -> BlobUpload:
        ensure_may_use(transaction, actor, Action.PUSH_IMAGE, repository)
        upload = find_blob_upload(transaction, upload_id) if is_guid(upload_id) else None
        if upload is None or upload.repository != repository:
            raise NotFound("There is no such upload of a blob here.", hint="Begin a new one.")
        if upload.user_id != actor.user_id:
            raise NotPermitted("This upload of a blob is another user's.")
        return upload


class RegistryReceiver(BlobReceiver):
    """Receiver of a blob from a registry client."""

    def __init__(
        self,
        owner: RepositoryBlobs,
        repository: Repository,
        upload_id: str,
        blobs: ContentStore,
        max_bytes: int,
    ) -> None:
        super().__init__(blobs, upload_id, max_bytes)
        self._owner = owner
        self._repository = repository
        self._upload_id = upload_id

    def commit(self, digest: str) -> None:
        """Commit the whole blob to the repository.

        Raises:
            DigestMismatch: the bytes have another digest; the upload has ended.
            StorageFull: the disk is full; the upload stays open.
        """
        size_bytes = self.received_bytes
        try:
            self._ingest.commit(
                digest, note=lambda: self._owner.link(self._repository, {digest: size_bytes})
            )
        except DigestMismatch:
            self._owner.forget(self._upload_id)
            raise
        self._owner.forget(self._upload_id)


class DecompressionLimiter:
    """Limit on the concurrent decompressing readers of one server process.

    Each reader keeps at most a window (``WINDOW_BYTES``) in memory, however slow its client is; and
    to begin in the middle costs as much as all bytes before.
    """

    def __init__(self, *, most: int = 16, most_of_one: int = 6) -> None:
        """Limits: ``most`` readers at a time, ``most_of_one`` of them for the same user."""
        self._most = most
        self._most_of_one = most_of_one
        self._lock = threading.Lock()
        self._readers = Counter[str]()

    @contextmanager
    def reading(self, actor: Actor) -> Iterator[None]:
        """Count a reader while the block runs. Raises Busy at the begin."""
        with self._lock:
            of_all, of_one = self._readers.total(), self._readers[actor.user_id]
            if of_all >= self._most or of_one >= self._most_of_one:
                raise Busy(
                    "Too many concurrent reads of compressed layers.",
                    hint="Try again in a moment.",
                )
            self._readers[actor.user_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers[actor.user_id] -= 1
                self._readers += Counter()  # Counts of zero go.
