"""Uploads of packages and images.

A package is a list of files first, then only the contents that the server is missing, many in one
request: a sequence of frames, each 32 raw bytes of SHA-256, 8 bytes of size (big-endian), then the
content. A hundred small files cost one round trip instead of a hundred.

An image is a session, its blobs, then its manifest. Blobs travel raw, in chunks of any length that
continue at the end of the last one: ``PATCH /api/v1/image-uploads/{id}/blobs/{digest}``. The
manifest is the raw body of ``PUT /api/v1/image-uploads/{id}/manifest`` and starts the import.
"""

import struct
from typing import Annotated, Literal, NamedTuple

from au2.wire.base import Limits, RequestType, ResponseType
from au2.wire.field import (
    ANY_GUID_PATTERN,
    DIGEST_PATTERN,
    EXAMPLE_DIGEST,
    LARGEST_NUMBER,
    Count,
    Digest,
    FencingToken,
    GivenDescription,
    GivenGuid,
    GivenName,
    Guid,
    ImageStatusName,
    JobNumber,
    Ordinal,
    ProcessId,
    Seconds,
    Sha256,
    Shown,
    VersionNumber,
)
from au2.wire.job import JobView
from au2.wire.page import Page

NO_PROCESS = "none"
"""``expected_process`` of a client that knows of no process."""


class FileEntry(RequestType):
    """One file of a package, or a link or folder. ``path`` is relative, normalised, with ``/``."""

    path: Annotated[str, Limits(max_length=4096), Shown(minLength=1, examples=["main.py"])]
    """Path in the package: relative, normalised, with ``/``."""
    type: Literal["file", "link", "folder"] = "file"
    """Folders that hold something need no entry, unless their ``mode`` is another."""
    executable: bool = False
    """Whether its owner may execute it."""
    size_bytes: Annotated[int, Limits(ge=0), Shown(maximum=LARGEST_NUMBER)] = 0
    """Size of a file; 0 for all else."""
    sha256: Annotated[str, Limits(pattern=r"^([0-9a-f]{64})?$")] = ""
    """Lower-case hexadecimal digest of the content; empty for all else."""
    target: Annotated[str, Limits(max_length=4096)] = ""
    """Where a link points; empty for all else."""
    mode: Annotated[str, Limits(pattern=r"^([0-7]{3})?$")] = ""
    """Permissions, three octal digits; empty: 755 for folders and if ``executable``, else 644."""


class FilePage(Page):
    """A page of the files of a package, by path."""

    items: list[FileEntry]
    """Files of this page."""


class UploadCreation(RequestType):
    """Body of ``POST /api/v1/uploads``.

    Either ``process`` (a GUID) or ``name`` is given. By name, the version belongs to the process of
    the name in the context; a missing process is created; several are a conflict.
    """

    process: GivenGuid | None = None
    """GUID of the process; goes without ``name``."""
    name: GivenName | None = None
    """Name of the process; goes without ``process``."""
    new: bool = False
    """Make a process of that name, even if there is one."""
    expected_process: (
        Annotated[str, Limits(max_length=36), Shown(pattern=rf"{ANY_GUID_PATTERN}|^{NO_PROCESS}$")]
        | None
    ) = None
    """GUID of the process that has the name, or ``none``, as far as the client knows. If that is
    not so when the upload begins, it is a conflict."""
    description: GivenDescription = ""
    """Of the process, if it is created."""
    version_description: GivenDescription = ""
    """The news in this version."""
    runtime: Annotated[str, Shown(minLength=1, maxLength=200, examples=["Python3.11"])]
    """GUID or name."""
    runtime_version: Ordinal | None = None
    """Version of the runtime; null: the newest."""
    files: list[FileEntry]
    """All files, links and folders of the package. The server's settings bound their number."""
    force: bool = False
    """Make a new version even of a package that the newest one was made of."""


class UploadComparison(ResponseType):
    """A package compared with its process; also the response to an upload without changes."""

    process: ProcessId | None
    """GUID of the process; null: it would be a new one."""
    equal_version: VersionNumber | None
    """The newest available version, if it was made of this package on this runtime version."""
    runtime_version: Ordinal
    """What is or would be built on."""
    newest_runtime_version: Ordinal
    """Newest version of the runtime."""


class UploadView(ResponseType):
    """An upload session."""

    id: Guid
    """Id of the upload."""
    process: ProcessId
    version: VersionNumber
    upload_job: JobNumber
    """Id of the job that builds the version."""
    fencing_token: FencingToken
    """Fencing token: sent with everything that follows; an older one is refused."""
    missing: list[Sha256]
    """sha256 of the contents that the server wants, hexadecimal, in the order to send."""
    runtime_version: Ordinal | None = None
    """In the answer that begins the upload: what it is built on."""
    newest_runtime_version: Ordinal | None = None
    """Newest version of the runtime, in the same answer."""


class UploadProgress(ResponseType):
    """Answer to ``PUT /api/v1/uploads/{upload}/contents``."""

    received_bytes: Count
    """Bytes of this request's body."""
    missing: list[Sha256]
    """sha256 of the contents that the server still wants, in the order to send."""
    job: JobView | None = None
    """The build's job, if the request completed the upload."""


CONTENTS_MEDIA_TYPE = "application/vnd.au2.contents"
_HEADER = struct.Struct(">32sQ")
HEADER_BYTES = _HEADER.size


class ContentHeader(NamedTuple):
    """Header of a content in the body."""

    sha256: str
    """Lower-case hexadecimal."""
    size_bytes: int


def format_header(header: ContentHeader) -> bytes:
    """Return the 40 bytes of a content's header; inverse of :func:`parse_header`."""
    return _HEADER.pack(bytes.fromhex(header.sha256), header.size_bytes)


def parse_header(data: bytes) -> ContentHeader:
    """Return the header held in exactly :data:`HEADER_BYTES` bytes."""
    digest, size_bytes = _HEADER.unpack(data)
    return ContentHeader(digest.hex(), size_bytes)


BLOB_MEDIA_TYPE = "application/octet-stream"
MOST_BLOBS = 1024
"""Blobs that one question may name."""
MOST_REASON_CHARACTERS = 1000
"""Of the reason for which an upload is given up."""


class ImageUploadStatus(ResponseType):
    """State of a version's image before an upload.

    Response to ``GET /api/v1/processes/{p}/versions/{n}/image``.
    """

    process: ProcessId
    version: VersionNumber
    image_status: ImageStatusName
    """Progress towards the image."""
    image_digest: Digest | None
    """Digest of the manifest of the image that is there or is being imported."""
    upload_job: JobNumber | None
    """The job that brings or brought it."""
    architecture: str
    """Of the server's platform, as images name it: which image of several is to be sent."""
    variant: str
    """The highest variant of the architecture that its processor runs (``v3``); empty: the usual
    one."""


class ImageUploadView(ResponseType):
    """An upload session: the answer to ``POST /api/v1/processes/{p}/versions/{n}/image``."""

    id: Guid
    """Id of the upload."""
    process: ProcessId
    version: VersionNumber
    upload_job: JobNumber
    """Id of the job that imports the image."""
    fencing_token: FencingToken
    """Fencing token: sent with everything that follows; an older one is refused."""
    lease_seconds: Seconds
    """How long the session is kept without a sign of life."""
    heartbeat_seconds: Seconds
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

    digest: Annotated[str, Limits(pattern=DIGEST_PATTERN), Shown(examples=[EXAMPLE_DIGEST])]
    """Digest of the blob."""
    size_bytes: Annotated[int, Limits(ge=0, lt=1 << 62)]
    """Size of the blob."""


class BlobQuestion(RequestType):
    """Question for the missing blobs of an image upload."""

    blobs: Annotated[list[BlobWanted], Limits(max_length=MOST_BLOBS)]
    """Blobs of the image."""


class MissingBlob(ResponseType):
    """A blob missing on the server."""

    digest: Digest
    """Digest of the blob."""
    received_bytes: Count
    """How much of it has come already: where to go on."""


class BlobAnswer(ResponseType):
    """Missing blobs among those of the question, in its order."""

    missing: list[MissingBlob]
    """The missing blobs."""


class BlobProgress(ResponseType):
    """Response to a chunk of a blob."""

    received_bytes: Count
    """How much of the blob has come, with this request."""
    is_whole: bool
    """Whether the blob is there and was checked."""
