"""Blobs of repositories: pull, mount, resumable push, and the limit on decompressing reads."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from au2.app.registry.access import ensure_may_use
from au2.app.registry.images import MountableBlobs, VersionImages
from au2.domain import clock as clocks
from au2.domain.errors import Busy, DigestMismatch, NotFound, NotPermitted, TooLarge
from au2.domain.identity import Action, Actor
from au2.domain.ids import is_guid, make_guid
from au2.domain.repository import Repository
from au2.domain.upload import BlobUpload
from au2.oci.spec.digest import parse_digest
from au2.stores.content.protocol import ContentStore
from au2.stores.database.content.repositories import (
    add_blob_upload,
    add_repository_blobs,
    delete_blob_upload,
    find_blob_upload,
    find_repository_blobs,
)
from au2.stores.database.database import Database, Transaction

_MOST_BYTES = 64 << 30
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """Progress of a blob upload."""

    id: str
    received_bytes: int


class RepositoryBlobs:
    """Finding, mounting and receiving blobs."""

    def __init__(
        self,
        database: Database,
        blobs: ContentStore,
        images: VersionImages,
        usable: MountableBlobs,
        *,
        blob_max_bytes: int = _MOST_BYTES,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._images = images
        self._usable = usable
        self._blob_max_bytes = blob_max_bytes
        self._clock = clock

    def find(self, actor: Actor, repository: Repository, digest: str) -> int:
        """Size in bytes of a blob of the repository.

        Raises:
            RepositoryUnknown: it is foreign or missing.
            NotFound: it has no such blob.
            InvalidRequest: no digest.
        """
        parse_digest(digest)
        with self._database.read() as transaction:
            ensure_may_use(transaction, actor, Action.PULL_IMAGE, repository)
        size_bytes = self.find_all(repository, [digest]).get(digest)
        if size_bytes is None:
            raise NotFound(f"{repository} has no blob {digest}.")
        return size_bytes

    def find_all(self, repository: Repository, digests: Collection[str]) -> dict[str, int]:
        """Sizes in bytes of those of the blobs that the repository has."""
        with self._database.read() as transaction:
            found = find_repository_blobs(transaction, repository, digests)
        if repository.process_id is not None:
            found |= self._images.find_blobs(repository.process_id, set(digests) - set(found))
        return {digest: size for digest, size in found.items() if self._blobs.lease(digest)}

    def is_packed(self, digest: str) -> bool:
        """Whether reading a blob means to decompress (:mod:`au2.app.registry.blobs`)."""
        return self._blobs.find_compressed(digest) is not None

    def read(self, digest: str, offset_bytes: int, size_bytes: int) -> Generator[bytes, None, None]:
        """Yield a part of a blob that was found, in pieces.

        Where what is before the part has to be decompressed too, empty pieces come meanwhile: for
        each no more is done than for any other. Raises BlobMissing.
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
        """Let a blob of another repository be this one's too; whether there is one to mount.

        Args:
            actor: who may push here and pull there.
            repository: that gets it.
            digest: of the blob.
            source: that has it; None: any of the organization that the actor may see.

        Raises:
            RepositoryUnknown, NotPermitted: the actor may not push.
            InvalidRequest: no digest.
        """
        parse_digest(digest)
        with self._database.read() as transaction:
            ensure_may_use(transaction, actor, Action.PUSH_IMAGE, repository)
            sizes = self._usable.find(transaction, actor, repository, [digest])
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
        """Note that blobs (size in bytes by digest) are the repository's."""
        with self._database.write(durable=False) as transaction:
            add_repository_blobs(transaction, repository, sizes, at=self._clock())

    # -- receiving ---------------------------------------------------------------------------

    def begin(self, actor: Actor, repository: Repository) -> UploadProgress:
        """Begin to send a blob. Raises RepositoryUnknown, NotPermitted."""
        upload = BlobUpload(make_guid(), repository, actor.user_id, self._clock())
        with self._database.write(durable=False) as transaction:
            ensure_may_use(transaction, actor, Action.PUSH_IMAGE, repository)
            add_blob_upload(transaction, upload)
        return UploadProgress(upload.id, 0)

    def show(self, actor: Actor, repository: Repository, upload_id: str) -> UploadProgress:
        """How much of a blob has come.

        Raises:
            RepositoryUnknown: it is foreign or missing.
            NotPermitted: the actor may not push, or the upload is another user's.
            NotFound: there is no such upload.
        """
        with self._database.read() as transaction:
            self._get_own(transaction, actor, repository, upload_id)
        return UploadProgress(upload_id, self._blobs.ingest_bytes(upload_id))

    def receive(self, actor: Actor, repository: Repository, upload_id: str) -> "RegistryReceiver":
        """Begin to receive a piece. Raises as :meth:`show`, and Conflict while another comes."""
        self.show(actor, repository, upload_id)
        return RegistryReceiver(self, repository, upload_id, self._blobs, self._blob_max_bytes)

    def cancel(self, actor: Actor, repository: Repository, upload_id: str) -> None:
        """Forget what has come of a blob. Raises as :meth:`show`."""
        self.show(actor, repository, upload_id)
        self._blobs.abort_ingest(upload_id)
        self.forget(upload_id)

    def forget(self, upload_id: str) -> None:
        """Forget an upload that has come to its end."""
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


class RegistryReceiver:
    """Takes one request's body, from one thread at a time. To be closed."""

    def __init__(
        self,
        owner: RepositoryBlobs,
        repository: Repository,
        upload_id: str,
        blobs: ContentStore,
        max_bytes: int,
    ) -> None:
        self._owner = owner
        self._repository = repository
        self._upload_id = upload_id
        self._max_bytes = max_bytes
        self._scope = ExitStack()
        self._part = self._scope.enter_context(blobs.resume(upload_id))

    @property
    def received_bytes(self) -> int:
        """How much has come in all."""
        return self._part.size_bytes

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises TooLarge, and StorageFull: then all that had come is gone."""
        if self._part.size_bytes + len(data) > self._max_bytes:
            raise TooLarge(f"The blob is larger than the {self._max_bytes} bytes that are taken.")
        self._part.write(data)

    def commit(self, digest: str) -> None:
        """All has come: keep it as a blob of the repository.

        Raises:
            DigestMismatch: it is something else; the upload is over.
            StorageFull: no room; the upload goes on when there is.
        """
        size_bytes = self._part.size_bytes
        try:
            self._part.commit(
                digest, note=lambda: self._owner.link(self._repository, {digest: size_bytes})
            )
        except DigestMismatch:
            self._owner.forget(self._upload_id)
            raise
        self._owner.forget(self._upload_id)

    def close(self) -> None:
        """Let go of the blob; what has come stays. Idempotent."""
        self._scope.close()


class DecompressionLimiter:
    """Limit on the concurrent decompressing readers of one server process.

    Each keeps at most a window (``WINDOW_BYTES``) in memory, however slow
    it goes; and to begin in the middle costs as much as all that is before.
    """

    def __init__(self, *, most: int = 16, most_of_one: int = 6) -> None:
        """At most ``most`` read at a time, ``most_of_one`` of them for the same user."""
        self._most = most
        self._most_of_one = most_of_one
        self._lock = threading.Lock()
        self._readers = Counter[str]()

    @contextmanager
    def reading(self, actor: Actor) -> Iterator[None]:
        """Read while the block runs. Raises Busy, before it does."""
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
