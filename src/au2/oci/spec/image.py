"""An image: a manifest and its configuration, as one thing."""

from dataclasses import dataclass

from au2.domain.errors import InvalidImage
from au2.oci.spec.config import ImageConfig
from au2.oci.spec.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Image:
    """An image by the digest of its manifest. The layers' bytes are wherever blobs are kept."""

    manifest_digest: str
    manifest: Manifest
    config: ImageConfig


def check_layers_agree(manifest: Manifest, config: ImageConfig) -> None:
    """Raise InvalidImage unless the configuration has one diff_id for each layer."""
    layers, diff_ids = len(manifest.layers), len(config.diff_ids)
    if layers != diff_ids:
        raise InvalidImage(
            f"the manifest has {layers} layers but the configuration has digests for {diff_ids}"
        )
