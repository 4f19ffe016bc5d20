"""What a registry must know of a manifest that comes: an image, an index, or an artifact.

OCI image specification, "Image Manifest" and "Image Index"; OCI distribution specification 1.1,
"Pushing Manifests". What is to be run is read by :mod:`au2.oci.spec.manifest`, which is stricter.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from au2.domain.errors import InvalidImage
from au2.oci.spec import media_types
from au2.oci.spec.descriptor import Descriptor, parse_descriptor
from au2.oci.spec.document import Fields, parse_document
from au2.oci.spec.referenced_descriptors import find_referenced, is_index

_KNOWN = media_types.MANIFESTS | media_types.INDEXES
_MOST_MEMBERS = 1000
_MOST_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class RegistryManifest:
    """A manifest or index, as far as a registry looks at it."""

    media_type: str
    blobs: tuple[Descriptor, ...]
    """Configuration and layers; empty for an index."""
    manifests: tuple[Descriptor, ...]
    """Of an index."""
    subject: Descriptor | None
    """What it is about: a signature's image, say."""
    artifact_type: str | None
    """As referrers are filtered by."""
    annotations: Mapping[str, str]

    @property
    def subject_digest(self) -> str | None:
        """Digest of what it is about."""
        return None if self.subject is None else self.subject.digest

    @property
    def is_index(self) -> bool:
        """Whether it lists manifests and has no layers of its own."""
        return self.media_type in media_types.INDEXES


def parse_registry_manifest(data: bytes, stated_type: str = "") -> RegistryManifest:
    """Return what a registry must know of ``data``.

    Args:
        data: the manifest, byte for byte.
        stated_type: media type that it came with; empty: none was stated.

    Raises:
        InvalidImage: too large, no manifest, of a type that is not taken, or not what was stated.
    """
    fields = parse_document(data, "manifest")
    media_type = fields.text("mediaType", stated_type or _guess_type(fields))
    if media_type not in _KNOWN:
        raise InvalidImage(f"manifests of type {media_type[:100]!r} are not taken")
    if stated_type and stated_type != media_type:
        raise InvalidImage(f"it came as {stated_type[:100]!r}, but says it is {media_type!r}")
    if fields.natural("schemaVersion") != 2:
        raise InvalidImage("its schemaVersion is not 2")
    _check_kind(fields, media_type)
    pointers = find_referenced(fields)
    if max(len(pointers.blobs), len(pointers.manifests)) > _MOST_MEMBERS:
        raise InvalidImage(f"it names more than {_MOST_MEMBERS} things")
    return RegistryManifest(
        media_type=media_type,
        blobs=pointers.blobs,
        manifests=pointers.manifests,
        subject=parse_descriptor(fields.member("subject")) if fields.has("subject") else None,
        artifact_type=_artifact_type(fields, pointers.blobs),
        annotations=fields.text_mapping("annotations"),
    )


def media_type_of(data: bytes) -> str:
    """Return the media type of a stored manifest. Raises InvalidImage."""
    fields = parse_document(data, "manifest")
    return fields.text("mediaType", _guess_type(fields))


def _guess_type(fields: Fields) -> str:
    return media_types.INDEX if is_index(fields) else media_types.MANIFEST


def _check_kind(fields: Fields, media_type: str) -> None:
    """Refuse what is one thing for who pushed it and another for who reads it without being told.

    Raises:
        InvalidImage: it has members of the other kind, or was stated to be of the other kind.
    """
    is_stated_index = media_type in media_types.INDEXES
    others = ("config", "layers") if is_stated_index else ("manifests",)
    if is_index(fields) != is_stated_index or any(map(fields.has, others)):
        raise InvalidImage("it is neither clearly an image nor clearly an index")


def _artifact_type(fields: Fields, blobs: tuple[Descriptor, ...]) -> str | None:
    """``artifactType``, else for what has a configuration the type of that."""
    found = fields.text("artifactType", "") or (blobs[0].media_type if blobs else "")
    if len(found) > _MOST_CHARACTERS:
        raise InvalidImage("its artifactType is too long")
    return found or None
