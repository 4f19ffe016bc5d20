"""One entry of a package: the shape shared with the wire, and the entry found on disk."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from au2.package.ignore.secret_files import WithheldFile


class PackageEntry(Protocol):
    """Common fields of :class:`au2.wire.upload.FileEntry` and :class:`PackagedFile`."""

    @property
    def path(self) -> str:
        """Relative to the package, ``/``-separated, normalised."""
        ...

    @property
    def type(self) -> str:
        """``file``, ``link`` or ``folder``: of these, only empty ones and those with a mode."""
        ...

    @property
    def executable(self) -> bool:
        """Whether a file has the run bit."""
        ...

    @property
    def size_bytes(self) -> int:
        """Size of a file's content."""
        ...

    @property
    def sha256(self) -> str:
        """Lower-case hexadecimal digest of a file's content; empty for all else."""
        ...

    @property
    def target(self) -> str:
        """Where a link points; empty for all else."""
        ...

    @property
    def mode(self) -> str:
        """Permissions of a file or folder: see :mod:`au2.package.tree.modes`."""
        ...


class PackagedFile(NamedTuple):
    """A file, link or folder for an upload."""

    path: str
    type: Literal["file", "link", "folder"]
    executable: bool
    size_bytes: int
    sha256: str
    target: str
    source: Path | bytes
    """Where the content is: on disk, or here where it differs from what is on disk."""
    mode: str = ""


class PackageFiles(NamedTuple):
    """All files of a package, sorted by path."""

    entries: tuple[PackagedFile, ...]
    total_bytes: int
    left_out: tuple[WithheldFile, ...] = ()
    """What is not among them because it may hold secrets, sorted by path."""


def count_files(entries: Iterable[PackageEntry]) -> int:
    """Return how many files and links there are, as people count them: without folders."""
    return sum(entry.type != "folder" for entry in entries)
