"""The protocol of a blob store.

Blobs are immutable byte strings named by their digest, ``sha256:<64 lower-case hex digits>`` (OCI
image specification, descriptor, "Digests"). One suite in ``tests/ports`` runs on every
implementation.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Ingest:
    """Bytes in the store that are no blob yet."""

    part: str | None
    """Name of the blob in pieces; None: what a writer has written, who may have been killed."""
    file: str
    """Name of the file, for the store."""
    size_bytes: int
    changed_at: float
    """When something was added last: seconds since the epoch."""


class BlobWriter(Protocol):
    """A blob on its way in: temporary until :meth:`commit`, gone without it."""

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes. Raises StorageFull, TooLarge (over the stated or the store's limit)."""
        ...

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""
        ...

    def commit(self) -> str:
        """Verify, make durable and name the blob; return its digest. Idempotent by content.

        Raises:
            DigestMismatch: not the digest or size that :meth:`ContentStore.writer` was told.
            StorageFull: no room.
        """
        ...


class ResumableIngest(Protocol):
    """A blob that comes in pieces, over several requests and restarts."""

    @property
    def size_bytes(self) -> int:
        """How much has come."""
        ...

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes.

        Raises:
            StorageFull: no room; all that had come is removed, for it would only keep the room from
                others. Ends the block's use.
            TooLarge: over the store's limit.
        """
        ...

    def commit(
        self,
        digest: str,
        *,
        size_bytes: int | None = None,
        note: Callable[[], None] = lambda: None,
    ) -> None:
        """Verify, make durable and name the blob; the part is gone then. Ends the block's use.

        Args:
            digest: what it must have.
            size_bytes: how large it must be; None: whatever it is.
            note: writes down who has it, once it is verified and before it is named. Killed in
                between, the part is still there, whole, and committing it again is all there is
                to do; the other way round it would be a blob that nobody is known to have.

        Raises:
            DigestMismatch: it is something else; the part is removed, for no more of it can help.
            StorageFull: no room.
        """
        ...


class ContentStore(Protocol):
    """Bytes by digest.

    A blob may be kept as another one that holds it compressed (:meth:`keep_compressed`): it is then
    there and readable like all others, at the price of decompressing it.
    """

    def contains(self, digest: str) -> bool:
        """Whether the blob is there.

        Who asks counts on it: for a while it is not taken for unused (:meth:`remove_unused`).
        """
        ...

    def size_bytes(self, digest: str) -> int:
        """Size of the blob. Raises BlobMissing."""
        ...

    def open(self, digest: str) -> BinaryIO:
        """Open for reading; the digest is checked while it is read to its end.

        The reader raises DigestMismatch at the end of a damaged blob, never silently. Seeking is
        not supported. Raises BlobMissing.
        """
        ...

    def open_from(self, digest: str, offset_bytes: int) -> BinaryIO:
        """Open for reading from ``offset_bytes`` on. Not checked: a part can't be.

        Raises BlobMissing.
        """
        ...

    def read_bytes(self, digest: str, *, limit_bytes: int) -> bytes:
        """Read a small blob whole, checked. Raises BlobMissing, TooLarge, DigestMismatch."""
        ...

    def writer(
        self, *, digest: str | None = None, size_bytes: int | None = None
    ) -> AbstractContextManager[BlobWriter]:
        """Begin a blob. Leaving the block without commit removes what was written."""
        ...

    def batch(self) -> AbstractContextManager[Callable[[str, bytes], None]]:
        """Add many small blobs at the price of one flush to disk.

        Yields ``add(digest, data)``, which verifies at once (DigestMismatch). All become visible
        and durable together when the block ends well, or when they must not pile up any more.
        """
        ...

    def partial(self, name: str) -> AbstractContextManager[ResumableIngest]:
        """Begin a blob in pieces, or go on with it; it stays until it is committed or removed.

        Args:
            name: of 1 to 128 letters, digits, hyphens and underscores: whoever knows it goes on.

        Raises:
            Conflict: somebody is writing to it at this moment.
        """
        ...

    def ingest_bytes(self, name: str) -> int:
        """How much of a blob in pieces has come; 0 if nothing has."""
        ...

    def abort_ingest(self, name: str) -> None:
        """Forget a blob in pieces. Harmless if there is none."""
        ...

    def keep_compressed(self, digest: str, size_bytes: int, *, compressed: str) -> None:
        """Find a blob as ``compressed`` from now on, a blob in the store that holds it.

        The caller has read ``compressed`` and found just these bytes in it. What is there already
        stays as it is: the blob's own bytes, which are read wherever there are some, and another
        blob that it is kept as. Blobs are everybody's, and nobody may choose for others a form
        that is slow to read. Raises BlobMissing if ``compressed`` is not there.
        """
        ...

    def find_compressed(self, digest: str) -> str | None:
        """The blob that this one is kept as; None: it is not there, or has bytes of its own."""
        ...

    def remove(self, digest: str) -> None:
        """Remove the blob if it is there. What is kept as it is gone then too."""
        ...

    def remove_expired(self, digest: str, *, older_than_seconds: float) -> int | None:
        """Remove the blob unless it was written or asked for lately.

        If it has bytes of its own and is kept as another blob too, it is the bytes that go. Safe
        while others write and read: whoever asks (:meth:`contains`) either finds it and keeps it,
        or is told that it is gone.

        Returns:
            How many bytes that freed; None if it stays.
        """
        ...

    def expired_bytes(self, digest: str, *, older_than_seconds: float) -> int | None:
        """What :meth:`remove_unused` would say at this moment; nothing is changed."""
        ...

    def list_ingests(self) -> Iterator[Ingest]:
        """Blobs in pieces, and what writers are writing or have left, in no order."""
        ...

    def remove_ingest(self, found: Ingest) -> bool:
        """Remove one of :meth:`list_unfinished`; return whether it went.

        It stays if something was added to it since, or somebody writes to it in pieces.
        """
        ...

    def free_bytes(self) -> int:
        """Room that is left for blobs."""
        ...

    def list_digests(self) -> Iterator[str]:
        """Every digest in the store that has bytes of its own, in no order."""
        ...

    def list_compressed(self) -> Iterator[tuple[str, str]]:
        """Every digest that is kept as another blob, and that one, in no order."""
        ...
