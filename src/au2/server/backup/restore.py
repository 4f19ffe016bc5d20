"""Restoring of a backup into a new data directory. Every path is checked before any writing."""

import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from au2.domain.errors import InvalidRequest, NotFound
from au2.server.backup.layout import (
    DATABASE,
    DESCRIPTION,
    DESCRIPTION_BYTES,
    SINGLE_FILES,
    CheckedStream,
    Description,
    find_sha256,
    is_part,
    list_stored,
)
from au2.server.backup.targets import FolderTarget, is_archive
from au2.server.data_directory import DataDirectory

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BackupFile = tuple[str, int, BinaryIO]
"""Path, size in bytes, and the content."""


def list_backup_files(path: Path) -> Iterator[BackupFile]:
    """Yield the files of a backup; each is read before the next is asked for.

    Raises:
        NotFound: there is nothing at ``path``, or no backup.
        InvalidRequest: the backup is damaged, or has a path that belongs in no backup.
    """
    if not path.exists():
        raise NotFound(f"There is no backup at '{path}'.")
    yield from (_list_archive(path) if path.is_file() else _list_folder(path))


@contextmanager
def as_damaged_backup() -> Iterator[None]:
    """Turn errors of the archive libraries, also while a file is read, into InvalidRequest."""
    try:
        yield
    except (tarfile.TarError, zstd.ZstdError, EOFError) as error:
        raise InvalidRequest(
            f"The archive is damaged or was not written to its end: {str(error).rstrip('.')}."
        ) from error


def _list_folder(root: Path) -> Iterator[BackupFile]:
    if not (root / DESCRIPTION).is_file():
        raise NotFound(
            f"'{root}' is no backup: it has no '{DESCRIPTION}'.",
            hint="Name the folder or file that 'au2-server backup --to' wrote to its end.",
        )
    for name in (*list_stored(root), *SINGLE_FILES):
        path = root / name
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                yield name, path.stat().st_size, cast("BinaryIO", file)


def _list_archive(path: Path) -> Iterator[BackupFile]:
    with _opened_archive(path) as archive:
        for entry in archive:
            if not entry.isreg() or not is_part(entry.name):
                raise InvalidRequest(
                    f"The archive '{path.name}' is no backup: it has an entry "
                    f"{entry.name[:100]!r}.",
                    hint="Name the file that 'au2-server backup --to' wrote.",
                )
            file = archive.extractfile(entry)
            assert file is not None  # noqa: S101 - a regular file
            yield entry.name, entry.size, cast("BinaryIO", file)


@contextmanager
def _opened_archive(path: Path) -> Iterator[tarfile.TarFile]:
    if not is_archive(path):
        raise InvalidRequest(f"'{path}' is no backup: its name ends in neither .tar nor .tar.zst.")
    if path.name.endswith(".zst"):
        with (
            zstd.ZstdFile(path, "rb") as raw,
            tarfile.open(fileobj=cast("BinaryIO", raw), mode="r|") as archive,
        ):
            yield archive
        return
    with tarfile.open(path, mode="r|") as archive:
        yield archive


def restore_backup(
    path: Path, data: DataDirectory, *, progress: Callable[[int], None]
) -> Description:
    """Write the files of a backup into an empty or new folder, and return its description.

    The database comes last, so an interrupted restore leaves no data directory. Written files are
    removed after a failure.

    Raises:
        NotFound, InvalidRequest: there is no backup at ``path``, or a damaged one.
        DigestMismatch: a blob's content does not match its name.
    """
    if data.root.exists() and (not data.root.is_dir() or any(data.root.iterdir())):
        raise InvalidRequest(
            f"'{data.root}' is not empty.", hint="Restore into a new folder with --data-dir."
        )
    new = not data.root.exists()
    data.create()
    try:
        with as_damaged_backup():
            description = _copy_all(path, data.root, progress)
    except BaseException:
        for child in data.root.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
        if new:
            data.root.rmdir()
        raise
    return description


def _copy_all(path: Path, root: Path, progress: Callable[[int], None]) -> Description:
    target, waiting = FolderTarget(root), root / "database" / "restoring"
    description: Description | None = None
    for name, size_bytes, stream in list_backup_files(path):
        if name == DESCRIPTION:
            description = Description.parse(stream.read(DESCRIPTION_BYTES))
            continue
        checked = CheckedStream(
            stream, name, size_bytes=size_bytes, sha256=find_sha256(name), progress=progress
        )
        with closing(checked):
            place = name if name != DATABASE else waiting.relative_to(root).as_posix()
            target.add(place, size_bytes, cast("BinaryIO", checked))
    if description is None or not waiting.exists():
        raise InvalidRequest(
            "The backup has no database, or was not written to its end; nothing was restored."
        )
    waiting.replace(root / DATABASE)
    root.chmod(0o711)
    return description
