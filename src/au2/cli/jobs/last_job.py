"""Job of a command that names none: the caller's last one in the context."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from au2.cli.command import Session
from au2.cli.options import complete_jobs
from au2.console.parameters import WholeNumber
from au2.domain.errors import AnswerNeeded, NotFound
from au2.domain.wording import format_age, format_seconds_roughly

if TYPE_CHECKING:
    from au2.wire.job import JobView

_SEARCHED_JOBS: Final = 20
"""Newest jobs of the caller among which an unfinished one is looked for."""

own_job_argument = click.argument(
    "job", metavar="[JOB]", required=False, type=WholeNumber(), shell_complete=complete_jobs
)
"""The argument for a job; None: the caller's last one."""


def find_job(session: Session, stated: int | None, *, runs_only: bool = False) -> int:
    """Return the id of the stated job, or else of the caller's last one, which is printed.

    Args:
        session: of the command.
        stated: as typed.
        runs_only: whether uploads are passed over.

    Raises:
        NotFound: the caller has submitted no job in the context.
    """
    if stated is not None:
        return stated
    job = find_last_job(session, runs_only=runs_only)
    session.console.remark(f"{describe_job(job)}.")
    return job.id


def find_job_to_stop(session: Session, stated: int | None, *, yes: bool) -> int:
    """Return the id of the stated job, or else of the caller's last unfinished one, if confirmed.

    Raises:
        AnswerNeeded: no job is stated, and there is no terminal to ask on.
        NotFound: none of the caller's last jobs in the context is unfinished.
        Declined: the answer was no.
    """
    if stated is not None:
        return stated
    console = session.console
    if not (yes or console.can_ask):
        raise AnswerNeeded(
            "Name the job to stop: there is no terminal to ask on.",
            hint="Find its id with: au2 job list",
        )
    for job in _list_own_jobs(session, limit=_SEARCHED_JOBS):
        if not job.is_final:
            break
    else:
        raise NotFound(
            "None of your jobs in this context is waiting or running.",
            hint="Those of everybody: au2 job list",
        )
    if yes:
        console.remark(f"{describe_job(job)}.")
    else:
        console.confirm(f"Stop {describe_job(job).replace('Job', 'job', 1)}?")
    return job.id


def find_last_job(session: Session, *, runs_only: bool = False) -> "JobView":
    """Return the newest job of the context that the caller submitted. Raises NotFound."""
    for job in _list_own_jobs(session, runs_only=runs_only, limit=1):
        return job
    verb = "run nothing" if runs_only else "submitted no job"
    raise NotFound(
        f"You have {verb} in this context yet.",
        hint="Name a job; those of everybody: au2 job list",
    )


def _list_own_jobs(session: Session, *, runs_only: bool = False, limit: int) -> "Iterator[JobView]":
    from au2.client.resources.jobs import Jobs
    from au2.domain.jobs.job import JobType

    type_name = JobType.RUN.value if runs_only else None
    jobs = Jobs(session.transport)
    return jobs.list_jobs(session.context, mine=True, type_name=type_name, limit=limit)


def describe_job(job: "JobView") -> str:
    """Return ``Job 12: forecast 4, SUCCEEDED 2 min ago`` or ``…, RUNNING for 3 min``."""
    from au2.domain.clock import now

    subject = f"Job {job.id}: {job.name} {job.version}, {job.state}"
    if job.ended_at is not None:
        return f"{subject} {format_age(job.ended_at, now())}"
    begun = job.started_at or job.created_at
    return f"{subject} for {format_seconds_roughly((now() - begun).total_seconds())}"
