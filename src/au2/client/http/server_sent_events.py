"""Server-sent events (WHATWG HTML, section 9.2), parsed from a stream of lines."""

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from au2.domain.errors import UnexpectedAnswer

_MOST_EVENT_BYTES: Final = 16 << 20
"""Limit of an event: the server's have some 64 KiB of log, which JSON may make six times as long,
or one record."""


class Lines(Protocol):
    """Source of lines, as a file is."""

    def readline(self, limit: int, /) -> bytes:
        """Return the next line, or ``limit`` bytes of a longer one; nothing at the end."""
        ...


class Event(NamedTuple):
    """One server-sent event."""

    name: str
    data: str
    id: str | None
    """Last id on the stream so far, to resume from."""


def parse_events(stream: Lines) -> Iterator[Event]:
    """Yield the events of a stream; one cut off at the end is dropped.

    Raises:
        UnexpectedAnswer: an event is longer than any that an au2 server sends.
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
