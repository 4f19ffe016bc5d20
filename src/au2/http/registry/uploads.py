"""Sending blobs, in one request or in many."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from au2.app.registry.blobs import RegistryReceiver
from au2.domain.errors import InvalidRequest
from au2.domain.identity import Actor
from au2.domain.repository import Repository, parse_repository
from au2.http.body_stream import read_pieces
from au2.http.registry.access import actor_of, ensure_digest, repository_of, services_of
from au2.http.registry.content_range import ContentRange, upload_headers
from au2.http.registry.errors import UPLOAD_UNKNOWN, unknown_as


async def begin_upload(request: Request) -> Response:
    """``POST /v2/<name>/blobs/uploads/`` (end-4a, end-4b, end-11): begin, send whole, or mount."""
    services, repository = services_of(request), repository_of(request)
    actor = await actor_of(request)
    query = request.query_params
    blobs = services.repository_blobs
    if "mount" in query:
        digest, source = ensure_digest(query["mount"]), _read_source(query.get("from", ""))
        if await run_in_threadpool(blobs.mount, actor, repository, digest, source):
            return _created(repository, digest)
    upload = await run_in_threadpool(blobs.begin, actor, repository)
    if "digest" in query:
        return await _finish(request, actor, repository, upload.id, query["digest"])
    return _accepted(202, repository, upload.id, 0)


async def show_upload(request: Request) -> Response:
    """``GET /v2/<name>/blobs/uploads/<id>`` (end-13): how much has come."""
    services, repository = services_of(request), repository_of(request)
    actor = await actor_of(request)
    with unknown_as(UPLOAD_UNKNOWN):
        upload = await run_in_threadpool(
            services.repository_blobs.show, actor, repository, request.path_params["upload"]
        )
    return _accepted(204, repository, upload.id, upload.received_bytes)


async def receive_piece(request: Request) -> Response:
    """``PATCH /v2/<name>/blobs/uploads/<id>`` (end-5)."""
    repository, actor = repository_of(request), await actor_of(request)
    upload_id = request.path_params["upload"]
    async with _receiving(request, actor, repository, upload_id) as receiver:
        received_bytes = receiver.received_bytes
    return _accepted(202, repository, upload_id, received_bytes)


async def finish_upload(request: Request) -> Response:
    """``PUT /v2/<name>/blobs/uploads/<id>?digest=`` (end-6): the last piece, and what it all is."""
    repository, actor = repository_of(request), await actor_of(request)
    digest = request.query_params.get("digest", "")
    return await _finish(request, actor, repository, request.path_params["upload"], digest)


async def cancel_upload(request: Request) -> Response:
    """``DELETE /v2/<name>/blobs/uploads/<id>``."""
    services, repository = services_of(request), repository_of(request)
    actor = await actor_of(request)
    with unknown_as(UPLOAD_UNKNOWN):
        await run_in_threadpool(
            services.repository_blobs.cancel, actor, repository, request.path_params["upload"]
        )
    return Response(status_code=204)


async def _finish(
    request: Request, actor: Actor, repository: Repository, upload_id: str, digest: str
) -> Response:
    ensure_digest(digest)
    async with _receiving(request, actor, repository, upload_id) as receiver:
        await run_in_threadpool(receiver.commit, digest)
    return _created(repository, digest)


@asynccontextmanager
async def _receiving(
    request: Request, actor: Actor, repository: Repository, upload_id: str
) -> AsyncIterator[RegistryReceiver]:
    """Take the body; what has come of it stays, unless it fills the disk.

    Of one that broke off, all that came is kept and the block not entered: only the sender knows
    whether it was the end.
    """
    blobs = services_of(request).repository_blobs
    with unknown_as(UPLOAD_UNKNOWN):
        receiver = await run_in_threadpool(blobs.receive, actor, repository, upload_id)
    piece = ContentRange(request, repository, upload_id, receiver.received_bytes)
    try:
        piece.ensure_fits()
        async for data in read_pieces(request):
            piece.count(len(data))
            await run_in_threadpool(receiver.feed, data)
        piece.ensure_whole()
        yield receiver
    finally:
        with anyio.CancelScope(shield=True):
            await run_in_threadpool(receiver.close)


def _read_source(name: str) -> Repository | None:
    try:
        return parse_repository(name)
    except InvalidRequest:
        return None


def _accepted(status: int, repository: Repository, upload_id: str, received_bytes: int) -> Response:
    headers = upload_headers(repository, upload_id, received_bytes)
    return Response(status_code=status, headers=headers)


def _created(repository: Repository, digest: str) -> Response:
    headers = {
        "Location": f"/v2/{repository}/blobs/{digest}",
        "Docker-Content-Digest": digest,
    }
    return Response(status_code=201, headers=headers)
