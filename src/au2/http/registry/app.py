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
from au2.http.registry.methods import Methods

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
            Route("/", Methods({"GET": check_version})),
            Route("/token", Methods({"GET": tokens.get_token, "POST": tokens.post_token})),
            # With and without the slash at the end: clients differ.
            Route(f"{_UPLOADS}/", Methods({"POST": uploads.begin_upload})),
            Route(_UPLOADS, Methods({"POST": uploads.begin_upload})),
            Route(
                f"{_UPLOADS}/{{upload}}",
                Methods(
                    {
                        "GET": uploads.show_upload,
                        "PATCH": uploads.receive_chunk,
                        "PUT": uploads.finish_upload,
                        "DELETE": uploads.cancel_upload,
                    }
                ),
            ),
            Route(_BLOB, Methods({"GET": blobs.get_blob}, refused={"DELETE": blobs.delete_blob})),
            Route(
                _MANIFEST,
                Methods(
                    {
                        "GET": manifests.get_manifest,
                        "PUT": manifests.put_manifest,
                        "DELETE": manifests.delete_manifest,
                    }
                ),
            ),
            Route("/{name:path}/tags/list", Methods({"GET": manifests.list_tags})),
            Route("/{name:path}/referrers/{digest}", Methods({"GET": manifests.list_referrers})),
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
