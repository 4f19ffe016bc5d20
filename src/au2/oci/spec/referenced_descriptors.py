"""Descriptors that a manifest or index references: images, signatures and other artifacts alike.

Garbage collection and fsck use them. Images that run are read by the stricter
:mod:`au2.oci.spec.manifest`.
"""

from dataclasses import dataclass

from au2.oci.spec import media_types
from au2.oci.spec.descriptor import Descriptor, parse_descriptor
from au2.oci.spec.document import Fields, parse_document


@dataclass(frozen=True, slots=True)
class ReferencedDescriptors:
    """Descriptors, in the order of the document."""

    blobs: tuple[Descriptor, ...]
    """Configuration and layers; none of an index. (OCI image specification, "Image Manifest".)"""
    manifests: tuple[Descriptor, ...]
    """Of an index; some registries take indexes of which not all are there. ("Image Index".)"""


def parse_referenced(data: bytes) -> ReferencedDescriptors:
    """Return what a manifest or index points to. What it is about (``subject``) is not part of it.

    Raises:
        InvalidImage: too large, not JSON, or a descriptor is not valid.
    """
    return find_referenced(parse_document(data, "manifest"))


def find_referenced(fields: Fields) -> ReferencedDescriptors:
    """Return what a manifest or index that was parsed points to.

    The kind decides what counts, the same for everybody who asks: what a push does not look at, and
    so nobody has checked, is no pointer for the garbage collection either.

    Raises:
        InvalidImage: a descriptor is not valid.
    """
    if is_index(fields):
        manifests = tuple(map(parse_descriptor, fields.members("manifests")))
        return ReferencedDescriptors(blobs=(), manifests=manifests)
    config = parse_descriptor(Fields(fields.take("config"), "manifest's config"))
    layers = map(parse_descriptor, fields.members("layers"))
    return ReferencedDescriptors(blobs=(config, *layers), manifests=())


def is_index(fields: Fields) -> bool:
    """Whether it says that it is an index, or says nothing and lists manifests."""
    guessed = media_types.INDEX if fields.has("manifests") else media_types.MANIFEST
    return fields.text("mediaType", guessed) in media_types.INDEXES
