"""Request bodies (RFC 9112) as streams."""

from collections.abc import Iterator
from io import BufferedIOBase

from au2.domain.errors import TooLarge

_CHUNK_BYTES = 1 << 20
_LINE_BYTES = 128

Body = Iterator[bytes]
"""Chunks of a body. Raises :class:`BadBody` if it is cut off."""


class BadBody(Exception):
    """The request's body is malformed or cut off."""


def sized_body(stream: BufferedIOBase, length: str) -> Body:
    """Yield a body with a Content-Length. Raises BadBody."""
    if not length.isdecimal() or len(length) > 18:
        raise BadBody("the request has no length")
    left = int(length)
    while left:
        piece = stream.read(min(left, _CHUNK_BYTES))
        if not piece:
            raise BadBody("the body is cut off")
        left -= len(piece)
        yield piece


def chunked_body(stream: BufferedIOBase) -> Body:
    """Yield a body with chunked transfer coding. Raises BadBody."""
    while size := _read_size(stream):
        yield from sized_body(stream, str(size))
        if stream.read(2) != b"\r\n":
            raise BadBody("the size of a chunk does not match")
    stream.readline(_LINE_BYTES)


def read_whole(body: Body, limit_bytes: int) -> bytes:
    """Return a small body. Raises TooLarge."""
    data = bytearray()
    for piece in body:
        data += piece
        if len(data) > limit_bytes:
            raise TooLarge(f"more than {limit_bytes} bytes were sent")
    return bytes(data)


def _read_size(stream: BufferedIOBase) -> int:
    line = stream.readline(_LINE_BYTES).partition(b";")[0].strip()
    try:
        if not line or not line.isalnum():
            raise ValueError(line)
        return int(line, 16)
    except ValueError:
        raise BadBody("a chunk has no size") from None
