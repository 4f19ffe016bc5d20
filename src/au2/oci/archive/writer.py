"""Writer of the archive for ``docker load``, which is also an OCI image layout.

``manifest.json`` is Docker's own list; ``oci-layout`` and ``index.json`` make the same blobs an OCI
image layout (OCI image specification, "Image Layout"), for podman, skopeo and newer Docker.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO, Protocol

from au2.oci.spec import media_types
from au2.oci.spec.digest import hexadecimal, sha256_of
from au2.oci.spec.image import Image
from au2.oci.spec.manifest import Descriptor
from au2.oci.tar.writer import LayerEntry, bytes_entry, file_entry, with_parents


class BlobSource(Protocol):
    """Source of an image's blobs."""

    def open(self, digest: str) -> BinaryIO:
        """Open a blob; reading verifies its digest."""


def docker_archive_entries(
    image: Image, manifest: bytes, blobs: BlobSource, tag: str
) -> list[LayerEntry]:
    """Return the entries of an archive as of ``docker save``; contents stream when written.

    The same image and tag give the same bytes. Writing raises BlobMissing and DigestMismatch from
    ``blobs``.

    Args:
        image: the image.
        manifest: bytes of its manifest.
        blobs: source of configuration and layers.
        tag: ``name:version``.
    """
    config = image.manifest.config
    documents = {
        "manifest.json": [
            {
                "Config": _blob_path(config.digest),
                "RepoTags": [tag],
                "Layers": [_blob_path(layer.digest) for layer in image.manifest.layers],
            }
        ],
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
        "index.json": _index(image, len(manifest), tag),
    }
    entries = [bytes_entry(name, _to_bytes(value)) for name, value in documents.items()]
    entries.append(bytes_entry(_blob_path(image.manifest_digest), manifest))
    # A set, because an image may hold the same layer more than once.
    for digest, size_bytes in sorted(
        {(blob.digest, blob.size_bytes) for blob in (config, *image.manifest.layers)}
    ):
        opened = partial(blobs.open, digest)
        entries.append(file_entry(_blob_path(digest), size_bytes, opened))
    return with_parents(entries)


def _index(image: Image, manifest_bytes: int, tag: str) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": media_types.INDEX,
        "manifests": [
            {
                "mediaType": image.manifest.media_type,
                "digest": image.manifest_digest,
                "size": manifest_bytes,
                "annotations": {
                    "io.containerd.image.name": tag,
                    "org.opencontainers.image.ref.name": tag.rpartition(":")[2],
                },
            }
        ],
    }


def _blob_path(digest: str) -> str:
    return f"blobs/sha256/{hexadecimal(digest)}"


def _to_bytes(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def without_zstd(image: Image, size_of: Callable[[str], int]) -> tuple[Image, bytes | None]:
    """Return the image with its zstd layers uncompressed: Docker 20.10 can't read zstd.

    Args:
        image: any image.
        size_of: returns the size in bytes of an uncompressed layer by its diff_id.

    Returns:
        The image and its manifest's bytes; ``image`` itself and None without zstd layers.
    """
    layers = tuple(
        Descriptor(media_types.LAYER_TAR, diff_id, size_of(diff_id))
        if layer.media_type in media_types.ZSTD_LAYERS
        else layer
        for layer, diff_id in zip(image.manifest.layers, image.config.diff_ids, strict=True)
    )
    if layers == image.manifest.layers:
        return image, None
    manifest = replace(image.manifest, layers=layers)
    data = manifest.to_bytes()
    return Image(sha256_of(data), manifest, image.config), data
