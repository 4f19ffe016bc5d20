"""Docker's list of the images in an archive: ``manifest.json``.

A list of objects with ``Config``, ``RepoTags`` and ``Layers``; the latter two name members of the
archive (moby, ``image/tarexport``: ``manifestItem``; read by ``docker load`` since 1.10).
"""

from typing import NamedTuple

from au2.domain.errors import InvalidImage
from au2.oci.archive.names import familiar_name
from au2.oci.spec.document import Fields, parse_list
from au2.oci.spec.manifest import MAX_LAYERS

DOCKER_LIST = "manifest.json"
_MOST_IMAGES = 1000


class ListedImage(NamedTuple):
    """An image of the list. Paths are as written: neither clean nor known to be there."""

    config_path: str
    names: tuple[str, ...]
    layer_paths: tuple[str, ...]
    """Lowest first."""


def parse_docker_list(data: bytes) -> tuple[ListedImage, ...]:
    """Return the images of a ``manifest.json``.

    Raises:
        InvalidImage: too large, not of that form, or with too many images or layers.
    """
    entries = parse_list(data, DOCKER_LIST)
    if len(entries) > _MOST_IMAGES:
        raise InvalidImage(
            f"the archive has {len(entries)} images; at most {_MOST_IMAGES} are taken"
        )
    return tuple(_parse_image(entry) for entry in entries)


def _parse_image(fields: Fields) -> ListedImage:
    layers = fields.texts("Layers")
    if len(layers) > MAX_LAYERS:
        raise InvalidImage(f"the image has {len(layers)} layers; at most {MAX_LAYERS} are taken")
    return ListedImage(
        fields.text("Config"),
        tuple(familiar_name(name) for name in fields.texts("RepoTags")),
        layers,
    )
