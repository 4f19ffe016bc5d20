"""Report of a garbage collection."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class ResourceKind(StrEnum):
    """Kind of a resource."""

    BLOBS = "blobs"
    COMPRESSED = "forms of blobs"
    """Compressed forms: entries of blobs that another blob holds compressed."""
    UNFINISHED = "unfinished files"
    LAYERS = "unpacked layers"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class ReportRow:
    """Row of a report: resources of one kind, fate and reason."""

    kind: ResourceKind
    goes: bool
    why: str
    number: int
    size_bytes: int | None
    """None: not counted."""

    def to_document(self) -> dict[str, object]:
        """Return the row as a JSON object."""
        return {
            "what": self.kind.value,
            "goes": self.goes,
            "why": self.why,
            "number": self.number,
            "bytes": self.size_bytes,
        }


@dataclass(slots=True)
class GCReport:
    """Report of a garbage collection: numbers and bytes by kind, fate and reason."""

    _numbers: dict[tuple[ResourceKind, bool, str], int] = field(default_factory=dict)
    _bytes: dict[tuple[ResourceKind, bool, str], int] = field(default_factory=dict)

    def stays(self, kind: ResourceKind, why: str, size_bytes: int | None = None) -> None:
        """Count a kept resource."""
        self._count((kind, False, why), 1, size_bytes)

    def goes(
        self, kind: ResourceKind, why: str, size_bytes: int | None = None, *, number: int = 1
    ) -> None:
        """Count removed resources."""
        self._count((kind, True, why), number, size_bytes)

    @property
    def freed_bytes(self) -> int:
        """Bytes of all removed resources, as far as they are counted."""
        return sum(size for (_, goes, _), size in self._bytes.items() if goes)

    def lines(self) -> Iterator[ReportRow]:
        """Yield rows of removed resources, then of kept ones, by kind."""
        order = list(ResourceKind)
        keys = sorted(self._numbers, key=lambda key: (not key[1], order.index(key[0]), key[2]))
        for key in keys:
            yield ReportRow(*key, self._numbers[key], self._bytes.get(key))

    def _count(
        self, key: tuple[ResourceKind, bool, str], number: int, size_bytes: int | None
    ) -> None:
        if number:
            self._numbers[key] = self._numbers.get(key, 0) + number
        if size_bytes is not None:
            self._bytes[key] = self._bytes.get(key, 0) + size_bytes
