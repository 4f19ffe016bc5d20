"""An image made of nothing but layers."""

from collections.abc import Sequence

from au2.oci.spec.config import ImageConfig
from au2.oci.spec.image import AddedLayer, append_layers, describe_config
from au2.oci.spec.manifest import Manifest


def make_image(config: ImageConfig, layers: Sequence[AddedLayer]) -> tuple[Manifest, ImageConfig]:
    """Return an image of ``layers`` only, with ``config``, which has no layers yet."""
    return append_layers(Manifest(describe_config(config), ()), config, layers)
