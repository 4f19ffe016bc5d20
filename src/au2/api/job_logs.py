"""The logs of jobs: whole, or followed while they grow."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool

from au2.api.dependencies import LARGEST_ID, BoardOf, CurrentActor, LogsOf, ServicesOf
from au2.api.errors import answers
from au2.api.job_waiting import POLL_SECONDS
from au2.api.jobs import JobId
from au2.api.log_events import KEEP_ALIVE, LogPosition, format_end, read_events
from au2.api.noticeboard import NoticeBoard
from au2.api.streaming import StreamedAnswer
from au2.api.views import view_job
from au2.api.waiting_events import WaitingEvents
from au2.domain.errors import NotAuthenticated, NotFound
from au2.domain.identity import Actor
from au2.domain.job import Job
from au2.logs.base import LogStore
from au2.notices.base import job_topic, log_topic
from au2.services.services import Services

router = APIRouter(prefix="/jobs/{job}/logs", tags=["job"])

_KEEP_ALIVE_SECONDS = 15.0
_LOOK_SECONDS = 5.0
"""How often the record, and the right to read it, is looked at while lines keep coming."""
_PIECE_BYTES = 1 << 18

_EVENT = {
    "type": "object",
    "properties": {
        "event": {"enum": ["log", "waiting", "end"]},
        "id": {"type": "string", "description": "Offset to go on from, of 'log' events."},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
"""What each of the server-sent events is like."""

AttemptNumber = Annotated[
    int | None, Query(ge=1, le=2**31 - 1, description="Which attempt; the newest if not given.")
]
Offset = Annotated[int, Query(ge=0, le=LARGEST_ID, description="Byte to begin at.")]


@router.get(
    "",
    response_class=Response,
    responses={
        200: {
            "description": "Records of the CRI log format (Kubernetes).",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        },
        **answers(NotFound),
    },
)
def get_job_log(
    services: ServicesOf,
    actor: CurrentActor,
    logs: LogsOf,
    job: JobId,
    *,
    attempt: AttemptNumber = None,
    offset: Offset = 0,
) -> Response:
    """The log as it is now, byte for byte."""
    _, number = services.jobs.authorize_log(actor, job, attempt)
    end = max(offset, logs.size_bytes(job, number))
    return StreamedAnswer(
        _read_pieces(logs, LogPosition(job, number, offset), end),
        media_type="application/octet-stream",
        headers={"Content-Length": str(end - offset)},
    )


def _read_pieces(logs: LogStore, at: LogPosition, end: int) -> Generator[bytes, None, None]:
    offset = at.offset
    while offset < end:
        limit = min(_PIECE_BYTES, end - offset)
        piece = logs.read(at.job_id, at.attempt, offset=offset, limit_bytes=limit)
        if not piece:
            return
        offset += len(piece)
        yield piece


@router.get(
    "/follow",
    response_class=Response,
    responses={
        200: {
            "description": "Events 'log' (data: LogChunk, id: next offset), and 'waiting' "
            "(WaitingView) while the job is pending for more than two seconds; then 'end' "
            "(JobView).",
            "content": {"text/event-stream": {"schema": _EVENT}},
        },
        **answers(NotFound),
    },
)
async def follow_job_log(
    services: ServicesOf,
    actor: CurrentActor,
    logs: LogsOf,
    board: BoardOf,
    job: JobId,
    *,
    attempt: AttemptNumber = None,
    offset: Offset = 0,
) -> Response:
    """The log as it grows, until the attempt has ended."""
    _, number = await run_in_threadpool(services.jobs.authorize_log, actor, job, attempt)
    return StreamedAnswer(
        _follow(services, actor, logs, board, LogPosition(job, number, offset)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _follow(
    services: Services, actor: Actor, logs: LogStore, board: NoticeBoard, at: LogPosition
) -> AsyncGenerator[bytes, None]:
    clock = asyncio.get_running_loop().time
    topic = job_topic(at.job_id)
    with board.watch(topic, log_topic(at.job_id)) as watch:
        job = await run_in_threadpool(services.jobs.get, actor, at.job_id)
        sent_at = looked_at = clock()
        waiting = WaitingEvents(services.job_waiting, clock)
        while not board.is_closing:
            # The record is looked at before the log: what is in the log when the record says that
            # the attempt has ended is all that there will ever be.
            is_over = _is_over(job, at.attempt)
            while True:
                events, at = await run_in_threadpool(read_events, logs, at)
                if not events:
                    break
                for event in events:
                    yield event
                sent_at = clock()
            if is_over:
                yield format_end(view_job(job))
                return
            if (told := await waiting.look(job)) is not None:
                yield told
                sent_at = clock()
            if clock() - sent_at >= _KEEP_ALIVE_SECONDS:
                yield KEEP_ALIVE
                sent_at = clock()
            news = await watch.wait(POLL_SECONDS)
            if news != {log_topic(at.job_id)} or clock() - looked_at >= _LOOK_SECONDS:
                try:
                    job = await run_in_threadpool(_look_again, services, actor, at.job_id)
                except (NotAuthenticated, NotFound):
                    return  # Who comes back to go on is told why that is no longer possible.
                looked_at = clock()


def _look_again(services: Services, actor: Actor, job_id: int) -> Job:
    """The job, if the token still holds and its owner may still see it."""
    return services.jobs.get(services.accounts.refresh(actor), job_id)


def _is_over(job: Job, attempt: int) -> bool:
    ended = any(tried.number == attempt and tried.ending for tried in job.attempts)
    return job.state.is_final or ended
