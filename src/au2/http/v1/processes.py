"""Endpoints for processes."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from au2.domain.accounts.identity import Action
from au2.domain.errors import Conflict, NotFound, NotPermitted, StorageFull, TooLarge
from au2.domain.processes.version import Process
from au2.http.created import created, set_location
from au2.http.dependencies import Call, ContextCall, may_change_process, may_make
from au2.http.errors import error_responses
from au2.http.paging import Order, PageOf
from au2.http.parameters import ProcessPath
from au2.http.request_body import json_body
from au2.http.v1.views import view_process
from au2.wire.process import ProcessCreation, ProcessPage, ProcessUpdate, ProcessView

router = APIRouter(prefix="/processes", tags=["process"])
ProcessCreationBody = Annotated[
    ProcessCreation, json_body(ProcessCreation, after=may_make(Action.CREATE_PROCESS))
]
ProcessUpdateBody = Annotated[
    ProcessUpdate, json_body(ProcessUpdate, after=may_change_process(Action.UPDATE_PROCESS))
]
_ORDER = Order[Process](
    *(str, datetime, str), key=lambda process: (process.name, process.created_at, process.id)
)


@router.get("", responses=error_responses(NotFound, NotPermitted))
def list_processes(
    call: ContextCall,
    asked: PageOf,
    name: Annotated[str | None, Query(max_length=200, description="Only of this name.")] = None,
    tag: Annotated[str | None, Query(max_length=200, description="Only with this tag.")] = None,
    *,
    overview: Annotated[
        bool, Query(description="With newest and published version, and the last run here.")
    ] = False,
) -> ProcessPage:
    """Processes visible in the context, by name."""
    processes = call.services.processes
    page, following = _ORDER.read(
        asked,
        lambda after, limit: processes.list_processes(
            call.actor, call.context, name=name, tag=tag, after=after, limit=limit
        ),
    )
    summaries = processes.summarize(call.actor, call.context, page) if overview else {}
    views = [view_process(process, summaries.get(process.id)) for process in page]
    return ProcessPage(items=views, next=following)


@router.post(
    "",
    status_code=201,
    responses=created("The new process.")
    | error_responses(NotFound, NotPermitted, TooLarge, StorageFull),
)
def create_process(call: ContextCall, body: ProcessCreationBody, response: Response) -> ProcessView:
    """Create a process without versions."""
    process = call.services.processes.create(
        call.actor, call.context, body.name, description=body.description, tags=body.tags
    )
    set_location(response, "processes", process.id)
    return view_process(process)


@router.get("/{process}", responses=error_responses(NotFound))
def get_process(call: Call, process: ProcessPath) -> ProcessView:
    """One process."""
    return view_process(call.services.processes.get(call.actor, process))


@router.patch(
    "/{process}", responses=error_responses(NotFound, NotPermitted, TooLarge, StorageFull)
)
def update_process(call: Call, process: ProcessPath, body: ProcessUpdateBody) -> ProcessView:
    """Change the given fields."""
    updated = call.services.processes.update(
        call.actor, process, name=body.name, description=body.description, tags=body.tags
    )
    return view_process(updated)


@router.delete(
    "/{process}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def delete_process(call: Call, process: ProcessPath) -> None:
    """Delete a process; its jobs' records stay."""
    call.services.processes.delete(call.actor, process)
