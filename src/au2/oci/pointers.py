"""What any manifest or index points to, images or not: signatures and the like have the same form.

For keeping and checking blobs; what runs is read by :mod:`au2.oci.manifest`, which is stricter.
"""

from dataclasses import dataclass

from au2.oci.descriptor import Descriptor, parse_descriptor
from au2.oci.document import parse_document


@dataclass(frozen=True, slots=True)
class Pointers:
    """Descriptors, in the order of the document."""

    blobs: tuple[Descriptor, ...]
    """Configuration and layers. (OCI image specification, "Image Manifest".)"""
    manifests: tuple[Descriptor, ...]
    """Of an index; some registries take indexes of which not all are there. ("Image Index".)"""


def parse_pointers(data: bytes) -> Pointers:
    """Return what a manifest or index points to. What it is about (``subject``) is not part of it.

    Raises:
        InvalidImage: too large, not JSON, or a descriptor is not valid.
    """
    fields = parse_document(data, "manifest")
    config = (fields.member("config"),) if fields.has("config") else ()
    return Pointers(
        blobs=tuple(map(parse_descriptor, (*config, *fields.members("layers")))),
        manifests=tuple(map(parse_descriptor, fields.members("manifests"))),
    )
