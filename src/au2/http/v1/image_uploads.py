"""Uploads of ready-made images."""

from typing import Annotated

import anyio
from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool

from au2.app.uploads.image_uploads import BegunImage
from au2.domain.errors import (
    Conflict,
    DigestMismatch,
    InvalidImage,
    InvalidRequest,
    LeaseLost,
    NotFound,
    NotPermitted,
    StorageFull,
    TooLarge,
)
from au2.http.audit_log import sender_of
from au2.http.dependencies import (
    CostlyOf,
    CurrentActor,
    Fence,
    ServicesOf,
    VersionNumber,
    sends_image,
)
from au2.http.errors import error_responses
from au2.http.request_body import json_body, read_pieces
from au2.http.v1.views import view_job
from au2.oci.spec import media_types
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.wire.job import JobView
from au2.wire.upload import (
    BLOB_MEDIA_TYPE,
    DIGEST_PATTERN,
    MOST_REASON_CHARACTERS,
    BlobAnswer,
    BlobProgress,
    BlobQuestion,
    ImageUploadStatus,
    ImageUploadView,
    LackingBlob,
)

router = APIRouter(tags=["image upload"])
BlobQuestionBody = Annotated[BlobQuestion, json_body(BlobQuestion, after=sends_image)]

_MOST_BYTES = 1 << 62
Digest = Annotated[str, Path(pattern=DIGEST_PATTERN, description="The blob's digest.")]
Bytes = Annotated[int, Query(ge=0, lt=_MOST_BYTES)]


def _raw_body(description: str, *types: str) -> dict[str, object]:
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {
        "requestBody": {
            "required": True,
            "description": description,
            "content": dict.fromkeys(types, schema),
        }
    }


@router.get(
    "/processes/{process}/versions/{version}/image",
    responses=error_responses(NotFound, NotPermitted, Conflict),
)
def get_image_standing(
    services: ServicesOf, actor: CurrentActor, process: str, version: VersionNumber
) -> ImageUploadStatus:
    """How it stands with the image of a version, before one begins to send it."""
    found = services.image_uploads.get_status(actor, process, version)
    return ImageUploadStatus(
        process=found.version.process_id,
        version=found.version.number,
        image_status=found.version.image_status,
        image_digest=found.image_digest,
        job=found.version.upload_job_id,
        architecture=found.platform.architecture,
        variant=found.platform.variant,
    )


@router.post(
    "/processes/{process}/versions/{version}/image",
    status_code=201,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def begin_image_upload(
    services: ServicesOf, actor: CurrentActor, process: str, version: VersionNumber
) -> ImageUploadView:
    """Begin to send an image to a version that has none, or go on with what one began oneself.

    While another sender of one's own gives signs of life, this is refused (``still-sending``).
    """
    return _view(services.image_uploads.begin(actor, process, version))


@router.post(
    "/image-uploads/{upload}/lacking",
    responses=error_responses(NotFound, NotPermitted, LeaseLost, InvalidRequest, StorageFull),
)
def find_lacking_blobs(
    services: ServicesOf,
    actor: CurrentActor,
    upload: str,
    fence: Fence,
    body: BlobQuestionBody,
) -> BlobAnswer:
    """Say which of these blobs must be sent, and how much of each has come. A sign of life."""
    wanted = {blob.digest: blob.size_bytes for blob in body.blobs}
    lacking = services.image_uploads.find_missing(actor, upload, fence, wanted)
    return BlobAnswer(
        lacking=[
            LackingBlob(digest=digest, received_bytes=received)
            for digest, received in lacking.items()
        ]
    )


@router.patch(
    "/image-uploads/{upload}/blobs/{digest}",
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
    openapi_extra=_raw_body(
        "The blob's bytes from the offset on, or some of them.", BLOB_MEDIA_TYPE
    ),
)
async def receive_blob(
    *,
    services: ServicesOf,
    actor: CurrentActor,
    upload: str,
    digest: Digest,
    fence: Fence,
    offset: Bytes,
    size: Bytes,
    request: Request,
) -> BlobProgress:
    """Send a piece of a blob of ``size`` bytes, beginning at ``offset``: where the last one ended.

    What has come stays, also when the connection breaks or the server ends.
    """
    receiver = await run_in_threadpool(
        services.image_uploads.receive,
        actor,
        upload,
        fence,
        digest,
        size_bytes=size,
        offset_bytes=offset,
    )
    try:
        async for piece in read_pieces(request):
            await run_in_threadpool(receiver.feed, piece)
        received = await run_in_threadpool(receiver.finish)
    finally:
        with anyio.CancelScope(shield=True):
            await run_in_threadpool(receiver.close)
    return BlobProgress(received_bytes=received, is_whole=received == size)


@router.put(
    "/image-uploads/{upload}/manifest",
    responses=error_responses(
        NotFound, NotPermitted, Conflict, LeaseLost, InvalidImage, TooLarge, StorageFull
    ),
    openapi_extra=_raw_body("The image's manifest.", *sorted(media_types.MANIFESTS)),
)
async def complete_image_upload(
    *,
    services: ServicesOf,
    actor: CurrentActor,
    costly: CostlyOf,
    upload: str,
    fence: Fence,
    request: Request,
) -> JobView:
    """All blobs have come, this is the manifest: let the import begin. Repeating is harmless."""
    await run_in_threadpool(services.image_uploads.authorize, actor, upload, fence)
    manifest = bytearray()
    with costly.bodies.take(sender_of(request)):
        async for piece in request.stream():
            manifest += piece
            if len(manifest) > MAX_DOCUMENT_BYTES:
                raise TooLarge(f"The manifest has more than {MAX_DOCUMENT_BYTES} bytes.")
    job = await run_in_threadpool(
        services.image_uploads.complete, actor, upload, fence, bytes(manifest)
    )
    return view_job(job)


@router.post(
    "/image-uploads/{upload}/leave",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, LeaseLost, StorageFull),
)
def leave_image_upload(
    services: ServicesOf, actor: CurrentActor, upload: str, fence: Fence
) -> None:
    """Say that one's sender ends: whoever begins the same again goes on at once."""
    services.image_uploads.leave(actor, upload, fence)


@router.delete(
    "/image-uploads/{upload}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, LeaseLost, StorageFull),
)
def abandon_image_upload(
    services: ServicesOf,
    actor: CurrentActor,
    upload: str,
    fence: Fence,
    reason: Annotated[
        str | None, Query(max_length=MOST_REASON_CHARACTERS, description="For the job's record.")
    ] = None,
) -> None:
    """Give one's own upload up. What has come of its blobs stays for a while."""
    services.image_uploads.abandon(actor, upload, fence, reason)


def _view(begun: BegunImage) -> ImageUploadView:
    upload = begun.upload
    return ImageUploadView(
        id=upload.id,
        process=upload.process_id,
        version=upload.version_number,
        job=upload.job_id,
        fence=upload.fencing_token,
        lease_seconds=begun.lease_seconds,
        heartbeat_seconds=begun.heartbeat_seconds,
        resumed=begun.resumed,
        architecture=begun.platform.architecture,
        variant=begun.platform.variant,
    )
