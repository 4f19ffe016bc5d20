"""Versions given back, as archives that are made while they travel."""

import re
from collections.abc import Generator
from contextlib import closing
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from au2.app.services import Services
from au2.app.versions.archives import OpenArchive
from au2.domain.errors import BlobMissing, Busy, Conflict, InvalidRequest, NotFound
from au2.domain.identity import Actor
from au2.http.dependencies import CurrentActor, ServicesOf, VersionNumber
from au2.http.errors import Responses, error_responses
from au2.http.streaming import StreamingResult

router = APIRouter(prefix="/processes/{process}/versions", tags=["version"])

_MEDIA_TYPE = "application/x-tar"
_PIECE_BYTES = 1 << 20
_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?"
)
_USUAL_PORTS = {"http": 80, "https": 443}


def _archive(description: str) -> Responses:
    content = {_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": description, "content": content}}


@router.get(
    "/{version}/archive",
    response_class=Response,
    responses=_archive("What `docker load` takes, and an OCI image layout at the same time.")
    | error_responses(NotFound, Conflict, InvalidRequest, BlobMissing, Busy),
)
def download_image(
    services: ServicesOf,
    actor: CurrentActor,
    process: str,
    version: VersionNumber,
    request: Request,
) -> Response:
    """The image of a version, named after this server: as its operator says, or the request."""
    external_url: str | None = request.app.state.external_url
    if external_url is None:
        server = name_server(request.headers.get("host", ""), request.url.scheme)
    else:
        stated = urlsplit(external_url)
        server = name_server(stated.netloc, stated.scheme)
    archive = services.version_archives.open_image(actor, process, version, server)
    what = f"the image of version {version} of process {process}"
    return _answer(archive, what, services, actor)


@router.get(
    "/{version}/package",
    response_class=Response,
    responses=_archive("The files of the package, as they were uploaded.")
    | error_responses(NotFound, Conflict, InvalidRequest, BlobMissing, Busy),
)
def download_package(
    services: ServicesOf, actor: CurrentActor, process: str, version: VersionNumber
) -> Response:
    """The package that a version was made of."""
    archive = services.version_archives.open_package(actor, process, version)
    what = f"the package of version {version} of process {process}"
    return _answer(archive, what, services, actor)


def name_server(host: str, scheme: str) -> str:
    """Return how the names of images begin on the server that a ``Host`` header or a URL names.

    Docker takes the first part of a name for a server only if it holds a dot or a port, and before
    version 24 knows no IPv6 addresses.

    Raises:
        InvalidRequest: no name of an image can begin so.
    """
    name = host.lower()
    if not _HOST.fullmatch(name):
        raise InvalidRequest(f"{host[:100]!r} is not the name of a server.")
    if name == "[::1]" or name.startswith("[::1]:"):
        name = name.replace("[::1]", "localhost", 1)
    if "." in name or ":" in name or name == "localhost":
        return name
    return f"{name}:{_USUAL_PORTS[scheme]}"


def _answer(archive: OpenArchive, what: str, services: Services, actor: Actor) -> Response:
    return StreamingResult(
        _gathered(archive),
        media_type=_MEDIA_TYPE,
        headers={"Content-Length": str(archive.size_bytes), "Cache-Control": "no-store"},
        what=what,
        during=services.decompression.reading(actor) if archive.unpacks else None,
    )


def _gathered(archive: OpenArchive) -> Generator[bytes, None, None]:
    """Yield the archive in large pieces: each costs a turn of a thread."""
    waiting: list[bytes] = []
    waiting_bytes = 0
    with closing(archive.blocks()) as blocks:
        for block in blocks:
            waiting.append(block)
            waiting_bytes += len(block)
            if waiting_bytes >= _PIECE_BYTES:
                yield b"".join(waiting)
                waiting, waiting_bytes = [], 0
    if waiting:
        yield b"".join(waiting)
