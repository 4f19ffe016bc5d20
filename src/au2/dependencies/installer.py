"""Protocol of an installer: one per language, used by the layer cache."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from au2.dependencies.build_container import BuildRun
from au2.dependencies.lock import Lock
from au2.oci.tar.writer import LayerEntry


class Request(Protocol):
    """Dependencies that a package asks for."""

    def to_document(self) -> Mapping[str, object]:
        """Return everything that changes the layer, as JSON."""
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
    """Entries of an installed layer, and the lock that repeats it."""

    entries: list[LayerEntry]
    lock: Lock


class Installer(Protocol[_Asked_contra]):
    """Makes the layers of one language."""

    @property
    def tool(self) -> str:
        """Name and version of the tool, and everything else of it that changes a layer."""
        ...

    @property
    def programs(self) -> str:
        """Absolute path of the folder with the installed programs."""
        ...

    def make(self, request: _Asked_contra, task: InstallTask) -> InstallResult:
        """Install, and return the layer's entries.

        Raises:
            DependenciesFailed: the request can't be met. The log says why.
            IndexUnreachable, StorageFull, BlobMissing, EngineFailure
        """
        ...
