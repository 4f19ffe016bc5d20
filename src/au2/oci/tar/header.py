"""The 512-byte header block of tar (POSIX.1-1988 ustar, with the GNU and v7 variants on reading).

Not ``tarfile`` from the standard library: that takes a damaged header in the middle for the end of
the archive, nests a call per extension header, and holds extension headers of any size in memory.
And a digest must not change with Python's version.
"""

import re
import struct
from dataclasses import dataclass

from au2.domain.errors import InvalidImage

BLOCK_BYTES = 512
END_OF_ARCHIVE = bytes(2 * BLOCK_BYTES)

REGULAR, OLD_REGULAR, CONTIGUOUS = b"0", b"\0", b"7"
HARD_LINK, SYMBOLIC_LINK = b"1", b"2"
CHARACTER_DEVICE, BLOCK_DEVICE, DIRECTORY, FIFO = b"3", b"4", b"5", b"6"
PAX, PAX_GLOBAL = b"x", b"g"
GNU_LONG_NAME, GNU_LONG_LINK, GNU_SPARSE = b"L", b"K", b"S"

REGULAR_TYPES = frozenset({REGULAR, OLD_REGULAR, CONTIGUOUS})
TYPES_WITHOUT_CONTENT = frozenset(
    {HARD_LINK, SYMBOLIC_LINK, CHARACTER_DEVICE, BLOCK_DEVICE, DIRECTORY, FIFO}
)
"""Their size field means nothing, whatever it says (as in Go's archive/tar, and so in Docker)."""
NAME_BYTES = 100
MAX_OCTAL_8 = 0o7777777
MAX_OCTAL_12 = 0o77777777777

_LAYOUT = struct.Struct("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12x")
_OCTAL = re.compile(rb"[ \0]*([0-7]*)[ \0]*")
_NO_CHECKSUM = b" " * 8


@dataclass(frozen=True, slots=True)
class Header:
    """A header block, decoded but not yet judged."""

    name: bytes
    mode: int
    uid: int
    gid: int
    size_bytes: int
    modified_at: int
    """Seconds since 1970."""
    type: bytes
    link_name: bytes


def padding(size_bytes: int) -> int:
    """Return how many bytes follow a content to the next block."""
    return -size_bytes % BLOCK_BYTES


def format_header(header: Header) -> bytes:
    """Return the ustar block; the values must fit (the PAX header carries those that don't)."""
    fields = (
        header.name,
        b"%07o\0" % header.mode,
        b"%07o\0" % header.uid,
        b"%07o\0" % header.gid,
        b"%011o\0" % header.size_bytes,
        b"%011o\0" % header.modified_at,
    )
    rest = (
        header.type,
        header.link_name,
        b"ustar\0",
        b"00",
        b"",
        b"",
        b"%07o\0" % 0,
        b"%07o\0" % 0,
    )
    block = _LAYOUT.pack(*fields, _NO_CHECKSUM, *rest, b"")
    return b"%b%06o\0 %b" % (block[:148], sum(block), block[156:])


def parse_header(block: bytes) -> Header:
    """Return the header in a block of 512 bytes, which must not be all zeros.

    Raises:
        InvalidImage: the checksum is wrong, or a number is none.
    """
    values = _LAYOUT.unpack(block)
    if not _checksum_fits(block, _parse_number(values[6])):
        raise InvalidImage("the archive is damaged: a header has a wrong checksum")
    name = _text(values[0])
    # GNU tar keeps other things where ustar has the prefix; its magic ends in a space.
    if values[9] == b"ustar\0" and (prefix := _text(values[15])):
        name = prefix + b"/" + name
    return Header(
        name=name,
        mode=_parse_number(values[1]) & 0o7777,
        uid=_parse_number(values[2]),
        gid=_parse_number(values[3]),
        size_bytes=_parse_number(values[4]),
        modified_at=_parse_number(values[5]),
        type=values[7],
        link_name=_text(values[8]),
    )


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _parse_number(field: bytes) -> int:
    """Return an octal number, or GNU's base-256 where the first bit is set."""
    if field[0] & 0x80:
        number = int.from_bytes(field, "big")
        bits = 8 * len(field)
        negative = field[0] & 0x40
        return number - (1 << bits) if negative else number - (1 << (bits - 1))
    octal = _OCTAL.fullmatch(field)
    if octal is None:
        raise InvalidImage("the archive is damaged: a header holds something that is not a number")
    return int(octal[1] or b"0", 8)


def _checksum_fits(block: bytes, stated: int) -> bool:
    counted = block[:148] + block[156:]
    unsigned = sum(counted) + sum(_NO_CHECKSUM)
    if unsigned == stated:
        return True
    # Some old programs added the bytes as signed numbers.
    return unsigned - 256 * sum(byte >= 0x80 for byte in counted) == stated
