"""Uploads: sessions for receiving a package, an image, or a single blob of a registry client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from au2.domain.processes.repository import Repository


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An upload session of one version: its sender, its lease and its fencing token."""

    id: str
    organization_id: str
    """Owner of the contents that are sent."""
    process_id: str
    version_number: int
    job_id: int
    user_id: str
    fencing_token: int
    """Grows each time another sender takes the upload over."""
    lease_until: datetime
    state: UploadState
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageUpload(Upload):
    """The upload of a package: its file list, and the runtime to build on."""

    files: Sequence[Mapping[str, Any]]
    """Documents of ``wire.upload.FileEntry``."""
    runtime: str
    """Runtime as the package names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUpload(Upload):
    """The upload of a ready-made image."""

    manifest_digest: str | None = None
    """Digest of the image's manifest, once all blobs are there."""
