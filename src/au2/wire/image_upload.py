"""Sending a ready-made image to a version: a session, its blobs, then its manifest.

Blobs travel raw, in requests of any length that go on where the last one ended:
``PATCH /api/v1/image-uploads/{id}/blobs/{digest}``. The manifest comes last, as the raw body of
``PUT /api/v1/image-uploads/{id}/manifest``, and lets the import begin.
"""

from typing import Annotated

from au2.wire.base import Limits, OneOf, RequestType, ResponseType

BLOB_MEDIA_TYPE = "application/octet-stream"
MOST_BLOBS = 1024
"""Blobs that one question may name."""
MOST_REASON_CHARACTERS = 1000
"""Of the reason for which an upload is given up."""
DIGEST_PATTERN = r"^sha256:[0-9a-f]{64}$"
_IMAGE_STATUS = OneOf("NONE", "UPLOADING", "BUILDING", "AVAILABLE", "FAILED")


class ImageUploadStatus(ResponseType):
    """What a sender may want to know before it begins.

    The answer to ``GET /api/v1/processes/{p}/versions/{n}/image``.
    """

    process: str
    version: int
    image_status: Annotated[str, _IMAGE_STATUS]
    image_digest: str | None
    """Digest of the manifest of the image that is there or is being imported."""
    job: int | None
    """The job that brings or brought it."""
    architecture: str
    """Of the server's platform, as images name it: which image of several is to be sent."""
    variant: str
    """The highest variant of the architecture that its processor runs (``v3``); empty: the usual
    one."""


class ImageUploadView(ResponseType):
    """An upload session: the answer to ``POST /api/v1/processes/{p}/versions/{n}/image``."""

    id: str
    process: str
    version: int
    job: int
    fence: int
    """Fencing token: sent with everything that follows; an older one is refused."""
    lease_seconds: float
    """How long the session is kept without a sign of life."""
    heartbeat_seconds: float
    """How often the sender is to give a sign of life, also while it has nothing to send: who begins
    the same again waits until it has been silent for three times as long."""
    resumed: bool
    """Whether one's own earlier session goes on."""
    architecture: str
    """Of the server's platform, as images name it: which image of several is to be sent."""
    variant: str
    """The highest variant of the architecture that its processor runs (``v3``); empty: the usual
    one."""


class BlobWanted(RequestType):
    """A blob of the image: a layer or its configuration."""

    digest: Annotated[str, Limits(pattern=DIGEST_PATTERN)]
    size_bytes: Annotated[int, Limits(ge=0, lt=1 << 62)]


class BlobQuestion(RequestType):
    """Body of ``POST /api/v1/image-uploads/{id}/lacking``."""

    blobs: Annotated[list[BlobWanted], Limits(max_length=MOST_BLOBS)]


class LackingBlob(ResponseType):
    """A blob that the server wants."""

    digest: str
    received_bytes: int
    """How much of it has come already: where to go on."""


class BlobAnswer(ResponseType):
    """Which of the blobs are to be sent, in the order of the question."""

    lacking: list[LackingBlob]


class BlobProgress(ResponseType):
    """Answer to a piece of a blob."""

    received_bytes: int
    is_whole: bool
    """Whether the blob is there and was checked."""
