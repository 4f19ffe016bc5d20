"""A descriptor: what points to a blob (OCI image specification, "Content Descriptors")."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from au2.domain.errors import InvalidImage
from au2.oci.spec.digest import parse_digest
from au2.oci.spec.document import Fields


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


def parse_descriptor(fields: Fields) -> Descriptor:
    """Return the descriptor in a JSON object; unknown keys are ignored, as they should be."""
    return Descriptor(
        media_type=fields.text("mediaType"),
        digest=parse_digest(fields.take("digest"), error=InvalidImage),
        size_bytes=fields.natural("size"),
        annotations=fields.text_mapping("annotations"),
    )
