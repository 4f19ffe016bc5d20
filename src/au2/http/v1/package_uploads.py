"""Package uploads."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from au2.app.uploads.package_begin import PackageComparison
from au2.domain.errors import (
    Conflict,
    DigestMismatch,
    InvalidPackage,
    InvalidRequest,
    LeaseLost,
    NotFound,
    NotPermitted,
    StorageFull,
    TooLarge,
)
from au2.domain.identity import Action
from au2.http.audit_log import sender_of
from au2.http.dependencies import (
    CostlyOf,
    CurrentActor,
    CurrentContext,
    Fence,
    ServicesOf,
    may_make,
)
from au2.http.errors import error_responses
from au2.http.request_body import marked_body, parse_json, read_pieces, refuse_violations
from au2.http.request_body import read_body as read_counted
from au2.http.v1.views import view_comparison, view_job, view_upload
from au2.wire.documents import format_document
from au2.wire.job import JobView
from au2.wire.upload import (
    CONTENTS_MEDIA_TYPE,
    FileEntry,
    UploadComparison,
    UploadCreation,
    UploadProgress,
    UploadView,
)
from au2.wire.violations import adapter_of

_SMALL_BYTES = 1 << 20
_VALUES_PER_FILE = 24
"""Commas and brackets: an entry has six fields, and its path may have some of them too."""
_OTHER_VALUES = 1000
_MOST_MISTAKES = 100


async def _read(
    request: Request,
    services: ServicesOf,
    costly: CostlyOf,
    _: Annotated[object, Depends(may_make(Action.UPLOAD_VERSION))],
) -> AsyncIterator[UploadCreation]:
    with ExitStack() as stack:
        # Counted until the answer has been made: what follows works on the whole list.
        body = await read_counted(request, stack, costly.file_lists, small_bytes=_SMALL_BYTES)
        parse = partial(parse_creation, body, most_files=services.upload_starter.limits.files)
        yield await costly.parsing.run(sender_of(request), parse)


UploadCreationBody = Annotated[UploadCreation, marked_body(UploadCreation, _read)]


def parse_creation(body: bytes, *, most_files: int) -> UploadCreation:
    """Return the request that a body is. Raises RequestValidationError, HTTPException, TooLarge."""
    values = sum(body.count(sign) for sign in (b",", b"[", b"{"))
    if values > most_files * _VALUES_PER_FILE + _OTHER_VALUES:
        raise _too_many(most_files)
    value = parse_json(body)
    files = value.get("files") if isinstance(value, dict) else None
    if isinstance(files, list):
        if len(files) > most_files:
            raise _too_many(most_files)
        entries, mistakes = _parse_entries(files)
        value = {**value, "files": entries}
    else:
        mistakes = []
    try:
        creation = adapter_of(UploadCreation).validate_python(value)
    except ValidationError as error:
        mistakes.extend(refuse_violations(error).errors())
    if mistakes:
        raise RequestValidationError(mistakes)
    return creation


def _parse_entries(files: list[Any]) -> tuple[list[FileEntry], list[Any]]:
    """Return the entries, and what is wrong with the first of those that are none."""
    entry_adapter = adapter_of(FileEntry)
    entries: list[FileEntry] = []
    mistakes: list[Any] = []
    for number, file in enumerate(files):
        try:
            entries.append(entry_adapter.validate_python(file))
        except ValidationError as error:
            mistakes.extend(refuse_violations(error, "files", number).errors())
            if len(mistakes) >= _MOST_MISTAKES:
                break
    return entries, mistakes


def _too_many(most_files: int) -> TooLarge:
    return TooLarge(
        f"The package has too many files; at most {most_files} are taken.",
        hint="Leave out what is not needed by naming it in .auignore.",
    )


router = APIRouter(prefix="/uploads", tags=["upload"])

Complete = Annotated[
    bool, Query(description="Also complete the upload, if nothing is lacking any more.")
]


_CREATION_FAILURES = error_responses(
    NotFound, NotPermitted, Conflict, TooLarge, InvalidRequest, InvalidPackage, StorageFull
)


@router.post(
    "",
    status_code=201,
    response_model=UploadView,
    responses=_CREATION_FAILURES
    | {200: {"model": UploadComparison, "description": "There is a version of it already."}},
)
def begin_upload(
    services: ServicesOf,
    actor: CurrentActor,
    context: CurrentContext,
    body: UploadCreationBody,
) -> UploadView | JSONResponse:
    """Begin an upload with the list of files; the answer says which contents to send.

    Unless that is forced, a package that the newest available version was made of makes no new one:
    the answer then is 200 and names the version.
    """
    begun = services.upload_starter.begin(actor, context, body)
    if isinstance(begun, PackageComparison):
        return JSONResponse(format_document(view_comparison(begun)))
    return view_upload(begun)


@router.post("/compare", responses=_CREATION_FAILURES)
def compare_upload(
    services: ServicesOf,
    actor: CurrentActor,
    context: CurrentContext,
    body: UploadCreationBody,
) -> UploadComparison:
    """Say what an upload with this list would find, and change nothing."""
    return view_comparison(services.upload_starter.compare(actor, context, body))


@router.get("/{upload}", responses=error_responses(NotFound, NotPermitted, LeaseLost, StorageFull))
def get_upload(services: ServicesOf, actor: CurrentActor, upload: str) -> UploadView:
    """One's own upload and what it still lacks. Counts as a sign of life."""
    return view_upload(services.uploads.get(actor, upload))


@router.put(
    "/{upload}/contents",
    responses=error_responses(
        NotFound,
        NotPermitted,
        Conflict,
        LeaseLost,
        TooLarge,
        InvalidRequest,
        DigestMismatch,
        StorageFull,
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "Frames: SHA-256 (32 bytes), size (8 bytes, big-endian), content.",
            "content": {CONTENTS_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def receive_contents(
    *,
    services: ServicesOf,
    actor: CurrentActor,
    upload: str,
    fence: Fence,
    request: Request,
    complete: Complete = False,
) -> UploadProgress:
    """Send contents that are lacking. What has come whole is kept even if the rest does not."""
    receiver = await run_in_threadpool(services.uploads.receive, actor, upload, fence)
    try:
        async for piece in read_pieces(request):
            await run_in_threadpool(receiver.feed, piece)
        lacking = await run_in_threadpool(
            services.uploads.finish_receiving, actor, upload, receiver
        )
    finally:
        with anyio.CancelScope(shield=True):
            await run_in_threadpool(receiver.close)
    job: JobView | None = None
    if complete and not lacking:
        job = view_job(await run_in_threadpool(services.uploads.complete, actor, upload, fence))
    return UploadProgress(received_bytes=receiver.received_bytes, lacking=lacking, job=job)


@router.post(
    "/{upload}/complete",
    responses=error_responses(NotFound, NotPermitted, Conflict, LeaseLost, StorageFull),
)
def complete_upload(
    services: ServicesOf, actor: CurrentActor, upload: str, fence: Fence
) -> JobView:
    """Everything has been sent: let the build begin."""
    return view_job(services.uploads.complete(actor, upload, fence))


@router.delete(
    "/{upload}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, LeaseLost, StorageFull),
)
def abandon_upload(services: ServicesOf, actor: CurrentActor, upload: str, fence: Fence) -> None:
    """Give one's own upload up."""
    services.uploads.abandon(actor, upload, fence)
