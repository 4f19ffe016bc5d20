"""Sparse files in tar archives, in the PAX forms 0.0, 0.1 and 1.0 of GNU tar.

The archive holds the parts of a file with data, one after the other, and a map of their offsets;
all else of the file is zeros (GNU tar manual, "Storing Sparse Files"). The forms 0.0 and 0.1 have
the map in the PAX header, 1.0 at the beginning of the content. Maps are checked as by Go's
archive/tar, and so by Docker: parts are in order, do not overlap, lie inside the file, and are just
the content of the archive.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from au2.domain.errors import InvalidImage
from au2.oci.streams import CHUNK_BYTES, ChunkReader, Readable, read_start
from au2.oci.tar.header import BLOCK_BYTES
from au2.oci.tar.source import MemberContent

_PREFIX = "GNU.sparse."
_MOST_MAP_BYTES = 1 << 20
"""Of a map in the content, as the bound of PAX headers is for those."""
_NUMBER = re.compile(rb"[0-9]{1,18}")
_DAMAGED = "the archive is damaged: the map of a sparse file"


class Part(NamedTuple):
    """Part of a file with data."""

    offset_bytes: int
    size_bytes: int


class SparseHeader(NamedTuple):
    """Sparse file's name, size and map, from PAX records."""

    name: bytes
    """The file's own; empty: the entry has it."""
    size_bytes: int
    """Of the whole file, with its holes."""
    parts: tuple[Part, ...] | None
    """None: they stand at the beginning of the content."""


def find_sparse_header(records: Mapping[str, bytes]) -> SparseHeader | None:
    """Return the sparse file described by PAX records; None: the file is not sparse.

    Raises:
        InvalidImage: an unknown or ambiguous form.
    """
    told = {
        key.removeprefix(_PREFIX): value
        for key, value in records.items()
        if key.startswith(_PREFIX)
    }
    if not told:
        return None
    version = told.get("major"), told.get("minor")
    size = told.get("size") or told.get("realsize") or b""
    if version == (b"1", b"0"):
        return SparseHeader(told.get("name", b""), _number(size), None)
    if version not in ((None, None), (b"0", b"0"), (b"0", b"1")):
        raise InvalidImage("the archive has a sparse file in a form that is not known")
    text = told.get("map", b"")
    numbers = [_number(value) for value in text.split(b",")] if text else []
    if len(numbers) != 2 * _number(told.get("numblocks", b"")):
        raise InvalidImage(f"{_DAMAGED} has not as many parts as it says")
    parts = tuple(Part(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True))
    return SparseHeader(told.get("name", b""), _number(size), parts)


class SparseContent(ChunkReader):
    """Content of a sparse file with its holes, readable until the next entry is requested.

    Reading raises InvalidImage if the archive ends first.
    """

    def __init__(self, content: MemberContent, header: SparseHeader) -> None:
        """Read the map, where the content begins with one.

        Raises:
            InvalidImage: the map is damaged, or does not match the content.
        """
        super().__init__()
        self._content = content
        self._size_bytes = header.size_bytes
        self._position = 0
        self.parts = _read_parts(content) if header.parts is None else header.parts
        _check(self.parts, header.size_bytes, content.left_bytes)
        self._waiting = iter(self.parts)
        self._part = next(self._waiting, None)

    def read_some(self, size: int) -> bytes:
        """Return up to ``size`` bytes, nothing only at the end."""
        hole_bytes = self._find_data() - self._position
        if hole_bytes > 0 or self._part is None:
            data = bytes(min(size, hole_bytes))
        else:
            data = self._content.read(min(size, sum(self._part) - self._position))
        self._position += len(data)
        return data

    def skip_hole(self) -> int:
        """Skip the next hole, if there is one; return the position."""
        self._position = max(self._position, self._find_data())
        return self._position

    def _find_data(self) -> int:
        """Return the offset of the present or next part with data, or of the end."""
        while self._part is not None and self._position >= sum(self._part):
            self._part = next(self._waiting, None)
        return self._size_bytes if self._part is None else self._part.offset_bytes


def read_pieces(content: Readable) -> Iterator[tuple[int, bytes]]:
    """Yield the data of a file in chunks, each with its offset in bytes; holes are skipped."""
    position = 0
    while True:
        if isinstance(content, SparseContent):
            position = content.skip_hole()
        data = content.read(CHUNK_BYTES)
        if not data:
            return
        yield position, data
        position += len(data)


def _read_parts(content: MemberContent) -> tuple[Part, ...]:
    """Read a map of the form 1.0: numbers on lines of their own, filled up to a whole block."""
    numbers = map(_number, _read_lines(content))
    return tuple(Part(next(numbers), next(numbers)) for _ in range(next(numbers)))


def _read_lines(content: MemberContent) -> Iterator[bytes]:
    """Yield lines on demand; raises InvalidImage if there are no more."""
    rest, read_bytes = b"", 0
    while block := read_start(content, BLOCK_BYTES):
        read_bytes += len(block)
        if read_bytes > _MOST_MAP_BYTES:
            raise InvalidImage(f"{_DAMAGED} is longer than {_MOST_MAP_BYTES} bytes")
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
        if len(rest) > BLOCK_BYTES:
            break  # No number is that long, and joining it with each block would take long.
    raise InvalidImage(f"{_DAMAGED} is cut off, or has a line that is no number")


def _check(parts: tuple[Part, ...], size_bytes: int, held_bytes: int) -> None:
    reached = 0
    for part in parts:
        if part.offset_bytes < reached:
            raise InvalidImage(f"{_DAMAGED} has parts that overlap or are out of order")
        reached = sum(part)
    if reached > size_bytes:
        raise InvalidImage(f"{_DAMAGED} reaches beyond the end of the file")
    if sum(part.size_bytes for part in parts) != held_bytes:
        raise InvalidImage(f"{_DAMAGED} does not belong to what the archive holds of it")


def _number(text: bytes) -> int:
    if not _NUMBER.fullmatch(text):
        raise InvalidImage(f"{_DAMAGED} holds something that is no number")
    return int(text)
