"""Dependencies of endpoints: use cases, actor, context, and rights checked before a body."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from au2.app.lookup import ensure_may, ensure_may_in
from au2.app.organizations import ensure_operator
from au2.app.services import Services
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor
from au2.domain.errors import NotAuthenticated
from au2.http.audit_log import note_actor
from au2.http.concurrency import CostlyRequests
from au2.http.job_watching import JobReading
from au2.http.noticeboard import NoticeBoard
from au2.http.parameters import (
    FencingToken,
    OrganizationId,
    OrganizationPath,
    ProcessPath,
    ProjectId,
    UploadPath,
)
from au2.stores.logs.protocol import LogStore

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A login token (POST /api/v1/login) or a managed token (POST /api/v1/tokens).",
)


def _from_state(name: str) -> Any:
    """Return the dependency on an object in the application's state."""

    async def get(request: Request) -> Any:
        return getattr(request.app.state, name)

    return Depends(get)


ServicesOf = Annotated[Services, _from_state("services")]
LogsOf = Annotated[LogStore, _from_state("logs")]
BoardOf = Annotated[NoticeBoard, _from_state("board")]
JobReadingOf = Annotated[JobReading, _from_state("reading")]
CostlyOf = Annotated[CostlyRequests, _from_state("costly")]


def get_actor(
    request: Request,
    services: ServicesOf,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Actor:
    """Return the actor of a request. Raises NotAuthenticated."""
    if credentials is None:
        raise NotAuthenticated(hint="Log in: au2 login")
    actor = services.accounts.authenticate(credentials.credentials)
    note_actor(request, actor)
    return actor


CurrentActor = Annotated[Actor, Depends(get_actor)]


def _resolve_context(
    services: ServicesOf,
    actor: CurrentActor,
    organization: OrganizationId,
    project: ProjectId | None = None,
) -> Context:
    return services.organizations.resolve_context(actor, organization, project)


CurrentContext = Annotated[Context, Depends(_resolve_context)]
"""Context of the query: organization and project belong together and are visible to the actor."""


class AuthenticatedCall(NamedTuple):
    """Use cases for an endpoint, and the actor of its request."""

    services: Services
    actor: Actor


class AuthenticatedContextCall(NamedTuple):
    """Use cases for an endpoint, the actor of its request, and the context of the query."""

    services: Services
    actor: Actor
    context: Context


async def _get_call(services: ServicesOf, actor: CurrentActor) -> AuthenticatedCall:
    return AuthenticatedCall(services, actor)


async def _get_context_call(
    services: ServicesOf, actor: CurrentActor, context: CurrentContext
) -> AuthenticatedContextCall:
    return AuthenticatedContextCall(services, actor, context)


Call = Annotated[AuthenticatedCall, Depends(_get_call)]
"""Every endpoint takes it or :data:`ContextCall`, but those for health and login."""
ContextCall = Annotated[AuthenticatedContextCall, Depends(_get_context_call)]


def may_make(action: Action) -> Callable[..., None]:
    """Allow actors whose role in the context itself permits ``action``: creation there."""

    def check(actor: CurrentActor, context: CurrentContext) -> None:
        ensure_may_in(actor, action, context)

    return check


def may(action: Action) -> Callable[..., None]:
    """Allow actors who are permitted ``action`` on objects of the context."""

    def check(actor: CurrentActor, context: CurrentContext) -> None:
        ensure_may(actor, action, context)

    return check


def may_change_process(action: Action) -> Callable[..., None]:
    """Allow actors who are permitted ``action`` on the process in the path."""

    def check(services: ServicesOf, actor: CurrentActor, process: ProcessPath) -> None:
        services.processes.authorize(actor, process, action)

    return check


def is_operator(actor: CurrentActor) -> None:
    """Allow operators."""
    ensure_operator(actor)


def may_in_organization(action: Action) -> Callable[..., None]:
    """Allow actors who are permitted ``action`` in the organization in the path."""

    def check(services: ServicesOf, actor: CurrentActor, organization: OrganizationPath) -> None:
        context = services.organizations.resolve_context(actor, organization, None)
        ensure_may(actor, action, context)

    return check


def sends_image(
    services: ServicesOf, actor: CurrentActor, upload: UploadPath, fencing_token: FencingToken
) -> None:
    """Allow the sender of the image upload in the path, with its fencing token."""
    services.image_uploads.authorize(actor, upload, fencing_token)
