"""Images as every Docker can load them."""

from collections.abc import Callable
from dataclasses import replace

from au2.oci.spec import media_types
from au2.oci.spec.descriptor import Descriptor
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.image import Image


def without_zstd(image: Image, size_of: Callable[[str], int]) -> tuple[Image, bytes | None]:
    """Return the image with its zstd layers uncompressed: Docker 20.10 can't read those.

    Args:
        image: any image.
        size_of: tells the size in bytes of an uncompressed layer by its diff_id.

    Returns:
        The image and its manifest's bytes; ``image`` itself and None where nothing had to change.
    """
    layers = tuple(
        _plain(diff_id, size_of) if layer.media_type in media_types.ZSTD_LAYERS else layer
        for layer, diff_id in zip(image.manifest.layers, image.config.diff_ids, strict=True)
    )
    if layers == image.manifest.layers:
        return image, None
    manifest = replace(image.manifest, layers=layers)
    data = manifest.to_bytes()
    return Image(sha256_of(data), manifest, image.config), data


def _plain(diff_id: str, size_of: Callable[[str], int]) -> Descriptor:
    return Descriptor(media_types.LAYER_TAR, diff_id, size_of(diff_id))
