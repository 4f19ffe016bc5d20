"""Organizations, projects and members."""

from typing import Annotated

from fastapi import APIRouter

from au2.domain.errors import Conflict, NotFound, NotPermitted, StorageFull, TooLarge
from au2.domain.identity import Action
from au2.http.dependencies import (
    CurrentActor,
    CurrentContext,
    ServicesOf,
    is_operator,
    may,
    may_make_project,
)
from au2.http.errors import error_responses
from au2.http.request_body import json_body
from au2.http.v1.views import view_member, view_new_member, view_organization, view_project
from au2.wire.account import (
    Creation,
    MemberAdded,
    MemberAddition,
    MemberView,
    OrganizationView,
    ProjectView,
)

router = APIRouter(prefix="/organizations", tags=["organization"])
members = APIRouter(prefix="/members", tags=["member"])
OrganizationBody = Annotated[Creation, json_body(Creation, after=is_operator)]
ProjectBody = Annotated[Creation, json_body(Creation, after=may_make_project)]
MemberAdditionBody = Annotated[
    MemberAddition, json_body(MemberAddition, after=may(Action.MANAGE_MEMBERS))
]


@router.get("")
def list_organizations(services: ServicesOf, actor: CurrentActor) -> list[OrganizationView]:
    """The organizations in which one has a role."""
    return [view_organization(found) for found in services.organizations.list_organizations(actor)]


@router.post("", status_code=201, responses=error_responses(NotPermitted, TooLarge, StorageFull))
def create_organization(
    services: ServicesOf,
    actor: CurrentActor,
    body: OrganizationBody,
) -> OrganizationView:
    """Make an organization and become its admin. For operators."""
    return view_organization(services.organizations.create_organization(actor, body.name))


@router.get("/{organization}", responses=error_responses(NotFound))
def get_organization(
    services: ServicesOf, actor: CurrentActor, organization: str
) -> OrganizationView:
    """One organization."""
    return view_organization(services.organizations.get_organization(actor, organization))


@router.get("/{organization}/projects", responses=error_responses(NotFound))
def list_projects(
    services: ServicesOf, actor: CurrentActor, organization: str
) -> list[ProjectView]:
    """The organization's projects, as far as one may know of them."""
    found = services.organizations.list_projects(actor, organization)
    return [view_project(project) for project in found]


@router.post(
    "/{organization}/projects",
    status_code=201,
    responses=error_responses(NotFound, NotPermitted, TooLarge, StorageFull),
)
def create_project(
    services: ServicesOf,
    actor: CurrentActor,
    organization: str,
    body: ProjectBody,
) -> ProjectView:
    """Make a project."""
    return view_project(services.organizations.create_project(actor, organization, body.name))


@members.get("", responses=error_responses(NotFound, NotPermitted))
def list_members(
    services: ServicesOf, actor: CurrentActor, context: CurrentContext
) -> list[MemberView]:
    """Who has a role that reaches the context."""
    return [view_member(member) for member in services.members.list_members(actor, context)]


@members.post(
    "",
    status_code=201,
    responses=error_responses(NotFound, NotPermitted, Conflict, TooLarge, StorageFull),
)
def add_member(
    services: ServicesOf,
    actor: CurrentActor,
    context: CurrentContext,
    body: MemberAdditionBody,
) -> MemberAdded:
    """Give somebody a role. A new user's first password is shown in this answer only."""
    return view_new_member(services.members.add(actor, context, body.email, body.role))


@members.delete(
    "/{email}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def remove_member(
    services: ServicesOf, actor: CurrentActor, context: CurrentContext, email: str
) -> None:
    """Take somebody's role in exactly this context away."""
    services.members.remove(actor, context, email)
