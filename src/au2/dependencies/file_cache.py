"""Cache of package files on this machine, by digest; checked at each use."""

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from au2.domain.errors import DigestMismatch
from au2.stores.durability import translated_faults

_DIGITS = frozenset("0123456789abcdef")
_ALGORITHMS = {64: "sha256", 128: "sha512"}
_FORMAT = b"au2 1 "
"""Head of small files, before the digest of the rest; other formats count as missing."""


class FileCache:
    """A folder of files, which may be removed at any time. Safe for threads and processes.

    Args:
        root: the folder; created when needed, invisible to containers.
        max_bytes: limit at which :meth:`prune` removes the least recently used files.
    """

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._locks: dict[str, Lock] = {}
        self._lock = Lock()

    def find(self, kind: str, digest: str) -> Path | None:
        """Return the path of an added file; a damaged file is removed and counts as missing."""
        path = self._path(kind, digest)
        with suppress(FileNotFoundError):
            os.utime(path)  # Time of the last use, for prune.
            with path.open("rb") as file:
                if hashlib.file_digest(file, _ALGORITHMS[len(digest)]).hexdigest() == digest:
                    return path
            path.unlink(missing_ok=True)
        return None

    def read(self, kind: str, key: str) -> bytes | None:
        """Return the bytes of a small file; damaged files and other formats count as missing."""
        path = self._path(kind, key)
        with suppress(FileNotFoundError):
            os.utime(path)
            head, _, data = path.read_bytes().partition(b"\n")
            if head == _head(data):
                return data
        return None

    def add(
        self,
        kind: str,
        chunks: Iterable[bytes],
        *,
        sha256: str | None = None,
        sha512: str | None = None,
    ) -> Path:
        """Add a file under the digest of its bytes, and return its path.

        Args:
            kind: folder below the root.
            chunks: contents.
            sha256: expected digest.
            sha512: expected digest; the file is found by this one.

        Raises:
            DigestMismatch: the contents have another digest.
            StorageFull: the disk is full.
        """
        digest = hashlib.sha256() if sha512 is None else hashlib.sha512()
        wanted = sha256 if sha512 is None else sha512
        with self._temporary() as (temporary, file):
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
            file.close()
            if wanted not in (None, digest.hexdigest()):
                raise DigestMismatch(f"a package's file should have the digest {wanted}")
            return self._name(temporary, self._path(kind, digest.hexdigest()))

    def put(self, kind: str, key: str, data: bytes) -> Path:
        """Add a small file under a hexadecimal key. Raises StorageFull."""
        with self._temporary() as (temporary, file):
            file.write(_head(data) + b"\n")
            file.write(data)
            file.close()
            return self._name(temporary, self._path(kind, key))

    def only_once(self, key: str) -> Lock:
        """Return the lock of a key, which keeps a file from being fetched twice at a time."""
        with self._lock:
            return self._locks.setdefault(key, Lock())

    def prune(self) -> None:
        """Remove the least recently used files until the rest is within the limit."""
        files = []
        for path in self._root.glob("*/*/*"):
            with suppress(FileNotFoundError):
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
        total_bytes = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total_bytes <= self._max_bytes:
                break
            path.unlink(missing_ok=True)
            total_bytes -= size
        with self._lock:
            self._locks = {key: lock for key, lock in self._locks.items() if lock.locked()}

    @contextmanager
    def _temporary(self) -> Iterator[tuple[Path, BinaryIO]]:
        folder = self._root / "incoming" / "new"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / uuid.uuid4().hex
        try:
            with translated_faults(), path.open("xb") as file:
                yield path, file
        finally:
            path.unlink(missing_ok=True)

    @staticmethod
    def _name(temporary: Path, path: Path) -> Path:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return temporary.replace(path)

    def _path(self, kind: str, key: str) -> Path:
        if len(key) < 3 or not set(key) <= _DIGITS:
            raise ValueError(f"not a key: {key!r}")
        return self._root / kind / key[:2] / key


def _head(data: bytes) -> bytes:
    return _FORMAT + hashlib.sha256(data).hexdigest().encode()
