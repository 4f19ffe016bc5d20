"""Characters of UTF-8 that the pieces of a long line cut in two. Pure."""

from typing import Generic, Protocol, Self, TypeVar

_LENGTHS = ((0xC2, 0xDF, 2), (0xE0, 0xEF, 3), (0xF0, 0xF4, 4))
"""First and last leading byte of characters of so many bytes (RFC 3629)."""


class Piece(Protocol):
    """A line or a part of one: a record of a log, or what a client received of it."""

    @property
    def stream(self) -> str:
        """Which stream it is of; lines of different streams may be mixed."""
        ...

    @property
    def partial(self) -> bool:
        """Whether the line goes on in the next piece of this stream."""
        ...

    @property
    def content(self) -> bytes:
        """The bytes."""
        ...

    def _replace(self, *, content: bytes) -> Self: ...


_Piece = TypeVar("_Piece", bound=Piece)


class WholeCharacters(Generic[_Piece]):
    """Moves the beginning of a character that a piece ends with to the next piece of its line.

    The bytes of each stream stay the same, one after the other.
    """

    def __init__(self) -> None:
        self._pending: dict[str, _Piece] = {}

    @property
    def is_pending(self) -> bool:
        """Whether the beginning of a character is kept back."""
        return bool(self._pending)

    def feed(self, piece: _Piece) -> list[_Piece]:
        """Return the piece with what was kept back before; nothing if all of it is kept back."""
        before = self._pending.pop(piece.stream, None)
        content = piece.content if before is None else before.content + piece.content
        if piece.partial and (count := count_begun(content)):
            self._pending[piece.stream] = piece._replace(content=content[-count:])
            content = content[:-count]
            if not content:
                return []
        return [piece if content == piece.content else piece._replace(content=content)]

    def end(self) -> list[_Piece]:
        """Return what is kept back: nothing comes any more."""
        pieces = list(self._pending.values())
        self._pending.clear()
        return pieces


def count_begun(content: bytes) -> int:
    """Return how many bytes at the end begin a character that goes on; 0: none do."""
    for count, byte in enumerate(reversed(content[-3:]), start=1):
        if byte & 0xC0 == 0x80:  # In the middle of a character.
            continue
        for first, last, length in _LENGTHS:
            if first <= byte <= last:
                return count if length > count else 0
        return 0
    return 0
