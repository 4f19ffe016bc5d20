"""Blob downloads, whole or in part."""

import re

from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from au2.http.registry.access import actor_of, ensure_digest, open_call
from au2.http.registry.conditions import answer_unchanged
from au2.http.registry.errors import BLOB_UNKNOWN, RegistryError, unknown_as
from au2.http.registry.methods import method_refused
from au2.http.streaming import StreamingResult

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


async def get_blob(request: Request) -> Response:
    """``GET`` and ``HEAD /v2/<name>/blobs/<digest>`` (end-2, end-10)."""
    services, repository, actor = await open_call(request)
    name = ensure_digest(request.path_params["digest"])
    with unknown_as(BLOB_UNKNOWN):
        found = await run_in_threadpool(services.repository_blobs.find, actor, repository, name)
    digest, size_bytes = found.digest, found.size_bytes
    headers = {
        "Docker-Content-Digest": name,
        "Accept-Ranges": "bytes",
        "ETag": f'"{name}"',
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    if (unchanged := answer_unchanged(request, headers)) is not None:
        return unchanged
    first, last = _read_range(request.headers.get("range", ""), size_bytes)
    is_part = (first, last) != (0, size_bytes - 1)
    headers["Content-Length"] = str(last - first + 1)
    if is_part:
        headers["Content-Range"] = f"bytes {first}-{last}/{size_bytes}"
    status, media_type = 206 if is_part else 200, "application/octet-stream"
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    is_packed = await run_in_threadpool(services.repository_blobs.is_packed, digest)
    return StreamingResult(
        services.repository_blobs.read(digest, first, last - first + 1),
        status_code=status,
        headers=headers,
        media_type=media_type,
        content_name=f"the blob {digest} of {repository}",
        during=services.decompression.reading(actor) if is_packed else None,
    )


async def delete_blob(request: Request) -> Response:
    """``DELETE /v2/<name>/blobs/<digest>`` (end-10)."""
    await actor_of(request)
    raise method_refused("Unused blobs are removed by garbage collection.", "GET, HEAD")


def _read_range(header: str, size_bytes: int) -> tuple[int, int]:
    """Return first and last byte (RFC 9110, section 14.1.2); invalid ranges are ignored."""
    asked = _RANGE.fullmatch(header.strip())
    if asked is None or asked[1] == asked[2] == "":
        return 0, size_bytes - 1
    if asked[1] == "":
        first, last = max(size_bytes - int(asked[2]), 0), size_bytes - 1
    else:
        first = int(asked[1])
        last = min(int(asked[2]), size_bytes - 1) if asked[2] else size_bytes - 1
    if first >= size_bytes or first > last:
        headers = {"Content-Range": f"bytes */{size_bytes}"}
        raise RegistryError(416, "SIZE_INVALID", "The blob does not have this range.", headers)
    return first, last
