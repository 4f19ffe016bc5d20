"""A layer of installed dependencies that is kept, to be used again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DependencyLayer:
    """A layer by the digest of all that it hangs on."""

    key: str
    organization_id: str | None
    """Whose it is; None: everybody's."""
    layer_digest: str
    size_bytes: int
    lock: Mapping[str, Any]
    """What exactly is in it: names, versions, files with their digests."""
    project_id: str | None = None
    """The project of ``organization_id`` that it is for; None: the organization itself."""
