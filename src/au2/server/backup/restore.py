"""Restoring a backup into a new data directory."""

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, cast

from au2.domain.errors import InvalidRequest
from au2.server.backup.layout import (
    DATABASE,
    DESCRIPTION,
    DESCRIPTION_BYTES,
    Description,
    find_sha256,
)
from au2.server.backup.sources import as_damaged_backup, list_backup_files
from au2.server.backup.streams import CheckedStream
from au2.server.backup.targets import FolderTarget
from au2.server.data_directory import DataDirectory


def restore_backup(
    path: Path, data: DataDirectory, *, progress: Callable[[int], None]
) -> Description:
    """Write the files of a backup into an empty or new folder, and return its description.

    The database comes last, so that a restore that was broken off is no data directory. What was
    written is removed when something fails.

    Raises:
        NotFound, InvalidRequest: it is no backup, or it is damaged.
        DigestMismatch: a blob in it has other content than its name says.
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
