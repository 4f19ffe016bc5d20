"""The protocol of a blob store.

Blobs are immutable byte strings named by their digest, ``sha256:<64 lower-case hex digits>`` (OCI
image specification, descriptor, "Digests"). One suite in ``tests/ports`` runs on every
implementation.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol


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
            DigestMismatch: not the digest or size that :meth:`BlobStore.writer` was told.
            StorageFull: no room.
        """
        ...


class BlobStore(Protocol):
    """Bytes by digest."""

    def contains(self, digest: str) -> bool:
        """Whether the blob is there."""
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

    def remove(self, digest: str) -> None:
        """Remove the blob if it is there."""
        ...

    def list_digests(self) -> Iterator[str]:
        """Every digest in the store, in no order."""
        ...
