"""Endpoints for logs of jobs: whole, or followed while they grow."""

from collections.abc import AsyncGenerator, Generator
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime

from au2.app.jobs.log_positions import find_offset
from au2.domain.accounts.identity import Actor
from au2.domain.errors import Busy, NotAuthenticated, NotFound, TooManyRequests
from au2.domain.jobs.job import Job
from au2.http.audit_log import sender_of
from au2.http.dependencies import BoardOf, Call, CostlyOf, JobReadingOf, LogsOf
from au2.http.errors import LENGTH, NO_STORE, error_responses
from au2.http.job_watching import POLL_SECONDS, JobReading, WaitingEvents
from au2.http.log_events import KEEP_ALIVE, LogPosition, format_end
from au2.http.noticeboard import NoticeBoard
from au2.http.parameters import LARGEST_OFFSET, JobPath
from au2.http.streaming import StreamingResult
from au2.http.v1.views import view_job
from au2.stores.logs.protocol import LogStore
from au2.stores.notices import job_topic, log_topic
from au2.wire.job import JobView, LogChunk, LogPositionView, WaitingView

router = APIRouter(prefix="/jobs/{job}/logs", tags=["job"])

_KEEP_ALIVE_SECONDS = 15.0
_LOOK_SECONDS = 5.0
"""Interval between reads of record and rights while lines keep coming."""
_CHUNK_BYTES = 1 << 18
_MOST_TAIL_LINES = 100_000

_EVENTS = {
    "type": "string",
    # Each event of the stream. OpenAPI 3.2 has ``itemSchema`` for it, which 3.1 does not know.
    "x-item-schema": {
        "type": "object",
        "properties": {
            "event": {"type": "string", "enum": ["log", "waiting", "end"]},
            "id": {
                "type": "string",
                "pattern": "^[0-9]+$",
                "description": "Offset to go on from, of `log` events.",
            },
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {
                    "oneOf": [
                        {"$ref": f"#/components/schemas/{kind.__name__}"}
                        for kind in (LogChunk, WaitingView, JobView)
                    ]
                },
            },
        },
        "required": ["event", "data"],
    },
}
"""Schema of a stream of server-sent events: the body is a text."""

AttemptNumber = Annotated[
    int | None, Query(ge=1, le=2**31 - 1, description="Which attempt; the newest if not given.")
]
Offset = Annotated[int, Query(ge=0, le=LARGEST_OFFSET, description="Byte to begin at.")]


@router.get(
    "",
    response_class=Response,
    responses={
        200: {
            "description": "Records of the CRI log format (Kubernetes).",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
            "headers": LENGTH,
        },
        **error_responses(NotFound),
    },
)
def get_job_log(
    call: Call,
    logs: LogsOf,
    job: JobPath,
    *,
    attempt: AttemptNumber = None,
    offset_bytes: Offset = 0,
) -> Response:
    """The log at this moment, byte for byte."""
    _, number = call.services.jobs.authorize_log(call.actor, job, attempt)
    end = max(offset_bytes, logs.size_bytes(job, number))
    return StreamingResult(
        _read_chunks(logs, LogPosition(job, number, offset_bytes), end),
        media_type="application/octet-stream",
        headers={"Content-Length": str(end - offset_bytes)},
    )


@router.get("/position", responses=error_responses(NotFound))
def find_log_position(
    call: Call,
    logs: LogsOf,
    job: JobPath,
    *,
    attempt: AttemptNumber = None,
    tail: Annotated[
        int | None, Query(ge=0, le=_MOST_TAIL_LINES, description="How many lines at the end.")
    ] = None,
    since: Annotated[
        AwareDatetime | None, Query(description="Time of the earliest record, in RFC 3339.")
    ] = None,
) -> LogPositionView:
    """Offset to read or follow the log from: its last lines, or what was printed since a time.

    With both, the later one; without, the beginning. Lines of all streams count together. Of lines
    that fill more than 64 MiB, the last 64 MiB.
    """
    _, number = call.services.jobs.authorize_log(call.actor, job, attempt)
    size_bytes = logs.size_bytes(job, number)
    offset = find_offset(logs, job, number, size_bytes=size_bytes, tail=tail, since=since)
    return LogPositionView(attempt=number, offset_bytes=offset, size_bytes=size_bytes)


def _read_chunks(logs: LogStore, at: LogPosition, end: int) -> Generator[bytes, None, None]:
    offset = at.offset
    while offset < end:
        limit = min(_CHUNK_BYTES, end - offset)
        chunk = logs.read(at.job_id, at.attempt, offset=offset, limit_bytes=limit)
        if not chunk:
            return
        offset += len(chunk)
        yield chunk


@router.get(
    "/follow",
    response_class=Response,
    responses={
        200: {
            "description": "Events 'log' (data: LogChunk, id: next offset), and 'waiting' "
            "(WaitingView) while the job is pending for more than two seconds; then 'end' "
            "(JobView).",
            "content": {"text/event-stream": {"schema": _EVENTS}},
            "headers": NO_STORE,
        },
        **error_responses(NotFound, Busy, TooManyRequests),
    },
)
async def follow_job_log(
    call: Call,
    *,
    board: BoardOf,
    reading: JobReadingOf,
    costly: CostlyOf,
    request: Request,
    job: JobPath,
    attempt: AttemptNumber = None,
    offset_bytes: Offset = 0,
) -> Response:
    """The growing log, until the attempt has ended."""
    _, number = await run_in_threadpool(call.services.jobs.authorize_log, call.actor, job, attempt)
    return StreamingResult(
        _follow(reading, call.actor, board, LogPosition(job, number, offset_bytes)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        during=costly.streams.take(sender_of(request)),
    )


async def _follow(
    reading: JobReading, actor: Actor, board: NoticeBoard, at: LogPosition
) -> AsyncGenerator[bytes, None]:
    with board.watch(job_topic(at.job_id), log_topic(at.job_id)) as watch:
        not_before = sent_at = monotonic()
        # The actor was authorized just now, so another request's recent read will do.
        looked_at = not_before - POLL_SECONDS
        waiting = WaitingEvents(reading.waiting, monotonic)
        while not board.is_closing:
            try:
                job = await reading.job(actor, at.job_id, not_before=looked_at)
            except (NotAuthenticated, NotFound):
                return  # Who comes back to go on is told why that is no longer possible.
            # The record is read before the log: once the record says that the attempt has ended,
            # the log is complete.
            is_over = _is_over(job.value, at.attempt)
            not_before = job.read_at if is_over else not_before
            while True:
                events, at = await reading.events(at, not_before=not_before)
                if not events:
                    break
                for event in events:
                    yield event
                sent_at = monotonic()
            if is_over:
                yield format_end(view_job(job.value))
                return
            if (cause := await waiting.look(job.value)) is not None:
                yield cause
                sent_at = monotonic()
            if monotonic() - sent_at >= _KEEP_ALIVE_SECONDS:
                yield KEEP_ALIVE
                sent_at = monotonic()
            topics = await watch.wait(POLL_SECONDS)
            not_before = max(watch.told_at, monotonic() - POLL_SECONDS)
            if topics != {log_topic(at.job_id)} or monotonic() - looked_at >= _LOOK_SECONDS:
                looked_at = not_before


def _is_over(job: Job, attempt: int) -> bool:
    ended = any(tried.number == attempt and tried.outcome for tried in job.attempts)
    return job.state.is_final or ended
