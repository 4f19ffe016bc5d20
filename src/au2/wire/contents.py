"""The body of ``PUT /api/v1/uploads/{upload}/contents``: many contents in one request.

A sequence of frames, each 32 raw bytes of SHA-256, 8 bytes of size (big-endian), then the content.
Media type :data:`MEDIA_TYPE`. One request for a hundred small files costs one round trip instead of
a hundred.
"""

import struct
from typing import NamedTuple

MEDIA_TYPE = "application/vnd.au2.contents"
_HEADER = struct.Struct(">32sQ")
HEADER_BYTES = _HEADER.size


class ContentHeader(NamedTuple):
    """What precedes a content."""

    sha256: str
    """Lower-case hexadecimal."""
    size_bytes: int


def format_header(header: ContentHeader) -> bytes:
    """Return the 40 bytes that precede a content; inverse of :func:`parse_header`."""
    return _HEADER.pack(bytes.fromhex(header.sha256), header.size_bytes)


def parse_header(data: bytes) -> ContentHeader:
    """Return the header held in exactly :data:`HEADER_BYTES` bytes."""
    digest, size_bytes = _HEADER.unpack(data)
    return ContentHeader(digest.hex(), size_bytes)
