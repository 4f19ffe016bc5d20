"""Resumable ingests: files that outlive requests and restarts."""

import fcntl
import hashlib
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from au2.domain.errors import Conflict, DigestMismatch, InvalidRequest, StorageFull, TooLarge
from au2.oci.spec.digest import is_alias
from au2.oci.streams import CHUNK_BYTES
from au2.stores.content.ingest import ContentPaths
from au2.stores.durability import start_writing, sync_path, translated_faults, write_whole

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_WRITE_BEHIND_BYTES = 16 << 20
_BUSY = "Another request is sending this blob at the moment."


class ResumableIngests:
    """Resumable ingests of one store, for any number of processes."""

    def __init__(self, paths: ContentPaths, max_bytes: int | None) -> None:
        self._paths = paths
        self._max_bytes = max_bytes
        self._hashes = _HashMemory()

    @contextmanager
    def opened(self, name: str) -> Iterator["FileResumableIngest"]:
        """Begin or resume an ingest; a second writer is refused with Conflict."""
        path = self._path(name)
        with translated_faults():
            descriptor = _open_locked(path)
        try:
            ingest = FileResumableIngest(
                self._paths,
                path,
                descriptor,
                self._hashes.take(name, descriptor),
                self._max_bytes,
            )
            yield ingest
            if not ingest.is_committed:
                self._hashes.keep(name, ingest)
        finally:
            os.close(descriptor)

    def size_bytes(self, name: str) -> int:
        """Bytes received so far."""
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError:
            return 0

    def remove(self, name: str) -> None:
        """Remove an ingest. Raises Conflict during a write."""
        self._remove(self._path(name), changed_at=None)

    def remove_unchanged(self, name: str, changed_at: float) -> bool:
        """Remove an ingest last written at ``changed_at``; return whether one was removed."""
        try:
            return self._remove(self._path(name), changed_at=changed_at)
        except Conflict:
            return False

    def _remove(self, path: Path, *, changed_at: float | None) -> bool:
        if not path.exists():
            return False
        # Under the lock, or a writer would name an ingest that another one began in its place.
        descriptor = _open_locked(path)
        try:
            if changed_at is not None and os.fstat(descriptor).st_mtime != changed_at:
                return False
            path.unlink()
            return True
        finally:
            os.close(descriptor)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InvalidRequest(f"{name[:100]!r} is not a name for a resumable ingest")
        return self._paths.partial / name


class FileResumableIngest:
    """:class:`~au2.stores.content.protocol.ResumableIngest` of one locked file."""

    def __init__(
        self,
        paths: ContentPaths,
        path: Path,
        descriptor: int,
        found: Any,
        max_bytes: int | None,
    ) -> None:
        self._paths = paths
        self._path = path
        self._descriptor = descriptor
        self.hash = found
        """Hash of all received bytes."""
        self._max_bytes = max_bytes
        self._size_bytes = os.lseek(descriptor, 0, os.SEEK_END)
        self._behind_bytes = 0
        self.is_committed = False
        """Whether the ingest has ended: named as a blob, or thrown away."""

    @property
    def size_bytes(self) -> int:
        """Bytes received so far."""
        return self._size_bytes

    @property
    def digest(self) -> str:
        """SHA-256 digest of the bytes received so far."""
        return f"sha256:{self.hash.hexdigest()}"

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes. Raises TooLarge, and StorageFull, which removes the ingest."""
        count = memoryview(data).nbytes
        if self._max_bytes is not None and self._size_bytes + count > self._max_bytes:
            raise TooLarge(f"the blob is larger than the limit of {self._max_bytes} bytes")
        try:
            with translated_faults():
                write_whole(self._descriptor, data)
        except StorageFull:
            # An ingest that can't become whole would fill the disk for all others.
            self._throw_away()
            raise
        except BaseException:
            # A part may be written: only whole chunks count and are hashed.
            os.ftruncate(self._descriptor, self._size_bytes)
            os.lseek(self._descriptor, 0, os.SEEK_END)
            raise
        self.hash.update(data)
        self._size_bytes += count
        self._write_behind(count)
        return count

    def commit(
        self,
        digest: str,
        *,
        size_bytes: int | None = None,
        note: Callable[[], None] = lambda: None,
    ) -> None:
        """Verify, make durable and name the blob. Raises DigestMismatch, StorageFull."""
        name = self.digest
        # One more read, for those who ask for it only: half as fast as the hash on the way.
        found = _alias_of(self._descriptor) if is_alias(digest) else name
        if found != digest or size_bytes not in (None, self._size_bytes):
            self._throw_away()
            raise DigestMismatch(
                f"{digest} with {size_bytes} bytes was stated, "
                f"but {self._size_bytes} bytes with {found} came"
                if size_bytes is not None
                else f"{digest} was stated, but the bytes have {found}"
            )
        with translated_faults():
            os.fsync(self._descriptor)
        note()
        with translated_faults():
            # The blob's lease begins now, not with its last chunk.
            os.utime(self._descriptor)
            sync_path(self._paths.put_in_place(self._path, name))
        self.is_committed = True

    def _throw_away(self) -> None:
        self._path.unlink()
        # Other processes may hold the file open a moment longer; its space is needed now.
        os.ftruncate(self._descriptor, 0)
        self.is_committed = True

    def _write_behind(self, count: int) -> None:
        """Start writing to disk early: the final flush has little left to do."""
        self._behind_bytes += count
        if self._behind_bytes >= _WRITE_BEHIND_BYTES:
            start_writing(
                self._descriptor, self._size_bytes - self._behind_bytes, self._behind_bytes
            )
            self._behind_bytes = 0


class _HashMemory:
    """Hash states of ingests, which save reading the file again."""

    _MOST = 1000

    def __init__(self) -> None:
        self._found: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._lock = Lock()

    def take(self, name: str, descriptor: int) -> Any:
        """Return the hash of a file's content, from memory if the size is unchanged."""
        size_bytes = os.fstat(descriptor).st_size
        with self._lock:
            known_bytes, found = self._found.pop(name, (-1, None))
        if found is not None and known_bytes == size_bytes:
            return found
        return _hash_of(descriptor, hashlib.sha256())

    def keep(self, name: str, ingest: FileResumableIngest) -> None:
        """Remember the hash of a closed ingest."""
        with self._lock:
            self._found[name] = (ingest.size_bytes, ingest.hash)
            while len(self._found) > self._MOST:
                self._found.popitem(last=False)


def _alias_of(descriptor: int) -> str:
    with translated_faults():
        return f"sha512:{_hash_of(descriptor, hashlib.sha512()).hexdigest()}"


def _hash_of(descriptor: int, found: Any) -> Any:
    """Return the hash ``found`` after all bytes of a file."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    while data := os.read(descriptor, CHUNK_BYTES):
        found.update(data)
    return found


def _open_locked(path: Path) -> int:
    """Open and lock a file, created if missing. Raises Conflict for a locked one."""
    while True:
        descriptor = os.open(path, _OPEN, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Renamed or removed between opening and locking, the file is another one.
            if _is_at(path, descriptor):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise Conflict(_BUSY, hint="Wait for its end, then resume.") from None
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        there = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)
