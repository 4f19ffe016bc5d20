"""Many small blobs at the price of one flush to disk."""

import os
from pathlib import Path

from au2.domain.errors import DigestMismatch, TooLarge
from au2.oci.spec.digest import parse_digest, sha256_of
from au2.stores.content.durability import SyncFileSystem, sync_files
from au2.stores.content.faults import translated_faults
from au2.stores.content.ingest import ContentPaths, write_whole

_MOST_FILES = 4096
_MOST_BYTES = 256 << 20


class BlobBatch:
    """Temporary files that are named together, after one flush."""

    def __init__(
        self, folders: ContentPaths, *, max_bytes: int | None, syncfs: SyncFileSystem | None
    ) -> None:
        self._folders = folders
        self._max_bytes = max_bytes
        self._syncfs = syncfs
        self._waiting: dict[str, Path] = {}
        self._waiting_bytes = 0

    def add(self, digest: str, data: bytes) -> None:
        """Take a blob. Raises DigestMismatch, TooLarge, StorageFull."""
        if self._max_bytes is not None and len(data) > self._max_bytes:
            raise TooLarge(f"the blob is larger than the {self._max_bytes} bytes that are taken")
        found = sha256_of(data)
        if found != parse_digest(digest):
            raise DigestMismatch(f"{digest} was stated, but the bytes have {found}")
        if digest in self._waiting:
            return
        path = self._folders.new_incoming()
        self._waiting[digest] = path
        with translated_faults():
            _write_file(path, data)
        self._waiting_bytes += len(data)
        if len(self._waiting) >= _MOST_FILES or self._waiting_bytes >= _MOST_BYTES:
            self.commit()

    def commit(self) -> None:
        """Make durable and name all that wait."""
        if not self._waiting:
            return
        with translated_faults():
            sync_files(self._waiting.values(), self._folders.incoming, self._syncfs)
            touched = {
                self._folders.put_in_place(path, digest) for digest, path in self._waiting.items()
            }
            # The names too with one flush: a hundred contents lie in nearly as many folders.
            sync_files(touched, self._folders.incoming, self._syncfs)
        self._waiting.clear()
        self._waiting_bytes = 0

    def leave(self) -> None:
        """Remove what was not committed."""
        for path in self._waiting.values():
            path.unlink(missing_ok=True)
        self._waiting.clear()


def _write_file(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_whole(descriptor, data)
    finally:
        os.close(descriptor)
