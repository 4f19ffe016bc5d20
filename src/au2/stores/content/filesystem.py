"""Content store in a folder of the file system."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from au2.domain.errors import BlobMissing, TooLarge
from au2.oci.spec.digest import VerifyingReader, parse_digest
from au2.stores.content.compressed import CompressedForm, CompressedForms, DecompressedFile
from au2.stores.content.ingest import (
    BlobBatch,
    ContentPaths,
    FileBlobWriter,
    list_files,
    remove_stale,
    remove_unchanged,
)
from au2.stores.content.leases import (
    find_expired,
    is_leased,
    remove_if_expired,
    restore_interrupted,
    take_lease,
)
from au2.stores.content.protocol import BlobWriter, Ingest, ResumableIngest
from au2.stores.content.resumable import ResumableIngests
from au2.stores.durability import SyncFileSystem, find_syncfs


class FileContentStore:
    """Content store in the folder ``root``, for any number of processes.

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
        self._paths = ContentPaths(root)
        self._max_blob_bytes = max_blob_bytes
        self._syncfs = find_syncfs()
        self._ingests = ResumableIngests(self._paths, max_blob_bytes)
        self._compressed = CompressedForms(self._paths)
        self._paths.make()
        restore_interrupted(self._paths)

    def contains(self, digest: str) -> bool:
        """Whether the blob is present."""
        return self._path(digest).is_file() or self._find_form(digest) is not None

    def lease(self, digest: str) -> bool:
        """Take or renew the blob's lease; False: the blob is not present."""
        if take_lease(self._path(digest)):
            return True
        form = self._compressed.find(digest)
        return form is not None and take_lease(self._path(form.digest))

    def size_bytes(self, digest: str) -> int:
        """Size of the blob. Raises BlobMissing."""
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError:
            return self._get_form(digest).size_bytes

    def open(self, digest: str) -> BinaryIO:
        """Open the blob for reading; its digest is verified while it is read to its end."""
        file = self._open_own(digest)
        if file is None:
            stream, size_bytes = self._open_form(digest)
            return cast(BinaryIO, VerifyingReader(stream, digest, size_bytes))
        return cast(BinaryIO, VerifyingReader(file, digest, os.fstat(file.fileno()).st_size))

    def open_from(self, digest: str, offset_bytes: int) -> BinaryIO:
        """Open the blob for reading from an offset on, unverified."""
        file = self._open_own(digest)
        if file is None:
            stream, _ = self._open_form(digest)
            stream.skip(offset_bytes)
            return cast(BinaryIO, stream)
        file.seek(offset_bytes)
        return file

    def _open_own(self, digest: str) -> BinaryIO | None:
        try:
            return cast(BinaryIO, self._path(digest).open("rb", buffering=0))
        except FileNotFoundError:
            return None

    def _open_form(self, digest: str) -> tuple[DecompressedFile, int]:
        form = self._get_form(digest)
        file = self._open_own(form.digest)
        if file is None:
            raise _missing(digest)
        return DecompressedFile(file), form.size_bytes

    def _get_form(self, digest: str) -> CompressedForm:
        form = self._find_form(digest)
        if form is None:
            raise _missing(digest)
        return form

    def _find_form(self, digest: str) -> CompressedForm | None:
        """Return the compressed form whose blob is present."""
        form = self._compressed.find(digest)
        return form if form is not None and self._path(form.digest).is_file() else None

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
        """Begin a blob. Leaving the block without commit removes the written bytes."""
        writer = FileBlobWriter(
            self._paths,
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
        batch = BlobBatch(self._paths, max_bytes=self._max_blob_bytes, syncfs=self._syncfs)
        try:
            yield batch.add
            batch.commit()
        finally:
            batch.leave()

    def resume(self, name: str) -> AbstractContextManager[ResumableIngest]:
        """Begin or resume an ingest. Raises Conflict if another writer holds the ingest."""
        return self._ingests.opened(name)

    def ingest_bytes(self, name: str) -> int:
        """Bytes received by a resumable ingest; 0 without one."""
        return self._ingests.size_bytes(name)

    def abort_ingest(self, name: str) -> None:
        """Remove a resumable ingest, if there is one."""
        self._ingests.remove(name)

    def keep_compressed(self, digest: str, size_bytes: int, *, compressed: str) -> None:
        """Keep a blob as ``compressed``, its compressed form. Raises BlobMissing."""
        if not self._path(compressed).is_file():
            raise _missing(compressed)
        if self._find_form(digest) is None:
            self._compressed.put(parse_digest(digest), CompressedForm(compressed, size_bytes))

    def find_compressed(self, digest: str) -> str | None:
        """Digest of the blob's compressed form."""
        form = None if self._path(digest).is_file() else self._find_form(digest)
        return None if form is None else form.digest

    def remove(self, digest: str) -> None:
        """Remove the blob. Idempotent."""
        self._path(digest).unlink(missing_ok=True)
        self._compressed.remove(digest)

    def remove_expired(self, digest: str, *, lease_seconds: float) -> int | None:
        """Remove the blob unless leased; return the freed bytes."""
        freed_bytes = remove_if_expired(self._paths, parse_digest(digest), lease_seconds)
        if freed_bytes is not None or self._path(digest).is_file():
            return freed_bytes
        form = self._compressed.find(digest)
        if form is None or is_leased(self._path(form.digest), lease_seconds):
            return None
        self._compressed.remove(digest)
        return 0

    def expired_bytes(self, digest: str, *, lease_seconds: float) -> int | None:
        """Return the present result of :meth:`remove_expired`, without removing."""
        if self._path(digest).is_file():
            return find_expired(self._path(digest), lease_seconds)
        form = self._compressed.find(digest)
        is_expired = form and not is_leased(self._path(form.digest), lease_seconds)
        return 0 if is_expired else None

    def list_ingests(self) -> Iterator[Ingest]:
        """Resumable ingests and files of writers, also of killed ones, in no order."""
        for path, status in list_files(self._paths.incoming):
            yield Ingest(None, path.name, status.st_size, status.st_mtime)
        for path, status in list_files(self._paths.partial):
            yield Ingest(path.name, path.name, status.st_size, status.st_mtime)

    def remove_ingest(self, found: Ingest) -> bool:
        """Remove an ingest, unless bytes were added since."""
        if found.name is not None:
            return self._ingests.remove_unchanged(found.name, found.changed_at)
        return remove_unchanged(self._paths.incoming / found.file, found.changed_at)

    def free_bytes(self) -> int:
        """Free disk space for blobs."""
        return shutil.disk_usage(self._paths.named).free

    def list_digests(self) -> Iterator[str]:
        """Every digest with own bytes, in no order."""
        for path in self._paths.named.glob("??/*"):
            yield f"sha256:{path.name}"

    def list_compressed(self) -> Iterator[tuple[str, str]]:
        """Every digest kept compressed, with the digest of the holder, in no order."""
        for digest in self._compressed.list_digests():
            form = self._compressed.find(digest)
            if form is not None:
                yield digest, form.digest

    def clean_incoming(self, older_than_seconds: float) -> int:
        """Remove temporary files of killed writers; return their number."""
        return remove_stale(self._paths.incoming, older_than_seconds)

    def _path(self, digest: str) -> Path:
        return self._paths.path_of(parse_digest(digest))


def _missing(digest: str) -> BlobMissing:
    return BlobMissing(f"the blob {digest} is not in the store")
