"""Uploads: sessions that receive a package, an image, or a single blob of a registry client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from au2.domain.repository import Repository


@dataclass(frozen=True, slots=True)
class BlobUpload:
    """Upload of one blob by a registry client; its ingest in the content store has its id."""

    id: str
    repository: Repository
    user_id: str
    created_at: datetime


class UploadState(StrEnum):
    """State of an upload session; only an open one changes."""

    OPEN = "open"
    COMPLETE = "complete"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload session as stored."""

    id: str
    organization_id: str
    """Owner of the contents that come."""
    process_id: str
    version_number: int
    job_id: int
    user_id: str
    fence: int
    lease_until: datetime
    state: UploadState
    files: Sequence[Mapping[str, Any]]
    """Documents of ``contract.upload.FileEntry``; none for an image."""
    runtime: str
    """As the package names it; empty for an image."""
    created_at: datetime
    manifest_digest: str | None = None
    """Of an image, once all of it has come."""

    @property
    def is_image(self) -> bool:
        """Whether an image is sent, ready-made; else a package."""
        return not self.runtime
