"""Copying files of a backup, checked while they are read."""

import hashlib
import io
from collections.abc import Callable
from typing import BinaryIO, Protocol

from au2.domain.errors import DigestMismatch

_CHUNK_BYTES = 1 << 20


class CheckedStream(io.RawIOBase):
    """Reads exactly so many bytes, and for a blob compares their SHA-256 at the end."""

    def __init__(
        self,
        stream: BinaryIO,
        path: str,
        *,
        size_bytes: int,
        sha256: str | None,
        progress: Callable[[int], None],
    ) -> None:
        super().__init__()
        self._stream = stream
        self._path = path
        self._left_bytes = size_bytes
        self._sha256 = sha256
        self._hash = None if sha256 is None else hashlib.sha256()
        self._progress = progress

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes.

        Raises:
            DigestMismatch: the file is shorter than it was, or has other content.
        """
        wanted = min(self._left_bytes, _CHUNK_BYTES if size < 0 else size)
        if not wanted:
            return b""
        data = self._stream.read(wanted)
        if not data:
            raise DigestMismatch(f"'{self._path}' became shorter while it was read.")
        self._left_bytes -= len(data)
        self._progress(len(data))
        if self._hash is not None:
            self._hash.update(data)
            if not self._left_bytes and self._hash.hexdigest() != self._sha256:
                raise DigestMismatch(f"'{self._path}' does not have the content of its digest.")
        return data


class Writable(Protocol):
    """What a file is copied to."""

    def write(self, data: bytes, /) -> object:
        """Append bytes."""
        ...


def copy_stream(source: BinaryIO, target: Writable, size_bytes: int) -> None:
    """Copy exactly ``size_bytes``. Raises DigestMismatch for a shorter source."""
    while size_bytes:
        data = source.read(min(size_bytes, _CHUNK_BYTES))
        if not data:
            raise DigestMismatch("A file of the backup is shorter than it says.")
        target.write(data)
        size_bytes -= len(data)
