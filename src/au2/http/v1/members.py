"""Members of a context."""

from typing import Annotated

from fastapi import APIRouter

from au2.domain.errors import Conflict, NotFound, NotPermitted, StorageFull, TooLarge
from au2.domain.identity import Action
from au2.http.dependencies import CurrentActor, CurrentContext, ServicesOf
from au2.http.errors import error_responses
from au2.http.json_body import json_body
from au2.http.permissions import may
from au2.http.v1.views import view_member, view_new_member
from au2.wire.organization import MemberAdded, MemberAddition, MemberView

router = APIRouter(prefix="/members", tags=["member"])
MemberAdditionBody = Annotated[
    MemberAddition, json_body(MemberAddition, after=may(Action.MANAGE_MEMBERS))
]


@router.get("", responses=error_responses(NotFound, NotPermitted))
def list_members(
    services: ServicesOf, actor: CurrentActor, context: CurrentContext
) -> list[MemberView]:
    """Who has a role that reaches the context."""
    return [view_member(member) for member in services.members.list_members(actor, context)]


@router.post(
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


@router.delete(
    "/{email}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def remove_member(
    services: ServicesOf, actor: CurrentActor, context: CurrentContext, email: str
) -> None:
    """Take somebody's role in exactly this context away."""
    services.members.remove(actor, context, email)
