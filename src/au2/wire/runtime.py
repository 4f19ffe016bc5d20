"""Runtimes."""

from datetime import datetime

from au2.wire.base import View


class RuntimeView(View):
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
