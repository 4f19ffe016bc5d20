"""Job records: adding and reading them. States change in ``job_changes`` only."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Select,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
)

from au2.domain.accounts.context import Context
from au2.domain.clock import format_time, parse_time
from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.job import (
    Attempt,
    Job,
    JobState,
    JobType,
    Outcome,
    Phase,
    Reason,
    Resources,
    RunRequest,
    RunSummary,
)
from au2.domain.jobs.waiting import QueuePosition
from au2.domain.processes.version import ChoiceRule, ImageStatus, NewerVersion, VersionChoice
from au2.stores.database.database import Transaction
from au2.stores.database.owners import ensure_owner_exists
from au2.stores.database.queries import (
    context_columns,
    in_chunks,
    owned_by,
    read_context,
    read_entity,
)
from au2.stores.database.tables import attempts, jobs, processes

_INSERT = insert(jobs).returning(jobs.c.id)
_FIND = select(jobs).where(jobs.c.id == bindparam("wanted"))
_ATTEMPTS = (
    select(attempts)
    .where(attempts.c.job_id.in_(bindparam("job_ids", expanding=True)))
    .order_by(attempts.c.job_id, attempts.c.number)
)


def phases_document(phases: Iterable[Phase]) -> list[dict[str, str | None]]:
    """Return the JSON column of an attempt's phases."""
    return [
        {
            "name": phase.name,
            "started_at": format_time(phase.started_at),
            "ended_at": None if phase.ended_at is None else format_time(phase.ended_at),
        }
        for phase in phases
    ]


def _phase(document: Mapping[str, str | None]) -> Phase:
    ended_at = document["ended_at"]
    return Phase(
        str(document["name"]),
        parse_time(str(document["started_at"])),
        None if ended_at is None else parse_time(ended_at),
    )


def read_attempt(row: Any) -> Attempt:
    """Return the attempt of a row."""
    outcome = None
    if row.state is not None:
        outcome = Outcome(
            JobState(row.state),
            None if row.reason is None else Reason(row.reason),
            row.reason_text,
            row.exit_code,
        )
    phases = tuple(_phase(document) for document in row.phases)
    return read_entity(Attempt, row, outcome=outcome, phases=phases)


def _request(document: Mapping[str, Any] | None) -> RunRequest | None:
    if document is None:
        return None
    resources = dict(document["resources"])
    return RunRequest(
        arguments=document["arguments"],
        environment=document["environment"],
        resources=Resources(**{**resources, "network": Network(resources["network"])}),
        # Requests from before there were secrets have none.
        secrets=document.get("secrets", {}),
        version_choice=_version_choice(document.get("version_choice")),
    )


def _version_choice(document: Mapping[str, Any] | None) -> VersionChoice | None:
    if document is None:
        return None
    newer = [
        NewerVersion(item["number"], ImageStatus(item["image_status"]), item["upload_job_id"])
        for item in document["newer"]
    ]
    return VersionChoice(ChoiceRule(document["rule"]), tuple(newer))


def read_job(row: Any, tries: Iterable[Attempt]) -> Job:
    """Return the job of a row."""
    return read_entity(
        Job,
        row,
        type=JobType(row.type),
        state=JobState(row.state),
        context=read_context(row),
        reason=None if row.reason is None else Reason(row.reason),
        request=_request(row.request),
        attempts=tuple(tries),
    )


def add_job(
    transaction: Transaction,
    *,
    type: JobType,  # noqa: A002 - the word of the specification
    name: str,
    context: Context,
    process_id: str,
    version_number: int,
    submitted_by: str,
    at: datetime,
    ready: bool,
    request: RunRequest | None = None,
) -> int:
    """Insert a PENDING job and return its id; dispatchers take only a ready one.

    Raises:
        NotFound: the organization or project was deleted.
    """
    ensure_owner_exists(transaction, context)
    return int(
        transaction.execute(
            _INSERT,
            {
                "type": type.value,
                "state": JobState.PENDING.value,
                "name": name,
                "process_id": process_id,
                "version_number": version_number,
                "submitted_by": submitted_by,
                "created_at": at,
                "ready_at": at if ready else None,
                "request": None if request is None else asdict(request),
                "attempt_count": 0,
                "claim_token": 0,
                **context_columns(context),
            },
        ).scalar_one()
    )


def _attempts_of(transaction: Transaction, job_ids: list[int]) -> dict[int, list[Attempt]]:
    found: dict[int, list[Attempt]] = {job_id: [] for job_id in job_ids}
    for row in transaction.execute(_ATTEMPTS, {"job_ids": job_ids}):
        found[row.job_id].append(read_attempt(row))
    return found


def find_job(transaction: Transaction, job_id: int) -> Job | None:
    """Return the job of an id with its attempts."""
    row = transaction.execute(_FIND, {"wanted": job_id}).one_or_none()
    if row is None:
        return None
    return read_job(row, _attempts_of(transaction, [job_id])[job_id])


def list_unfinished_runs(transaction: Transaction) -> list[Job]:
    """Return all unfinished run jobs of the installation."""
    open_states = (JobState.PENDING.value, JobState.RUNNING.value)
    query = select(jobs).where(jobs.c.state.in_(open_states), jobs.c.type == JobType.RUN.value)
    return read_jobs(transaction, query.order_by(jobs.c.id))


def read_jobs(transaction: Transaction, query: Select[Any]) -> list[Job]:
    """Return the jobs of a query for all columns, in its order."""
    rows = transaction.execute(query).all()
    tries = _attempts_of(transaction, [row.id for row in rows])
    return [read_job(row, tries[row.id]) for row in rows]


def find_last_runs(
    transaction: Transaction, process_ids: Iterable[str], context: Context
) -> dict[str, RunSummary]:
    """Return the last run of each process in exactly this context; none for one without."""
    of_process = jobs.alias()
    # A look-up in an index for each process: its runs are not counted.
    last = (
        select(of_process.c.id)
        .where(
            of_process.c.process_id == processes.c.id,
            owned_by(of_process, context),
            of_process.c.type == JobType.RUN.value,
        )
        .order_by(of_process.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    columns = (jobs.c.id, jobs.c.process_id, jobs.c.state, jobs.c.reason)
    found = {}
    for chunk in in_chunks(process_ids):
        ids = select(last).where(processes.c.id.in_(chunk))
        query = select(*columns, jobs.c.created_at, jobs.c.ended_at).where(jobs.c.id.in_(ids))
        for row in transaction.execute(query):
            reason = None if row.reason is None else Reason(row.reason)
            found[row.process_id] = read_entity(
                RunSummary, row, state=JobState(row.state), reason=reason
            )
    return found


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
    """Return a job's position in the queue; None if the job is not pending."""
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
