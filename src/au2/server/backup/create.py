"""Creation of a backup beside a running server.

The database comes first, as one consistent copy. Blobs are immutable, and none is removed while the
backup holds its lock, so the copy's blobs are all there afterwards. Logs are copied up to their
last whole record.
"""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from au2.domain.errors import DigestMismatch, InvalidRequest
from au2.server.backup.layout import (
    DATABASE,
    DESCRIPTION,
    SETTINGS,
    CheckedStream,
    Description,
    find_sha256,
    is_log,
    list_stored,
)
from au2.server.backup.targets import BackupTarget, opened_target
from au2.server.data_directory import DataDirectory, lock_blobs
from au2.stores.database.database import Database

_TAIL_BYTES = 1 << 20
"""Records of a log are shorter."""


@dataclass(slots=True)
class BackupResult:
    """Counts of one backup."""

    files: int = 0
    copied_bytes: int = 0
    present: int = 0
    """Blobs that an earlier backup in the same folder had."""
    damaged: list[str] = field(default_factory=list)
    """Paths of blobs that are damaged in the installation, and not in the backup."""


def create_backup(
    data: DataDirectory,
    database: Database,
    path: Path,
    description: Description,
    *,
    progress: Callable[[int], None],
) -> BackupResult:
    """Write a backup of the installation to ``path``.

    Args:
        data: the installation.
        database: its database, of the current revision.
        path: a folder, or a file that ends in ``.tar`` or ``.tar.zst``.
        description: description to put into the backup.
        progress: called with the number of bytes read since the last call.

    Raises:
        Conflict: a garbage collection is under way, or something else is at ``path``.
        InvalidRequest: ``path`` is inside the data directory.
        Au2Error: a file of the backup can't be written.
    """
    _ensure_outside(data, path)
    made = BackupResult()
    with lock_blobs(data.blobs), opened_target(path) as target:
        kept = {DATABASE, SETTINGS, DESCRIPTION}
        with _copied(data, database) as copy:
            for name in list_stored(data.root):
                if _add_stored(data.root, name, target, made, progress):
                    kept.add(name)
            _add_file(copy, DATABASE, target, made, progress)
        if data.settings_file.is_file():
            _add_file(data.settings_file, SETTINGS, target, made, progress)
        # Last: without it, it is no backup.
        content = description.to_bytes()
        target.add(DESCRIPTION, len(content), cast("BinaryIO", io.BytesIO(content)))
        target.finish(kept)
    return made


@contextmanager
def _copied(data: DataDirectory, database: Database) -> Iterator[Path]:
    """Yield a copy of the database, which is removed afterwards."""
    copy = data.database_file.with_name("backup-copy")
    copy.unlink(missing_ok=True)  # Of a backup that was killed.
    try:
        database.save_copy(copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def _ensure_outside(data: DataDirectory, path: Path) -> None:
    if Path(os.path.realpath(path)).is_relative_to(data.root):
        raise InvalidRequest(
            f"'{path}' is inside the data directory '{data.root}'.",
            hint="Name a folder outside, on another disk at best.",
        )


def _add_stored(
    root: Path, name: str, target: BackupTarget, made: BackupResult, progress: Callable[[int], None]
) -> bool:
    """Copy a blob or log; return whether the backup holds the file now."""
    if find_sha256(name) is not None and target.has(name, (root / name).stat().st_size):
        made.present += 1
        return True
    try:
        _add_file(root / name, name, target, made, progress)
    except DigestMismatch:
        made.damaged.append(name)
        return False
    except FileNotFoundError:
        return False  # A log whose job was deleted meanwhile.
    return True


def _add_file(
    path: Path, name: str, target: BackupTarget, made: BackupResult, progress: Callable[[int], None]
) -> None:
    with path.open("rb") as file:
        size_bytes = _whole_records_bytes(file) if is_log(name) else os.fstat(file.fileno()).st_size
        sha256 = find_sha256(name)
        if sha256 is not None and not target.can_take_back:
            _read_through(file, name, size_bytes, sha256)
        checked = CheckedStream(file, name, size_bytes=size_bytes, sha256=sha256, progress=progress)
        with closing(checked):
            target.add(name, size_bytes, cast("BinaryIO", checked))
    made.files += 1
    made.copied_bytes += size_bytes


def _read_through(file: BinaryIO, name: str, size_bytes: int, sha256: str) -> None:
    checked = CheckedStream(
        file, name, size_bytes=size_bytes, sha256=sha256, progress=lambda _bytes: None
    )
    while checked.read():
        pass
    file.seek(0)


def _whole_records_bytes(file: BinaryIO) -> int:
    """Return the size of a log up to its last whole record."""
    size_bytes = os.fstat(file.fileno()).st_size
    start = max(0, size_bytes - _TAIL_BYTES)
    tail = os.pread(file.fileno(), size_bytes - start, start)
    return start + tail.rfind(b"\n") + 1
