"""From a chosen image to its documents and the places of its layers."""

from au2.domain.errors import InvalidImage
from au2.oci.archive.archived_image import ArchivedImage, ArchivedLayer
from au2.oci.archive.candidates import Candidate, ListedImage
from au2.oci.archive.contents import ArchiveContents, blob_path
from au2.oci.compression.decompress import Compression
from au2.oci.spec import media_types
from au2.oci.spec.config import ImageConfig, parse_config
from au2.oci.spec.descriptor import Descriptor
from au2.oci.spec.image import check_layers_agree
from au2.oci.spec.manifest import Manifest, parse_manifest
from au2.oci.tar.paths import shown

_TAKEN = frozenset({Compression.NONE, Compression.GZIP, Compression.ZSTD})
_FOREIGN_HINT = (
    "It is of a type that tools leave out when they save or push an image (non-distributable, "
    "foreign). Build the image with ordinary layers, or with the layer's bytes in it."
)


def open_image(contents: ArchiveContents, candidate: Candidate) -> ArchivedImage:
    """Return the image with its layers' places.

    Raises:
        InvalidImage: a document is damaged, a layer is not there, or is none.
    """
    config_bytes = contents.document(candidate.config_path, "configuration")
    config = parse_config(config_bytes)
    if candidate.entry is not None:
        digest = candidate.entry.descriptor.digest
        data = contents.document(blob_path(digest), "manifest")
        manifest = parse_manifest(data)
        if candidate.listed is None or _agree(manifest, config):
            check_layers_agree(manifest, config)
            layers = _laid_layers(contents, manifest, config)
            return ArchivedImage(candidate.names, config_bytes, data, manifest.media_type, layers)
    if candidate.listed is None:
        raise InvalidImage(f"the image {shown(candidate.label)} has neither manifest nor layers")
    layers = _listed_layers(contents, candidate.listed, config)
    return ArchivedImage(candidate.names, config_bytes, None, None, layers)


def _agree(manifest: Manifest, config: ImageConfig) -> bool:
    """Whether the layers can be those that the configuration names, as far as one can tell."""
    if len(manifest.layers) != len(config.diff_ids):
        return False
    return all(
        layer.digest == diff_id or layer.media_type not in media_types.PLAIN_LAYERS
        for layer, diff_id in zip(manifest.layers, config.diff_ids, strict=True)
    )


def _laid_layers(
    contents: ArchiveContents, manifest: Manifest, config: ImageConfig
) -> tuple[ArchivedLayer, ...]:
    return tuple(
        _find_layer(contents, blob_path(layer.digest), diff_id, layer)
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
            f"the layer {shown(name)} is compressed with {file.compression}, which is not taken",
            hint="Save the image with layers that are plain, or compressed with gzip or zstd.",
        )
    if descriptor is not None and descriptor.size_bytes != file.size_bytes:
        raise InvalidImage(
            f"the archive is damaged: {path} has {file.size_bytes} bytes, but the manifest says "
            f"{descriptor.size_bytes} bytes"
        )
    return ArchivedLayer(path, file.size_bytes, file.compression, diff_id, descriptor)
