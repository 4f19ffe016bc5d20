"""PAX extended headers (POSIX.1-2001 pax): records of ``<length> <key>=<value>`` and a newline."""

import re
from collections.abc import Mapping

from au2.domain.errors import InvalidImage

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

    The map of a sparse file that is told by many records of two keys becomes one record, as which
    it is written by newer tools.

    Raises:
        InvalidImage: it does not consist of records.
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
