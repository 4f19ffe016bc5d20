"""Runtimes, the base images of packages, and layers with records of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from au2.domain.accounts.context import Context
from au2.domain.jobs.container_contract import Language


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime at its newest version (specification, section 1). ``context`` None: global."""

    id: str
    name: str
    language: Language
    version: int
    image_digest: str
    context: Context | None
    created_at: datetime
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RuntimeBuild:
    """One version of a runtime, with its recipe and its installed packages."""

    version: int
    image_digest: str
    recipe_digest: str
    packages: tuple[Mapping[str, Any], ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DependencyLayer:
    """A dependency layer, cached under the digest of all its inputs."""

    key: str
    organization_id: str | None
    """Owner; None: usable by every organization."""
    layer_digest: str
    size_bytes: int
    lock: Mapping[str, Any]
    """Installed distributions: names, versions, files with their digests."""
    project_id: str | None = None
    """Project of ``organization_id`` that owns the layer; None: the organization itself."""


@dataclass(frozen=True, slots=True)
class CheckedLayer:
    """The result of a layer check: the blob holds a safe archive. True for ever."""

    digest: str
    """Digest of the blob as it was sent."""
    diff_id: str
    """Digest of the uncompressed archive."""
    size_bytes: int
    """Size of the uncompressed archive."""
