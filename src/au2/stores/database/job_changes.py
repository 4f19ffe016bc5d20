"""Writes of jobs: state changes with their events, stop requests, status, attempts."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, update

from au2.domain.errors import LeaseLost
from au2.domain.event import PLATFORM, EventAction
from au2.domain.jobs.job import Job, JobState, Outcome, Phase, StateChange
from au2.stores.database.database import Transaction
from au2.stores.database.events import add_event
from au2.stores.database.jobs import phases_document
from au2.stores.database.tables import attempts, jobs

_CHANGE = update(jobs).where(
    jobs.c.id == bindparam("job_id"), jobs.c.state == bindparam("expected")
)
_CHANGE_CLAIMED = _CHANGE.where(jobs.c.claim_token == bindparam("token"))
_CHANGE_UNCLAIMED = _CHANGE.where(jobs.c.claim_expires_at.is_(None))
_CHANGE_ATTEMPT = update(attempts).where(
    attempts.c.job_id == bindparam("wanted_job"), attempts.c.number == bindparam("wanted_number")
)


def change_state(
    transaction: Transaction,
    job: Job,
    change: StateChange,
    *,
    fencing_token: int | None,
    actor: str = PLATFORM,
    output: Mapping[str, Any] | None = None,
) -> None:
    """Write a state change and its event.

    Args:
        transaction: the write transaction; what belongs together goes into the same one.
        job: the job; of its fields only id and organization are used.
        change: from the state that the job must have now to the new one.
        fencing_token: of the claim that is held; None for a job that nobody has claimed.
        actor: email address of the person who caused it, or the platform.
        output: of a job that ended.

    Raises:
        LeaseLost: the job has another state by now, or another claim.
    """
    values: dict[str, Any] = {"state": change.after.value}
    if change.after is JobState.RUNNING:
        values["started_at"] = change.at
    if change.outcome is not None:
        values |= {
            "ended_at": change.at,
            **_outcome_columns(change.outcome),
            "output": output,
            "claim_owner": None,
            "claim_expires_at": None,
        }
    guarded: dict[str, Any] = {"job_id": job.id, "expected": change.before.value}
    if fencing_token is not None:
        guarded["token"] = fencing_token
    statement = _CHANGE_UNCLAIMED if fencing_token is None else _CHANGE_CLAIMED
    changed = transaction.execute(statement, guarded | values).rowcount
    if not changed:
        raise LeaseLost(f"Job {job.id} was changed by another process meanwhile.")
    add_event(
        transaction,
        actor,
        EventAction(f"job:{change.after.value.lower()}"),
        f"job:{job.id}",
        job.context,
        at=change.at,
        reason=values.get("reason"),
        exit_code=values.get("exit_code"),
    )


def _outcome_columns(outcome: Outcome) -> dict[str, Any]:
    """Return the columns of an outcome, of jobs and attempts alike."""
    return {
        "state": outcome.state.value,
        "reason": None if outcome.reason is None else outcome.reason.value,
        "reason_text": outcome.reason_text,
        "exit_code": outcome.exit_code,
    }


def make_ready(transaction: Transaction, job_id: int, *, at: datetime) -> None:
    """Mark a job as ready for dispatchers, at the end of its upload."""
    guarded = {"job_id": job_id, "expected": JobState.PENDING.value}
    transaction.execute(_CHANGE, {**guarded, "ready_at": at})


def request_stop(transaction: Transaction, job_id: int, *, at: datetime, by: str) -> None:
    """Record the first request to stop a claimed job, for its dispatcher."""
    transaction.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.stop_requested_at.is_(None))
        .values(stop_requested_at=at, stop_requested_by=by)
    )


def set_status(
    transaction: Transaction,
    job_id: int,
    fencing_token: int,
    *,
    text: str | None,
    progress: float | None,
) -> None:
    """Write the status of the running code, guarded by the claim."""
    transaction.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.claim_token == fencing_token)
        .values(status_text=text, progress=progress)
    )


def update_attempt(
    transaction: Transaction,
    job_id: int,
    number: int,
    *,
    phases: Iterable[Phase],
    started_at: datetime | None = None,
    ended_at: datetime | None = None,
    outcome: Outcome | None = None,
    container_id: str | None = None,
    image_digest: str | None = None,
    used: Mapping[str, float] | None = None,
) -> None:
    """Write columns of an attempt; None leaves a column unchanged."""
    values: dict[str, Any] = {
        "started_at": started_at,
        "ended_at": ended_at,
        "container_id": container_id,
        "image_digest": image_digest,
        "used": None if used is None else dict(used),
    }
    if outcome is not None:
        values |= _outcome_columns(outcome)
    given = {name: value for name, value in values.items() if value is not None}
    wanted = {"wanted_job": job_id, "wanted_number": number}
    transaction.execute(_CHANGE_ATTEMPT, {**wanted, "phases": phases_document(phases), **given})
