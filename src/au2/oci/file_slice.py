"""Slice of a file as a stream: contents of many layer entries lie in one file."""

import io
from pathlib import Path
from typing import BinaryIO, cast


def open_slice(path: Path, offset: int, size_bytes: int) -> BinaryIO:
    """Open ``size_bytes`` bytes of a file, from ``offset`` on."""
    return cast(BinaryIO, _FileSlice(path, offset, size_bytes))


class _FileSlice(io.RawIOBase):
    """A slice; it has a descriptor of its own, so slices may be read in any order."""

    def __init__(self, path: Path, offset: int, size_bytes: int) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._file.seek(offset)
        self._left_bytes = size_bytes

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        wanted = self._left_bytes if size is None or size < 0 else min(size, self._left_bytes)
        data = self._file.read(wanted) if wanted else b""
        self._left_bytes -= len(data)
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
