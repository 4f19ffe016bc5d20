"""Protocols of the content store, split by use as in containerd's ``core/content``.

Blobs are immutable byte strings named by their digest, ``sha256:<64 lower-case hex digits>`` (OCI
image specification, descriptor, "Digests"). An alias (``sha512:…``) is no name here: it only serves
to verify an ingest. Readers use a :class:`Provider`, builders an
:class:`IngesterProvider`, uploads a :class:`ResumableIngester`, garbage collection and fsck a
:class:`Manager`; a :class:`ContentStore` is all of them. One suite in ``tests/ports`` runs on every
implementation.

A blob is protected from garbage collection by a lease. Committing a blob takes its first lease;
a caller who counts on a present blob takes or renews the lease (:meth:`Provider.lease`).
A lease expires ``lease_seconds`` after that, a time that the collector chooses (its grace time).
All other calls, :meth:`Provider.contains` too, leave leases as they are.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Ingest:
    """State of an ingest: bytes in the store without a digest yet."""

    name: str | None
    """Name of a resumable ingest; None for the file of a :class:`BlobWriter`."""
    file: str
    """Name of the file inside the store."""
    size_bytes: int
    changed_at: float
    """Time of the last write, in seconds since the epoch."""


class BlobWriter(Protocol):
    """Writer of one blob: temporary until :meth:`commit`, removed without a commit."""

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes. Raises StorageFull, TooLarge (over the stated or the store's limit)."""
        ...

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""
        ...

    def commit(self) -> str:
        """Verify, make durable, name and lease the blob; return its digest. Idempotent.

        Raises:
            DigestMismatch: digest or size differ from those given to :meth:`Ingester.writer`.
            StorageFull: the disk is full.
        """
        ...


class ResumableIngest(Protocol):
    """Ingest of a blob sent in chunks; outlives requests and restarts."""

    @property
    def size_bytes(self) -> int:
        """Bytes received so far."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 digest of the bytes received so far: the blob's name after a commit."""
        ...

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes.

        Raises:
            StorageFull: the disk is full; received bytes are removed, since an incomplete ingest
                would only keep the space from others. Ends the block's use.
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
        """Verify, make durable, name and lease the blob; the ingest ends. Ends the block's use.

        Args:
            digest: expected digest, or expected alias: then the bytes are read once more.
            size_bytes: expected size; None: any.
            note: records the blob's owner, between verification and naming. After a kill in
                between, the ingest is still whole and can be committed again; in the other order
                the store would have a blob without a known owner.

        Raises:
            DigestMismatch: the bytes have another digest or size; the ingest is removed, for no
                further byte can help.
            StorageFull: the disk is full.
        """
        ...


class Provider(Protocol):
    """Reading and leasing of blobs.

    A blob may be kept as another blob, its compressed form (:meth:`Ingester.keep_compressed`). Such
    a blob is present and readable like all others, at the price of decompression.
    """

    def contains(self, digest: str) -> bool:
        """Whether the blob is present. No lease is taken: the blob may be gone a moment later."""
        ...

    def lease(self, digest: str) -> bool:
        """Take or renew the blob's lease; False: the blob is not present.

        After True, :meth:`Manager.remove_expired` keeps the blob until the lease expires. Of a blob
        kept compressed, the lease is on the compressed form.
        """
        ...

    def size_bytes(self, digest: str) -> int:
        """Size of the blob. Raises BlobMissing."""
        ...

    def open(self, digest: str) -> BinaryIO:
        """Open the blob for reading; its digest is verified by reading to the end.

        The reader raises DigestMismatch at the end of a damaged blob, never silently. Seeking is
        not supported. Raises BlobMissing.
        """
        ...

    def open_from(self, digest: str, offset_bytes: int) -> BinaryIO:
        """Open the blob for reading from an offset on, unverified: a part has no digest.

        Raises BlobMissing.
        """
        ...

    def read_bytes(self, digest: str, *, limit_bytes: int) -> bytes:
        """Read a small blob whole, verified. Raises BlobMissing, TooLarge, DigestMismatch."""
        ...

    def find_compressed(self, digest: str) -> str | None:
        """Digest of the blob's compressed form.

        None: the blob is not present, or has bytes of its own.
        """
        ...


class Ingester(Protocol):
    """Adding of blobs."""

    def writer(
        self, *, digest: str | None = None, size_bytes: int | None = None
    ) -> AbstractContextManager[BlobWriter]:
        """Begin a blob. Leaving the block without commit removes the written bytes."""
        ...

    def batch(self) -> AbstractContextManager[Callable[[str, bytes], None]]:
        """Add many small blobs at the price of one flush to disk.

        Yields ``add(digest, data)``, which verifies at once (DigestMismatch). All blobs become
        visible and durable together when the block ends well, or when too many have piled up.
        """
        ...

    def keep_compressed(self, digest: str, size_bytes: int, *, compressed: str) -> None:
        """Keep a blob as ``compressed``, a blob of the store and its compressed form.

        The caller has read ``compressed`` and found just these bytes inside. A blob's own bytes and
        an earlier compressed form stay, and are read first: blobs are shared, and no sender may
        choose a form for others, which may be slow to read. Raises BlobMissing.
        """
        ...

    def free_bytes(self) -> int:
        """Free disk space for blobs."""
        ...


class IngesterProvider(Provider, Ingester, Protocol):
    """Reading and adding of blobs: the part of a store for builders of images."""


class ResumableIngester(Ingester, Protocol):
    """Adding of blobs sent in chunks."""

    def resume(self, name: str) -> AbstractContextManager[ResumableIngest]:
        """Begin or resume an ingest, which stays until a commit or abort.

        Args:
            name: 1 to 128 letters, digits, hyphens and underscores; the only key to the ingest.

        Raises:
            Conflict: another writer holds the ingest.
        """
        ...

    def ingest_bytes(self, name: str) -> int:
        """Bytes received by a resumable ingest; 0 without one."""
        ...

    def abort_ingest(self, name: str) -> None:
        """Remove a resumable ingest. Idempotent. Raises Conflict during a write."""
        ...


class Manager(Provider, Protocol):
    """Listing and removal: the part of a store for garbage collection and fsck."""

    def list_digests(self) -> Iterator[str]:
        """Every digest with own bytes, in no order."""
        ...

    def list_compressed(self) -> Iterator[tuple[str, str]]:
        """Every digest kept compressed, with the digest of the holder, in no order."""
        ...

    def remove(self, digest: str) -> None:
        """Remove the blob with its compressed form, in spite of a lease. Idempotent."""
        ...

    def remove_expired(self, digest: str, *, lease_seconds: float) -> int | None:
        """Remove the blob unless its lease was taken in the last ``lease_seconds``.

        Of a blob with both bytes and a compressed form, the bytes are removed. Safe beside writers
        and readers: :meth:`Provider.lease` either finds the blob and keeps it, or returns False.

        Returns:
            Freed bytes; None if the blob stays.
        """
        ...

    def expired_bytes(self, digest: str, *, lease_seconds: float) -> int | None:
        """Result of :meth:`remove_expired` at this moment; nothing is changed."""
        ...

    def list_ingests(self) -> Iterator[Ingest]:
        """Resumable ingests and files of writers, also of killed ones, in no order."""
        ...

    def remove_ingest(self, found: Ingest) -> bool:
        """Remove an ingest of :meth:`list_ingests`; return whether it was removed.

        An ingest stays after an added byte or during a write.
        """
        ...

    def ingest_bytes(self, name: str) -> int:
        """Bytes received by a resumable ingest; 0 without one."""
        ...


class ContentStore(IngesterProvider, ResumableIngester, Manager, Protocol):
    """The whole content store."""
