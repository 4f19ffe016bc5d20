"""Manifests, tags and referrers."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from au2.domain.accounts.identity import Actor
from au2.domain.errors import Unsupported
from au2.domain.jobs.job import Job, JobState
from au2.domain.processes.repository import StoredManifest
from au2.http.concurrency import CostlyRequests
from au2.http.job_watching import wait_for_end
from au2.http.registry.access import ensure_digest, open_call
from au2.http.registry.conditions import answer_unchanged
from au2.http.registry.errors import (
    MANIFEST_BLOB_UNKNOWN,
    MANIFEST_UNKNOWN,
    RegistryError,
    unknown_as,
)
from au2.http.registry.methods import method_refused
from au2.http.request_body import read_manifest
from au2.oci.spec import media_types

_IMPORT_SECONDS = 1800.0
_MOST_TAGS = 1000


async def get_manifest(request: Request) -> Response:
    """``GET`` and ``HEAD /v2/<name>/manifests/<reference>`` (end-3)."""
    services, repository, actor = await open_call(request)
    with unknown_as(MANIFEST_UNKNOWN):
        found = await run_in_threadpool(
            services.repository_manifests.get, actor, repository, request.path_params["reference"]
        )
    headers = {
        "Docker-Content-Digest": found.name,
        "Content-Length": str(len(found.data)),
        "ETag": f'"{found.name}"',
    }
    if (unchanged := answer_unchanged(request, headers)) is not None:
        return unchanged
    body = b"" if request.method == "HEAD" else found.data
    return Response(body, headers=headers, media_type=found.media_type)


async def put_manifest(request: Request) -> Response:
    """``PUT /v2/<name>/manifests/<reference>`` (end-7); of a version, until the import ended."""
    services, repository, actor = await open_call(request)
    reference = request.path_params["reference"]
    media_type = request.headers.get("content-type", "").partition(";")[0].strip()
    manifests = services.repository_manifests
    await run_in_threadpool(manifests.authorize_put, actor, repository)
    costly: CostlyRequests = request.app.state.costly
    data = await read_manifest(request, costly.bodies)
    with unknown_as(MANIFEST_BLOB_UNKNOWN):
        put = await run_in_threadpool(manifests.put, actor, repository, reference, data, media_type)
    if put.job is not None:
        await _wait_for_import(request, actor, put.job)
        await run_in_threadpool(manifests.name, actor, repository, reference, put.digest)
    headers = {
        "Location": f"/v2/{repository}/manifests/{put.name}",
        "Docker-Content-Digest": put.name,
    }
    if put.absent:
        headers["Warning"] = _warn_of_absent(put.absent)
    if put.subject_digest is not None:
        headers["OCI-Subject"] = put.subject_digest
    return Response(status_code=201, headers=headers)


async def delete_manifest(request: Request) -> Response:
    """``DELETE /v2/<name>/manifests/<reference>`` (end-9)."""
    services, repository, actor = await open_call(request)
    reference = request.path_params["reference"]
    manifests = services.repository_manifests
    with unknown_as(MANIFEST_UNKNOWN):
        try:
            await run_in_threadpool(manifests.delete, actor, repository, reference)
        except Unsupported as error:
            raise method_refused(error.message, "GET, HEAD, PUT") from error
    return Response(status_code=202)


async def list_tags(request: Request) -> Response:
    """``GET /v2/<name>/tags/list`` (end-8a, end-8b)."""
    services, repository, actor = await open_call(request)
    found = await run_in_threadpool(services.repository_manifests.list_tags, actor, repository)
    last = request.query_params.get("last", "")
    rest = [tag for tag in found if tag > last]
    page = rest[: _read_count(request.query_params.get("n"))]
    headers = {}
    if page and len(page) < len(rest):
        query = urlencode({"n": len(page), "last": page[-1]})
        headers["Link"] = f'</v2/{repository}/tags/list?{query}>; rel="next"'
    return JSONResponse({"name": str(repository), "tags": page}, headers=headers)


async def list_referrers(request: Request) -> Response:
    """``GET /v2/<name>/referrers/<digest>`` (end-12a, end-12b)."""
    services, repository, actor = await open_call(request)
    digest = ensure_digest(request.path_params["digest"])
    wanted = request.query_params.get("artifactType") or None
    page = await run_in_threadpool(
        services.repository_manifests.list_referrers,
        actor,
        repository,
        digest,
        artifact_type=wanted,
        after=request.query_params.get("last", ""),
    )
    headers = {} if wanted is None else {"OCI-Filters-Applied": "artifactType"}
    if page.has_more:
        query = {"last": page.manifests[-1].digest}
        query |= {} if wanted is None else {"artifactType": wanted}
        link = f"/v2/{repository}/referrers/{digest}?{urlencode(query)}"
        headers["Link"] = f'<{link}>; rel="next"'
    body = json.dumps(_make_index(page.manifests))
    return Response(body, headers=headers, media_type=media_types.INDEX)


async def _wait_for_import(request: Request, actor: Actor, job: Job) -> None:
    """Wait until a version has its image: clients take the response for the end of the push."""
    job = await wait_for_end(
        request.app.state.reading, actor, request.app.state.board, job.id, _IMPORT_SECONDS
    )
    if not job.state.is_final:
        message = f"The image is still being imported: see job {job.id}, or push it again."
        raise RegistryError(503, "UNAVAILABLE", message)
    if job.state is not JobState.SUCCEEDED:
        message = f"{job.reason_text or job.state} (job {job.id})"
        raise RegistryError(400, "MANIFEST_INVALID", message)


def _warn_of_absent(layers: Sequence[str]) -> str:
    """Return the ``Warning`` of a push (distribution specification, "Warnings")."""
    others = f" (and {len(layers) - 1} more)" if len(layers) > 1 else ""
    says = f"The layer {layers[0]}{others} is not here, so no container can run this image."
    return f'299 - "{says}"'


def _read_count(text: str | None) -> int:
    if text is None:
        return _MOST_TAGS
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise RegistryError(400, "PAGINATION_NUMBER_INVALID", f"n={text[:20]!r} is not a number.")
    return min(int(text), _MOST_TAGS)


def _make_index(found: Sequence[StoredManifest]) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": media_types.INDEX,
        "manifests": [_describe(manifest) for manifest in found],
    }


def _describe(manifest: StoredManifest) -> dict[str, Any]:
    document: dict[str, Any] = {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": manifest.size_bytes,
    }
    if manifest.artifact_type:
        document["artifactType"] = manifest.artifact_type
    if manifest.annotations:
        document["annotations"] = dict(manifest.annotations)
    return document
