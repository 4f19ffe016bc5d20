"""Runtimes."""

from datetime import datetime

from au2.wire.base import ResponseType


class RuntimeView(ResponseType):
    """A runtime at its newest version."""

    id: str
    name: str
    language: str
    version: int
    image_digest: str
    organization: str | None
    project: str | None
    created_at: datetime
    retired_at: datetime | None
