"""Calls for logs of jobs: read once, or followed live over cut connections."""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from au2.client.http.server_sent_events import Event, parse_events
from au2.client.http.transport import Query, Transport
from au2.client.resources.jobs import poll_job
from au2.domain.errors import ServerUnreachable, UnexpectedAnswer
from au2.domain.network_retry import RetryBudget
from au2.stores.logs.record import Record, parse_records
from au2.wire.documents import parse_record
from au2.wire.job import JobView, LogChunk, LogPositionView, LogRecord, WaitingView

_BLOCK_BYTES: Final = 256 << 10
_MOST_RECORD_BYTES: Final = 16 << 20
"""Records have some kilobytes; longer ones may come from a damaged disk."""


def find_log_position(
    transport: Transport,
    job_id: int,
    *,
    attempt: int | None = None,
    tail: int | None = None,
    since: datetime | None = None,
) -> LogPositionView:
    """Return the offset of the last ``tail`` lines, or of the first record of ``since`` or later.

    ``attempt``: None is the newest. Raises NotFound.
    """
    moment = None if since is None else since.isoformat()
    query: Query = {"attempt": attempt, "tail": tail, "since": moment}
    return parse_record(
        LogPositionView, transport.call("GET", f"/jobs/{job_id}/logs/position", query=query)
    )


def read_log(
    transport: Transport, job_id: int, *, attempt: int, budget: RetryBudget, offset: int = 0
) -> Iterator[list[Record]]:
    """Yield the records written so far, block by block; a half-written last one is left out.

    ``offset``: of the first record. A cut connection is resumed at the last offset.

    Raises:
        ServerUnreachable: the connection could not be resumed.
    """
    while True:
        try:
            blocks = _read_from(transport, job_id, attempt=attempt, offset=offset)
            for records, size_bytes in blocks:
                budget.note_progress()
                offset += size_bytes
                yield records
        except ServerUnreachable as error:
            budget.wait(error)
        else:
            return


def _read_from(
    transport: Transport, job_id: int, *, attempt: int, offset: int
) -> Iterator[tuple[list[Record], int]]:
    """Yield whole records, with their size in the log."""
    with transport.stream(
        f"/jobs/{job_id}/logs",
        query={"attempt": attempt, "offset_bytes": offset},
        accept="application/octet-stream",
    ) as response:
        rest = b""
        # read1: received bytes are shown at once, however slow the rest comes.
        while block := response.read1(_BLOCK_BYTES):
            data = rest + block
            records, consumed_bytes = parse_records(data)
            rest = data[consumed_bytes:]
            if len(rest) > _MOST_RECORD_BYTES:
                raise UnexpectedAnswer("The server's log has a record that is too long.")
            if records:
                yield records, consumed_bytes


_SILENCE_SECONDS: Final = 60.0
"""The server sends a comment line more often than this."""

_RETRY_POLL_SECONDS: Final = 0.5


def follow_job_log(
    transport: Transport,
    job_id: int,
    *,
    attempt: int,
    budget: RetryBudget,
    pause: Callable[[float], object],
    offset: int = 0,
) -> Iterator[list[Record] | WaitingView | JobView]:
    """Yield like :func:`follow_log` from ``attempt`` on, through all retries, to the job's end.

    ``offset``: where to begin in the first attempt's log. ``pause`` is ``time.sleep``.
    """
    standing: JobView | None = None
    while standing is None or not standing.is_final:
        if standing is not None and standing.newest_attempt <= attempt:
            # The retry is about to begin.
            pause(_RETRY_POLL_SECONDS)
            standing = budget.retry(lambda: poll_job(transport, job_id))
            continue
        if standing is not None:
            attempt += 1
        at, offset = offset, 0
        for found in follow_log(transport, job_id, attempt=attempt, budget=budget, offset=at):
            if isinstance(found, JobView):
                standing = found
            else:
                yield found
    yield standing


def follow_log(
    transport: Transport, job_id: int, *, attempt: int, budget: RetryBudget, offset: int = 0
) -> Iterator[list[Record] | WaitingView | JobView]:
    """Yield an attempt's log from ``offset`` on as it grows, and last the job's record.

    Before the first record, the cause of waiting of a job that waits long, and each later cause.
    A cut connection is resumed after the last event; any event is progress.

    Raises:
        ServerUnreachable: the connection could not be resumed.
    """
    reached: str | int | None = offset or None
    while True:
        try:
            for event in _events(transport, job_id, attempt=attempt, offset=reached):
                budget.note_progress()
                reached = event.id or reached
                if event.name == "log":
                    yield _read_records(event)
                elif event.name == "waiting":
                    yield parse_record(WaitingView, _read_object(event))
                elif event.name == "end":
                    yield parse_record(JobView, _read_object(event))
                    return
            cut = ServerUnreachable("The server ended the log before the job ended.")
        except ServerUnreachable as error:
            cut = error
        transport.close()
        budget.wait(cut)


def _events(
    transport: Transport, job_id: int, *, attempt: int, offset: str | int | None
) -> Iterator[Event]:
    query: Query = {"attempt": attempt, "offset_bytes": offset}
    with transport.stream(
        f"/jobs/{job_id}/logs/follow",
        query=query,
        accept="text/event-stream",
        timeout_seconds=_SILENCE_SECONDS,
    ) as response:
        yield from parse_events(response)


def _read_object(event: Event) -> dict[str, Any]:
    try:
        document = json.loads(event.data)
    except (ValueError, RecursionError) as error:
        raise UnexpectedAnswer from error
    if not isinstance(document, dict):
        raise UnexpectedAnswer
    return document


def _read_records(event: Event) -> list[Record]:
    return [_read_record(record) for record in parse_record(LogChunk, _read_object(event)).records]


def _read_record(record: LogRecord) -> Record:
    try:
        if record.text is not None:
            content = record.text.encode()
        elif record.base64 is not None:
            content = b64decode(record.base64, validate=True)
        else:
            raise UnexpectedAnswer
    except ValueError as error:
        raise UnexpectedAnswer from error
    return Record(record.time, record.stream, record.partial, content)
