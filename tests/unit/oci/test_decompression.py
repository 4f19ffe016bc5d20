import gzip
import os
import subprocess
import sys
import tracemalloc
import zlib
from io import BytesIO

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import DigestMismatch, InvalidImage
from au2.oci.decompression import (
    LARGE_WINDOW_BYTES,
    WINDOW_BYTES,
    Compression,
    decompressed,
    find_compression,
)
from au2.oci.spec.digest import VerifyingReader, sha256_of
from au2.oci.streams import Readable

PLAIN = st.binary(max_size=3000).filter(lambda data: find_compression(data) is Compression.NONE)


def read_in_pieces(stream: Readable, piece: int) -> bytes:
    return b"".join(iter(lambda: stream.read(piece), b""))


class Trickle:
    def __init__(self, data: bytes, most: int) -> None:
        self._stream = BytesIO(data)
        self._most = most

    def read(self, size: int = -1, /) -> bytes:
        return self._stream.read(self._most if size < 0 else min(size, self._most))


@given(PLAIN, st.integers(1, 5000))
def test_plain_bytes_come_through(data: bytes, piece: int) -> None:
    assert read_in_pieces(decompressed(BytesIO(data)), piece) == data
    assert decompressed(BytesIO(data)).read() == data


@given(
    # Long members are told by their length: a failure prints what it was given.
    st.lists(st.binary(max_size=3000) | st.integers(0, 100_000), min_size=1, max_size=3),
    st.integers(1, 5000),
    st.integers(1, 500),
    st.integers(0, 600),
)
def test_gzip_of_one_or_more_members(
    members: list[bytes | int], piece: int, most: int, zeros: int
) -> None:
    parts = [bytes(member) for member in members]
    data = b"".join(gzip.compress(part) for part in parts) + bytes(zeros)
    whole = b"".join(parts)
    assert read_in_pieces(decompressed(Trickle(data, most)), piece) == whole
    assert decompressed(BytesIO(data)).read() == whole


@given(st.binary(min_size=1, max_size=2000), st.data())
def test_cut_off_gzip(data: bytes, draw: st.DataObject) -> None:
    packed = gzip.compress(data)
    length = draw.draw(st.integers(2, len(packed) - 1))
    with pytest.raises(InvalidImage, match="cut off"):
        decompressed(BytesIO(packed[:length])).read()


def test_damaged_gzip() -> None:
    packed = bytearray(gzip.compress(b"x" * 1000))
    packed[-6] ^= 1  # Inside the checksum.
    with pytest.raises(InvalidImage, match="damaged"):
        decompressed(BytesIO(bytes(packed))).read()
    with pytest.raises(InvalidImage, match="damaged"):
        decompressed(BytesIO(gzip.compress(b"x") + b"garbage")).read()


@pytest.mark.slow
def test_a_bomb_takes_no_memory() -> None:
    packer = zlib.compressobj(9, wbits=31)
    piece = bytes(1 << 20)
    bomb = b"".join(packer.compress(piece) for _ in range(300)) + packer.flush()
    stream = decompressed(BytesIO(bomb))
    tracemalloc.start()
    try:
        total = sum(len(data) for data in iter(lambda: stream.read(1 << 16), b""))
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert total == 300 << 20


def test_the_stream_below_is_read_to_its_end() -> None:
    packed = gzip.compress(b"data")
    assert decompressed(VerifyingReader(BytesIO(packed), sha256_of(packed))).read() == b"data"
    with pytest.raises(DigestMismatch):
        decompressed(VerifyingReader(BytesIO(packed + b"\0"), sha256_of(packed))).read()


@given(
    # More than a block of 128 KiB, whose pieces come one by one.
    st.lists(st.binary(max_size=3000) | st.integers(0, 300_000), min_size=1, max_size=3),
    st.integers(100, 5000),
    st.integers(1, 500),
    st.booleans(),
)
def test_zstd_of_one_or_more_frames(
    frames: list[bytes | int], piece: int, most: int, skippable: bool
) -> None:
    parts = [bytes(frame) for frame in frames]
    skipped = b"\x5f\x2a\x4d\x18\x03\x00\x00\x00abc" if skippable else b""
    data = skipped + skipped.join(zstd.compress(part) for part in parts) + skipped
    whole = b"".join(parts)
    assert find_compression(data[:6]) is Compression.ZSTD
    assert read_in_pieces(decompressed(Trickle(data, most)), piece) == whole
    assert decompressed(BytesIO(data)).read() == whole


@given(st.binary(min_size=1, max_size=2000), st.data())
def test_cut_off_zstd(data: bytes, draw: st.DataObject) -> None:
    packed = zstd.compress(data)
    length = draw.draw(st.integers(4, len(packed) - 1))
    with pytest.raises(InvalidImage, match="cut off"):
        decompressed(BytesIO(packed[:length])).read()


def test_damaged_zstd() -> None:
    checked = {zstd.CompressionParameter.checksum_flag: 1}
    packed = bytearray(zstd.compress(os.urandom(1000), options=checked))
    packed[500] ^= 1
    with pytest.raises(InvalidImage, match="damaged"):
        decompressed(BytesIO(bytes(packed))).read()
    with pytest.raises(InvalidImage, match="damaged"):
        decompressed(BytesIO(zstd.compress(b"x") + b"garbage")).read()


@pytest.mark.parametrize("largest", [WINDOW_BYTES, LARGE_WINDOW_BYTES])
def test_zstd_that_wants_too_large_a_window(largest: int) -> None:
    for window_bytes, taken in ((largest, True), (2 * largest, False)):
        # Without a stated size, the frame tells the window that it was made with.
        window_log = window_bytes.bit_length() - 1
        packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window_log})
        packed = packer.compress(b"x", zstd.ZstdCompressor.FLUSH_BLOCK) + packer.flush()
        stream = decompressed(BytesIO(packed), window_bytes=largest)
        if taken:
            assert stream.read() == b"x"
            continue
        with pytest.raises(InvalidImage, match=f"more than {largest >> 20} MiB") as caught:
            stream.read()
        assert "--long" in (caught.value.hint or "")


def test_what_zstd_writes_at_its_usual_levels_is_taken() -> None:
    for level in (1, 3, 19):
        packed = zstd.ZstdCompressor(level).compress(b"x", zstd.ZstdCompressor.FLUSH_FRAME)
        assert decompressed(BytesIO(packed)).read() == b"x"


def test_a_zstd_bomb_takes_no_memory() -> None:
    packer = zstd.ZstdCompressor()
    piece = bytes(1 << 20)
    bomb = b"".join(packer.compress(piece) for _ in range(300)) + packer.flush()
    assert len(bomb) < 1 << 16
    stream = decompressed(BytesIO(bomb))
    tracemalloc.start()
    try:
        pieces = [len(data) for data in iter(lambda: stream.read(1 << 16), b"")]
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert max(pieces) <= 1 << 16
    assert sum(pieces) == 300 << 20


def test_the_zstd_library_is_imported_only_for_zstd() -> None:
    program = "import sys, au2.oci.decompression; sys.exit('backports.zstd' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("magic", [b"\xfd7zXZ\x00", b"BZh9"])
def test_what_is_not_supported_is_named(magic: bytes) -> None:
    with pytest.raises(InvalidImage, match=r"compressed with (xz|bzip2) is not supported"):
        decompressed(BytesIO(magic + bytes(100)))
