"""Reassembly of UTF-8 characters that are split between parts of a long line."""

from typing import Generic, Protocol, Self, TypeVar

_LENGTHS = ((0xC2, 0xDF, 2), (0xE0, 0xEF, 3), (0xF0, 0xF4, 4))
"""First and last leading byte by length of the character (RFC 3629)."""


class Piece(Protocol):
    """A line of output or a part of one, at rest or received."""

    @property
    def stream(self) -> str:
        """Name of the stream; lines of several streams may alternate."""
        ...

    @property
    def partial(self) -> bool:
        """Whether the line continues in the next part of this stream."""
        ...

    @property
    def content(self) -> bytes:
        """Bytes of the part."""
        ...

    def _replace(self, *, content: bytes) -> Self: ...


_Piece = TypeVar("_Piece", bound=Piece)


class WholeCharacters(Generic[_Piece]):
    """Moves an incomplete character at the end of a part to the next part of its line.

    The bytes of each stream and their order stay the same.
    """

    def __init__(self) -> None:
        self._pending: dict[str, _Piece] = {}

    @property
    def is_pending(self) -> bool:
        """Whether an incomplete character is held."""
        return bool(self._pending)

    def feed(self, piece: _Piece) -> list[_Piece]:
        """Return the part with the bytes held before; an empty list if all of it is held."""
        before = self._pending.pop(piece.stream, None)
        content = piece.content if before is None else before.content + piece.content
        if piece.partial and (count := count_begun(content)):
            self._pending[piece.stream] = piece._replace(content=content[-count:])
            content = content[:-count]
            if not content:
                return []
        return [piece if content == piece.content else piece._replace(content=content)]

    def end(self) -> list[_Piece]:
        """Return the parts that are held, at the end of the log."""
        pieces = list(self._pending.values())
        self._pending.clear()
        return pieces


def count_begun(content: bytes) -> int:
    """Return the number of bytes of an incomplete character at the end."""
    for count, byte in enumerate(reversed(content[-3:]), start=1):
        if byte & 0xC0 == 0x80:  # A continuation byte.
            continue
        for first, last, length in _LENGTHS:
            if first <= byte <= last:
                return count if length > count else 0
        return 0
    return 0
