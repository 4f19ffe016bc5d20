"""Dependencies of endpoints: use cases, actor, context, and rights checked before a body."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Path, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from au2.app.lookup import ensure_may, ensure_may_in
from au2.app.organizations import ensure_operator
from au2.app.services import Services
from au2.domain.context import Context
from au2.domain.errors import NotAuthenticated
from au2.domain.identity import Action, Actor
from au2.http.audit_log import note_actor
from au2.http.concurrency import CostlyRequests
from au2.http.job_watching import JobReading
from au2.http.noticeboard import NoticeBoard
from au2.stores.logs.protocol import LogStore

_GUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
LARGEST_ID = 2**63 - 1
LARGEST_OFFSET = 2**62
"""Far beyond every file, and still a number of every system when something is added to it."""
_LARGEST_FENCE = 2**31 - 1

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A login token (POST /api/v1/login) or a managed token (POST /api/v1/tokens).",
)


async def _get_services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _get_logs(request: Request) -> LogStore:
    logs: LogStore = request.app.state.logs
    return logs


async def _get_board(request: Request) -> NoticeBoard:
    board: NoticeBoard = request.app.state.board
    return board


async def _get_costly(request: Request) -> CostlyRequests:
    costly: CostlyRequests = request.app.state.costly
    return costly


async def _get_reading(request: Request) -> JobReading:
    reading: JobReading = request.app.state.reading
    return reading


ServicesOf = Annotated[Services, Depends(_get_services)]
LogsOf = Annotated[LogStore, Depends(_get_logs)]
BoardOf = Annotated[NoticeBoard, Depends(_get_board)]
JobReadingOf = Annotated[JobReading, Depends(_get_reading)]
CostlyOf = Annotated[CostlyRequests, Depends(_get_costly)]


def get_actor(
    request: Request,
    services: ServicesOf,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Actor:
    """Return who asks. Raises NotAuthenticated."""
    if credentials is None:
        raise NotAuthenticated(hint="Log in: au2 login")
    actor = services.accounts.authenticate(credentials.credentials)
    note_actor(request, actor)
    return actor


CurrentActor = Annotated[Actor, Depends(get_actor)]
"""Who asks. Every endpoint but those for health and login takes it."""

VersionNumber = Annotated[int, Path(ge=0, le=LARGEST_ID, description="Number of a version.")]
Fence = Annotated[int, Query(ge=0, le=_LARGEST_FENCE, description="The upload's fencing token.")]


def _resolve_context(
    services: ServicesOf,
    actor: CurrentActor,
    organization: Annotated[str, Query(pattern=_GUID, description="GUID of the organization.")],
    project: Annotated[
        str | None, Query(pattern=_GUID, description="GUID of a project in it.")
    ] = None,
) -> Context:
    return services.organizations.resolve_context(actor, organization, project)


CurrentContext = Annotated[Context, Depends(_resolve_context)]
"""The context that the query names, known to belong together and to be the actor's."""


def may_make(action: Action) -> Callable[..., None]:
    """Only those whose role in the context itself allows it: for what is made there."""

    def check(actor: CurrentActor, context: CurrentContext) -> None:
        ensure_may_in(actor, action, context)

    return check


def may(action: Action) -> Callable[..., None]:
    """Only those who may do it to what belongs to the context."""

    def check(actor: CurrentActor, context: CurrentContext) -> None:
        ensure_may(actor, action, context)

    return check


def may_change_process(action: Action) -> Callable[..., None]:
    """Only those who may do it to the process that the path names."""

    def check(services: ServicesOf, actor: CurrentActor, process: str) -> None:
        services.processes.authorize(actor, process, action)

    return check


def is_operator(actor: CurrentActor) -> None:
    """Only operators."""
    ensure_operator(actor)


def may_make_project(services: ServicesOf, actor: CurrentActor, organization: str) -> None:
    """Only admins of the organization that the path names."""
    context = services.organizations.resolve_context(actor, organization, None)
    ensure_may(actor, Action.CREATE_PROJECT, context)


def sends_image(services: ServicesOf, actor: CurrentActor, upload: str, fence: Fence) -> None:
    """Only the sender of the image whose upload the path names, at this fencing token."""
    services.image_uploads.authorize(actor, upload, fence)
