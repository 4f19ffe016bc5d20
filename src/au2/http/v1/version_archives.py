"""Endpoints for downloads of versions: archives made while they are sent."""

import re
from collections.abc import Generator
from contextlib import closing
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from au2.app.services import Services
from au2.app.versions.archives import OpenArchive
from au2.domain.accounts.identity import Actor
from au2.domain.errors import BlobMissing, Busy, Conflict, InvalidRequest, NotFound
from au2.http.dependencies import Call
from au2.http.errors import LENGTH, NO_STORE, Responses, error_responses
from au2.http.paging import Order, PageOf
from au2.http.parameters import ProcessPath, VersionPath
from au2.http.streaming import StreamingResult
from au2.wire.upload import FileEntry, FilePage

router = APIRouter(prefix="/processes/{process}/versions", tags=["version"])
_ORDER = Order[FileEntry](str, key=lambda file: (file.path,))

_MEDIA_TYPE = "application/x-tar"
_CHUNK_BYTES = 1 << 20
_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?"
)
_USUAL_PORTS = {"http": 80, "https": 443}


def _archive(description: str) -> Responses:
    content = {_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
    return {
        200: {"description": description, "content": content, "headers": {**LENGTH, **NO_STORE}}
    }


@router.get(
    "/{version}/archive",
    response_class=Response,
    responses=_archive("What `docker load` takes, and an OCI image layout at the same time.")
    | error_responses(NotFound, Conflict, InvalidRequest, BlobMissing, Busy),
)
def download_image(
    call: Call, process: ProcessPath, version: VersionPath, request: Request
) -> Response:
    """The image of a version, named after the server's external URL or the request's Host."""
    external_url: str | None = request.app.state.external_url
    if external_url is None:
        server = name_server(request.headers.get("host", ""), request.url.scheme)
    else:
        stated = urlsplit(external_url)
        server = name_server(stated.netloc, stated.scheme)
    archive = call.services.version_archives.open_image(call.actor, process, version, server)
    content_name = f"the image of version {version} of process {process}"
    return _answer(archive, content_name, call.services, call.actor)


@router.get(
    "/{version}/package",
    response_class=Response,
    responses=_archive("The files of the package, as they were uploaded.")
    | error_responses(NotFound, Conflict, InvalidRequest, BlobMissing, Busy),
)
def download_package(call: Call, process: ProcessPath, version: VersionPath) -> Response:
    """The package of a version."""
    archive = call.services.version_archives.open_package(call.actor, process, version)
    content_name = f"the package of version {version} of process {process}"
    return _answer(archive, content_name, call.services, call.actor)


@router.get(
    "/{version}/files",
    responses=error_responses(NotFound, Conflict, InvalidRequest, BlobMissing),
)
def list_version_files(
    call: Call, process: ProcessPath, version: VersionPath, asked: PageOf
) -> FilePage:
    """Files of a packaged version, as they were uploaded, by path."""
    found = call.services.version_archives.list_files(call.actor, process, version)
    return _ORDER.page(FilePage, found, asked, lambda file: file)


def name_server(host: str, scheme: str) -> str:
    """Return the first part of image names for the server in a ``Host`` header or URL.

    Docker takes the first part of a name for a server only with a dot or a port, and before version
    24 knows no IPv6 addresses.

    Raises:
        InvalidRequest: no image name can begin with it.
    """
    name = host.lower()
    if not _HOST.fullmatch(name):
        raise InvalidRequest(f"{host[:100]!r} is not the name of a server.")
    if name == "[::1]" or name.startswith("[::1]:"):
        name = name.replace("[::1]", "localhost", 1)
    if "." in name or ":" in name or name == "localhost":
        return name
    return f"{name}:{_USUAL_PORTS[scheme]}"


def _answer(archive: OpenArchive, content_name: str, services: Services, actor: Actor) -> Response:
    return StreamingResult(
        _gathered(archive),
        media_type=_MEDIA_TYPE,
        headers={"Content-Length": str(archive.size_bytes), "Cache-Control": "no-store"},
        content_name=content_name,
        during=services.decompression.reading(actor) if archive.unpacks else None,
    )


def _gathered(archive: OpenArchive) -> Generator[bytes, None, None]:
    """Yield the archive in large chunks: each takes one call in a thread."""
    waiting: list[bytes] = []
    waiting_bytes = 0
    with closing(archive.blocks()) as blocks:
        for block in blocks:
            waiting.append(block)
            waiting_bytes += len(block)
            if waiting_bytes >= _CHUNK_BYTES:
                yield b"".join(waiting)
                waiting, waiting_bytes = [], 0
    if waiting:
        yield b"".join(waiting)
