"""Layers with records of their own: dependency layers and checked layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
