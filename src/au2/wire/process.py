"""Processes and their versions."""

from datetime import datetime
from typing import Annotated, Any

from au2.wire.base import Limits, RequestType, ResponseType


class ProcessCreation(RequestType):
    """Body of ``POST /api/v1/processes``."""

    name: Annotated[str, Limits(min_length=1, max_length=200)]
    description: Annotated[str, Limits(max_length=100_000)] = ""
    tags: list[str] = []


class ProcessUpdate(RequestType):
    """Body of ``PATCH /api/v1/processes/{process}``: what is None stays."""

    name: Annotated[str, Limits(min_length=1, max_length=200)] | None = None
    description: Annotated[str, Limits(max_length=100_000)] | None = None
    tags: list[str] | None = None


class ProcessView(ResponseType):
    """A process."""

    id: str
    name: str
    description: str
    organization: str
    project: str | None
    tags: list[str]
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str


class VersionCreation(RequestType):
    """Body of ``POST /api/v1/processes/{process}/versions``: an empty image version.

    Its contract with callers is that of a package: the documents of ``args.schema.yml``,
    ``out.schema.yml`` and ``env.yml``.
    """

    description: Annotated[str, Limits(max_length=100_000)] = ""
    args_schema: dict[str, Any] | None = None
    out_schema: dict[str, Any] | None = None
    environment: dict[str, str | dict[str, str]] | None = None
    """Name → text, or ``{"secret": NAME}``."""


class VersionView(ResponseType):
    """A version."""

    process: str
    id: int
    type: str
    description: str
    image_status: str
    image_digest: str | None
    published_at: datetime | None
    published_by: str | None
    created_at: datetime
    created_by: str
    runtime: str | None
    runtime_version: int | None
    upload_job: int | None
    environment: dict[str, str | dict[str, str]] | None
    """Defaults of ``env.yml``: a text, or ``{"secret": NAME}``."""
    dependencies: dict[str, Any] | None = None
    """What was installed: packages with version, file and digest."""
    args_schema: dict[str, Any] | None
    out_schema: dict[str, Any] | None
    resources: dict[str, Any] | None

    @property
    def is_published(self) -> bool:
        """Whether the version is published."""
        return self.published_at is not None

    @property
    def is_in_the_works(self) -> bool:
        """Whether the version's image is being uploaded or built."""
        return self.image_status in {"UPLOADING", "BUILDING"}
