"""Endpoints for image uploads."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from au2.domain.errors import (
    Busy,
    Conflict,
    InvalidImage,
    InvalidRequest,
    LeaseLost,
    NotFound,
    NotPermitted,
    StorageFull,
    TooLarge,
    TooManyRequests,
)
from au2.http.created import created, set_location
from au2.http.dependencies import Call, CostlyOf, sends_image
from au2.http.errors import CONTENT_ERRORS, error_responses
from au2.http.parameters import FencingToken, ProcessPath, UploadPath, VersionPath
from au2.http.request_body import closed_in_thread, feed_body, json_body, raw_body, read_manifest
from au2.http.v1.views import view_image_upload, view_job
from au2.oci.spec import media_types
from au2.wire.field import DIGEST_PATTERN, EXAMPLE_DIGEST, Shown
from au2.wire.job import JobView
from au2.wire.upload import (
    BLOB_MEDIA_TYPE,
    MOST_REASON_CHARACTERS,
    BlobAnswer,
    BlobProgress,
    BlobQuestion,
    ImageUploadStatus,
    ImageUploadView,
    MissingBlob,
)

router = APIRouter(tags=["image upload"])
BlobQuestionBody = Annotated[BlobQuestion, json_body(BlobQuestion, after=sends_image)]

Digest = Annotated[
    str,
    Shown(examples=[EXAMPLE_DIGEST]),
    Path(pattern=DIGEST_PATTERN, description="The blob's digest."),
]


@router.get(
    "/processes/{process}/versions/{version}/image",
    responses=error_responses(NotFound, NotPermitted, Conflict),
)
def get_image_upload_status(
    call: Call, process: ProcessPath, version: VersionPath
) -> ImageUploadStatus:
    """Status of a version's image, before an upload begins."""
    found = call.services.image_uploads.get_status(call.actor, process, version)
    return ImageUploadStatus(
        process=found.version.process_id,
        version=found.version.number,
        image_status=found.version.image_status,
        image_digest=found.image_digest,
        upload_job=found.version.upload_job_id,
        architecture=found.platform.architecture,
        variant=found.platform.variant,
    )


@router.post(
    "/processes/{process}/versions/{version}/image",
    status_code=201,
    responses=created("The upload session.")
    | error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def begin_image_upload(
    call: Call, process: ProcessPath, version: VersionPath, response: Response
) -> ImageUploadView:
    """Begin to send an image to a version without one, or resume an upload of the same account.

    While another sender of the same account is active, this is refused (``still-sending``).
    """
    begun = call.services.image_uploads.begin(call.actor, process, version)
    set_location(response, "image-uploads", begun.upload.id)
    return view_image_upload(begun)


@router.get("/image-uploads/{upload}", responses=error_responses(NotFound, NotPermitted, LeaseLost))
def get_image_upload(call: Call, upload: UploadPath) -> ImageUploadView:
    """An open image upload of the account."""
    return view_image_upload(call.services.image_uploads.get(call.actor, upload))


@router.post(
    "/image-uploads/{upload}/missing",
    responses=error_responses(
        NotFound, NotPermitted, LeaseLost, InvalidRequest, TooLarge, StorageFull
    ),
)
def find_missing_blobs(
    call: Call, upload: UploadPath, fencing_token: FencingToken, body: BlobQuestionBody
) -> BlobAnswer:
    """Return the missing blobs of these, with their received bytes. Renews the lease."""
    wanted = {blob.digest: blob.size_bytes for blob in body.blobs}
    missing = call.services.image_uploads.find_missing(call.actor, upload, fencing_token, wanted)
    return BlobAnswer(
        missing=[
            MissingBlob(digest=digest, received_bytes=received)
            for digest, received in missing.items()
        ]
    )


@router.patch(
    "/image-uploads/{upload}/blobs/{digest}",
    responses=error_responses(*CONTENT_ERRORS),
    openapi_extra=raw_body(
        "The blob's bytes from the offset on, or some of them.", BLOB_MEDIA_TYPE
    ),
)
async def receive_blob(
    call: Call,
    *,
    upload: UploadPath,
    digest: Digest,
    fencing_token: FencingToken,
    offset_bytes: Annotated[
        int, Query(ge=0, lt=1 << 62, description="Bytes of the blob that were received before.")
    ],
    size_bytes: Annotated[int, Query(ge=0, lt=1 << 62, description="Size of the whole blob.")],
    request: Request,
) -> BlobProgress:
    """Send bytes of a blob of ``size_bytes`` from ``offset_bytes`` on.

    That is where the last request ended.

    Received bytes stay, also when the connection breaks or the server ends.
    """
    receiver = await run_in_threadpool(
        call.services.image_uploads.receive,
        call.actor,
        upload,
        fencing_token,
        digest,
        size_bytes=size_bytes,
        offset_bytes=offset_bytes,
    )
    async with closed_in_thread(receiver):
        await feed_body(request, receiver)
        received = await run_in_threadpool(receiver.finish)
    return BlobProgress(received_bytes=received, is_whole=received == size_bytes)


@router.put(
    "/image-uploads/{upload}/manifest",
    responses=error_responses(
        NotFound,
        NotPermitted,
        Conflict,
        LeaseLost,
        InvalidImage,
        TooLarge,
        StorageFull,
        Busy,
        TooManyRequests,
    ),
    openapi_extra=raw_body("The image's manifest.", *sorted(media_types.MANIFESTS)),
)
async def complete_image_upload(
    call: Call,
    *,
    costly: CostlyOf,
    upload: UploadPath,
    fencing_token: FencingToken,
    request: Request,
) -> JobView:
    """Send the manifest after all blobs: the import begins. Idempotent."""
    await run_in_threadpool(
        call.services.image_uploads.authorize, call.actor, upload, fencing_token
    )
    manifest = await read_manifest(request, costly.bodies)
    job = await run_in_threadpool(
        call.services.image_uploads.complete, call.actor, upload, fencing_token, manifest
    )
    return view_job(job)


@router.post(
    "/image-uploads/{upload}/leave",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, LeaseLost, StorageFull),
)
def leave_image_upload(call: Call, upload: UploadPath, fencing_token: FencingToken) -> None:
    """End a sender, so that the next command for the same image begins at once."""
    call.services.image_uploads.leave(call.actor, upload, fencing_token)


@router.delete(
    "/image-uploads/{upload}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, LeaseLost, StorageFull),
)
def abandon_image_upload(
    call: Call,
    upload: UploadPath,
    fencing_token: FencingToken,
    reason: Annotated[
        str | None, Query(max_length=MOST_REASON_CHARACTERS, description="For the job's record.")
    ] = None,
) -> None:
    """Abandon an upload of the same account. Received bytes of its blobs stay for a while."""
    call.services.image_uploads.abandon(call.actor, upload, fencing_token, reason)
