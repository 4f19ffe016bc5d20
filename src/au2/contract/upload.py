"""Uploading a package: the list of files first, then only the contents that the server lacks."""

from typing import Literal

from pydantic import Field

from au2.contract.base import Model, View
from au2.contract.job import JobView


class FileEntry(Model):
    """One file of a package. ``path`` is relative, ``/``-separated, normalised."""

    path: str = Field(max_length=4096)
    type: Literal["file", "link"] = "file"
    executable: bool = False
    size_bytes: int = Field(default=0, ge=0)
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """Lower-case hexadecimal digest of the content; empty for links."""
    target: str = Field(default="", max_length=4096)
    """Where a link points; empty for files."""


class UploadCreation(Model):
    """Body of ``POST /api/v1/uploads``.

    Either ``process`` (a GUID: a new version of it) or ``name`` (a new process) is given.
    """

    process: str | None = None
    name: str | None = Field(default=None, min_length=1, max_length=200)
    description: str = Field(default="", max_length=100_000)
    runtime: str
    """GUID or name."""
    runtime_version: int | None = None
    files: list[FileEntry]


class UploadView(View):
    """An upload session."""

    id: str
    process: str
    version: int
    job: int
    fence: int
    """Fencing token: sent with everything that follows; an older one is refused."""
    lacking: list[str]
    """sha256 of the contents that the server wants, hexadecimal, in the order to send."""


class UploadProgress(View):
    """Answer to ``PUT /api/v1/uploads/{upload}/contents``."""

    received_bytes: int
    lacking: list[str]
    job: JobView | None = None
    """The build's job, if the request completed the upload."""
