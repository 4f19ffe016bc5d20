"""Endpoints for organizations, projects and members."""

from typing import Annotated

from fastapi import APIRouter, Query

from au2.domain.errors import Conflict, NotFound, NotPermitted, StorageFull, TooLarge
from au2.domain.identity import Action
from au2.http.dependencies import Call, ContextCall, is_operator, may, may_in_organization
from au2.http.errors import error_responses
from au2.http.request_body import json_body
from au2.http.v1.views import view, view_member, view_new_member, view_project
from au2.wire.account import (
    Creation,
    MemberAdded,
    MemberAddition,
    MemberView,
    NameChange,
    OrganizationView,
    ProjectView,
)

router = APIRouter(prefix="/organizations", tags=["organization"])
members = APIRouter(prefix="/members", tags=["member"])
OrganizationBody = Annotated[Creation, json_body(Creation, after=is_operator)]
ProjectBody = Annotated[
    Creation, json_body(Creation, after=may_in_organization(Action.CREATE_PROJECT))
]
OrganizationChangeBody = Annotated[
    NameChange, json_body(NameChange, after=may_in_organization(Action.UPDATE_ORGANIZATION))
]
ProjectChangeBody = Annotated[
    NameChange, json_body(NameChange, after=may_in_organization(Action.UPDATE_PROJECT))
]
ConfirmedName = Annotated[
    str | None,
    Query(max_length=200, description="Its name: deletes all that is in it, too."),
]
MemberAdditionBody = Annotated[
    MemberAddition, json_body(MemberAddition, after=may(Action.MANAGE_MEMBERS))
]


@router.get("")
def list_organizations(call: Call) -> list[OrganizationView]:
    """Organizations in which the account has a role."""
    return [
        view(OrganizationView, found)
        for found in call.services.organizations.list_organizations(call.actor)
    ]


@router.post(
    "", status_code=201, responses=error_responses(NotPermitted, Conflict, TooLarge, StorageFull)
)
def create_organization(call: Call, body: OrganizationBody) -> OrganizationView:
    """Create an organization and become its admin. For operators."""
    return view(
        OrganizationView, call.services.organizations.create_organization(call.actor, body.name)
    )


@router.get("/{organization}", responses=error_responses(NotFound))
def get_organization(call: Call, organization: str) -> OrganizationView:
    """One organization."""
    return view(
        OrganizationView, call.services.organizations.get_organization(call.actor, organization)
    )


@router.patch(
    "/{organization}",
    responses=error_responses(NotFound, NotPermitted, Conflict, TooLarge, StorageFull),
)
def update_organization(
    call: Call, organization: str, body: OrganizationChangeBody
) -> OrganizationView:
    """Give an organization another name. For its admins."""
    changes = call.services.organization_changes
    return view(OrganizationView, changes.rename_organization(call.actor, organization, body.name))


@router.delete(
    "/{organization}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def delete_organization(call: Call, organization: str, name: ConfirmedName = None) -> None:
    """Delete an organization without unfinished jobs; if something is in it, its name is needed.

    Records and logs of its jobs stay on the server. For its admins.
    """
    call.services.organization_changes.delete_organization(call.actor, organization, name=name)


@router.patch(
    "/{organization}/projects/{project}",
    responses=error_responses(NotFound, NotPermitted, Conflict, TooLarge, StorageFull),
)
def update_project(
    call: Call, organization: str, project: str, body: ProjectChangeBody
) -> ProjectView:
    """Give a project another name. For admins of the organization."""
    changes = call.services.organization_changes
    return view_project(changes.rename_project(call.actor, organization, project, body.name))


@router.delete(
    "/{organization}/projects/{project}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def delete_project(call: Call, organization: str, project: str, name: ConfirmedName = None) -> None:
    """Delete a project without unfinished jobs; if something is in it, its name is needed.

    Records and logs of its jobs stay. For admins of the organization.
    """
    call.services.organization_changes.delete_project(call.actor, organization, project, name=name)


@router.get("/{organization}/projects", responses=error_responses(NotFound))
def list_projects(call: Call, organization: str) -> list[ProjectView]:
    """Projects of the organization visible to the account."""
    found = call.services.organizations.list_projects(call.actor, organization)
    return [view_project(project) for project in found]


@router.post(
    "/{organization}/projects",
    status_code=201,
    responses=error_responses(NotFound, NotPermitted, Conflict, TooLarge, StorageFull),
)
def create_project(call: Call, organization: str, body: ProjectBody) -> ProjectView:
    """Create a project."""
    return view_project(
        call.services.organizations.create_project(call.actor, organization, body.name)
    )


@members.get("", responses=error_responses(NotFound, NotPermitted))
def list_members(call: ContextCall) -> list[MemberView]:
    """Members with a role that reaches the context."""
    return [
        view_member(member)
        for member in call.services.members.list_members(call.actor, call.context)
    ]


@members.post(
    "",
    status_code=201,
    responses=error_responses(NotFound, NotPermitted, Conflict, TooLarge, StorageFull),
)
def add_member(call: ContextCall, body: MemberAdditionBody) -> MemberAdded:
    """Give a user a role. A new user's first password is shown in this response only."""
    return view_new_member(
        call.services.members.add(call.actor, call.context, body.email, body.role)
    )


@members.delete(
    "/{email}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def remove_member(call: ContextCall, email: str) -> None:
    """Remove a user's role in exactly this context."""
    call.services.members.remove(call.actor, call.context, email)
