"""Endpoints for organizations, projects and members."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from au2.domain.accounts.account import Member, Organization, Project
from au2.domain.accounts.identity import Action
from au2.domain.errors import Conflict, NotFound, NotPermitted, StorageFull, TooLarge
from au2.http.created import created, set_location
from au2.http.dependencies import Call, ContextCall, is_operator, may, may_in_organization
from au2.http.errors import error_responses
from au2.http.paging import Order, PageOf
from au2.http.parameters import EmailPath, OrganizationPath, ProjectPath
from au2.http.request_body import json_body
from au2.http.v1.views import view, view_member, view_new_member, view_project
from au2.wire.account import (
    Creation,
    MemberAdded,
    MemberAddition,
    MemberPage,
    MemberView,
    NameChange,
    OrganizationPage,
    OrganizationView,
    ProjectPage,
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
_ORDER = Order[Organization](str, str, key=lambda found: (found.name, found.id))
_PROJECTS = Order[Project](str, str, key=lambda project: (project.name, project.id))
_MEMBERS = Order[Member](
    str, str, key=lambda member: (member.email, member.membership.context.project_id or "")
)


@router.get("")
def list_organizations(call: Call, asked: PageOf) -> OrganizationPage:
    """Organizations in which the account has a role, by name."""
    found = call.services.organizations.list_organizations(call.actor)
    return _ORDER.page(OrganizationPage, found, asked, partial(view, OrganizationView))


@router.post(
    "",
    status_code=201,
    responses=created("The new organization.")
    | error_responses(NotPermitted, Conflict, TooLarge, StorageFull),
)
def create_organization(call: Call, body: OrganizationBody, response: Response) -> OrganizationView:
    """Create an organization and become its admin. For operators."""
    new = call.services.organizations.create_organization(call.actor, body.name)
    set_location(response, "organizations", new.id)
    return view(OrganizationView, new)


@router.get("/{organization}", responses=error_responses(NotFound))
def get_organization(call: Call, organization: OrganizationPath) -> OrganizationView:
    """One organization."""
    return view(
        OrganizationView, call.services.organizations.get_organization(call.actor, organization)
    )


@router.patch(
    "/{organization}",
    responses=error_responses(NotFound, NotPermitted, Conflict, TooLarge, StorageFull),
)
def update_organization(
    call: Call, organization: OrganizationPath, body: OrganizationChangeBody
) -> OrganizationView:
    """Give an organization another name. For its admins."""
    changes = call.services.organization_changes
    return view(OrganizationView, changes.rename_organization(call.actor, organization, body.name))


@router.delete(
    "/{organization}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def delete_organization(
    call: Call, organization: OrganizationPath, name: ConfirmedName = None
) -> None:
    """Delete an organization without unfinished jobs; if something is in it, its name is needed.

    Records and logs of its jobs stay on the server. For its admins.
    """
    call.services.organization_changes.delete_organization(call.actor, organization, name=name)


@router.patch(
    "/{organization}/projects/{project}",
    responses=error_responses(NotFound, NotPermitted, Conflict, TooLarge, StorageFull),
)
def update_project(
    call: Call, organization: OrganizationPath, project: ProjectPath, body: ProjectChangeBody
) -> ProjectView:
    """Give a project another name. For admins of the organization."""
    changes = call.services.organization_changes
    return view_project(changes.rename_project(call.actor, organization, project, body.name))


@router.delete(
    "/{organization}/projects/{project}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def delete_project(
    call: Call, organization: OrganizationPath, project: ProjectPath, name: ConfirmedName = None
) -> None:
    """Delete a project without unfinished jobs; if something is in it, its name is needed.

    Records and logs of its jobs stay. For admins of the organization.
    """
    call.services.organization_changes.delete_project(call.actor, organization, project, name=name)


@router.get("/{organization}/projects", responses=error_responses(NotFound))
def list_projects(call: Call, organization: OrganizationPath, asked: PageOf) -> ProjectPage:
    """Projects of the organization visible to the account, by name."""
    found = call.services.organizations.list_projects(call.actor, organization)
    return _PROJECTS.page(ProjectPage, found, asked, view_project)


@router.post(
    "/{organization}/projects",
    status_code=201,
    responses=created("The new project.")
    | error_responses(NotFound, NotPermitted, Conflict, TooLarge, StorageFull),
)
def create_project(
    call: Call, organization: OrganizationPath, body: ProjectBody, response: Response
) -> ProjectView:
    """Create a project."""
    new = call.services.organizations.create_project(call.actor, organization, body.name)
    set_location(response, "organizations", new.organization_id, "projects", new.id)
    return view_project(new)


@router.get("/{organization}/projects/{project}", responses=error_responses(NotFound))
def get_project(call: Call, organization: OrganizationPath, project: ProjectPath) -> ProjectView:
    """One project."""
    organizations = call.services.organizations
    owner = organizations.resolve_context(call.actor, organization, project)
    return view_project(organizations.get_project(call.actor, owner))


@members.get("", responses=error_responses(NotFound, NotPermitted))
def list_members(call: ContextCall, asked: PageOf) -> MemberPage:
    """Members with a role that reaches the context, by email address."""
    found = call.services.members.list_members(call.actor, call.context)
    return _MEMBERS.page(MemberPage, found, asked, view_member)


@members.post(
    "",
    status_code=201,
    responses=created("The member; with the first password of a new user.")
    | error_responses(NotFound, NotPermitted, Conflict, TooLarge, StorageFull),
)
def add_member(call: ContextCall, body: MemberAdditionBody, response: Response) -> MemberAdded:
    """Give a user a role. A new user's first password is shown in this response only."""
    new = call.services.members.add(call.actor, call.context, body.email, body.role)
    set_location(response, "members", new.member.email, context=call.context)
    return view_new_member(new)


@members.get("/{email}", responses=error_responses(NotFound, NotPermitted))
def get_member(call: ContextCall, email: EmailPath) -> MemberView:
    """The member of this address with a role in exactly this context."""
    return view_member(call.services.members.get(call.actor, call.context, email))


@members.delete(
    "/{email}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def remove_member(call: ContextCall, email: EmailPath) -> None:
    """Remove a user's role in exactly this context."""
    call.services.members.remove(call.actor, call.context, email)
