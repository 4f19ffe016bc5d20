"""An image as it was found in an archive: documents at hand, layers by their places."""

from typing import NamedTuple

from au2.oci.compression.decompress import Compression
from au2.oci.spec.descriptor import Descriptor


class ArchivedLayer(NamedTuple):
    """A layer of the chosen image."""

    path: str
    """The member that holds the bytes; links are resolved. Two layers may share one."""
    size_bytes: int
    """Of the member's bytes."""
    compression: Compression
    """Of the member's bytes: without compression, their digest is the ``diff_id``."""
    diff_id: str
    """Digest of the uncompressed layer, as the configuration states it; unchecked."""
    descriptor: Descriptor | None
    """From the manifest of an OCI layout, of the member's bytes, unchecked; else None."""


class ArchivedImage(NamedTuple):
    """The image that was chosen."""

    names: tuple[str, ...]
    """As the archive tells them (``my-name/my-process:latest``); may be empty."""
    config: bytes
    """The configuration's bytes as they came; parsed without complaint."""
    manifest: bytes | None
    """The manifest's bytes as they came, digest checked; None: the archive has none (Docker up to
    24, podman's docker-archive)."""
    manifest_media_type: str | None
    layers: tuple[ArchivedLayer, ...]
    """Lowest first."""
