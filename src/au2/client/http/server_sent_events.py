"""Server-sent events (WHATWG HTML, section 9.2), parsed from a stream of lines."""

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from au2.domain.errors import UnexpectedAnswer

_MOST_EVENT_BYTES: Final = 16 << 20
"""Of all lines of an event: the server's have some 64 KiB of log, which JSON may make six times as
long, or one record."""


class Lines(Protocol):
    """What lines are read from, as from a file."""

    def readline(self, limit: int, /) -> bytes:
        """Return the next line, or as much of it as ``limit`` bytes; nothing at the end."""
        ...


class Event(NamedTuple):
    """One event."""

    name: str
    data: str
    id: str | None
    """The last id seen so far on the stream: where to go on from."""


def parse_events(stream: Lines) -> Iterator[Event]:
    """Yield the events of a stream; one cut off at the end is dropped.

    Raises:
        UnexpectedAnswer: an event is longer than any that a server of ours sends.
    """
    name = ""
    data: list[str] = []
    last_id: str | None = None
    left_bytes = _MOST_EVENT_BYTES
    while raw := stream.readline(left_bytes):
        left_bytes -= len(raw)
        if not left_bytes:
            raise UnexpectedAnswer("The server's log has an event that is too long.")
        if not raw.endswith(b"\n"):
            return
        line = raw.rstrip(b"\r\n").decode("utf-8", "replace")
        if not line:
            if data:
                yield Event(name or "message", "\n".join(data), last_id)
            name, data, left_bytes = "", [], _MOST_EVENT_BYTES
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            last_id = value
        # A comment line has an empty field name and keeps the connection alive.
