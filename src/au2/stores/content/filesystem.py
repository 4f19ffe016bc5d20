"""Blobs as files in a folder."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from au2.domain.errors import BlobMissing, TooLarge
from au2.oci.spec.digest import VerifyingReader, parse_digest
from au2.stores.content.batch import BlobBatch
from au2.stores.content.compressed import Compressed, CompressedBlobs, DecompressedFile
from au2.stores.content.durability import SyncFileSystem, find_syncfs
from au2.stores.content.ingest import (
    ContentPaths,
    FileBlobWriter,
    list_files,
    remove_stale,
    remove_unchanged,
)
from au2.stores.content.leases import (
    find_unused,
    is_young,
    mark_used,
    remove_if_unused,
    restore_interrupted,
)
from au2.stores.content.protocol import BlobWriter, Ingest, ResumableIngest
from au2.stores.content.resumable import ResumableIngests


class FileContentStore:
    """A blob store in the folder ``root``, for any number of processes.

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
        self._folders = ContentPaths(root)
        self._max_blob_bytes = max_blob_bytes
        self._syncfs = find_syncfs()
        self._partials = ResumableIngests(self._folders, max_blob_bytes)
        self._compressed = CompressedBlobs(self._folders)
        self._folders.make()
        restore_interrupted(self._folders)

    def contains(self, digest: str) -> bool:
        """Whether the blob is there; if so, it is not taken for unused for a while."""
        if mark_used(self._path(digest)):
            return True
        kept = self._compressed.find(digest)
        return kept is not None and mark_used(self._path(kept.digest))

    def size_bytes(self, digest: str) -> int:
        """Size of the blob. Raises BlobMissing."""
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError:
            return self._find_kept(digest).size_bytes

    def open(self, digest: str) -> BinaryIO:
        """Open for reading; the digest is checked while it is read to its end."""
        file = self._open_own(digest)
        if file is None:
            stream, size_bytes = self._open_kept(digest)
            return cast(BinaryIO, VerifyingReader(stream, digest, size_bytes))
        return cast(BinaryIO, VerifyingReader(file, digest, os.fstat(file.fileno()).st_size))

    def open_from(self, digest: str, offset_bytes: int) -> BinaryIO:
        """Open for reading from ``offset_bytes`` on; not checked."""
        file = self._open_own(digest)
        if file is None:
            stream, _ = self._open_kept(digest)
            stream.skip(offset_bytes)
            return cast(BinaryIO, stream)
        file.seek(offset_bytes)
        return file

    def _open_own(self, digest: str) -> BinaryIO | None:
        try:
            return cast(BinaryIO, self._path(digest).open("rb", buffering=0))
        except FileNotFoundError:
            return None

    def _open_kept(self, digest: str) -> tuple[DecompressedFile, int]:
        kept = self._find_kept(digest)
        file = self._open_own(kept.digest)
        if file is None:
            raise _missing(digest)
        return DecompressedFile(file), kept.size_bytes

    def _find_kept(self, digest: str) -> Compressed:
        kept = self._compressed.find(digest)
        if kept is None or not self._path(kept.digest).is_file():
            raise _missing(digest)
        return kept

    def read_bytes(self, digest: str, *, limit_bytes: int) -> bytes:
        """Read a small blob whole, verified. Raises BlobMissing, TooLarge, DigestMismatch."""
        size_bytes = self.size_bytes(digest)
        if size_bytes > limit_bytes:
            raise TooLarge(f"blob {digest} has {size_bytes} bytes, more than {limit_bytes} bytes")
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

    def partial(self, name: str) -> AbstractContextManager[ResumableIngest]:
        """Begin a blob in pieces, or go on with it. Raises Conflict if it is being written to."""
        return self._partials.opened(name)

    def ingest_bytes(self, name: str) -> int:
        """How much of a blob in pieces has come."""
        return self._partials.size_bytes(name)

    def abort_ingest(self, name: str) -> None:
        """Forget a blob in pieces."""
        self._partials.remove(name)

    def keep_compressed(self, digest: str, size_bytes: int, *, compressed: str) -> None:
        """Find a blob as ``compressed``, which holds it, too. Raises BlobMissing."""
        if not self._path(compressed).is_file():
            raise _missing(compressed)
        present = self._compressed.find(digest)
        if present is None or not self._path(present.digest).is_file():
            self._compressed.put(parse_digest(digest), Compressed(compressed, size_bytes))

    def find_compressed(self, digest: str) -> str | None:
        """The blob that this one is kept as."""
        kept = None if self._path(digest).is_file() else self._compressed.find(digest)
        return kept.digest if kept and self._path(kept.digest).is_file() else None

    def remove(self, digest: str) -> None:
        """Remove the blob if it is there."""
        self._path(digest).unlink(missing_ok=True)
        self._compressed.remove(digest)

    def remove_expired(self, digest: str, *, older_than_seconds: float) -> int | None:
        """Remove the blob unless it was written or asked for lately; return the bytes freed."""
        freed_bytes = remove_if_unused(self._folders, parse_digest(digest), older_than_seconds)
        if freed_bytes is not None or self._path(digest).is_file():
            return freed_bytes
        kept = self._compressed.find(digest)
        if kept is None or is_young(self._path(kept.digest), older_than_seconds):
            return None
        self._compressed.remove(digest)
        return 0

    def expired_bytes(self, digest: str, *, older_than_seconds: float) -> int | None:
        """What :meth:`remove_unused` would say at this moment; nothing is changed."""
        if self._path(digest).is_file():
            return find_unused(self._path(digest), older_than_seconds)
        kept = self._compressed.find(digest)
        is_let_go = kept and not is_young(self._path(kept.digest), older_than_seconds)
        return 0 if is_let_go else None

    def list_ingests(self) -> Iterator[Ingest]:
        """Blobs in pieces, and what writers are writing or have left, in no order."""
        for path, status in list_files(self._folders.incoming):
            yield Ingest(None, path.name, status.st_size, status.st_mtime)
        for path, status in list_files(self._folders.partial):
            yield Ingest(path.name, path.name, status.st_size, status.st_mtime)

    def remove_ingest(self, found: Ingest) -> bool:
        """Remove one of them, unless something was added to it since."""
        if found.part is not None:
            return self._partials.remove_unchanged(found.part, found.changed_at)
        return remove_unchanged(self._folders.incoming / found.file, found.changed_at)

    def free_bytes(self) -> int:
        """Room that is left for blobs."""
        return shutil.disk_usage(self._folders.named).free

    def list_digests(self) -> Iterator[str]:
        """Every digest in the store that has bytes of its own, in no order."""
        for path in self._folders.named.glob("??/*"):
            yield f"sha256:{path.name}"

    def list_compressed(self) -> Iterator[tuple[str, str]]:
        """Every digest that is kept as another blob, and that one, in no order."""
        for digest in self._compressed.list_digests():
            kept = self._compressed.find(digest)
            if kept is not None:
                yield digest, kept.digest

    def clean_incoming(self, older_than_seconds: float) -> int:
        """Remove temporary files of writers that were killed; return how many."""
        return remove_stale(self._folders.incoming, older_than_seconds)

    def _path(self, digest: str) -> Path:
        return self._folders.path_of(parse_digest(digest))


def _missing(digest: str) -> BlobMissing:
    return BlobMissing(f"the blob {digest} is not in the store")
