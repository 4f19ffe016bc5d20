"""The manifest that an image from an archive gets. Pure: the same image gets the same one."""

from collections.abc import Sequence

from au2.domain.errors import InvalidImage
from au2.oci.archive.archived_image import ArchivedImage
from au2.oci.compression.decompress import Compression
from au2.oci.spec import media_types
from au2.oci.spec.descriptor import Descriptor
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.manifest import Manifest

_LAYER_TYPES = {
    Compression.NONE: media_types.LAYER_TAR,
    Compression.GZIP: media_types.LAYER_GZIP,
}


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

    That is the archive's own, byte for byte, if it has one and the layers are the blobs that it
    names; else an OCI manifest, whose bytes hang on the configuration and the layers alone.

    Args:
        image: as it was found.
        layers: what the layers' blobs came to be, lowest first, one for each of the image's.

    Raises:
        InvalidImage: there are more or fewer than the image has.
    """
    if len(layers) != len(image.layers):
        raise InvalidImage(f"the image has {len(image.layers)} layers, not {len(layers)}")
    if image.manifest is not None and image.manifest_media_type is not None:
        stated = [layer.descriptor.digest for layer in image.layers if layer.descriptor]
        if stated == [layer.digest for layer in layers]:
            return image.manifest, image.manifest_media_type
    config = Descriptor(media_types.CONFIG, sha256_of(image.config), len(image.config))
    return Manifest(config, tuple(layers)).to_bytes(), media_types.MANIFEST
