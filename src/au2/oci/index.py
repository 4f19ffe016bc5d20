"""An index of images for several machines (OCI image specification, "Image Index")."""

from dataclasses import dataclass

from au2.domain.errors import InvalidImage
from au2.oci import media_types
from au2.oci.descriptor import Descriptor, parse_descriptor
from au2.oci.document import Fields, parse_document

_MOST_MANIFESTS = 1000


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One image of an index, and the machine that it is for."""

    descriptor: Descriptor
    os: str
    architecture: str
    variant: str = ""

    @property
    def platform(self) -> str:
        """As Docker writes it: ``linux/arm64/v8``."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


def parse_index(data: bytes) -> tuple[IndexEntry, ...]:
    """Return the images of an index, OCI or Docker; entries that are no images are left out.

    Raises:
        InvalidImage: too large, or not an index.
    """
    entries = parse_entries(data)
    return tuple(entry for entry in entries if entry.descriptor.media_type in media_types.MANIFESTS)


def parse_entries(data: bytes) -> tuple[IndexEntry, ...]:
    """Return everything that an index points to, further indexes too; raises as parse_index."""
    fields = parse_document(data, "index")
    if fields.text("mediaType", media_types.INDEX) not in media_types.INDEXES:
        raise InvalidImage("this is not an index of images")
    members = fields.members("manifests")
    if len(members) > _MOST_MANIFESTS:
        raise InvalidImage(f"the index has more than {_MOST_MANIFESTS} images")
    return tuple(_parse_entry(member) for member in members)


def _parse_entry(fields: Fields) -> IndexEntry:
    platform = fields.member("platform")
    return IndexEntry(
        parse_descriptor(fields),
        platform.text("os", ""),
        platform.text("architecture", ""),
        platform.text("variant", ""),
    )


def choose_image(entries: tuple[IndexEntry, ...], architecture: str) -> Descriptor:
    """Return the first image for Linux on ``architecture`` (``amd64`` …).

    Raises:
        InvalidImage: there is none; the message lists what there is.
    """
    for entry in entries:
        if (entry.os, entry.architecture) == ("linux", architecture):
            return entry.descriptor
    there = ", ".join(sorted({entry.platform for entry in entries} - {"", "unknown/unknown"}))
    raise InvalidImage(
        f"the image is not there for linux/{architecture}, only for: {there[:500] or 'nothing'}"
    )
