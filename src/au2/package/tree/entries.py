"""Entries of a package: the shape shared with the wire, files found on disk, modes and the digest.

Modes are kept as with ``COPY . /package``. They travel as three octal digits (``600``), empty for
ordinary ones, so the list of a package without any other mode equals the list of older clients.
Set-user-id, set-group-id and sticky bits never travel. User 1000, the owner of all files in an
image, can read all of them.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

from au2.package.ignore.secret_files import WithheldFile


class PackageEntry(Protocol):
    """Common fields of :class:`au2.wire.upload.FileEntry` and :class:`PackagedFile`."""

    @property
    def path(self) -> str:
        """Relative to the package, ``/``-separated, normalised."""

    @property
    def type(self) -> str:
        """``file``, ``link`` or ``folder``: of these, only empty ones and those with a mode."""

    @property
    def executable(self) -> bool:
        """Whether a file has the run bit."""

    @property
    def size_bytes(self) -> int:
        """Size of a file's content."""

    @property
    def sha256(self) -> str:
        """Lower-case hexadecimal digest of a file's content; empty for all else."""

    @property
    def target(self) -> str:
        """Where a link points; empty for all else."""

    @property
    def mode(self) -> str:
        """Permissions of a file or folder: see :mod:`au2.package.tree.entries`."""


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


FILE: Final = 0o644
EXECUTABLE: Final = 0o755
FOLDER: Final = 0o755
_OWNER_READS: Final = 0o400
_OWNER_ENTERS: Final = 0o500
_GROUP_WRITES: Final = 0o020


def format_mode(mode: int, *, is_folder: bool) -> str:
    """Return the listed mode for a file or folder with this mode on disk."""
    mode = mode & 0o777 | (_OWNER_ENTERS if is_folder else _OWNER_READS)
    return (
        ""
        if mode == _ordinary(is_folder=is_folder, executable=bool(mode & 0o111))
        else f"{mode:03o}"
    )


def mode_of(entry: PackageEntry) -> int:
    """Return the mode in an image for a listed file or folder."""
    is_folder = entry.type == "folder"
    if not entry.mode:
        return _ordinary(is_folder=is_folder, executable=entry.executable)
    return int(entry.mode, 8) & 0o777 | (_OWNER_ENTERS if is_folder else _OWNER_READS)


def is_ordinary(entry: PackageEntry) -> bool:
    """Whether the mode says no more than ``executable``.

    A group's right to write says nothing: the bit depends on the umask of the file's author, and
    the group of a container's user has no other member.
    """
    ordinary = _ordinary(is_folder=entry.type == "folder", executable=entry.executable)
    return mode_of(entry) & ~_GROUP_WRITES == ordinary


def _ordinary(*, is_folder: bool, executable: bool) -> int:
    if is_folder:
        return FOLDER
    return EXECUTABLE if executable else FILE


def digest_files(entries: Iterable[PackageEntry]) -> str:
    """Return the digest of a file list: equal for equal packages, in any order of the list.

    ``aunsight.yml`` is listed without its process ids, so they are not compared (spec section 2).
    Modes count where they are not ordinary, so packages without such modes keep the digests of
    versions of au2 before modes.
    """
    listed = sorted(map(_identity, entries))
    text = json.dumps(listed, ensure_ascii=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _identity(entry: PackageEntry) -> tuple[str | int, ...]:
    mode = () if is_ordinary(entry) else (f"{mode_of(entry):03o}",)
    size_bytes, content = entry.size_bytes, entry.sha256
    return (entry.path, entry.type, entry.executable, size_bytes, content, entry.target, *mode)
