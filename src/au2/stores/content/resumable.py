"""Blobs that come in pieces: files that stay between requests and restarts."""

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
from au2.oci.streams import CHUNK_BYTES
from au2.stores.content.durability import start_writing, sync_path
from au2.stores.content.faults import translated_faults
from au2.stores.content.ingest import ContentPaths, write_whole

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_WRITE_BEHIND_BYTES = 16 << 20
_BUSY = "Somebody is sending this at this moment."


class ResumableIngests:
    """The blobs in pieces of one store, for any number of processes."""

    def __init__(self, folders: ContentPaths, max_bytes: int | None) -> None:
        self._folders = folders
        self._max_bytes = max_bytes
        self._hashes = _HashMemory()

    @contextmanager
    def opened(self, name: str) -> Iterator["FileResumableIngest"]:
        """Begin or go on; who comes second is refused with Conflict."""
        path = self._path(name)
        with translated_faults():
            descriptor = _open_locked(path)
        try:
            part = FileResumableIngest(
                self._folders,
                path,
                descriptor,
                self._hashes.take(name, descriptor),
                self._max_bytes,
            )
            yield part
            if not part.is_committed:
                self._hashes.keep(name, part)
        finally:
            os.close(descriptor)

    def size_bytes(self, name: str) -> int:
        """How much has come."""
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError:
            return 0

    def remove(self, name: str) -> None:
        """Forget one. Raises Conflict while somebody writes to it."""
        self._remove(self._path(name), changed_at=None)

    def remove_unchanged(self, name: str, changed_at: float) -> bool:
        """Forget one, unless something was added after that time or is now; whether it went."""
        try:
            return self._remove(self._path(name), changed_at=changed_at)
        except Conflict:
            return False

    def _remove(self, path: Path, *, changed_at: float | None) -> bool:
        if not path.exists():
            return False
        # Under the lock, or a writer would name what another one has begun in its place.
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
            raise InvalidRequest(f"{name[:100]!r} can't be the name of a blob in pieces")
        return self._folders.partial / name


class FileResumableIngest:
    """The :class:`~au2.stores.content.protocol.ResumableIngest` of one file, which is locked."""

    def __init__(
        self,
        folders: ContentPaths,
        path: Path,
        descriptor: int,
        found: Any,
        max_bytes: int | None,
    ) -> None:
        self._folders = folders
        self._path = path
        self._descriptor = descriptor
        self.hash = found
        """Of all that has come."""
        self._max_bytes = max_bytes
        self._size_bytes = os.lseek(descriptor, 0, os.SEEK_END)
        self._behind_bytes = 0
        self.is_committed = False
        """Whether it is a blob now, or was thrown away: nothing of it is left here."""

    @property
    def size_bytes(self) -> int:
        """How much has come."""
        return self._size_bytes

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes. Raises TooLarge, and StorageFull: then all that had come is gone."""
        count = memoryview(data).nbytes
        if self._max_bytes is not None and self._size_bytes + count > self._max_bytes:
            raise TooLarge(f"the blob is larger than the {self._max_bytes} bytes that are taken")
        try:
            with translated_faults():
                write_whole(self._descriptor, data)
        except StorageFull:
            # What can't become whole would fill the disk for everybody else.
            self._throw_away()
            raise
        except BaseException:
            # A part of it may be there: only whole pieces are told and hashed.
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
        found = f"sha256:{self.hash.hexdigest()}"
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
            # Whoever asks how old it is means the blob, not its first piece.
            os.utime(self._descriptor)
            sync_path(self._folders.put_in_place(self._path, digest))
        self.is_committed = True

    def _throw_away(self) -> None:
        self._path.unlink()
        # Others may hold the file open a moment longer; its room is wanted now.
        os.ftruncate(self._descriptor, 0)
        self.is_committed = True

    def _write_behind(self, count: int) -> None:
        """Let the disk begin early, so that the flush at the end has little left to do."""
        self._behind_bytes += count
        if self._behind_bytes >= _WRITE_BEHIND_BYTES:
            start_writing(
                self._descriptor, self._size_bytes - self._behind_bytes, self._behind_bytes
            )
            self._behind_bytes = 0


class _HashMemory:
    """Hashes of what has come so far, so that going on need not read it again."""

    _MOST = 1000

    def __init__(self) -> None:
        self._found: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._lock = Lock()

    def take(self, name: str, descriptor: int) -> Any:
        """Return the hash of a file's content, from memory if it is the same file as then."""
        size_bytes = os.fstat(descriptor).st_size
        with self._lock:
            known_bytes, found = self._found.pop(name, (-1, None))
        if found is not None and known_bytes == size_bytes:
            return found
        return _hash_of(descriptor)

    def keep(self, name: str, part: FileResumableIngest) -> None:
        """Remember the hash of a part that is left for now."""
        with self._lock:
            self._found[name] = (part.size_bytes, part.hash)
            while len(self._found) > self._MOST:
                self._found.popitem(last=False)


def _hash_of(descriptor: int) -> Any:
    found = hashlib.sha256()
    os.lseek(descriptor, 0, os.SEEK_SET)
    while data := os.read(descriptor, CHUNK_BYTES):
        found.update(data)
    return found


def _open_locked(path: Path) -> int:
    """Open and lock a file, making it if it is missing. Raises Conflict if somebody has it."""
    while True:
        descriptor = os.open(path, _OPEN, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # It may have been named or removed between opening and locking: then it is not ours.
            if _is_at(path, descriptor):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise Conflict(_BUSY, hint="Wait until that has ended, then go on.") from None
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        there = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)
