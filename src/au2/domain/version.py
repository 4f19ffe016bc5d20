"""A process version: one immutable image, and how it gets there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class VersionType(StrEnum):
    """How the image is made: from a package on a runtime, or sent ready-made."""

    PACKAGED = "packaged"
    IMAGE = "image"


class ImageStatus(StrEnum):
    """Where a version stands on the way to its image."""

    NONE = "NONE"
    UPLOADING = "UPLOADING"
    BUILDING = "BUILDING"
    AVAILABLE = "AVAILABLE"
    FAILED = "FAILED"


_NEXT: dict[ImageStatus, frozenset[ImageStatus]] = {
    ImageStatus.NONE: frozenset({ImageStatus.UPLOADING}),
    ImageStatus.UPLOADING: frozenset({ImageStatus.BUILDING, ImageStatus.FAILED}),
    ImageStatus.BUILDING: frozenset({ImageStatus.AVAILABLE, ImageStatus.FAILED}),
    ImageStatus.FAILED: frozenset({ImageStatus.UPLOADING}),
    ImageStatus.AVAILABLE: frozenset(),
}


def may_become(present: ImageStatus, wanted: ImageStatus) -> bool:
    """Whether the image status may change so. An image, once there, never changes."""
    return wanted in _NEXT[present]


@dataclass(frozen=True, slots=True)
class RuntimeReference:
    """The exact runtime version that a packaged version was built on."""

    runtime_id: str
    runtime_version: int
    image_digest: str


@dataclass(frozen=True, slots=True)
class Contract:
    """What a version and its callers hold each other to. None: nothing is said."""

    environment: Mapping[str, Any] | None = None
    """Defaults of ``env.yml``: name → text or ``{"secret": NAME}``."""
    args_schema: Mapping[str, Any] | None = None
    out_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """Spec section 1. Numbers count per process from 1 and are never reused."""

    process_id: str
    number: int
    type: VersionType
    description: str
    image_status: ImageStatus
    image_digest: str | None
    """Digest of the manifest, once AVAILABLE."""
    created_at: datetime
    created_by: str
    published_at: datetime | None = None
    published_by: str | None = None
    runtime: RuntimeReference | None = None
    """None for image versions."""
    upload_job_id: int | None = None
    environment: Mapping[str, Any] | None = None
    """The fields of :class:`Contract`: of a packaged version once it is built."""
    args_schema: Mapping[str, Any] | None = None
    out_schema: Mapping[str, Any] | None = None
    resources: Mapping[str, Any] | None = None
    """Defaults of ``aunsight.yml``: ``cpu``, ``memory_bytes``, ``shared_memory_bytes``,
    ``timeout_seconds``, ``network``."""
    package_digest: str | None = None
    """Digest of the package's file list, process ids aside: equal packages have equal ones."""
    dependencies: Mapping[str, Any] | None = None
    """The lock: what was resolved and installed, with hashes. None: nothing was asked for."""


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """Result of a build or an import: the fields that it sets on its version."""

    image_digest: str
    contract: Contract | None = None
    """Contract of the package. None: the version keeps the contract that it was created with."""
    resources: Mapping[str, Any] | None = None
    dependencies: Mapping[str, Any] | None = None
