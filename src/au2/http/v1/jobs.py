"""Endpoints for jobs."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from au2.app.jobs.jobs import RunOrder
from au2.app.jobs.run_requests import WantedResources
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action
from au2.domain.errors import (
    Busy,
    Conflict,
    InvalidRequest,
    NotFound,
    NotPermitted,
    StorageFull,
    TooLarge,
    TooManyRequests,
)
from au2.domain.ids import parse_guid
from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.job import JobState, JobType
from au2.http.audit_log import sender_of
from au2.http.created import created, set_location
from au2.http.dependencies import BoardOf, Call, ContextCall, CostlyOf, JobReadingOf, may_make
from au2.http.errors import error_responses
from au2.http.job_watching import wait_for_end
from au2.http.paging import JobPageOf, Order
from au2.http.parameters import JobPath, OrganizationId, ProjectId
from au2.http.request_body import json_body
from au2.http.v1.views import view_explanation, view_job, view_named_job
from au2.stores.database.job_lists import JobFilter
from au2.wire.field import GivenGuid, JobStateName, JobTypeName
from au2.wire.job import JobExplanation, JobPage, JobView, RunCreation

router = APIRouter(prefix="/jobs", tags=["job"])
RunCreationBody = Annotated[RunCreation, json_body(RunCreation, after=may_make(Action.RUN_PROCESS))]

_LONGEST_WAIT_SECONDS = 3600.0

_NEWEST_FIRST = Order[JobView](int, key=lambda job: (job.id,))


@router.post(
    "",
    status_code=201,
    responses=created("The new job.")
    | error_responses(NotFound, NotPermitted, Conflict, TooLarge, InvalidRequest, StorageFull),
)
def submit_run(call: ContextCall, body: RunCreationBody, response: Response) -> JobView:
    """Run a process."""
    job = call.services.jobs.submit_run(call.actor, call.context, _make_order(body))
    set_location(response, "jobs", job.id)
    return view_job(job)


def _make_order(body: RunCreation) -> RunOrder:
    return RunOrder(
        process=body.process,
        version=body.version,
        latest=body.latest,
        arguments=body.arguments,
        environment=body.environment,
        secrets=body.secrets,
        resources=WantedResources(
            cpu=body.cpu,
            memory_bytes=body.memory_bytes,
            shared_memory_bytes=body.shared_memory_bytes,
            timeout_seconds=body.timeout_seconds,
            network=None if body.network is None else Network(body.network),
        ),
    )


Everywhere = Annotated[
    bool, Query(description="Of all contexts of the account; goes without 'organization'.")
]


def _resolve_list_context(
    call: Call,
    organization: OrganizationId | None = None,
    project: ProjectId | None = None,
    *,
    everywhere: Everywhere = False,
) -> Context | None:
    """Return the context of the query; None: all contexts of the account."""
    if everywhere:
        if organization is not None or project is not None:
            raise InvalidRequest("Give either 'organization' or 'everywhere', not both.")
        return None
    if organization is None:
        raise InvalidRequest("The organization is missing.")
    return call.services.organizations.resolve_context(call.actor, organization, project)


ListContext = Annotated[Context | None, Depends(_resolve_list_context)]


@router.get("", responses=error_responses(NotFound, NotPermitted))
def list_jobs(
    call: Call,
    context: ListContext,
    *,
    asked: JobPageOf,
    state: Annotated[JobStateName | None, Query(description="Only in this state.")] = None,
    type: Annotated[  # noqa: A002 - the word of the specification
        JobTypeName | None, Query(description="Only of this type.")
    ] = None,
    process: Annotated[
        GivenGuid | None, Query(description="GUID of a process: only its jobs.")
    ] = None,
    brief: Annotated[
        bool,
        Query(description="Without arguments, environment, secrets, resources and output."),
    ] = False,
    mine: Annotated[bool, Query(description="Only jobs that the account submitted.")] = False,
    search: Annotated[
        str | None,
        Query(max_length=200, description="Only with this text in name, reason or status text."),
    ] = None,
) -> JobPage:
    """Jobs of exactly this context, or of all contexts of the account, newest first."""
    wanted = JobFilter(
        state=None if state is None else JobState(state),
        type=None if type is None else JobType(type),
        process_id=None if process is None else parse_guid(process),
        submitted_by=call.actor.email if mine else None,
        search=search or None,
        before=None if asked.after is None else _read_id(asked.after),
    )
    # One more than asked for tells whether there is a next page.
    jobs, most = call.services.jobs, asked.limit + 1
    if context is None:
        named = jobs.list_everywhere(call.actor, wanted, limit=most, brief=brief)
        views = [view_named_job(job) for job in named]
    else:
        found = jobs.list_jobs(call.actor, context, wanted, limit=most, brief=brief)
        views = [view_job(job) for job in found]
    page, following = _NEWEST_FIRST.cut_read(views, asked.limit)
    return JobPage(items=page, next=following)


def _read_id(after: str) -> int:
    [job_id] = _NEWEST_FIRST.read_cursor(after)
    return max(int(str(job_id)), 0)


@router.get("/{job}/why", responses=error_responses(NotFound))
def explain_job(call: Call, job: JobPath) -> JobExplanation:
    """Why a job is in its state: one code, one sentence, the time of each phase, and a hint."""
    found = call.services.jobs.get(call.actor, job)
    return view_explanation(found, call.services.job_waiting.explain(found))


@router.get("/{job}", responses=error_responses(NotFound, Busy, TooManyRequests))
async def get_job(
    call: Call,
    *,
    board: BoardOf,
    reading: JobReadingOf,
    costly: CostlyOf,
    request: Request,
    job: JobPath,
    wait_seconds: Annotated[
        float,
        Query(
            ge=0, le=_LONGEST_WAIT_SECONDS, description="Answer at the job's end, or after this."
        ),
    ] = 0.0,
) -> JobView:
    """One job."""
    if wait_seconds:
        with costly.streams.take(sender_of(request)):
            found = await wait_for_end(reading, call.actor, board, job, wait_seconds)
    else:
        found = await run_in_threadpool(call.services.jobs.get, call.actor, job)
    if found.state is not JobState.PENDING:
        return view_job(found)
    return view_job(found, await reading.waiting(found))


@router.post("/{job}/stop", responses=error_responses(NotFound, NotPermitted, StorageFull))
def stop_job(call: Call, job: JobPath) -> JobView:
    """Stop a job; an ended job stays unchanged."""
    return view_job(call.services.jobs.stop(call.actor, job))


@router.get("/{job}/output", responses=error_responses(NotFound))
def get_job_output(call: Call, job: JobPath) -> dict[str, Any]:
    """Output of the job's code."""
    return dict(call.services.jobs.get_output(call.actor, job))
