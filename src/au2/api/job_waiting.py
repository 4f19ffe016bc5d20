"""Waiting for a job's end in the event loop."""

import asyncio

from fastapi.concurrency import run_in_threadpool

from au2.api.noticeboard import NoticeBoard
from au2.domain.identity import Actor
from au2.domain.job import Job
from au2.notices.base import job_topic
from au2.services.services import Services

POLL_SECONDS = 1.0
"""Notices may get lost, so whoever waits looks for itself this often."""


async def wait_for_end(
    services: Services, actor: Actor, board: NoticeBoard, job_id: int, wait_seconds: float
) -> Job:
    """Return the job at its end, after ``wait_seconds``, or when the server is about to stop."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait_seconds
    with board.watch(job_topic(job_id)) as watch:
        while True:
            job = await run_in_threadpool(services.jobs.get, actor, job_id)
            left_seconds = deadline - clock()
            if job.state.is_final or left_seconds <= 0 or board.is_closing:
                return job
            await watch.wait(min(POLL_SECONDS, left_seconds))
            actor = await run_in_threadpool(services.accounts.refresh, actor)
