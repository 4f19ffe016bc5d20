"""The runtime of a package, found on this machine."""

from collections.abc import Callable
from dataclasses import dataclass

from au2.domain.errors import NotFound
from au2.domain.language import Language
from au2.package.manifest import Manifest
from au2.stores.content.protocol import IngesterProvider


@dataclass(frozen=True, slots=True)
class RuntimeImage:
    """A runtime whose image is in the local store."""

    name: str
    language: Language
    image_digest: str
    version: int | None
    """None: the place that it was found in does not say."""

    def __str__(self) -> str:
        """The words of a notice."""
        return self.name if self.version is None else f"{self.name} version {self.version}"


FindRuntime = Callable[[Manifest, IngesterProvider], RuntimeImage]
"""Returns the runtime that a package names, its image now in the store. Raises NotFound when it is
nowhere on this machine (the hint says how it gets here), Conflict when several have its name."""


def search_both(first: FindRuntime, second: FindRuntime) -> FindRuntime:
    """Return a search with ``first``, then ``second``."""

    def find(manifest: Manifest, blobs: IngesterProvider) -> RuntimeImage:
        try:
            return first(manifest, blobs)
        except NotFound:
            return second(manifest, blobs)

    return find
