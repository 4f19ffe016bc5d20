"""Report of a garbage collection: numbers and bytes by resource kind, fate and reason."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class ResourceKind(StrEnum):
    """Kinds of things that are kept."""

    BLOBS = "blobs"
    COMPRESSED = "forms of blobs"
    """Entries that say of a blob that it is kept as another, compressed one."""
    UNFINISHED = "unfinished files"
    LAYERS = "unpacked layers"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One line of a report."""

    what: ResourceKind
    goes: bool
    why: str
    number: int
    size_bytes: int | None
    """None: not counted."""

    def to_document(self) -> dict[str, object]:
        """Return the line for people and programs."""
        return {
            "what": self.what.value,
            "goes": self.goes,
            "why": self.why,
            "number": self.number,
            "bytes": self.size_bytes,
        }


@dataclass(slots=True)
class GCReport:
    """Counts things up by kind and reason."""

    _numbers: dict[tuple[ResourceKind, bool, str], int] = field(default_factory=dict)
    _bytes: dict[tuple[ResourceKind, bool, str], int] = field(default_factory=dict)

    def stays(self, what: ResourceKind, why: str, size_bytes: int | None = None) -> None:
        """Count something that stays."""
        self._count((what, False, why), 1, size_bytes)

    def goes(
        self, what: ResourceKind, why: str, size_bytes: int | None = None, *, number: int = 1
    ) -> None:
        """Count something that goes, or went."""
        self._count((what, True, why), number, size_bytes)

    @property
    def freed_bytes(self) -> int:
        """Bytes of all that goes, as far as they are counted."""
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
