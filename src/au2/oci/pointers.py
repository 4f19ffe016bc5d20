"""What any manifest or index points to, images or not: signatures and the like have the same form.

For keeping and checking blobs; what runs is read by :mod:`au2.oci.manifest`, which is stricter.
"""

from dataclasses import dataclass

from au2.oci import media_types
from au2.oci.descriptor import Descriptor, parse_descriptor
from au2.oci.document import Fields, parse_document


@dataclass(frozen=True, slots=True)
class Pointers:
    """Descriptors, in the order of the document."""

    blobs: tuple[Descriptor, ...]
    """Configuration and layers; none of an index. (OCI image specification, "Image Manifest".)"""
    manifests: tuple[Descriptor, ...]
    """Of an index; some registries take indexes of which not all are there. ("Image Index".)"""


def parse_pointers(data: bytes) -> Pointers:
    """Return what a manifest or index points to. What it is about (``subject``) is not part of it.

    Raises:
        InvalidImage: too large, not JSON, or a descriptor is not valid.
    """
    return read_pointers(parse_document(data, "manifest"))


def read_pointers(fields: Fields) -> Pointers:
    """Return what a manifest or index that was parsed points to.

    The kind decides what counts, the same for everybody who asks: what a push does not look at, and
    so nobody has checked, is no pointer for the garbage collection either.

    Raises:
        InvalidImage: a descriptor is not valid.
    """
    if is_index(fields):
        manifests = tuple(map(parse_descriptor, fields.members("manifests")))
        return Pointers(blobs=(), manifests=manifests)
    config = parse_descriptor(Fields(fields.take("config"), "manifest's config"))
    layers = map(parse_descriptor, fields.members("layers"))
    return Pointers(blobs=(config, *layers), manifests=())


def is_index(fields: Fields) -> bool:
    """Whether it says that it is an index, or says nothing and lists manifests."""
    guessed = media_types.INDEX if fields.has("manifests") else media_types.MANIFEST
    return fields.text("mediaType", guessed) in media_types.INDEXES
