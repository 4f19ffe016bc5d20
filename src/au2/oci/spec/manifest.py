"""Image manifest and the descriptors in it (OCI image specification, "Image Manifest")."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from au2.domain.errors import InvalidImage
from au2.oci.spec import media_types
from au2.oci.spec.digest import parse_any_digest, parse_digest
from au2.oci.spec.document import Fields, format_document, parse_document


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Type, digest and size of a blob."""

    media_type: str
    digest: str
    size_bytes: int
    annotations: Mapping[str, str] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object; inverse of :func:`parse_descriptor`."""
        document: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size_bytes,
        }
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return document


def parse_descriptor(fields: Fields, *, may_be_alias: bool = False) -> Descriptor:
    """Return the descriptor in a JSON object; unknown keys are ignored.

    Args:
        fields: the JSON object.
        may_be_alias: whether the digest may be one by SHA-512.
    """
    parse = parse_any_digest if may_be_alias else parse_digest
    return Descriptor(
        media_type=fields.text("mediaType"),
        digest=parse(fields.take("digest"), error=InvalidImage),
        size_bytes=fields.natural("size"),
        annotations=fields.text_mapping("annotations"),
    )


MAX_LAYERS = 500
"""More than any builder makes; a bound for what one manifest can make us do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Content of an image: a configuration and layers, lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)
    media_type: str = media_types.MANIFEST

    def to_bytes(self) -> bytes:
        """Return canonical JSON, whose digest names the image; inverse of :func:`parse_manifest`.

        For a foreign manifest, only the original bytes have its digest.
        """
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": self.config.to_document(),
            "layers": [layer.to_document() for layer in self.layers],
        }
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return format_document(document)


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest in ``data``, OCI or Docker schema 2.

    Raises:
        InvalidImage: too large, not a manifest of one image, or with a descriptor of another kind
            than configuration and layer.
    """
    fields = parse_document(data, "manifest")
    media_type = _media_type(fields)
    config = parse_descriptor(Fields(fields.take("config"), "manifest's config"))
    if config.media_type not in media_types.CONFIGS:
        raise InvalidImage(f"the manifest's config is not an image's: {config.media_type[:100]}")
    fields.take("layers")
    layers = tuple(parse_descriptor(layer) for layer in fields.members("layers"))
    _check_layers(layers)
    return Manifest(config, layers, fields.text_mapping("annotations"), media_type)


def _media_type(fields: Fields) -> str:
    media_type = fields.text("mediaType", media_types.MANIFEST)
    if media_type in media_types.INDEXES or fields.has("manifests"):
        raise InvalidImage("this is an index of several images, not the manifest of one")
    if media_type not in media_types.MANIFESTS or fields.natural("schemaVersion") != 2:
        raise InvalidImage(f"this is not an image manifest that we know: {media_type[:100]}")
    return media_type


def _check_layers(layers: tuple[Descriptor, ...]) -> None:
    if len(layers) > MAX_LAYERS:
        raise InvalidImage(f"the image has {len(layers)} layers; the limit is {MAX_LAYERS}")
    for layer in layers:
        if layer.media_type not in media_types.LAYERS:
            raise InvalidImage(f"the manifest has a layer of unknown type {layer.media_type[:100]}")
