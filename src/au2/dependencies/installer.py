"""Protocol of an installer, one per language; locks to repeat an installation."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from au2.dependencies.build_container import BuildRun
from au2.oci.tar.writer import LayerEntry

_FORMAT = 1


class BuiltWheel(NamedTuple):
    """A wheel built from an sdist; kept, since a second build gives other bytes."""

    file: str
    digest: str
    """Of a blob."""
    source_file: str
    source_digest: str


class LockedPackage(NamedTuple):
    """One installed file."""

    name: str
    version: str
    file: str
    digest: str
    """``sha256:…``"""
    source_file: str | None = None
    """The sdist that the file was built from; None: the index has the file."""
    source_digest: str | None = None

    @property
    def built(self) -> BuiltWheel | None:
        """The wheel of a build by the platform, if any."""
        if self.source_file is None or self.source_digest is None:
            return None
        return BuiltWheel(self.file, self.digest, self.source_file, self.source_digest)


class Lock(NamedTuple):
    """All files of one installation."""

    tool: str
    """``uv`` or ``npm`` with its version."""
    key: str
    """Digest of the request and everything else that the layer depends on."""
    context_only: bool = False
    """Whether code of packages ran: then only the process's own context gets the result."""
    packages: tuple[LockedPackage, ...] = ()
    from_runtime: Mapping[str, str] = {}
    """Version by name of requirements that the runtime meets."""

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
    """Return a lock; None: another version of the platform wrote the document."""
    if document.get("format") != _FORMAT:
        return None
    return Lock(
        tool=document["tool"],
        key=document["key"],
        context_only=document["context_only"],
        packages=tuple(LockedPackage(**package) for package in document["packages"]),
        from_runtime=document["from_runtime"],
    )


class Request(Protocol):
    """Dependencies of a package."""

    def to_document(self) -> Mapping[str, object]:
        """Return everything on which the layer depends, as JSON."""
        ...


_Asked_contra = TypeVar("_Asked_contra", bound=Request, contravariant=True)


@dataclass(frozen=True, slots=True)
class InstallTask:
    """One layer to install."""

    runtime_digest: str
    """Image below the layer."""
    key: str
    """Digest of everything that the layer depends on."""
    lock: Lock | None
    """Exact versions and files; None: to be resolved."""
    run: BuildRun
    folder: Path
    """Folder for file contents until they are in a layer."""


@dataclass(frozen=True, slots=True)
class InstallResult:
    """Entries of an installed layer, and the lock to repeat the installation."""

    entries: list[LayerEntry]
    lock: Lock


class Installer(Protocol[_Asked_contra]):
    """Makes the layers of one language."""

    tool: str
    """Name and version of the tool, and everything else of the tool that changes a layer."""
    programs: str
    """Absolute path of the folder with the installed programs."""

    def make(self, request: _Asked_contra, task: InstallTask) -> InstallResult:
        """Install, and return the layer's entries.

        Raises:
            DependenciesFailed: the request can't be met. The log says why.
            IndexUnreachable, StorageFull, BlobMissing, EngineFailure
        """
        ...
