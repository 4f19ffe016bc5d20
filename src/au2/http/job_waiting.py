"""Waiting for a job's end in the event loop."""

from time import monotonic

from au2.domain.identity import Actor
from au2.domain.job import Job
from au2.http.job_reading import POLL_SECONDS, JobReading
from au2.http.noticeboard import NoticeBoard
from au2.stores.notices.base import job_topic


async def wait_for_end(
    reading: JobReading, actor: Actor, board: NoticeBoard, job_id: int, wait_seconds: float
) -> Job:
    """Return the job at its end, after ``wait_seconds``, or when the server is about to stop."""
    not_before = monotonic()
    deadline = not_before + wait_seconds
    with board.watch(job_topic(job_id)) as watch:
        while True:
            job = (await reading.job(actor, job_id, not_before=not_before)).value
            left_seconds = deadline - monotonic()
            if job.state.is_final or left_seconds <= 0 or board.is_closing:
                return job
            await watch.wait(min(POLL_SECONDS, left_seconds))
            not_before = max(watch.told_at, monotonic() - POLL_SECONDS)
