"""Blobs of repositories: pull, mount, resumable push, and the limit on decompressing reads."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from au2.app.registry.access import ensure_may_use
from au2.app.registry.images import ImageBlobs
from au2.app.uploads.blob_receiver import BlobReceiver
from au2.domain import clock as clocks
from au2.domain.accounts.identity import Action, Actor
from au2.domain.errors import Busy, DigestMismatch, InvalidImage, NotFound, NotPermitted
from au2.domain.ids import is_guid, make_guid
from au2.domain.processes.repository import Repository, StoredBlob
from au2.domain.processes.upload import BlobUpload
from au2.oci.spec.digest import is_alias, parse_any_digest
from au2.oci.spec.manifest import Descriptor
from au2.oci.spec.media_types import FOREIGN_LAYERS
from au2.oci.spec.registry_manifest import RegistryManifest
from au2.stores.content.protocol import ContentStore
from au2.stores.database.content.repositories import (
    add_blob_upload,
    delete_blob_upload,
    find_blob_upload,
    find_manifests,
)
from au2.stores.database.content.repository_blobs import add_repository_blobs, resolve_blobs
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

    def find(self, actor: Actor, repository: Repository, name: str) -> StoredBlob:
        """Return a blob of the repository by its digest or alias. Raises NotFound."""
        parse_any_digest(name)
        with self._database.read() as transaction:
            ensure_may_use(transaction, actor, Action.PULL_IMAGE, repository)
        blob = self._find_all(repository, [name]).get(name)
        if blob is None:
            raise NotFound(f"{repository} has no blob {name}.")
        return blob

    def _find_all(self, repository: Repository, names: Collection[str]) -> dict[str, StoredBlob]:
        """Return the repository's blobs among ``names``, by them; takes their leases."""
        with self._database.read() as transaction:
            found = resolve_blobs(transaction, repository, names)
        if repository.process_id is not None:
            sizes = self._images.find_blobs(repository.process_id, set(names) - set(found))
            found |= {digest: StoredBlob(digest, size) for digest, size in sizes.items()}
        return {name: blob for name, blob in found.items() if self._blobs.lease(blob.digest)}

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
        self, actor: Actor, repository: Repository, name: str, source: Repository | None
    ) -> bool:
        """Add a blob of another repository to this one; return whether there is one to mount.

        Args:
            actor: may push to ``repository`` and pull from ``source``.
            repository: receives the blob.
            name: digest of the blob, or alias: then only a repository that has it is a source.
            source: has the blob; None: any repository of the organization visible to the actor.
        """
        parse_any_digest(name)
        with self._database.read() as transaction:
            ensure_may_use(transaction, actor, Action.PUSH_IMAGE, repository)
            found = self._images.resolve_mountable(transaction, actor, repository, [name])
        blob = found.get(name)
        if blob is None and source is not None:
            blob = self._find_in(actor, source, name)
        if blob is None or not self._blobs.lease(blob.digest):
            return False
        self.link(repository, [blob])
        return True

    def _find_in(self, actor: Actor, source: Repository, name: str) -> StoredBlob | None:
        try:
            return self.find(actor, source, name)
        except NotFound:
            return None

    def link(self, repository: Repository, blobs: Iterable[StoredBlob]) -> None:
        """Note blobs, with their aliases, as the repository's."""
        every = list(blobs)
        sizes = {blob.digest: blob.size_bytes for blob in every}
        aliases = {blob.digest: blob.sha512 for blob in every if blob.sha512 is not None}
        with self._database.write(durable=False) as transaction:
            add_repository_blobs(transaction, repository, sizes, at=self._clock(), aliases=aliases)

    def ensure_complete(
        self, repository: Repository, manifest: RegistryManifest
    ) -> tuple[str, ...]:
        """Refuse a manifest unless the repository has every referenced blob and manifest.

        Non-distributable layers may be absent in an organization's own repository. Never in a
        process's: versions' layers are read, and served, by what a manifest there names.

        Returns:
            Digests or aliases of the absent layers.

        Raises:
            NotFound: a blob or manifest is missing.
            InvalidImage: a blob has another size than its descriptor states.
        """
        found = self._find_all(repository, {blob.digest for blob in manifest.blobs})
        absent: dict[str, None] = {}
        for position, blob in enumerate(manifest.blobs):
            is_foreign = position > 0 and blob.media_type in FOREIGN_LAYERS
            if blob.digest in found:
                _ensure_size(found[blob.digest], blob)
            elif is_foreign and repository.process_id is None:
                absent[blob.digest] = None
            else:
                raise NotFound(
                    f"The blob {blob.digest} is missing: push it first.",
                    hint=_FOREIGN_HINT if is_foreign else None,
                )
        # Leased by the search; linked, they can be pulled from this repository.
        self.link(repository, found.values())
        self._ensure_children(
            repository, dict.fromkeys(child.digest for child in manifest.manifests)
        )
        return tuple(absent)

    def _ensure_children(self, repository: Repository, children: Collection[str]) -> None:
        with self._database.read() as transaction:
            known = find_manifests(transaction, repository, children)
        if repository.process_id is not None:
            images = self._images.find_images(repository.process_id, set(children) - set(known))
            known |= {digest: digest for digest in images}
        for child in children:
            if child not in known or not self._blobs.lease(known[child]):
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

    def commit(self, name: str) -> None:
        """Commit the whole blob to the repository, by its digest or alias.

        Raises:
            DigestMismatch: the bytes have another digest; the upload has ended.
            StorageFull: the disk is full; the upload stays open.
        """
        alias = name if is_alias(name) else None
        blob = StoredBlob(self._ingest.digest, self.received_bytes, alias)
        try:
            self._ingest.commit(name, note=lambda: self._owner.link(self._repository, [blob]))
        except DigestMismatch:
            self._owner.forget(self._upload_id)
            raise
        self._owner.forget(self._upload_id)


def _ensure_size(blob: StoredBlob, stated: Descriptor) -> None:
    if blob.size_bytes != stated.size_bytes:
        raise InvalidImage(
            f"the blob {stated.digest} has {blob.size_bytes} bytes, not {stated.size_bytes} bytes"
        )


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
