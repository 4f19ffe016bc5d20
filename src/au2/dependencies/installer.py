"""What an installer of one language is, to whom keeps its layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from au2.dependencies.build_container import BuildRun
from au2.dependencies.lock import Lock
from au2.oci.tar.writer import LayerEntry


class Request(Protocol):
    """What a package asks for."""

    def to_document(self) -> Mapping[str, object]:
        """Return all of it that makes a difference, as JSON."""
        ...


_Asked_contra = TypeVar("_Asked_contra", bound=Request, contravariant=True)


@dataclass(frozen=True, slots=True)
class InstallTask:
    """A layer to make."""

    runtime_digest: str
    """Image that it goes on."""
    key: str
    """Digest of all that it hangs on."""
    lock: Lock | None
    """What exactly to install, where that is known."""
    run: BuildRun
    folder: Path
    """Where contents are put until they are in a layer."""


@dataclass(frozen=True, slots=True)
class InstallResult:
    """What was made."""

    entries: list[LayerEntry]
    lock: Lock


class Installer(Protocol[_Asked_contra]):
    """Makes the layers of one language."""

    @property
    def tool(self) -> str:
        """Its name and version, and whatever else of it makes other layers."""
        ...

    @property
    def programs(self) -> str:
        """Absolute path of the folder that programs are installed into."""
        ...

    def make(self, request: _Asked_contra, task: InstallTask) -> InstallResult:
        """Make a layer's entries.

        Raises:
            DependenciesFailed: what is asked for can't be had. The log says why.
            IndexUnreachable, StorageFull, BlobMissing, EngineFailure
        """
        ...
