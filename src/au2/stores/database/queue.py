"""Where a pending job stands among all others."""

from datetime import datetime

from sqlalchemy import and_, bindparam, func, or_, select

from au2.domain.job import JobState
from au2.domain.waiting import QueuePosition
from au2.stores.database.database import Transaction
from au2.stores.database.tables import jobs

_OPEN = jobs.c.state.in_((JobState.PENDING.value, JobState.RUNNING.value))
_TAKEN = jobs.c.claim_expires_at >= bindparam("at")
_JOB = select(jobs.c.ready_at, jobs.c.claim_expires_at).where(
    jobs.c.id == bindparam("job_id"), jobs.c.state == JobState.PENDING.value
)
_COUNT = select(
    func.count().filter(_TAKEN).label("taken"),
    func.count()
    .filter(
        and_(
            jobs.c.id < bindparam("job_id"),
            jobs.c.ready_at.is_not(None),
            or_(jobs.c.claim_expires_at.is_(None), jobs.c.claim_expires_at < bindparam("at")),
        )
    )
    .label("before"),
).where(_OPEN)


def find_position(transaction: Transaction, job_id: int, *, at: datetime) -> QueuePosition | None:
    """Return where a job stands; None if it is not pending."""
    job = transaction.execute(_JOB, {"job_id": job_id}).one_or_none()
    if job is None:
        return None
    counted = transaction.execute(_COUNT, {"job_id": job_id, "at": at}).one()
    return QueuePosition(
        is_ready=job.ready_at is not None,
        is_taken=job.claim_expires_at is not None and job.claim_expires_at >= at,
        jobs_before=counted.before,
        jobs_taken=counted.taken,
    )
