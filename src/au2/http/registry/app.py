"""Registry application below ``/v2``, with the paths and errors of the specification."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from au2.app.services import Services
from au2.domain.errors import Au2Error
from au2.http.concurrency import CostlyRequests
from au2.http.noticeboard import NoticeBoard
from au2.http.registry import blobs, errors, manifests, tokens, uploads
from au2.http.registry.access import actor_of

_UPLOADS = "/{name:path}/blobs/uploads"
_BLOB = "/{name:path}/blobs/{digest}"
_MANIFEST = "/{name:path}/manifests/{reference}"


def make_registry(
    services: Services, board: NoticeBoard, costly: CostlyRequests, *, external_url: str | None
) -> Starlette:
    """Return the application for ``/v2``.

    Args:
        services: the use cases.
        board: notices about the ends of imports.
        costly: concurrency limits, shared with the API.
        external_url: address of this server; None: as in the request's ``Host``.
    """
    app = Starlette(
        routes=[
            Route("/", check_version, methods=["GET"]),
            Route("/token", tokens.get_token, methods=["GET"]),
            Route("/token", tokens.post_token, methods=["POST"]),
            # With and without the slash at the end: clients differ.
            Route(f"{_UPLOADS}/", uploads.begin_upload, methods=["POST"]),
            Route(_UPLOADS, uploads.begin_upload, methods=["POST"]),
            Route(f"{_UPLOADS}/{{upload}}", uploads.show_upload, methods=["GET"]),
            Route(f"{_UPLOADS}/{{upload}}", uploads.receive_chunk, methods=["PATCH"]),
            Route(f"{_UPLOADS}/{{upload}}", uploads.finish_upload, methods=["PUT"]),
            Route(f"{_UPLOADS}/{{upload}}", uploads.cancel_upload, methods=["DELETE"]),
            Route(_BLOB, blobs.get_blob, methods=["GET"]),
            Route(_BLOB, blobs.delete_blob, methods=["DELETE"]),
            Route(_MANIFEST, manifests.get_manifest, methods=["GET"]),
            Route(_MANIFEST, manifests.put_manifest, methods=["PUT"]),
            Route(_MANIFEST, manifests.delete_manifest, methods=["DELETE"]),
            Route("/{name:path}/tags/list", manifests.list_tags, methods=["GET"]),
            Route("/{name:path}/referrers/{digest}", manifests.list_referrers, methods=["GET"]),
        ],
        exception_handlers={
            errors.RegistryError: errors.answer_registry,
            Au2Error: errors.answer_own,
            HTTPException: errors.answer_unrouted,
            ClientDisconnect: errors.answer_nobody,
            Exception: errors.answer_unexpected,
        },
    )
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.board = board
    app.state.costly = costly
    app.state.external_url = external_url
    return app


async def check_version(request: Request) -> Response:
    """``GET /v2/`` (end-1): confirm the protocol and the login."""
    await actor_of(request)
    return JSONResponse({}, headers={"Docker-Distribution-API-Version": "registry/2.0"})
