"""Taking apart the body of a contents request as it arrives, whatever the pieces are."""

from dataclasses import dataclass, field

from au2.wire.contents import HEADER_BYTES, ContentHeader, parse_header


@dataclass(frozen=True, slots=True)
class Began:
    """A header has come."""

    header: ContentHeader


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of the content that began last."""

    data: memoryview


@dataclass(frozen=True, slots=True)
class Ended:
    """The content that began last is whole."""


FrameEvent = Began | Piece | Ended


@dataclass(slots=True)
class FrameParser:
    """A push parser: give it bytes, get what they mean. Holds at most a header's bytes back."""

    _header: bytearray = field(default_factory=bytearray)
    _left_bytes: int = 0

    @property
    def is_between(self) -> bool:
        """Whether the bytes so far end exactly at the end of a content."""
        return not self._header and not self._left_bytes

    def feed(self, data: bytes) -> "list[FrameEvent]":
        """Return what ``data`` adds. Pieces are views of ``data``: use them before it changes."""
        events: list[FrameEvent] = []
        rest = memoryview(data)
        while rest:
            if self._left_bytes:
                piece, rest = rest[: self._left_bytes], rest[self._left_bytes :]
                self._left_bytes -= len(piece)
                events.append(Piece(piece))
                if not self._left_bytes:
                    events.append(Ended())
                continue
            missing = HEADER_BYTES - len(self._header)
            self._header += rest[:missing]
            rest = rest[missing:]
            if len(self._header) == HEADER_BYTES:
                header = parse_header(bytes(self._header))
                self._header.clear()
                self._left_bytes = header.size_bytes
                events.append(Began(header))
                if not header.size_bytes:
                    events.append(Ended())
        return events
