"""Claims of jobs by dispatchers: take, renew, release.

A claim is a lease with a fencing token. Each claim of a job raises the token, and every change of a
claimed job names the token: a dispatcher whose lease was taken over can change nothing any more.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, or_, select, update

from au2.domain.errors import LeaseLost
from au2.domain.jobs.job import Attempt, Claim, JobState, JobType
from au2.stores.database.database import Transaction
from au2.stores.database.jobs import find_job
from au2.stores.database.tables import attempts, jobs

_OPEN_STATES = (JobState.PENDING.value, JobState.RUNNING.value)
_WAITING = (
    select(jobs.c.id, jobs.c.claim_token, jobs.c.attempt_count)
    .where(
        jobs.c.state.in_(bindparam("open_states", expanding=True)),
        jobs.c.ready_at.is_not(None),
        or_(
            jobs.c.state == JobState.RUNNING.value,
            jobs.c.type.in_(bindparam("types", expanding=True)),
        ),
        jobs.c.id.not_in(bindparam("except_jobs", expanding=True)),
        or_(jobs.c.claim_expires_at.is_(None), jobs.c.claim_expires_at < bindparam("at")),
    )
    .order_by(jobs.c.id)
    .limit(bindparam("most"))
)
_CHANGE_CLAIMED = update(jobs).where(
    jobs.c.id == bindparam("job_id"), jobs.c.claim_token == bindparam("token")
)
_INSERT_ATTEMPT = insert(attempts)


def take_claims(
    transaction: Transaction,
    owner: str,
    *,
    limit: int,
    at: datetime,
    lease_seconds: float,
    types: Collection[JobType] = tuple(JobType),
    except_jobs: Collection[int] = (),
) -> list[Claim]:
    """Claim up to ``limit`` jobs without a live claim, oldest first.

    Args:
        transaction: the write transaction.
        owner: name of the dispatcher.
        limit: largest number of claims.
        at: present time.
        lease_seconds: length of the leases.
        types: types of pending jobs to take. Running jobs are always taken, so that one with a
            lost dispatcher ends.
        except_jobs: jobs that the owner executes now. Their claims may have expired while the
            owner was paused, and are renewed, not taken again.
    """
    wanted = {
        "at": at,
        "most": limit,
        "open_states": _OPEN_STATES,
        "types": [kind.value for kind in types],
        "except_jobs": list(except_jobs),
    }
    waiting = transaction.execute(_WAITING, wanted).all()
    taken: list[Claim] = []
    for job_id, fencing_token, attempt_count in waiting:
        changed = transaction.execute(
            _CHANGE_CLAIMED,
            {
                "job_id": job_id,
                "token": fencing_token,
                "claim_owner": owner,
                "claim_token": fencing_token + 1,
                "claim_expires_at": at + timedelta(seconds=lease_seconds),
            },
        ).rowcount
        if changed:
            taken.append(_begin(transaction, job_id, fencing_token + 1, attempt_count, at))
    return taken


def _begin(
    transaction: Transaction, job_id: int, fencing_token: int, attempt_count: int, at: datetime
) -> Claim:
    """Resume the open attempt, or begin a new one."""
    job = find_job(transaction, job_id)
    if job is None:
        raise LeaseLost(f"Job {job_id} is gone.")
    if job.attempts and job.attempts[-1].outcome is None:
        return Claim(job, job.attempts[-1], fencing_token, resumed=True)
    number = attempt_count + 1
    attempt = {"job_id": job_id, "number": number, "created_at": at, "phases": [], "used": {}}
    transaction.execute(_INSERT_ATTEMPT, attempt)
    transaction.execute(
        _CHANGE_CLAIMED, {"job_id": job_id, "token": fencing_token, "attempt_count": number}
    )
    return Claim(job, Attempt(number=number, created_at=at), fencing_token, resumed=False)


def renew_claim(
    transaction: Transaction, job_id: int, fencing_token: int, *, at: datetime, lease_seconds: float
) -> None:
    """Extend a claim's lease. Raises LeaseLost when another dispatcher has claimed the job."""
    expiry = at + timedelta(seconds=lease_seconds)
    changed = transaction.execute(
        _CHANGE_CLAIMED, {"job_id": job_id, "token": fencing_token, "claim_expires_at": expiry}
    ).rowcount
    if not changed:
        raise LeaseLost(f"Job {job_id} is worked on by another dispatcher.")


def release_all_claims(transaction: Transaction) -> None:
    """Release the claims of all open jobs, for a database without any live dispatcher."""
    transaction.execute(
        update(jobs)
        .where(jobs.c.state.in_(_OPEN_STATES))
        .values(claim_expires_at=None, claim_owner=None)
    )


def release_claims(transaction: Transaction, owner: str) -> int:
    """Release the open jobs of a dispatcher known to be gone; return their number."""
    return transaction.execute(
        update(jobs)
        .where(jobs.c.claim_owner == owner, jobs.c.state.in_(_OPEN_STATES))
        .values(claim_expires_at=None, claim_owner=None)
    ).rowcount
