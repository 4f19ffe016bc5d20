"""Tar headers: the 512-byte block of ustar and the PAX extended header.

Blocks follow POSIX.1-1988 ustar, on reading with the GNU and v7 variants; PAX records are those of
POSIX.1-2001. Not ``tarfile`` from the standard library: ``tarfile`` takes a damaged header in the
middle for the end of the archive, nests a call per extension header, and holds extension headers of
any size in memory. And a digest must not change with Python's version.
"""

import re
import struct
from collections.abc import Mapping
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
    """Header block, decoded but not yet checked."""

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
    """Return the ustar block; the values must fit (larger ones go into the PAX header)."""
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
    """Return the header in a block of 512 bytes, not all zeros.

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


MAX_HEADER_BYTES = 1 << 20
"""The bound of Go's archive/tar, and so of Docker, for one extension header."""

SPARSE_MAP = "GNU.sparse.map"
_SPARSE_PAIR = ("GNU.sparse.offset", "GNU.sparse.numbytes")
"""Keys that come again and again in turn, in the oldest form of sparse files."""
_LENGTH = re.compile(rb"([1-9][0-9]{0,6}) ")
_DECIMAL = re.compile(rb"(-?[0-9]{1,18})(\.[0-9]*)?")


def format_records(records: Mapping[str, bytes]) -> bytes:
    """Return the records in the order of their keys; inverse of :func:`parse_records`."""
    return b"".join(_format_record(key.encode(), records[key]) for key in sorted(records))


def parse_records(data: bytes) -> dict[str, bytes]:
    """Return the records; the last of a key counts.

    The map of a sparse file in many records of two keys becomes one record, as written by newer
    tools.

    Raises:
        InvalidImage: not made of records.
    """
    records: dict[str, bytes] = {}
    sparse_map: list[bytes] = []
    position = 0
    while position < len(data):
        length = _LENGTH.match(data, position)
        end = position + int(length[1]) if length else 0
        if length is None or not length.end() < end <= len(data) or data[end - 1] != 0x0A:
            raise InvalidImage("the archive is damaged: a PAX header is not made of records")
        key, equals, value = data[length.end() : end - 1].partition(b"=")
        if not key or not equals:
            raise InvalidImage("the archive is damaged: a PAX record has no key")
        name = key.decode("utf-8", "surrogateescape")
        if name in _SPARSE_PAIR:
            if name != _SPARSE_PAIR[len(sparse_map) % 2] or b"," in value:
                raise InvalidImage("the archive is damaged: a sparse file's map is in disorder")
            sparse_map.append(value)
        else:
            records[name] = value
        position = end
    if sparse_map:
        records[SPARSE_MAP] = b",".join(sparse_map)
    return records


def parse_whole(value: bytes) -> int:
    """Return the whole part of a decimal number (times may have a fraction)."""
    decimal = _DECIMAL.fullmatch(value)
    if decimal is None:
        raise InvalidImage("the archive is damaged: a PAX record holds something that is no number")
    return int(decimal[1])


def _format_record(key: bytes, value: bytes) -> bytes:
    """Write a record, whose length counts its own digits too."""
    rest = len(key) + len(value) + len(" =\n")
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)
