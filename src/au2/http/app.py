"""HTTP application: routes, limits, lifespan and OpenAPI document."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from au2.app.services import Services
from au2.domain.errors import Au2Error, DatabaseUnavailable, InvalidRequest, NotAuthenticated
from au2.http import document, errors, sdk
from au2.http.allowed_methods import AllowedMethods
from au2.http.concurrency import CostlyRequests
from au2.http.created import PREFIX
from au2.http.document import complete_document
from au2.http.job_watching import JobReading
from au2.http.noticeboard import NoticeBoard
from au2.http.path_prefix import LocationPrefix, path_prefix_of
from au2.http.registry.app import make_registry
from au2.http.request_body import BodyLimit
from au2.http.v1 import (
    accounts,
    image_uploads,
    job_logs,
    jobs,
    organizations,
    package_uploads,
    processes,
    runtimes,
    secrets,
    version_archives,
    versions,
)
from au2.stores.logs.protocol import LogStore
from au2.stores.notices import Notices
from au2.wire.base import ResponseType

REGISTRY = "/v2"
"""Prefix of every registry (distribution specification)."""
_PRIVATE = (
    accounts.router,
    organizations.router,
    organizations.members,
    runtimes.router,
    processes.router,
    versions.router,
    version_archives.router,
    package_uploads.router,
    image_uploads.router,
    jobs.router,
    job_logs.router,
    secrets.router,
)


_SMALL = frozenset({f"{PREFIX}/login", f"{PREFIX}/tokens", f"{PREFIX}/account/password"})
"""Paths with short bodies, open to users without a role or login."""
_SMALL_BODY_BYTES = 16 << 10


_health = APIRouter(tags=["health"])


class Health(ResponseType):
    """Liveness of the server."""

    status: Literal["ok"]
    """The server answers."""
    version: str
    """Version of the software."""


@_health.get("/health")
async def get_health(request: Request) -> Health:
    """Liveness and version of the server."""
    return Health(status="ok", version=request.app.version)


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """Limits set by the operator, version and address of the server."""

    version: str = "0"
    max_body_bytes: int = 2 << 20
    """Largest JSON body."""
    max_file_list_bytes: int = 64 << 20
    """Largest list of files."""
    max_contract_bytes: int = 4 << 20
    """Largest body of a new image version: two schemas and an environment."""
    external_url: str | None = None
    """Address of this server in names of images, and the path prefix of ``Location``; None: the
    request's ``Host``, and no prefix."""


def make_app(
    services: Services,
    notices: Notices,
    logs: LogStore,
    options: ApiOptions | None = None,
    *,
    stopping: threading.Event | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        services: the use cases.
        notices: this application becomes their only receiver and does not close them.
        logs: store of jobs' logs.
        options: limits, version and address.
        stopping: once set, waiting requests are answered and streams end, so that their clients
            come back later.
    """
    chosen = options or ApiOptions()
    prefix = path_prefix_of(chosen.external_url)
    board = NoticeBoard(notices, stopping or threading.Event())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        board.open()
        yield
        board.close()

    app = FastAPI(
        title="au2",
        summary="Processes, their versions, and the jobs that run them.",
        description=document.DESCRIPTION,
        license_info=document.LICENSE,
        openapi_tags=document.TAGS,
        servers=[{"url": prefix or "/", "description": "The server that gives out this document."}],
        version=chosen.version,
        openapi_url=f"{PREFIX}/openapi.json",
        # Their pages load scripts from other sites.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_name_operation,
        lifespan=lifespan,
    )
    app.state.services = services
    app.state.logs = logs
    app.state.board = board
    app.state.external_url = chosen.external_url
    app.state.costly = costly = CostlyRequests()
    app.state.reading = reading = JobReading(services, logs)
    app.add_middleware(BodyLimit, limit_of=_make_limits(chosen))
    if prefix:
        app.add_middleware(LocationPrefix, prefix=prefix)
    errors.install(app)
    _add_routes(app)
    complete_document(app, (accounts.public, *_PRIVATE), small_bodies=_SMALL)
    registry = make_registry(services, board, costly, external_url=chosen.external_url)
    registry.state.reading = reading
    app.mount(REGISTRY, registry)
    app.router.routes.append(Route(REGISTRY, _SlashAdded(registry)))
    return app


@dataclass(frozen=True, slots=True)
class _SlashAdded:
    """ASGI application: the registry at its prefix without a slash, where some clients ask.

    A redirect would cost them the token.
    """

    registry: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as at ``/v2/``."""
        root = scope.get("root_path", "") + REGISTRY
        path = {"path": f"{root}/", "raw_path": f"{root}/".encode(), "root_path": root}
        await self.registry({**scope, **path}, receive, send)


def _name_operation(route: APIRoute) -> str:
    return route.name


def _make_limits(options: ApiOptions) -> Any:
    def limit_of(method: str, path: str) -> int | None:
        if path == REGISTRY or path.startswith(f"{REGISTRY}/"):
            return None  # Blobs stream, and the rest is bounded where it is read.
        if path in _SMALL:
            return min(_SMALL_BODY_BYTES, options.max_body_bytes)
        if path in {f"{PREFIX}/uploads", f"{PREFIX}/uploads/compare"}:
            return options.max_file_list_bytes
        if path.startswith(f"{PREFIX}/processes/") and path.endswith("/versions"):
            return options.max_contract_bytes
        if path.startswith(f"{PREFIX}/image-uploads/"):
            # Streams are bounded by their receiver; a list of blobs by this limit.
            return None if method in {"PATCH", "PUT"} else options.max_body_bytes
        is_contents = path.startswith(f"{PREFIX}/uploads/") and path.endswith("/contents")
        return None if method == "PUT" and is_contents else options.max_body_bytes

    return limit_of


def _add_routes(app: FastAPI) -> None:
    public = errors.error_responses(Au2Error)
    app.include_router(_health, prefix=PREFIX, responses=public)
    app.include_router(accounts.public, prefix=PREFIX, responses=public)
    private = errors.error_responses(
        NotAuthenticated, InvalidRequest, Au2Error, DatabaseUnavailable
    )
    for router in _PRIVATE:
        app.include_router(router, prefix=PREFIX, responses=private)
    app.include_router(sdk.router)
    routers = ((PREFIX, router) for router in (_health, accounts.public, *_PRIVATE))
    app.state.allowed_methods = AllowedMethods([*routers, ("", sdk.router)])
