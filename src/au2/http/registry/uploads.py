"""Blob uploads, in one request or in many."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from au2.app.registry.blobs import RegistryReceiver
from au2.domain.accounts.identity import Actor
from au2.domain.errors import InvalidRequest
from au2.domain.processes.repository import Repository, parse_repository
from au2.http.audit_log import sender_of
from au2.http.concurrency import CostlyRequests
from au2.http.registry.access import ensure_digest, open_call, services_of
from au2.http.registry.errors import UPLOAD_UNKNOWN, RegistryError, unknown_as
from au2.http.request_body import closed_in_thread, read_chunks
from au2.oci.spec.digest import is_alias

# The specification knows the bare form only; some clients write it as HTTP does.
_RANGE = re.compile(r"(?:bytes[= ])?([0-9]{1,18})-([0-9]{1,18})(?:/[0-9*]+)?")
_ALGORITHMS = frozenset({"sha256", "sha512"})


class ContentRange:
    """Check of one request's body against its ``Content-Range``, if present.

    Every error is a 416 with the offset to go on from: the specification has this status for chunks
    out of order, and its older versions also for invalid ranges.
    """

    def __init__(
        self, request: Request, repository: Repository, upload_id: str, received_bytes: int
    ) -> None:
        """Take the blob's ``received_bytes`` before this request."""
        self._repository = repository
        self._upload_id = upload_id
        self._begin_bytes = received_bytes
        self._counted_bytes = 0
        self._range = request.headers.get("content-range")
        length = request.headers.get("content-length", "")
        self._length_bytes = int(length) if length.isdecimal() else None
        self._size_bytes: int | None = None

    def ensure_fits(self) -> None:
        """Check before the body is read: the range is valid and begins at the offset.

        Raises:
            RegistryError: otherwise.
        """
        if self._range is None:
            return
        stated = _RANGE.fullmatch(self._range.strip())
        if stated is None:
            raise self._refusal("The Content-Range is not of the form FIRST-LAST.")
        first, last = int(stated[1]), int(stated[2])
        if first != self._begin_bytes:
            raise self._refusal(
                f"{self._begin_bytes} bytes were received, so the next chunk begins there."
            )
        self._size_bytes = last - first + 1
        if self._size_bytes < 0 or self._length_bytes not in (None, self._size_bytes):
            raise self._mismatch()

    def count(self, size_bytes: int) -> None:
        """Count bytes before they are kept. Raises RegistryError for bytes beyond the range."""
        self._counted_bytes += size_bytes
        if self._size_bytes is not None and self._counted_bytes > self._size_bytes:
            self._counted_bytes -= size_bytes
            raise self._mismatch()

    def ensure_whole(self) -> None:
        """Check after the body: no bytes are missing. Raises RegistryError."""
        if self._size_bytes not in (None, self._counted_bytes):
            raise self._mismatch()

    def _mismatch(self) -> RegistryError:
        return self._refusal(f"The Content-Range {self._range} does not match the bytes sent.")

    def _refusal(self, message: str) -> RegistryError:
        come = self._begin_bytes + self._counted_bytes
        headers = upload_headers(self._repository, self._upload_id, come)
        return RegistryError(416, "BLOB_UPLOAD_INVALID", message, headers)


def upload_headers(repository: Repository, upload_id: str, received_bytes: int) -> dict[str, str]:
    """Return the headers with the state of an upload."""
    return {
        "Location": f"/v2/{repository}/blobs/uploads/{upload_id}",
        "Range": f"0-{max(received_bytes - 1, 0)}",
        "Docker-Upload-UUID": upload_id,
    }


async def begin_upload(request: Request) -> Response:
    """``POST /v2/<name>/blobs/uploads/`` (end-4a, end-4b, end-11): begin, send whole, or mount."""
    services, repository, actor = await open_call(request)
    query = request.query_params
    blobs = services.repository_blobs
    # Only a check: the digest at the end tells which it is.
    if (algorithm := query.get("digest-algorithm", "sha256")) not in _ALGORITHMS:
        message = f"The digest algorithm {algorithm[:20]!r} is not supported: use sha256 or sha512."
        raise RegistryError(400, "DIGEST_INVALID", message)
    if "mount" in query:
        name, source = ensure_digest(query["mount"]), _read_source(query.get("from", ""))
        if await run_in_threadpool(blobs.mount, actor, repository, name, source):
            return _created(repository, name)
    upload = await run_in_threadpool(blobs.begin, actor, repository)
    if "digest" in query:
        return await _finish(request, actor, repository, upload.id, query["digest"])
    return _accepted(202, repository, upload.id, 0)


async def show_upload(request: Request) -> Response:
    """``GET /v2/<name>/blobs/uploads/<id>`` (end-13): the number of received bytes."""
    services, repository, actor = await open_call(request)
    with unknown_as(UPLOAD_UNKNOWN):
        upload = await run_in_threadpool(
            services.repository_blobs.show, actor, repository, request.path_params["upload"]
        )
    return _accepted(204, repository, upload.id, upload.received_bytes)


async def receive_chunk(request: Request) -> Response:
    """``PATCH /v2/<name>/blobs/uploads/<id>`` (end-5)."""
    _, repository, actor = await open_call(request)
    upload_id = request.path_params["upload"]
    async with _receiving(request, actor, repository, upload_id) as receiver:
        received_bytes = receiver.received_bytes
    return _accepted(202, repository, upload_id, received_bytes)


async def finish_upload(request: Request) -> Response:
    """``PUT /v2/<name>/blobs/uploads/<id>?digest=`` (end-6): the last chunk, and the digest."""
    _, repository, actor = await open_call(request)
    digest = request.query_params.get("digest", "")
    return await _finish(request, actor, repository, request.path_params["upload"], digest)


async def cancel_upload(request: Request) -> Response:
    """``DELETE /v2/<name>/blobs/uploads/<id>``."""
    services, repository, actor = await open_call(request)
    with unknown_as(UPLOAD_UNKNOWN):
        await run_in_threadpool(
            services.repository_blobs.cancel, actor, repository, request.path_params["upload"]
        )
    return Response(status_code=204)


async def _finish(
    request: Request, actor: Actor, repository: Repository, upload_id: str, name: str
) -> Response:
    ensure_digest(name)
    async with _receiving(request, actor, repository, upload_id) as receiver:
        if is_alias(name):
            costly: CostlyRequests = request.app.state.costly
            await costly.hashing.run(sender_of(request), partial(receiver.commit, name))
        else:
            await run_in_threadpool(receiver.commit, name)
    return _created(repository, name)


@asynccontextmanager
async def _receiving(
    request: Request, actor: Actor, repository: Repository, upload_id: str
) -> AsyncIterator[RegistryReceiver]:
    """Receive the body; its bytes are kept, unless they fill the disk.

    If the body broke off, its bytes are kept and the block is not entered: only the sender knows
    whether they were the whole chunk.
    """
    blobs = services_of(request).repository_blobs
    with unknown_as(UPLOAD_UNKNOWN):
        receiver = await run_in_threadpool(blobs.receive, actor, repository, upload_id)
    chunk = ContentRange(request, repository, upload_id, receiver.received_bytes)
    async with closed_in_thread(receiver):
        chunk.ensure_fits()
        async for data in read_chunks(request):
            chunk.count(len(data))
            await run_in_threadpool(receiver.feed, data)
        chunk.ensure_whole()
        yield receiver


def _read_source(name: str) -> Repository | None:
    try:
        return parse_repository(name)
    except InvalidRequest:
        return None


def _accepted(status: int, repository: Repository, upload_id: str, received_bytes: int) -> Response:
    headers = upload_headers(repository, upload_id, received_bytes)
    return Response(status_code=status, headers=headers)


def _created(repository: Repository, name: str) -> Response:
    headers = {"Location": f"/v2/{repository}/blobs/{name}", "Docker-Content-Digest": name}
    return Response(status_code=201, headers=headers)
