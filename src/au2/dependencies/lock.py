"""What was resolved and installed, exactly: kept with the version, enough to make it again."""

from collections.abc import Mapping
from typing import Any, NamedTuple

_FORMAT = 1


class BuiltWheel(NamedTuple):
    """A wheel that was built from source: kept, for nobody makes the same a second time."""

    file: str
    digest: str
    """Of a blob."""
    source_file: str
    source_digest: str


class LockedPackage(NamedTuple):
    """One file that was installed."""

    name: str
    version: str
    file: str
    digest: str
    """``sha256:…``"""
    source_file: str | None = None
    """Where it was built from, if it was: a source archive of the index."""
    source_digest: str | None = None

    @property
    def built(self) -> BuiltWheel | None:
        """The wheel, if it was built here."""
        if self.source_file is None or self.source_digest is None:
            return None
        return BuiltWheel(self.file, self.digest, self.source_file, self.source_digest)


class Lock(NamedTuple):
    """All of them."""

    tool: str
    """``uv`` or ``npm`` with its version."""
    key: str
    """Digest of all that was asked for: what has the same key is the same."""
    context_only: bool = False
    """Whether code of packages ran in the making: then nobody else is given the result."""
    packages: tuple[LockedPackage, ...] = ()
    from_runtime: Mapping[str, str] = {}
    """Version by name of what the runtime has and the package asks for."""

    def to_document(self) -> dict[str, Any]:
        """Return the lock as JSON."""
        return {
            "format": _FORMAT,
            "tool": self.tool,
            "key": self.key,
            "context_only": self.context_only,
            "packages": [
                {name: value for name, value in package._asdict().items() if value is not None}
                for package in self.packages
            ],
            "from_runtime": dict(self.from_runtime),
        }


def parse_lock(document: Mapping[str, Any]) -> Lock | None:
    """Return a lock; None: another version of the platform wrote it."""
    if document.get("format") != _FORMAT:
        return None
    return Lock(
        tool=document["tool"],
        key=document["key"],
        context_only=document["context_only"],
        packages=tuple(LockedPackage(**package) for package in document["packages"]),
        from_runtime=document["from_runtime"],
    )
