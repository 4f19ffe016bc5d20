"""Processes, their versions, and the choice of a run's version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from au2.domain.accounts.context import Context


@dataclass(frozen=True, slots=True)
class Process:
    """A process (specification, section 1). Names are not unique."""

    id: str
    name: str
    description: str
    """Markdown."""
    context: Context
    tags: tuple[str, ...]
    created_at: datetime
    created_by: str
    """Email address."""
    updated_at: datetime
    updated_by: str


class VersionType(StrEnum):
    """Origin of a version's image: built from a package, or uploaded ready-made."""

    PACKAGED = "packaged"
    IMAGE = "image"


class ImageStatus(StrEnum):
    """Progress of a version towards its image."""

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
    """Whether a status may follow another. An available image never changes."""
    return wanted in _NEXT[present]


@dataclass(frozen=True, slots=True)
class RuntimeReference:
    """Runtime version of a packaged version."""

    runtime_id: str
    runtime_version: int
    image_digest: str


@dataclass(frozen=True, slots=True)
class Contract:
    """Interface of a version: environment and schemas. None: unspecified."""

    environment: Mapping[str, Any] | None = None
    """Defaults of ``env.yml``: name → text or ``{"secret": NAME}``."""
    args_schema: Mapping[str, Any] | None = None
    out_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A version (specification, section 1), numbered per process from 1, never reused."""

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
    """Field of :class:`Contract`, like the next two; of a package once built."""
    args_schema: Mapping[str, Any] | None = None
    out_schema: Mapping[str, Any] | None = None
    resources: Mapping[str, Any] | None = None
    """Defaults of ``aunsight.yml``: ``cpu``, ``memory_bytes``, ``shared_memory_bytes``,
    ``timeout_seconds``, ``network``."""
    package_digest: str | None = None
    """Digest of the package's file list without process ids; equal for equal packages."""
    dependencies: Mapping[str, Any] | None = None
    """Lock of the installed dependencies, with hashes. None: no requirements."""


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """The versions of a process, in short: the newest one, and the newest published one."""

    newest: int
    newest_status: ImageStatus
    published: int | None


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """Result of a build or an import: new fields of the version."""

    image_digest: str
    contract: Contract | None = None
    """Contract of the package. None: the version keeps the contract that it was created with."""
    resources: Mapping[str, Any] | None = None
    dependencies: Mapping[str, Any] | None = None


class ChoiceRule(StrEnum):
    """Rules for the choice of a run's version."""

    STATED = "stated"
    """The version named in the submission."""
    PUBLISHED = "published"
    """The newest published version."""
    AVAILABLE = "available"
    """The newest version with an image, because none is published."""
    LATEST = "latest"
    """The newest version with an image, published or not, as the submission asked."""


@dataclass(frozen=True, slots=True)
class NewerVersion:
    """A version with a higher number than the chosen one."""

    number: int
    image_status: ImageStatus
    upload_job_id: int | None


@dataclass(frozen=True, slots=True)
class VersionChoice:
    """Reason for a run's version, as of its submission."""

    rule: ChoiceRule
    newer: tuple[NewerVersion, ...] = ()
    """The newest version with an image and the newest of all, if newer than the chosen one.
    Empty for a version that the submission named."""


_RULES = {
    ChoiceRule.PUBLISHED: "published",
    ChoiceRule.AVAILABLE: "the newest that is AVAILABLE",
    ChoiceRule.LATEST: "the newest that is AVAILABLE",
}


def explain_choice(number: int, choice: VersionChoice) -> str | None:
    """Return the sentence about newer versions passed over; None without any."""
    if not choice.newer:
        return None
    others = " and ".join(_describe(version) for version in choice.newer)
    return f"Runs version {number} ({_RULES[choice.rule]}); {others}."


def _describe(version: NewerVersion) -> str:
    job = "" if version.upload_job_id is None else f" (job {version.upload_job_id})"
    words = {
        ImageStatus.AVAILABLE: "is newer",
        ImageStatus.UPLOADING: f"is being uploaded{job}",
        ImageStatus.BUILDING: f"is being built{job}",
        ImageStatus.FAILED: f"failed{job}",
        ImageStatus.NONE: "has no image yet",
    }
    return f"{version.number} {words[version.image_status]}"
