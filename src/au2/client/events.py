"""Server-sent events (WHATWG HTML, section 9.2), parsed from a stream of lines."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Event(NamedTuple):
    """One event."""

    name: str
    data: str
    id: str | None
    """The last id seen so far on the stream: where to go on from."""


def parse_events(lines: Iterable[bytes]) -> Iterator[Event]:
    """Yield the events of ``lines``, which end in newlines; one cut off at the end is dropped."""
    name = ""
    data: list[str] = []
    last_id: str | None = None
    for raw in lines:
        if not raw.endswith(b"\n"):
            return
        line = raw.rstrip(b"\r\n").decode("utf-8", "replace")
        if not line:
            if data:
                yield Event(name or "message", "\n".join(data), last_id)
            name, data = "", []
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
