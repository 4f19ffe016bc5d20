"""Blobs as files in a folder."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from au2.blobs.base import BlobWriter
from au2.blobs.batch import BlobBatch
from au2.blobs.durability import SyncFileSystem, find_syncfs
from au2.blobs.incoming import BlobFolders, FileBlobWriter, remove_stale
from au2.domain.errors import BlobMissing, TooLarge
from au2.oci.digest import VerifyingReader, parse_digest


class FileBlobStore:
    """A :class:`~au2.blobs.base.BlobStore` in the folder ``root``, for any number of processes.

    Every blob is written to a temporary file, verified, flushed and then renamed, so a name is
    never there without its whole content, whatever is killed.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_blob_bytes: int | None = None,
        find_syncfs: Callable[[], SyncFileSystem | None] = find_syncfs,
    ) -> None:
        self._folders = BlobFolders(root)
        self._max_blob_bytes = max_blob_bytes
        self._syncfs = find_syncfs()
        self._folders.make()

    def contains(self, digest: str) -> bool:
        """Whether the blob is there."""
        return self._path(digest).is_file()

    def size_bytes(self, digest: str) -> int:
        """Size of the blob. Raises BlobMissing."""
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError:
            raise _missing(digest) from None

    def open(self, digest: str) -> BinaryIO:
        """Open for reading; the digest is checked while it is read to its end."""
        try:
            file = self._path(digest).open("rb", buffering=0)
        except FileNotFoundError:
            raise _missing(digest) from None
        size_bytes = os.fstat(file.fileno()).st_size
        return cast(BinaryIO, VerifyingReader(file, digest, size_bytes))

    def read_bytes(self, digest: str, *, limit_bytes: int) -> bytes:
        """Read a small blob whole, verified. Raises BlobMissing, TooLarge, DigestMismatch."""
        size_bytes = self.size_bytes(digest)
        if size_bytes > limit_bytes:
            raise TooLarge(f"blob {digest} has {size_bytes} bytes, more than {limit_bytes}")
        with self.open(digest) as file:
            return file.read()

    @contextmanager
    def writer(
        self, *, digest: str | None = None, size_bytes: int | None = None
    ) -> Iterator[BlobWriter]:
        """Begin a blob. Leaving the block without commit removes what was written."""
        writer = FileBlobWriter(
            self._folders,
            digest=None if digest is None else parse_digest(digest),
            size_bytes=size_bytes,
            max_bytes=self._max_blob_bytes,
        )
        try:
            yield writer
        finally:
            writer.leave()

    @contextmanager
    def batch(self) -> Iterator[Callable[[str, bytes], None]]:
        """Add many small blobs; they become visible together when the block ends well."""
        batch = BlobBatch(self._folders, max_bytes=self._max_blob_bytes, syncfs=self._syncfs)
        try:
            yield batch.add
            batch.commit()
        finally:
            batch.leave()

    def remove(self, digest: str) -> None:
        """Remove the blob if it is there."""
        self._path(digest).unlink(missing_ok=True)

    def list_digests(self) -> Iterator[str]:
        """Every digest in the store, in no order."""
        for path in self._folders.named.glob("??/*"):
            yield f"sha256:{path.name}"

    def clean_incoming(self, older_than_seconds: float) -> int:
        """Remove temporary files of writers that were killed; return how many."""
        return remove_stale(self._folders.incoming, older_than_seconds)

    def _path(self, digest: str) -> Path:
        return self._folders.path_of(parse_digest(digest))


def _missing(digest: str) -> BlobMissing:
    return BlobMissing(f"the blob {digest} is not in the store")
