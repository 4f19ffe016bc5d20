"""What there is once dependencies are installed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from au2.oci.mutate import AddedLayer


@dataclass(frozen=True, slots=True)
class BuiltDependencies:
    """A layer, and what is in it."""

    layer: AddedLayer
    lock: Mapping[str, Any]
    """:class:`~au2.dependencies.lock.Lock` as JSON."""
    programs: str
    """Folder of the programs that came along, to stand first in ``PATH``."""
