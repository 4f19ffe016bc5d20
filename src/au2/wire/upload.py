"""Uploading a package: the list of files first, then only the contents that the server lacks."""

from typing import Annotated, Literal

from au2.wire.base import Limits, RequestType, ResponseType
from au2.wire.job import JobView


class FileEntry(RequestType):
    """One file of a package, or a link or folder. ``path`` is relative, normalised, with ``/``."""

    path: Annotated[str, Limits(max_length=4096)]
    type: Literal["file", "link", "folder"] = "file"
    """Folders that hold something need no entry, unless their ``mode`` is another."""
    executable: bool = False
    size_bytes: Annotated[int, Limits(ge=0)] = 0
    sha256: Annotated[str, Limits(pattern=r"^([0-9a-f]{64})?$")] = ""
    """Lower-case hexadecimal digest of the content; empty for all else."""
    target: Annotated[str, Limits(max_length=4096)] = ""
    """Where a link points; empty for all else."""
    mode: Annotated[str, Limits(pattern=r"^([0-7]{3})?$")] = ""
    """Permissions, three octal digits; empty: 755 for folders and if ``executable``, else 644."""


class UploadCreation(RequestType):
    """Body of ``POST /api/v1/uploads``.

    Either ``process`` (a GUID) or ``name`` is given. By name, the version belongs to the process
    that has it in the context; if there is none, it is made; several are a conflict.
    """

    process: str | None = None
    name: Annotated[str, Limits(min_length=1, max_length=200)] | None = None
    new: bool = False
    """Make a process of that name, even if there is one."""
    expected_process: Annotated[str, Limits(max_length=36)] | None = None
    """GUID of the process that has the name, or ``none``, as far as the client knows. If that is
    not so when the upload begins, it is a conflict."""
    description: Annotated[str, Limits(max_length=100_000)] = ""
    runtime: str
    """GUID or name."""
    runtime_version: int | None = None
    files: list[FileEntry]
    force: bool = False
    """Make a new version even of a package that the newest one was made of."""


class UploadComparison(ResponseType):
    """A package beside what its process has; also what answers an upload of nothing new."""

    process: str | None
    """None: it would be a new one."""
    equal_version: int | None
    """The newest available version, if it was made of this package on this runtime version."""
    runtime_version: int
    """What is or would be built on."""
    newest_runtime_version: int


class UploadView(ResponseType):
    """An upload session."""

    id: str
    process: str
    version: int
    job: int
    fence: int
    """Fencing token: sent with everything that follows; an older one is refused."""
    lacking: list[str]
    """sha256 of the contents that the server wants, hexadecimal, in the order to send."""
    runtime_version: int | None = None
    """In the answer that begins the upload: what it is built on."""
    newest_runtime_version: int | None = None


class UploadProgress(ResponseType):
    """Answer to ``PUT /api/v1/uploads/{upload}/contents``."""

    received_bytes: int
    lacking: list[str]
    job: JobView | None = None
    """The build's job, if the request completed the upload."""
