"""Archived image: the chosen image of an archive, and the manifest that it gets.

Pure: the same image gets the same manifest.
"""

from collections.abc import Sequence
from typing import NamedTuple

from au2.domain.errors import InvalidImage
from au2.oci.compression.decompress import Compression
from au2.oci.spec import media_types
from au2.oci.spec.descriptor import Descriptor
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.manifest import Manifest

_LAYER_TYPES = {
    Compression.NONE: media_types.LAYER_TAR,
    Compression.GZIP: media_types.LAYER_GZIP,
}


class ArchivedLayer(NamedTuple):
    """Layer of the chosen image."""

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
    """Chosen image: documents as bytes, layers by their paths in the archive."""

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


def describe_layer(digest: str, size_bytes: int, compression: Compression) -> Descriptor:
    """Return the descriptor of a layer's blob, plain or gzip.

    Raises:
        InvalidImage: compressed otherwise. Docker 20.10 pulls no zstd: such layers are stored
            plain.
    """
    media_type = _LAYER_TYPES.get(compression)
    if media_type is None:
        raise InvalidImage(f"a layer compressed with {compression} can't be in a manifest")
    return Descriptor(media_type, digest, size_bytes)


def make_manifest(image: ArchivedImage, layers: Sequence[Descriptor]) -> tuple[bytes, str]:
    """Return the image's manifest and its media type.

    The archive's own manifest, byte for byte, is returned if it names just these layers; else an
    OCI manifest that depends on the configuration and the layers alone.

    Args:
        image: the chosen image.
        layers: descriptors of the stored blobs, lowest first, one for each layer of the image.

    Raises:
        InvalidImage: the number of layers differs.
    """
    if len(layers) != len(image.layers):
        raise InvalidImage(f"the image has {len(image.layers)} layers, not {len(layers)}")
    if image.manifest is not None and image.manifest_media_type is not None:
        stated = [layer.descriptor.digest for layer in image.layers if layer.descriptor]
        if stated == [layer.digest for layer in layers]:
            return image.manifest, image.manifest_media_type
    config = Descriptor(media_types.CONFIG, sha256_of(image.config), len(image.config))
    return Manifest(config, tuple(layers)).to_bytes(), media_types.MANIFEST
