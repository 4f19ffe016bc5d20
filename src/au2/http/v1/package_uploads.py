"""Endpoints for package uploads.

An upload begins with a long list of files, parsed in bounded steps: a parser in C holds up
everything else while it runs, and makes of a hostile list ten times its size. So the number of
values is bounded before parsing, and entries are checked one by one.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from au2.app.uploads.package_begin import PackageComparison
from au2.domain.accounts.identity import Action
from au2.domain.errors import (
    Conflict,
    InvalidPackage,
    InvalidRequest,
    LeaseLost,
    NotFound,
    NotPermitted,
    StorageFull,
    TooLarge,
)
from au2.http.audit_log import sender_of
from au2.http.created import created, set_location
from au2.http.dependencies import Call, ContextCall, CostlyOf, ServicesOf, may_make
from au2.http.errors import CONTENT_ERRORS, error_responses
from au2.http.parameters import FencingToken, UploadPath
from au2.http.request_body import (
    closed_in_thread,
    feed_body,
    marked_body,
    parse_json,
    raw_body,
    refuse_violations,
)
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
_MOST_VIOLATIONS = 100


async def _read(
    request: Request,
    services: ServicesOf,
    costly: CostlyOf,
    _: Annotated[object, Depends(may_make(Action.UPLOAD_VERSION))],
) -> AsyncIterator[UploadCreation]:
    with ExitStack() as stack:
        # Counted until the response is made: the endpoint works on the whole list.
        body = await read_counted(request, stack, costly.file_lists, small_bytes=_SMALL_BYTES)
        parse = partial(parse_creation, body, most_files=services.upload_starter.limits.files)
        yield await costly.parsing.run(sender_of(request), parse)


UploadCreationBody = Annotated[UploadCreation, marked_body(UploadCreation, _read)]


def parse_creation(body: bytes, *, most_files: int) -> UploadCreation:
    """Return the request in a body. Raises RequestValidationError, HTTPException, TooLarge."""
    values = sum(body.count(sign) for sign in (b",", b"[", b"{"))
    if values > most_files * _VALUES_PER_FILE + _OTHER_VALUES:
        raise _too_many(most_files)
    value = parse_json(body)
    files = value.get("files") if isinstance(value, dict) else None
    if isinstance(files, list):
        if len(files) > most_files:
            raise _too_many(most_files)
        entries, violations = _parse_entries(files)
        value = {**value, "files": entries}
    else:
        violations = []
    try:
        creation = adapter_of(UploadCreation).validate_python(value)
    except ValidationError as error:
        violations.extend(refuse_violations(error).errors())
    if violations:
        raise RequestValidationError(violations)
    return creation


def _parse_entries(files: list[Any]) -> tuple[list[FileEntry], list[Any]]:
    """Return the entries, and the violations of the first invalid ones."""
    entry_adapter = adapter_of(FileEntry)
    entries: list[FileEntry] = []
    violations: list[Any] = []
    for number, file in enumerate(files):
        try:
            entries.append(entry_adapter.validate_python(file))
        except ValidationError as error:
            violations.extend(refuse_violations(error, "files", number).errors())
            if len(violations) >= _MOST_VIOLATIONS:
                break
    return entries, violations


def _too_many(most_files: int) -> TooLarge:
    return TooLarge(
        f"The package has too many files; the limit is {most_files}.",
        hint="Name files that are not needed in .auignore.",
    )


router = APIRouter(prefix="/uploads", tags=["upload"])

Complete = Annotated[bool, Query(description="Also complete the upload, if no content is missing.")]


_CREATION_FAILURES = error_responses(
    NotFound, NotPermitted, Conflict, TooLarge, InvalidRequest, InvalidPackage, StorageFull
)


@router.post(
    "",
    status_code=201,
    response_model=UploadView,
    responses=_CREATION_FAILURES
    | created("The upload session.")
    | {200: {"model": UploadComparison, "description": "There is a version of it already."}},
)
def begin_upload(
    call: ContextCall, body: UploadCreationBody, response: Response
) -> UploadView | JSONResponse:
    """Begin an upload with the list of files; the response lists the missing contents.

    Unless forced, a package equal to the newest available version's makes no new version: the
    response is then 200 and names the version.
    """
    begun = call.services.upload_starter.begin(call.actor, call.context, body)
    if isinstance(begun, PackageComparison):
        return JSONResponse(format_document(view_comparison(begun)))
    set_location(response, "uploads", begun.upload.id)
    return view_upload(begun)


@router.post("/compare", responses=_CREATION_FAILURES)
def compare_upload(call: ContextCall, body: UploadCreationBody) -> UploadComparison:
    """Return the result of an upload of this list, without changes."""
    return view_comparison(call.services.upload_starter.compare(call.actor, call.context, body))


@router.get("/{upload}", responses=error_responses(NotFound, NotPermitted, LeaseLost, StorageFull))
def get_upload(call: Call, upload: UploadPath) -> UploadView:
    """An upload of the account, with its missing contents. Renews the lease."""
    return view_upload(call.services.uploads.get(call.actor, upload))


@router.put(
    "/{upload}/contents",
    responses=error_responses(*CONTENT_ERRORS),
    openapi_extra=raw_body(
        "Frames: SHA-256 (32 bytes), size (8 bytes, big-endian), content.", CONTENTS_MEDIA_TYPE
    ),
)
async def receive_contents(
    call: Call,
    *,
    upload: UploadPath,
    fencing_token: FencingToken,
    request: Request,
    complete: Complete = False,
) -> UploadProgress:
    """Send missing contents. Whole contents are kept even if the rest fails."""
    receiver = await run_in_threadpool(
        call.services.uploads.receive, call.actor, upload, fencing_token
    )
    async with closed_in_thread(receiver):
        await feed_body(request, receiver)
        missing = await run_in_threadpool(
            call.services.uploads.finish_receiving, call.actor, upload, receiver
        )
    job: JobView | None = None
    if complete and not missing:
        job = view_job(
            await run_in_threadpool(
                call.services.uploads.complete, call.actor, upload, fencing_token
            )
        )
    return UploadProgress(received_bytes=receiver.received_bytes, missing=missing, job=job)


@router.post(
    "/{upload}/complete",
    responses=error_responses(NotFound, NotPermitted, Conflict, LeaseLost, StorageFull),
)
def complete_upload(call: Call, upload: UploadPath, fencing_token: FencingToken) -> JobView:
    """Begin the build after all contents were sent."""
    return view_job(call.services.uploads.complete(call.actor, upload, fencing_token))


@router.delete(
    "/{upload}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, LeaseLost, StorageFull),
)
def abandon_upload(call: Call, upload: UploadPath, fencing_token: FencingToken) -> None:
    """Abandon an upload of the account."""
    call.services.uploads.abandon(call.actor, upload, fencing_token)
