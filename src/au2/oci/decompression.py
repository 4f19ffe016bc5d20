"""Decompression of layers and archives: gzip and zstd, recognised by their first bytes."""

import re
import zlib
from enum import StrEnum

from au2.domain.errors import InvalidImage
from au2.oci.streams import INPUT_BYTES, ChunkReader, Prefixed, Readable, read_start

FREE_MEMBERS = 1000
"""Members (of gzip) or frames (of zstd) that may be empty."""
MEMBER_BYTES = 256
"""What the others hold on average, at least. Tools that begin a member for each file of a layer
(eStargz, zstd:chunked) come to 512 bytes, the block of a tar archive."""
FREE_BYTES = 1 << 20
"""Bytes that may be read before the first uncompressed byte."""


class ExpansionGuard:
    """Guard against compressed data of little content: costly to read, without result.

    A megabyte of empty frames takes a second to read, each time; no tool writes such data. With the
    guard, the time for reading is bounded by the size of the uncompressed data.
    """

    def __init__(self) -> None:
        self._members = 0
        self._taken_bytes = 0
        self._given_bytes = 0

    def begin_member(self) -> None:
        """Count a member or frame. Raises InvalidImage."""
        self._members += 1
        if self._members > FREE_MEMBERS + self._given_bytes // MEMBER_BYTES:
            raise InvalidImage(
                f"the compressed data is cut into too many parts: {self._members} hold "
                f"{self._given_bytes} bytes"
            )

    def take(self, data: bytes) -> bytes:
        """Count and return compressed ``data``. Raises InvalidImage."""
        self._taken_bytes += len(data)
        # Data that can't be compressed becomes larger by a thousandth.
        if self._taken_bytes > FREE_BYTES + self._given_bytes + self._given_bytes // 4:
            raise InvalidImage(
                f"the compressed data is larger than what it holds: {self._taken_bytes} bytes "
                f"hold {self._given_bytes} bytes"
            )
        return data

    def give(self, data: bytes) -> bytes:
        """Count and return uncompressed ``data``."""
        self._given_bytes += len(data)
        return data


class Compression(StrEnum):
    """Compression of data, by its first bytes."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
    XZ = "xz"
    """Known for error messages; not supported."""
    BZIP2 = "bzip2"
    """As xz."""


_MAGIC = {
    Compression.GZIP: re.compile(rb"\x1f\x8b"),
    # A frame, or a skippable frame, with which parallel compressors begin (RFC 8878, 3.1).
    Compression.ZSTD: re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
    Compression.XZ: re.compile(rb"\xfd7zXZ\x00"),
    Compression.BZIP2: re.compile(rb"BZh[1-9]"),
}
WINDOW_BYTES = 8 << 20
"""What a zstd frame may want to be kept in memory: what RFC 8878 (3.1.1.1.2) recommends, and all
that ``zstd -19`` and container tools at their own levels write."""
LARGE_WINDOW_BYTES = 128 << 20
"""What ``zstd`` itself takes by default: for who reads once, not for many at a time."""
_LONGEST = 6
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS


def find_compression(start: bytes) -> Compression:
    """Return the compression of data by its first bytes (six are enough)."""
    for compression, magic in _MAGIC.items():
        if magic.match(start):
            return compression
    return Compression.NONE


def decompressed(stream: Readable, *, window_bytes: int = WINDOW_BYTES) -> Readable:
    """Return a stream of the uncompressed bytes, in bounded memory at any rate of compression.

    Reading the result to its end reads ``stream`` to its end.

    Args:
        stream: plain, or compressed with gzip or zstd.
        window_bytes: the largest window allowed, a power of two; needs as much memory.

    Raises:
        InvalidImage: compressed in an unsupported way; the result's ``read`` raises it for damaged
            data, or data refused by :class:`ExpansionGuard`.
    """
    start = read_start(stream, _LONGEST)
    whole = Prefixed(start, stream)
    match find_compression(start):
        case Compression.NONE:
            return whole
        case Compression.GZIP:
            return _GzipReader(whole)
        case Compression.ZSTD:
            from au2.oci.zstd import ZstdReader  # noqa: PLC0415 - start-up time, rarely needed

            return ZstdReader(whole, window_bytes)
        case other:
            raise InvalidImage(f"data compressed with {other} is not supported; use gzip or zstd")


class _GzipReader(ChunkReader):
    """Decompression of one or more gzip members, at most the requested size at a time."""

    def __init__(self, stream: Readable) -> None:
        super().__init__()
        self._stream = stream
        self._guard = ExpansionGuard()
        self._waiting = b""
        self._member = zlib.decompressobj(_WITH_GZIP_HEADER)
        self._ended = False

    def read_some(self, size: int) -> bytes:
        while size and not self._ended:
            self._waiting = self._waiting or self._take()
            input_ended = not self._waiting
            if data := self._decompress(size):
                return self._guard.give(data)
            # Only now: at the end of the input, output may still have been waiting in the
            # decompressor.
            if input_ended and not self._ended:
                raise InvalidImage("the data is cut off: its gzip stream has no end")
        return b""

    def _decompress(self, size: int) -> bytes:
        try:
            data = self._member.decompress(self._waiting, size)
        except zlib.error as error:
            raise InvalidImage(f"the gzip data is damaged: {error}") from None
        self._waiting = self._member.unconsumed_tail
        if self._member.eof:
            self._begin_member(self._member.unused_data)
        return data

    def _begin_member(self, rest: bytes) -> None:
        """Begin the next member, or end; zeros may follow: tapes were padded with them."""
        while not (rest := rest.lstrip(b"\0")):
            rest = self._take()
            if not rest:
                self._ended = True
                return
        self._waiting = rest
        self._guard.begin_member()
        self._member = zlib.decompressobj(_WITH_GZIP_HEADER)

    def _take(self) -> bytes:
        return self._guard.take(self._stream.read(INPUT_BYTES))
