"""Archived image: the chosen image of an archive, its layers, and its manifest.

Pure: the same image gets the same manifest.
"""

from collections.abc import Sequence
from typing import NamedTuple

from au2.domain.errors import InvalidImage
from au2.oci.archive.candidates import Candidate, ListedImage
from au2.oci.archive.contents import ArchiveContents, blob_path
from au2.oci.decompression import Compression
from au2.oci.spec import media_types
from au2.oci.spec.config import ImageConfig, parse_config
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.image import check_layers_agree
from au2.oci.spec.manifest import Descriptor, Manifest, parse_manifest
from au2.oci.tar.paths import shown

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
    OCI manifest made from the configuration and the layers alone.

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


_TAKEN = frozenset({Compression.NONE, Compression.GZIP, Compression.ZSTD})
_FOREIGN_HINT = (
    "It is of a type that tools leave out when they save or push an image (non-distributable, "
    "foreign). Build the image with ordinary layers, or with the layer's bytes in it."
)


def open_image(contents: ArchiveContents, candidate: Candidate) -> ArchivedImage:
    """Return the image with its layers.

    Raises:
        InvalidImage: a document is damaged, or a layer is missing or of another kind.
    """
    config_bytes = contents.document(candidate.config_path, "configuration")
    config = parse_config(config_bytes)
    if candidate.entry is not None:
        digest = candidate.entry.descriptor.digest
        data = contents.document(blob_path(digest), "manifest")
        manifest = parse_manifest(data)
        if candidate.listed is None or _agree(manifest, config):
            check_layers_agree(manifest, config)
            layers = tuple(
                _find_layer(contents, blob_path(layer.digest), diff_id, layer)
                for layer, diff_id in zip(manifest.layers, config.diff_ids, strict=True)
            )
            return ArchivedImage(candidate.names, config_bytes, data, manifest.media_type, layers)
    if candidate.listed is None:
        raise InvalidImage(f"the image {shown(candidate.label)} has neither manifest nor layers")
    layers = _listed_layers(contents, candidate.listed, config)
    return ArchivedImage(candidate.names, config_bytes, None, None, layers)


def _agree(manifest: Manifest, config: ImageConfig) -> bool:
    """Whether the manifest's layers may be the configuration's, by number and known digests."""
    if len(manifest.layers) != len(config.diff_ids):
        return False
    return all(
        layer.digest == diff_id or layer.media_type not in media_types.PLAIN_LAYERS
        for layer, diff_id in zip(manifest.layers, config.diff_ids, strict=True)
    )


def _listed_layers(
    contents: ArchiveContents, listed: ListedImage, config: ImageConfig
) -> tuple[ArchivedLayer, ...]:
    if len(listed.layer_paths) != len(config.diff_ids):
        raise InvalidImage(
            f"the list of images names {len(listed.layer_paths)} layers but the configuration has "
            f"digests for {len(config.diff_ids)}"
        )
    return tuple(
        _find_layer(contents, path, diff_id, None)
        for path, diff_id in zip(listed.layer_paths, config.diff_ids, strict=True)
    )


def _find_layer(
    contents: ArchiveContents, name: str, diff_id: str, descriptor: Descriptor | None
) -> ArchivedLayer:
    try:
        path = contents.resolve(name, "layer")
    except InvalidImage as error:
        if descriptor is not None and descriptor.media_type in media_types.FOREIGN_LAYERS:
            error.hint = _FOREIGN_HINT
        raise
    file = contents.file(path)
    if not file.may_be_layer:
        raise InvalidImage(f"the layer {shown(name)} is neither a tar archive nor compressed")
    if file.compression not in _TAKEN:
        raise InvalidImage(
            f"the layer {shown(name)} is compressed with {file.compression}: not supported",
            hint="Save the image with layers that are plain, or compressed with gzip or zstd.",
        )
    if descriptor is not None and descriptor.size_bytes != file.size_bytes:
        raise InvalidImage(
            f"the archive is damaged: {path} has {file.size_bytes} bytes, but the manifest says "
            f"{descriptor.size_bytes} bytes"
        )
    return ArchivedLayer(path, file.size_bytes, file.compression, diff_id, descriptor)
