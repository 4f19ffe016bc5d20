"""Blob uploads, in one request or in many."""

import re
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
from au2.http.registry.access import actor_of, ensure_digest, repository_of, services_of
from au2.http.registry.errors import UPLOAD_UNKNOWN, RegistryError, unknown_as
from au2.http.request_body import read_pieces

# The specification knows the bare form only; some clients write it as HTTP does.
_RANGE = re.compile(r"(?:bytes[= ])?([0-9]{1,18})-([0-9]{1,18})(?:/[0-9*]+)?")


class ContentRange:
    """One request's body beside its ``Content-Range``, if it has one.

    Every refusal is a 416 that says where to go on: so the specification has it for pieces out of
    order, and its older versions, which say more, for ranges that can't be read.
    """

    def __init__(
        self, request: Request, repository: Repository, upload_id: str, received_bytes: int
    ) -> None:
        """``received_bytes``: how much of the blob had come before."""
        self._repository = repository
        self._upload_id = upload_id
        self._begin_bytes = received_bytes
        self._counted_bytes = 0
        self._range = request.headers.get("content-range")
        length = request.headers.get("content-length", "")
        self._length_bytes = int(length) if length.isdecimal() else None
        self._size_bytes: int | None = None

    def ensure_fits(self) -> None:
        """Before the body is read: refuse a range that goes on elsewhere, or is no range of it.

        Raises:
            RegistryError: it is refused.
        """
        if self._range is None:
            return
        stated = _RANGE.fullmatch(self._range.strip())
        if stated is None:
            raise self._refusal("The Content-Range is not of the form FIRST-LAST.")
        first, last = int(stated[1]), int(stated[2])
        if first != self._begin_bytes:
            raise self._refusal(
                f"{self._begin_bytes} bytes have come, so the next piece begins there."
            )
        self._size_bytes = last - first + 1
        if self._size_bytes < 0 or self._length_bytes not in (None, self._size_bytes):
            raise self._mismatch()

    def count(self, size_bytes: int) -> None:
        """Before bytes are kept: refuse those beyond the range. Raises RegistryError."""
        self._counted_bytes += size_bytes
        if self._size_bytes is not None and self._counted_bytes > self._size_bytes:
            self._counted_bytes -= size_bytes
            raise self._mismatch()

    def ensure_whole(self) -> None:
        """After the body: refuse to go by one that was shorter. Raises RegistryError."""
        if self._size_bytes not in (None, self._counted_bytes):
            raise self._mismatch()

    def _mismatch(self) -> RegistryError:
        return self._refusal(f"The Content-Range {self._range} is not that of the bytes sent.")

    def _refusal(self, message: str) -> RegistryError:
        come = self._begin_bytes + self._counted_bytes
        headers = upload_headers(self._repository, self._upload_id, come)
        return RegistryError(416, "BLOB_UPLOAD_INVALID", message, headers)


def upload_headers(repository: Repository, upload_id: str, received_bytes: int) -> dict[str, str]:
    """Return the headers that say how far an upload is."""
    return {
        "Location": f"/v2/{repository}/blobs/uploads/{upload_id}",
        "Range": f"0-{max(received_bytes - 1, 0)}",
        "Docker-Upload-UUID": upload_id,
    }


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
