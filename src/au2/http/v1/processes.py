"""Processes."""

from typing import Annotated

from fastapi import APIRouter, Query

from au2.domain.errors import Conflict, NotFound, NotPermitted, StorageFull, TooLarge
from au2.domain.identity import Action
from au2.http.dependencies import (
    CurrentActor,
    CurrentContext,
    ServicesOf,
    may_change_process,
    may_make,
)
from au2.http.errors import error_responses
from au2.http.request_body import json_body
from au2.http.v1.views import view_process
from au2.wire.process import ProcessCreation, ProcessUpdate, ProcessView

router = APIRouter(prefix="/processes", tags=["process"])
ProcessCreationBody = Annotated[
    ProcessCreation, json_body(ProcessCreation, after=may_make(Action.CREATE_PROCESS))
]
ProcessUpdateBody = Annotated[
    ProcessUpdate, json_body(ProcessUpdate, after=may_change_process(Action.UPDATE_PROCESS))
]


@router.get("", responses=error_responses(NotFound, NotPermitted))
def list_processes(
    services: ServicesOf,
    actor: CurrentActor,
    context: CurrentContext,
    name: Annotated[str | None, Query(max_length=200)] = None,
    tag: Annotated[str | None, Query(max_length=200)] = None,
) -> list[ProcessView]:
    """Processes that can be used in the context, by name."""
    found = services.processes.list_processes(actor, context, name=name, tag=tag)
    return [view_process(process) for process in found]


@router.post(
    "", status_code=201, responses=error_responses(NotFound, NotPermitted, TooLarge, StorageFull)
)
def create_process(
    services: ServicesOf,
    actor: CurrentActor,
    context: CurrentContext,
    body: ProcessCreationBody,
) -> ProcessView:
    """Make a process without versions."""
    process = services.processes.create(
        actor, context, body.name, description=body.description, tags=body.tags
    )
    return view_process(process)


@router.get("/{process}", responses=error_responses(NotFound))
def get_process(services: ServicesOf, actor: CurrentActor, process: str) -> ProcessView:
    """One process."""
    return view_process(services.processes.get(actor, process))


@router.patch(
    "/{process}", responses=error_responses(NotFound, NotPermitted, TooLarge, StorageFull)
)
def update_process(
    services: ServicesOf,
    actor: CurrentActor,
    process: str,
    body: ProcessUpdateBody,
) -> ProcessView:
    """Change what is given."""
    updated = services.processes.update(
        actor, process, name=body.name, description=body.description, tags=body.tags
    )
    return view_process(updated)


@router.delete(
    "/{process}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def delete_process(services: ServicesOf, actor: CurrentActor, process: str) -> None:
    """Delete a process; its jobs' records stay."""
    services.processes.delete(actor, process)
