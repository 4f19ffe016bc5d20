"""Manifests as read by registries: images, indexes and artifacts, and their references.

OCI image specification, "Image Manifest" and "Image Index"; OCI distribution specification 1.1,
"Pushing Manifests". Images for running are read by the stricter :mod:`au2.oci.spec.manifest`.
Digests may be aliases (SHA-512), unlike there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from au2.domain.errors import InvalidImage
from au2.oci.spec import media_types
from au2.oci.spec.digest import is_alias
from au2.oci.spec.document import Fields, parse_document
from au2.oci.spec.manifest import Descriptor, parse_descriptor


@dataclass(frozen=True, slots=True)
class ReferencedDescriptors:
    """Descriptors in a manifest or index, in the order of the document."""

    blobs: tuple[Descriptor, ...]
    """Configuration and layers; none of an index. (OCI image specification, "Image Manifest".)"""
    manifests: tuple[Descriptor, ...]
    """Of an index; some registries take indexes of which not all are there. ("Image Index".)"""


def parse_referenced(data: bytes) -> ReferencedDescriptors:
    """Return the descriptors in a manifest or index, without its ``subject``.

    Raises:
        InvalidImage: too large, not JSON, or a descriptor is not valid.
    """
    return find_referenced(parse_document(data, "manifest"))


def find_referenced(fields: Fields) -> ReferencedDescriptors:
    """Return the descriptors in a parsed manifest or index.

    The kind decides which members count, the same for all callers: a member without a check at a
    push is no reference for garbage collection either.

    Raises:
        InvalidImage: a descriptor is not valid.
    """
    if is_index(fields):
        manifests = tuple(map(_parse_any_descriptor, fields.members("manifests")))
        return ReferencedDescriptors(blobs=(), manifests=manifests)
    config = _parse_any_descriptor(Fields(fields.take("config"), "manifest's config"))
    layers = map(_parse_any_descriptor, fields.members("layers"))
    return ReferencedDescriptors(blobs=(config, *layers), manifests=())


def _parse_any_descriptor(fields: Fields) -> Descriptor:
    return parse_descriptor(fields, may_be_alias=True)


def is_index(fields: Fields) -> bool:
    """Whether a document's type is index; without a type, whether manifests are listed."""
    guessed = media_types.INDEX if fields.has("manifests") else media_types.MANIFEST
    return fields.text("mediaType", guessed) in media_types.INDEXES


_KNOWN = media_types.MANIFESTS | media_types.INDEXES
_MOST_MEMBERS = 1000
_MOST_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class RegistryManifest:
    """Manifest or index, with the members used by registries."""

    media_type: str
    blobs: tuple[Descriptor, ...]
    """Configuration and layers; empty for an index."""
    manifests: tuple[Descriptor, ...]
    """Of an index."""
    subject: Descriptor | None
    """Manifest that it refers to: the image of a signature."""
    artifact_type: str | None
    """Type by which referrers are filtered."""
    annotations: Mapping[str, str]

    @property
    def subject_digest(self) -> str | None:
        """Digest of the subject."""
        return None if self.subject is None else self.subject.digest

    @property
    def has_aliases(self) -> bool:
        """Whether a descriptor has an alias for its digest."""
        descriptors = (*self.blobs, *self.manifests, *filter(None, [self.subject]))
        return any(is_alias(descriptor.digest) for descriptor in descriptors)

    @property
    def is_index(self) -> bool:
        """Whether the manifest is an index."""
        return self.media_type in media_types.INDEXES


def parse_registry_manifest(data: bytes, stated_type: str = "") -> RegistryManifest:
    """Return the manifest in ``data``.

    Args:
        data: bytes of the manifest.
        stated_type: media type of the request; empty: none was stated.

    Raises:
        InvalidImage: too large, no manifest, or of an unsupported type or another type than stated.
    """
    fields = parse_document(data, "manifest")
    media_type = fields.text("mediaType", stated_type or _guess_type(fields))
    if media_type not in _KNOWN:
        raise InvalidImage(f"manifests of type {media_type[:100]!r} are not supported")
    if stated_type and stated_type != media_type:
        raise InvalidImage(f"it came as {stated_type[:100]!r}, but says it is {media_type!r}")
    if fields.natural("schemaVersion") != 2:
        raise InvalidImage("its schemaVersion is not 2")
    _check_kind(fields, media_type)
    pointers = find_referenced(fields)
    if max(len(pointers.blobs), len(pointers.manifests)) > _MOST_MEMBERS:
        raise InvalidImage(f"it has more than {_MOST_MEMBERS} descriptors")
    return RegistryManifest(
        media_type=media_type,
        blobs=pointers.blobs,
        manifests=pointers.manifests,
        subject=_parse_any_descriptor(fields.member("subject")) if fields.has("subject") else None,
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
    """Refuse documents with two meanings: one for the pusher, another for a reader by content.

    Raises:
        InvalidImage: members of the other kind, or stated as the other kind.
    """
    is_stated_index = media_type in media_types.INDEXES
    others = ("config", "layers") if is_stated_index else ("manifests",)
    if is_index(fields) != is_stated_index or any(map(fields.has, others)):
        raise InvalidImage("it is neither clearly an image nor clearly an index")


def _artifact_type(fields: Fields, blobs: tuple[Descriptor, ...]) -> str | None:
    """Return ``artifactType``, else the configuration's media type."""
    found = fields.text("artifactType", "") or (blobs[0].media_type if blobs else "")
    if len(found) > _MOST_CHARACTERS:
        raise InvalidImage("its artifactType is too long")
    return found or None
