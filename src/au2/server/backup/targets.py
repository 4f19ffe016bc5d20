"""Targets of a backup: a folder, which later backups update, or a tar archive."""

import os
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from au2.domain.errors import Conflict, DigestMismatch, InvalidRequest
from au2.files.output import PRIVATE, OutputFile, open_output
from au2.server.backup.layout import CHUNK_BYTES, DESCRIPTION, list_stored

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_SUFFIXES = (".tar", ".tar.zst")
_FOLDER_MODE = 0o700


def is_archive(path: Path) -> bool:
    """Return whether the name asks for a tar archive."""
    return path.name.endswith(_SUFFIXES)


class FolderTarget:
    """A folder laid out like a data directory.

    ``add`` writes a file of exactly ``size_bytes``, ``has`` tells whether an earlier backup wrote a
    blob already, ``finish`` makes all durable and removes an earlier backup's files outside
    ``kept``.
    """

    can_take_back = True
    """Whether a file whose stream raises is removed again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        root.chmod(_FOLDER_MODE)

    def has(self, path: str, size_bytes: int) -> bool:
        """Return whether a file of that size is there."""
        try:
            return (self._root / path).stat().st_size == size_bytes
        except FileNotFoundError:
            return False

    def add(self, path: str, size_bytes: int, stream: BinaryIO) -> None:
        """Write a file atomically."""
        final = self._root / path
        final.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        with open_output(final, permissions=PRIVATE) as file:
            _copy_stream(stream, file, size_bytes)

    def finish(self, kept: set[str]) -> None:
        """Remove files that the installation no longer has."""
        for path in list(list_stored(self._root)):
            if path not in kept:
                (self._root / path).unlink()
        os.sync()


class ArchiveTarget:
    """A tar archive (POSIX pax form), written in one pass."""

    can_take_back = False

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def has(self, path: str, size_bytes: int) -> bool:
        """Return False: an archive is new."""
        return False

    def add(self, path: str, size_bytes: int, stream: BinaryIO) -> None:
        """Append a file."""
        entry = tarfile.TarInfo(path)
        entry.size, entry.mode = size_bytes, PRIVATE
        self._archive.addfile(entry, stream)

    def finish(self, kept: set[str]) -> None:
        """End the archive."""
        self._archive.close()


BackupTarget = FolderTarget | ArchiveTarget


@contextmanager
def opened_target(path: Path) -> Iterator[BackupTarget]:
    """Begin a backup at ``path``: a folder, or a file that ends in ``.tar`` or ``.tar.zst``.

    Raises:
        Conflict: the file exists, or the folder is neither empty nor a backup.
        InvalidRequest: the name is neither a folder's nor an archive's.
    """
    if is_archive(path):
        with _opened_archive(path) as target:
            yield target
        return
    if path == Path("-") or (path.exists() and not path.is_dir()):
        raise InvalidRequest(
            f"'{path}' is no folder.",
            hint="Name a folder, or a new file that ends in .tar or .tar.zst.",
        )
    if path.is_dir() and any(path.iterdir()) and not (path / DESCRIPTION).is_file():
        raise Conflict(
            f"'{path}' is not empty and no backup.",
            hint="Name an empty or new folder, or one that holds an earlier backup.",
        )
    yield FolderTarget(path)


@contextmanager
def _opened_archive(path: Path) -> Iterator[BackupTarget]:
    if path.exists():
        raise Conflict(f"'{path}' exists.", hint="Name another file, or remove this one first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_output(path, permissions=PRIVATE) as file, ExitStack() as stack:
        out = cast("BinaryIO", file)
        if path.name.endswith(".zst"):
            out = cast("BinaryIO", stack.enter_context(zstd.ZstdFile(out, "wb")))
        archive = tarfile.open(  # noqa: SIM115 - finish() closes it
            fileobj=out, mode="w|", format=tarfile.PAX_FORMAT
        )
        yield ArchiveTarget(archive)


def _copy_stream(source: BinaryIO, target: OutputFile, size_bytes: int) -> None:
    """Copy exactly ``size_bytes``. Raises DigestMismatch for a shorter source."""
    while size_bytes:
        data = source.read(min(size_bytes, CHUNK_BYTES))
        if not data:
            raise DigestMismatch("A file of the backup is shorter than it says.")
        target.write(data)
        size_bytes -= len(data)
