"""An index of images for several machines (OCI image specification, "Image Index")."""

from collections.abc import Callable
from dataclasses import dataclass

from au2.domain.errors import InvalidImage
from au2.oci.spec import media_types
from au2.oci.spec.document import Fields, parse_document
from au2.oci.spec.manifest import Descriptor, parse_descriptor
from au2.oci.spec.platform import Platform, describe_mismatch, parse_platform, rank

_MOST_MANIFESTS = 1000
_MOST_LOOKUPS = 50
"""Images whose platform the index does not tell, and which are looked into for it."""
_ATTESTATION = "vnd.docker.reference.type"


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One image of an index, and its platform."""

    descriptor: Descriptor
    platform: Platform | None
    """None: the index does not tell it, the image does."""

    @property
    def is_attestation(self) -> bool:
        """Whether the entry is about another image (BuildKit, "Image attestation storage")."""
        is_unknown = self.platform is not None and self.platform.is_unknown
        return is_unknown or _ATTESTATION in self.descriptor.annotations


def parse_index(data: bytes) -> tuple[IndexEntry, ...]:
    """Return the images of an index, OCI or Docker, without other entries.

    Raises:
        InvalidImage: too large, or not an index.
    """
    entries = parse_entries(data)
    return tuple(entry for entry in entries if entry.descriptor.media_type in media_types.MANIFESTS)


def parse_entries(data: bytes) -> tuple[IndexEntry, ...]:
    """Return all entries of an index, further indexes too; raises as parse_index."""
    fields = parse_document(data, "index")
    if fields.text("mediaType", media_types.INDEX) not in media_types.INDEXES:
        raise InvalidImage("this is not an index of images")
    members = fields.members("manifests")
    if len(members) > _MOST_MANIFESTS:
        raise InvalidImage(f"the index has more than {_MOST_MANIFESTS} images")
    return tuple(_parse_entry(member) for member in members)


def _parse_entry(fields: Fields) -> IndexEntry:
    told = fields.member("platform")
    architecture = told.text("architecture", "")
    platform = parse_platform(told.text("os", ""), architecture, told.text("variant", ""))
    return IndexEntry(parse_descriptor(fields), platform if architecture else None)


def choose_image(
    entries: tuple[IndexEntry, ...],
    machine: Platform,
    platform_of: Callable[[Descriptor], Platform],
) -> Descriptor:
    """Return the best image for ``machine``; of several as good, the first.

    Args:
        entries: of the index.
        machine: platform of the machine.
        platform_of: returns the platform of an image by its manifest; called only if the index
            states no fitting platform.

    Raises:
        InvalidImage: there is none; the message lists the platforms.
    """
    images = [entry for entry in entries if not entry.is_attestation]
    told = [(entry.descriptor, entry.platform) for entry in images if entry.platform is not None]
    if (found := _find_best(told, machine)) is not None:
        return found
    untold = [entry.descriptor for entry in images if entry.platform is None]
    if len(untold) > _MOST_LOOKUPS:
        raise InvalidImage("the index does not tell the platforms of its images")
    asked = [(descriptor, platform_of(descriptor)) for descriptor in untold]
    if (found := _find_best(asked, machine)) is not None:
        return found
    raise InvalidImage(describe_mismatch((one for _, one in (*told, *asked)), machine))


def _find_best(images: list[tuple[Descriptor, Platform]], machine: Platform) -> Descriptor | None:
    fitting = [
        (fit, descriptor)
        for descriptor, platform in images
        if (fit := rank(platform, machine)) is not None
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None
