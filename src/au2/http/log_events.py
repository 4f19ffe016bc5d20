"""Log records as server-sent events, made cheaply: logs have millions of records."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from au2.stores.logs.protocol import LogStore
from au2.stores.logs.record import Record, WholeCharacters, parse_records
from au2.wire.base import WireType
from au2.wire.documents import format_document
from au2.wire.job import JobView, WaitingView

_EVENT_BYTES = 64 << 10
"""Log bytes in one event."""
_READ_BYTES = 1 << 20
KEEP_ALIVE = b": still here\n\n"


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Offset in the log of an attempt."""

    job_id: int
    attempt: int
    offset: int


def read_events(logs: LogStore, at: LogPosition) -> tuple[list[bytes], LogPosition]:
    """Return the next events (none at the end of the log) and the position after them."""
    limit = _READ_BYTES
    while True:
        data = logs.read(at.job_id, at.attempt, offset=at.offset, limit_bytes=limit)
        end = data.rfind(b"\n") + 1
        if end or len(data) < limit:
            break
        limit *= 2  # A record longer than that was not written by us, but is read all the same.
    events: list[bytes] = []
    start = 0
    while start < end:
        # As many whole records as fit, at least one.
        stop = data.rfind(b"\n", start, start + _EVENT_BYTES) + 1 or data.find(b"\n", start) + 1
        records, count = _join_characters(parse_records(data[start:stop])[0])
        for _ in range(count):
            stop = data.rindex(b"\n", start, stop - 1) + 1
        events.append(_format_event("log", _format_chunk(records), at.offset + stop))
        start = stop
    return events, LogPosition(at.job_id, at.attempt, at.offset + end)


def _join_characters(records: list[Record]) -> tuple[list[Record], int]:
    """Return the records cut between characters, and how many at the end are left out.

    Records with half a character at their end come with the next event. Alone they stay in: output
    is shown at once, though its last bytes may be half a character.
    """
    if not any(record.partial for record in records):
        return records, 0
    characters: WholeCharacters[Record] = WholeCharacters()
    joined: list[Record] = []
    whole, left = 0, len(records)
    for number, record in enumerate(records, start=1):
        joined += characters.feed(record)
        if not characters.is_pending:
            whole, left = len(joined), len(records) - number
    if left == len(records):
        return joined + characters.end(), 0
    return joined[:whole], left


def format_end(job: JobView) -> bytes:
    """Return the last event: the job's record."""
    return _format_event("end", _format_json(job), None)


def format_waiting(waiting: WaitingView) -> bytes:
    """Return the event with a pending job's cause of waiting."""
    return _format_event("waiting", _format_json(waiting), None)


def _format_json(record: WireType) -> str:
    return json.dumps(format_document(record), ensure_ascii=False, separators=(",", ":"))


def _format_event(name: str, data: str, offset: int | None) -> bytes:
    identity = "" if offset is None else f"id: {offset}\n"
    return f"event: {name}\n{identity}data: {data}\n\n".encode()


def _format_chunk(records: list[Record]) -> str:
    """Return the JSON of a LogChunk without the cost of making one."""
    return json.dumps(
        {"records": [_record_fields(record) for record in records]},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _record_fields(record: Record) -> dict[str, Any]:
    fields: dict[str, Any] = {"time": record.time, "stream": record.stream}
    if record.partial:
        fields["partial"] = True
    try:
        fields["text"] = record.content.decode()
    except UnicodeDecodeError:
        fields["base64"] = base64.b64encode(record.content).decode()
    return fields
