"""Protocols of the content store, split by use as in containerd's ``core/content``.

Blobs are immutable byte strings named by their digest, ``sha256:<64 lower-case hex digits>`` (OCI
image specification, descriptor, "Digests"). Readers use a :class:`Provider`, builders an
:class:`IngesterProvider`, uploads a :class:`ResumableIngester`, garbage collection and fsck a
:class:`Manager`; a :class:`ContentStore` is all of them. One suite in ``tests/ports`` runs on every
implementation.

A blob is protected from garbage collection by a lease. Committing a blob takes its first lease;
whoever finds a blob and counts on it for later takes or renews the lease (:meth:`Provider.lease`).
A lease expires ``lease_seconds`` after that, a time that the collector chooses (its grace time).
All other calls, :meth:`Provider.contains` too, leave leases as they are.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Ingest:
    """State of an ingest: bytes in the store that are no blob yet."""

    name: str | None
    """Name of a resumable ingest; None for the file of a :class:`BlobWriter`."""
    file: str
    """Name of the file inside the store."""
    size_bytes: int
    changed_at: float
    """Time of the last write, in seconds since the epoch."""


class BlobWriter(Protocol):
    """Writer of one blob: temporary until :meth:`commit`, removed without it."""

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
    """Ingest that outlives requests and restarts: a blob sent in chunks."""

    @property
    def size_bytes(self) -> int:
        """Bytes received so far."""
        ...

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes.

        Raises:
            StorageFull: the disk is full; all bytes received so far are removed, since an ingest
                that can't become whole would only keep the space from others. Ends the block's use.
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
            digest: expected digest.
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

    A blob may be kept as another blob that holds it compressed (:meth:`Ingester.keep_compressed`).
    Such a blob is present and readable like all others, at the price of decompression.
    """

    def contains(self, digest: str) -> bool:
        """Whether the blob is present. No lease is taken: the blob may be gone a moment later."""
        ...

    def lease(self, digest: str) -> bool:
        """Take or renew the blob's lease; False: the blob is not present.

        True means that :meth:`Manager.remove_expired` keeps the blob until the lease expires. Of a
        blob that is kept compressed, the lease is on the blob that holds it.
        """
        ...

    def size_bytes(self, digest: str) -> int:
        """Size of the blob. Raises BlobMissing."""
        ...

    def open(self, digest: str) -> BinaryIO:
        """Open the blob for reading; its digest is verified while it is read to its end.

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
        """Digest of the blob that holds this one compressed.

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
        """Keep a blob as ``compressed``, a blob of the store that holds it.

        The caller has read ``compressed`` and found just these bytes in it. A blob's own bytes and
        an earlier compressed form stay, and are read first: blobs are shared, and nobody may choose
        for others a form that is slow to read. Raises BlobMissing if ``compressed`` is not present.
        """
        ...

    def free_bytes(self) -> int:
        """Free disk space for blobs."""
        ...


class IngesterProvider(Provider, Ingester, Protocol):
    """Reading and adding of blobs: the part of a store that builders of images use."""


class ResumableIngester(Ingester, Protocol):
    """Adding of blobs that are sent in chunks."""

    def resume(self, name: str) -> AbstractContextManager[ResumableIngest]:
        """Begin or resume an ingest; it stays until it is committed or aborted.

        Args:
            name: 1 to 128 letters, digits, hyphens and underscores; whoever knows it may resume.

        Raises:
            Conflict: another writer has it open.
        """
        ...

    def ingest_bytes(self, name: str) -> int:
        """Bytes that a resumable ingest has received; 0 if there is none."""
        ...

    def abort_ingest(self, name: str) -> None:
        """Remove a resumable ingest, if there is one. Raises Conflict while it is written to."""
        ...


class Manager(Provider, Protocol):
    """Listing and removal: the part of a store that garbage collection and fsck use."""

    def list_digests(self) -> Iterator[str]:
        """Every digest that has bytes of its own, in no order."""
        ...

    def list_compressed(self) -> Iterator[tuple[str, str]]:
        """Every digest that is kept compressed, with the digest of the holder, in no order."""
        ...

    def remove(self, digest: str) -> None:
        """Remove the blob if it is present, with its compressed form and whatever its lease."""
        ...

    def remove_expired(self, digest: str, *, lease_seconds: float) -> int | None:
        """Remove the blob unless its lease was taken in the last ``lease_seconds``.

        Of a blob that has both bytes and a compressed form, the bytes are removed. Safe beside
        writers and readers: :meth:`Provider.lease` either finds the blob and keeps it, or says that
        the blob is gone.

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

        An ingest stays if bytes were added since, or a resumable one is being written to.
        """
        ...

    def ingest_bytes(self, name: str) -> int:
        """Bytes that a resumable ingest has received; 0 if there is none."""
        ...


class ContentStore(IngesterProvider, ResumableIngester, Manager, Protocol):
    """The whole content store."""
