"""Processes and their versions."""

from datetime import datetime
from typing import Any

from pydantic import Field

from au2.wire.base import Model, View


class ProcessCreation(Model):
    """Body of ``POST /api/v1/processes``."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=100_000)
    tags: list[str] = Field(default_factory=list)


class ProcessUpdate(Model):
    """Body of ``PATCH /api/v1/processes/{process}``: what is None stays."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=100_000)
    tags: list[str] | None = None


class ProcessView(View):
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


class VersionCreation(Model):
    """Body of ``POST /api/v1/processes/{process}/versions``: an empty image version.

    Its contract with callers is that of a package: the documents of ``args.schema.yml``,
    ``out.schema.yml`` and ``env.yml``.
    """

    description: str = Field(default="", max_length=100_000)
    args_schema: dict[str, Any] | None = None
    out_schema: dict[str, Any] | None = None
    environment: dict[str, str | dict[str, str]] | None = None
    """Name → text, or ``{"secret": NAME}``."""


class VersionView(View):
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
