"""Compressed data that is made to take time and give nothing."""

import gzip
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest
from backports import zstd

from au2.domain.errors import InvalidImage
from au2.oci.decompression import FREE_BYTES, FREE_MEMBERS, decompressed
from au2.oci.streams import INPUT_BYTES

SKIPPED = b"\x50\x2a\x4d\x18\x00\x00\x00\x00"
BLOCK = bytes(range(256)) * 2

pytestmark = pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
Pack = Callable[[bytes], bytes]


class Counted:
    """Counts what is read of it."""

    def __init__(self, data: bytes) -> None:
        self._stream = BytesIO(data)
        self.read_bytes = 0
        self.largest = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self.read_bytes += len(data)
        self.largest = max(self.largest, len(data))
        return data


def test_a_flood_of_empty_members_is_refused_early(pack: Pack) -> None:
    data = pack(b"") * 100 * FREE_MEMBERS + pack(b"content")
    stream = Counted(data)
    with pytest.raises(InvalidImage, match="too many parts"):
        decompressed(stream).read(1)
    assert stream.read_bytes < len(data) / 10


def test_members_that_hold_next_to_nothing_are_refused(pack: Pack) -> None:
    with pytest.raises(InvalidImage, match="too many parts"):
        decompressed(BytesIO(pack(b"x") * 2 * FREE_MEMBERS)).read()


def test_a_member_for_each_block_of_a_layer_is_taken(pack: Pack) -> None:
    """So do tools that let single files be fetched; some write frames to be skipped, too."""
    between = SKIPPED if pack is zstd.compress else b""
    data = (pack(BLOCK) + between) * 5 * FREE_MEMBERS + pack(b"") * (FREE_MEMBERS // 2)
    assert decompressed(BytesIO(data)).read() == BLOCK * 5 * FREE_MEMBERS


def test_a_few_empty_members_are_taken(pack: Pack) -> None:
    data = pack(b"") * (FREE_MEMBERS // 2) + pack(b"content") + pack(b"") * (FREE_MEMBERS // 4)
    assert decompressed(BytesIO(data)).read() == b"content"


def test_blocks_that_hold_nothing_are_refused(pack: Pack) -> None:
    """One member, of empty blocks alone."""
    if pack is gzip.compress:
        packer = zlib.compressobj(wbits=31)
        start = packer.compress(b"x") + packer.flush(zlib.Z_FULL_FLUSH)
        block = b"\x00\x00\x00\xff\xff"  # Stored, of no bytes, not the last.
    else:
        small = zstd.ZstdCompressor()
        start = small.compress(b"x", zstd.ZstdCompressor.FLUSH_BLOCK)
        block = b"\x00\x00\x00"  # Raw, of no bytes, not the last.
    stream = Counted(start + block * (20 * FREE_BYTES // len(block)))
    whole = decompressed(stream)
    assert whole.read(10) == b"x"
    with pytest.raises(InvalidImage, match="larger than what it holds"):
        whole.read(10)
    assert stream.read_bytes < 2 * FREE_BYTES


def test_little_is_copied_at_the_end_of_a_member(pack: Pack) -> None:
    stream = Counted(pack(BLOCK) * 10_000)
    decompressed(stream).read()
    assert stream.largest <= INPUT_BYTES
