"""Byte streams: protocols for reading and writing, prefixed streams and slices of files."""

import io
from pathlib import Path
from typing import BinaryIO, Protocol, cast

CHUNK_BYTES = 1 << 18
"""How much is moved at a time: large enough for speed, small enough for flat memory."""

INPUT_BYTES = 1 << 16
"""How much compressed data is read at a time: what is left of it at the end of each of its members
is copied, and there may be many."""


class Readable(Protocol):
    """Source of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, all for -1; nothing only at the end."""


class Writable(Protocol):
    """Sink of bytes. A write takes all of them or raises."""

    def write(self, data: bytes, /) -> object:
        """Take ``data``."""


class ChunkReader(io.RawIOBase):
    """Base of streams that are read in chunks: subclasses define :meth:`read_some`."""

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes, all for a negative number; nothing only at the end."""
        return self.readall() if size is None or size < 0 else self.read_some(size)

    def readall(self) -> bytes:
        """Return the rest of the stream."""
        return b"".join(iter(lambda: self.read_some(CHUNK_BYTES), b""))

    def read_some(self, size: int) -> bytes:
        """Return up to ``size`` bytes, nothing only at the end."""
        raise NotImplementedError


class Prefixed:
    """A stream with bytes put back in front."""

    def __init__(self, start: bytes, stream: Readable) -> None:
        self._start = start
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes: of the start first, of the stream then."""
        if not self._start:
            return self._stream.read(size)
        if size < 0:
            data, self._start = self._start, b""
            return data + self._stream.read()
        data, self._start = self._start[:size], self._start[size:]
        return data


def read_start(stream: Readable, size: int) -> bytes:
    """Return the next ``size`` bytes, fewer only at the end; ``size`` is a small number."""
    start = b""
    while len(start) < size and (data := stream.read(size - len(start))):
        start += data
    return start


def open_slice(path: Path, offset: int, size_bytes: int) -> BinaryIO:
    """Open ``size_bytes`` bytes of a file, from ``offset`` on."""
    return cast(BinaryIO, _FileSlice(path, offset, size_bytes))


class _FileSlice(ChunkReader):
    """A slice with a descriptor of its own, so slices may be read in any order."""

    def __init__(self, path: Path, offset: int, size_bytes: int) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._file.seek(offset)
        self._left_bytes = size_bytes

    def read_some(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left_bytes))
        self._left_bytes -= len(data)
        return data

    def close(self) -> None:
        self._file.close()
        super().close()
