"""Blobs on their way in: temporary files that nobody sees, gone unless they are named."""

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from au2.domain.errors import DigestMismatch, TooLarge
from au2.oci.spec.digest import hexadecimal
from au2.stores.content.durability import sync_path
from au2.stores.content.faults import translated_faults

_BUFFER_BYTES = 1 << 18


class ContentPaths:
    """Where a store keeps what: ``sha256/<first two digits>/<digits>``, and what is no blob yet."""

    def __init__(self, root: Path) -> None:
        self.named = root / "sha256"
        self.incoming = root / "incoming"
        self.partial = root / "partial"
        """Blobs in pieces, by their names."""
        self.compressed = root / "compressed"
        """What is kept as another blob, by digest as in ``named``."""
        self.removing = root / "removing"
        """Blobs that are being judged unused, by their digits and a unique ending."""

    def make(self) -> None:
        """Make the folders if they are not there. Raises StorageFull.

        All at once, so that naming a blob never waits for a new folder to become durable.
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
        """Return where the blob of a (checked) digest is or would be."""
        digits = hexadecimal(digest)
        return self.named / digits[:2] / digits

    def new_incoming(self) -> Path:
        """Return a name for a temporary file that nobody else uses."""
        return self.incoming / uuid.uuid4().hex

    def put_in_place(self, temporary: Path, digest: str) -> Path:
        """Name a temporary file; return the folder that is to be synced for it to stay so.

        What was there under that name is replaced by the same content, which heals a damaged blob.
        """
        path = self.path_of(digest)
        temporary.replace(path)
        return path.parent


class FileBlobWriter:
    """The :class:`~au2.stores.content.protocol.BlobWriter` of one temporary file."""

    def __init__(
        self,
        folders: ContentPaths,
        *,
        digest: str | None,
        size_bytes: int | None,
        max_bytes: int | None,
    ) -> None:
        self._folders = folders
        self._digest = digest
        self._stated_bytes = size_bytes
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self._size_bytes = 0
        self._buffer = bytearray()
        self._committed: str | None = None
        self._path = folders.new_incoming()
        with translated_faults():
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
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
            sync_path(self._folders.put_in_place(self._path, digest))
        self._committed = digest
        return digest

    def leave(self) -> None:
        """Let go of the file; it is removed unless it was committed."""
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
            raise TooLarge(f"more came than the stated {self._stated_bytes} bytes")
        if self._max_bytes is not None and size_bytes > self._max_bytes:
            raise TooLarge(f"the blob is larger than the {self._max_bytes} bytes that are taken")

    def _verify(self, digest: str) -> None:
        if self._stated_bytes is not None and self._size_bytes != self._stated_bytes:
            raise DigestMismatch(
                f"{self._size_bytes} bytes came, {self._stated_bytes} bytes were stated"
            )
        if self._digest is not None and digest != self._digest:
            raise DigestMismatch(f"{self._digest} was stated, but the bytes have {digest}")

    def _flush(self) -> None:
        # A copy, so that the buffer can be emptied while the view of it is still around.
        data = bytes(self._buffer)
        self._buffer.clear()
        self._write_out(data)

    def _write_out(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        with translated_faults():
            write_whole(self._descriptor, data)


def write_whole(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of ``data``: where room runs out, the system takes a part before it refuses."""
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(descriptor, view) :]


def list_files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files in a folder that others write to, with what is known of each."""
    for path in folder.iterdir():
        try:
            yield path, path.stat()
        except FileNotFoundError:
            continue  # Its writer was quicker.


def remove_unchanged(path: Path, changed_at: float) -> bool:
    """Remove a file that was last written to at that time; whether it was still so, and went."""
    try:
        if path.stat().st_mtime != changed_at:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def remove_stale(folder: Path, older_than_seconds: float) -> int:
    """Remove files not written to for so long; return how many."""
    oldest = time.time() - older_than_seconds
    return sum(
        remove_unchanged(path, status.st_mtime)
        for path, status in list_files(folder)
        if status.st_mtime < oldest
    )
