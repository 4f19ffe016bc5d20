"""Ingests on disk: the store's folders, the writer of one blob, and a batch of small blobs."""

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from au2.domain.errors import DigestMismatch, TooLarge
from au2.oci.spec.digest import hexadecimal, parse_digest, sha256_of
from au2.stores.durability import (
    SyncFileSystem,
    opened,
    sync_files,
    sync_path,
    translated_faults,
    write_whole,
)

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_BUFFER_BYTES = 1 << 18
_MOST_BATCH_FILES = 4096
_MOST_BATCH_BYTES = 256 << 20


class ContentPaths:
    """Folders of a store. Blobs are ``sha256/<first two digits>/<digits>``."""

    def __init__(self, root: Path) -> None:
        self.named = root / "sha256"
        self.incoming = root / "incoming"
        self.partial = root / "partial"
        """Resumable ingests, by their names."""
        self.compressed = root / "compressed"
        """Entries of blobs that are kept compressed, by digest as in ``named``."""
        self.removing = root / "removing"
        """Blobs under removal, by their digits and a unique ending."""

    def make(self) -> None:
        """Create missing folders. Raises StorageFull.

        All are created at once: naming a blob never waits for a new folder's flush.
        """
        folders = (self.incoming, self.partial, self.compressed, self.removing, self.named)
        if (self.named / "ff").is_dir() and all(folder.is_dir() for folder in folders):
            return
        with translated_faults():
            for folder in folders:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for number in range(256):
                (self.named / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
            sync_path(self.named)
            sync_path(self.named.parent)

    def path_of(self, digest: str) -> Path:
        """Return the path of a blob by its (checked) digest."""
        digits = hexadecimal(digest)
        return self.named / digits[:2] / digits

    def new_incoming(self) -> Path:
        """Return a unique path for a temporary file."""
        return self.incoming / uuid.uuid4().hex

    def put_in_place(self, temporary: Path, digest: str) -> Path:
        """Rename a temporary file to its blob; return the folder to flush.

        A blob of the name is replaced by equal content, which repairs a damaged one.
        """
        path = self.path_of(digest)
        temporary.replace(path)
        return path.parent


class FileBlobWriter:
    """:class:`~au2.stores.content.protocol.BlobWriter` of one temporary file."""

    def __init__(
        self,
        paths: ContentPaths,
        *,
        digest: str | None,
        size_bytes: int | None,
        max_bytes: int | None,
    ) -> None:
        self._paths = paths
        self._digest = digest
        self._stated_bytes = size_bytes
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self._size_bytes = 0
        self._buffer = bytearray()
        self._committed: str | None = None
        self._path = paths.new_incoming()
        with translated_faults():
            self._descriptor = os.open(self._path, NEW_FILE, 0o600)
        self._open = True

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""
        return self._size_bytes

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes. Raises StorageFull, TooLarge."""
        self._check_open()
        count = memoryview(data).nbytes
        self._check_size(self._size_bytes + count)
        self._size_bytes += count
        if self._buffer or count < _BUFFER_BYTES:
            self._buffer += data
            if len(self._buffer) >= _BUFFER_BYTES:
                self._flush()
        else:
            self._write_out(data)
        return count

    def commit(self) -> str:
        """Verify, make durable and name the blob; return its digest."""
        if self._committed is not None:
            return self._committed
        self._check_open()
        self._flush()
        digest = "sha256:" + self._hash.hexdigest()
        self._verify(digest)
        with translated_faults():
            os.fsync(self._descriptor)
            self._close()
            sync_path(self._paths.put_in_place(self._path, digest))
        self._committed = digest
        return digest

    def leave(self) -> None:
        """Close the file; remove an uncommitted one."""
        self._buffer.clear()
        try:
            self._close()
        finally:
            if self._committed is None:
                self._path.unlink(missing_ok=True)

    def _check_open(self) -> None:
        if not self._open:
            raise ValueError("the blob was committed or left")

    def _close(self) -> None:
        if self._open:
            self._open = False
            os.close(self._descriptor)

    def _check_size(self, size_bytes: int) -> None:
        if self._stated_bytes is not None and size_bytes > self._stated_bytes:
            raise TooLarge(f"more bytes came than the stated {self._stated_bytes} bytes")
        if self._max_bytes is not None and size_bytes > self._max_bytes:
            raise TooLarge(f"the blob is larger than the limit of {self._max_bytes} bytes")

    def _verify(self, digest: str) -> None:
        if self._stated_bytes is not None and self._size_bytes != self._stated_bytes:
            raise DigestMismatch(
                f"{self._size_bytes} bytes came, {self._stated_bytes} bytes were stated"
            )
        if self._digest is not None and digest != self._digest:
            raise DigestMismatch(f"{self._digest} was stated, but the bytes have {digest}")

    def _flush(self) -> None:
        # A copy, so that the buffer can be cleared while a view of it exists.
        data = bytes(self._buffer)
        self._buffer.clear()
        self._write_out(data)

    def _write_out(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        with translated_faults():
            write_whole(self._descriptor, data)


class BlobBatch:
    """Batch of small blobs: temporary files named together, after one flush."""

    def __init__(
        self, paths: ContentPaths, *, max_bytes: int | None, syncfs: SyncFileSystem | None
    ) -> None:
        self._paths = paths
        self._max_bytes = max_bytes
        self._syncfs = syncfs
        self._waiting: dict[str, Path] = {}
        self._waiting_bytes = 0

    def add(self, digest: str, data: bytes) -> None:
        """Add a blob. Raises DigestMismatch, TooLarge, StorageFull."""
        if self._max_bytes is not None and len(data) > self._max_bytes:
            raise TooLarge(f"the blob is larger than the limit of {self._max_bytes} bytes")
        found = sha256_of(data)
        if found != parse_digest(digest):
            raise DigestMismatch(f"{digest} was stated, but the bytes have {found}")
        if digest in self._waiting:
            return
        path = self._paths.new_incoming()
        self._waiting[digest] = path
        with translated_faults(), opened(path, NEW_FILE) as descriptor:
            write_whole(descriptor, data)
        self._waiting_bytes += len(data)
        if len(self._waiting) >= _MOST_BATCH_FILES or self._waiting_bytes >= _MOST_BATCH_BYTES:
            self.commit()

    def commit(self) -> None:
        """Make all added blobs durable and name them."""
        if not self._waiting:
            return
        with translated_faults():
            sync_files(self._waiting.values(), self._paths.incoming, self._syncfs)
            touched = {
                self._paths.put_in_place(path, digest) for digest, path in self._waiting.items()
            }
            # One flush for the names too: a hundred blobs lie in nearly as many folders.
            sync_files(touched, self._paths.incoming, self._syncfs)
        self._waiting.clear()
        self._waiting_bytes = 0

    def leave(self) -> None:
        """Remove temporary files without a commit."""
        for path in self._waiting.values():
            path.unlink(missing_ok=True)
        self._waiting.clear()


def list_files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield files and their status in a folder with other writing processes."""
    for path in folder.iterdir():
        try:
            yield path, path.stat()
        except FileNotFoundError:
            continue  # Committed or removed meanwhile.


def remove_unchanged(path: Path, changed_at: float) -> bool:
    """Remove a file last written at ``changed_at``; return whether the file was removed."""
    try:
        if path.stat().st_mtime != changed_at:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def remove_stale(folder: Path, older_than_seconds: float) -> int:
    """Remove files not written to for so long; return their number."""
    oldest = time.time() - older_than_seconds
    return sum(
        remove_unchanged(path, status.st_mtime)
        for path, status in list_files(folder)
        if status.st_mtime < oldest
    )
