"""Differences between two mappings: added, removed and changed names."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

Change = Literal["added", "removed", "changed"]


class Difference(NamedTuple):
    """One difference: an added, removed or changed name."""

    name: str
    change: Change
    old: Any
    """None where it was added."""
    new: Any
    """None where it was removed."""


def compare_mappings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Return the differences, by name."""
    return sorted(_differences(old, new), key=lambda difference: difference.name)


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in old.keys() | new.keys():
        if name not in old:
            yield Difference(name, "added", None, new[name])
        elif name not in new:
            yield Difference(name, "removed", old[name], None)
        elif old[name] != new[name]:
            yield Difference(name, "changed", old[name], new[name])
