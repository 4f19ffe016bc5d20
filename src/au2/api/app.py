"""The HTTP application."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from au2.api import (
    accounts,
    errors,
    health,
    image_uploads,
    job_logs,
    jobs,
    members,
    organizations,
    processes,
    runtimes,
    secrets,
    uploads,
    version_archives,
    version_diffs,
    versions,
)
from au2.api.body_limit import BodyLimit
from au2.api.noticeboard import NoticeBoard
from au2.api.registry.app import make_registry
from au2.api.turns import make_password_turns
from au2.contract.upload import UploadCreation
from au2.domain.errors import Au2Error, InvalidRequest, NotAuthenticated
from au2.logs.base import LogStore
from au2.notices.base import Notices
from au2.services.services import Services

PREFIX = "/api/v1"
REGISTRY = "/v2"
"""Where registry clients look, whatever else a server has."""
_PRIVATE = (
    accounts.router,
    organizations.router,
    members.router,
    runtimes.router,
    processes.router,
    versions.router,
    version_diffs.router,
    version_archives.router,
    uploads.router,
    image_uploads.router,
    jobs.router,
    job_logs.router,
    secrets.router,
)


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """What the operator may set, and what is said of the server."""

    version: str = "0"
    max_body_bytes: int = 2 << 20
    """Largest JSON body."""
    max_file_list_bytes: int = 64 << 20
    """Largest body that begins an upload."""
    max_contract_bytes: int = 4 << 20
    """Largest body that makes an image version: two schemas and an environment."""
    external_url: str | None = None
    """How clients reach this server, for names of images; None: by what they put into ``Host``."""


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
        notices: this application becomes their only receiver; it does not close them.
        logs: where logs of jobs are read from.
        options: limits, and the version that is shown.
        stopping: once set, whoever waits is answered and streams end, for their clients to come
            back later.
    """
    chosen = options or ApiOptions()
    board = NoticeBoard(notices, stopping or threading.Event())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        board.open()
        yield
        board.close()

    app = FastAPI(
        title="au2",
        summary="Processes, their versions, and the jobs that run them.",
        version=chosen.version,
        openapi_url=f"{PREFIX}/openapi.json",
        # Their pages load scripts from elsewhere.
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
    app.state.password_turns = turns = make_password_turns()
    app.add_middleware(BodyLimit, limit_of=_make_limits(chosen))
    errors.install(app)
    _add_routes(app)
    _complete_document(app)
    app.mount(REGISTRY, make_registry(services, board, turns, external_url=chosen.external_url))
    return app


def _name_operation(route: APIRoute) -> str:
    return route.name


def _make_limits(options: ApiOptions) -> Any:
    def limit_of(method: str, path: str) -> int | None:
        if path.startswith(f"{REGISTRY}/"):
            return None  # Blobs stream, and the rest is bounded where it is read.
        if path == f"{PREFIX}/uploads":
            return options.max_file_list_bytes
        if path.startswith(f"{PREFIX}/processes/") and path.endswith("/versions"):
            return options.max_contract_bytes
        if path.startswith(f"{PREFIX}/image-uploads/"):
            # What streams is bounded where it is taken; a question names so many blobs at most.
            return None if method in {"PATCH", "PUT"} else options.max_body_bytes
        is_contents = path.startswith(f"{PREFIX}/uploads/") and path.endswith("/contents")
        return None if method == "PUT" and is_contents else options.max_body_bytes

    return limit_of


def _add_routes(app: FastAPI) -> None:
    public = errors.answers(Au2Error)
    app.include_router(health.router, prefix=PREFIX, responses=public)
    app.include_router(accounts.public, prefix=PREFIX, responses=public)
    private = errors.answers(NotAuthenticated, InvalidRequest, Au2Error)
    for router in _PRIVATE:
        app.include_router(router, prefix=PREFIX, responses=private)


def _complete_document(app: FastAPI) -> None:
    """Add the models that an endpoint parses by hand to the OpenAPI document."""
    make_document = app.openapi

    def openapi() -> dict[str, Any]:
        document = make_document()
        schema = UploadCreation.model_json_schema(ref_template="#/components/schemas/{model}")
        models = {**schema.pop("$defs"), "UploadCreation": schema}
        document["components"]["schemas"].update(models)
        return document

    app.openapi = openapi  # type: ignore[method-assign]
