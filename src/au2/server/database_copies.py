"""Copies of the database from before its migrations, the way back to the version of au2 before.

A copy is a database file as the older version left it; blobs and logs are not copied, since a
migration does not touch them.
"""

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from au2.domain.errors import StorageFull
from au2.domain.wording import format_bytes
from au2.server.data_directory import DataDirectory
from au2.stores.database.database import Database
from au2.stores.durability import sync_path

_KEPT = 3
_MARGIN_BYTES = 16 << 20
"""For the migration itself, which rewrites tables."""
_NAME = re.compile(r"\d{8}T\d{6}Z-revision-[0-9A-Za-z]+\.sqlite3", re.ASCII)
_UNFINISHED = ".unfinished"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DatabaseCopy:
    """A copy, with its size."""

    path: Path
    size_bytes: int


def migrate_with_copy(data: DataDirectory, database: Database) -> None:
    """Migrate the database to the newest revision, after a copy of it. Idempotent.

    A new or current database is not copied.

    Raises:
        WrongSchema: a newer version of au2 has written the database; nothing was changed.
        StorageFull: there is no space for the copy; nothing was changed.
    """
    older = database.find_older_revision()
    if older is not None:
        path = _save(data, database, older)
        logger.warning(
            "the database of revision %s was copied to %s before its migration; the guide on "
            "backup, upgrade and rollback says how to go back to it",
            *(older, path),
        )
    database.migrate()
    if older is not None:
        for old in list_copies(data)[:-_KEPT]:
            old.path.unlink(missing_ok=True)


def list_copies(data: DataDirectory) -> Sequence[DatabaseCopy]:
    """Return the copies, the oldest first."""
    folder = data.database_copies
    if not folder.is_dir():
        return []
    paths = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    return [DatabaseCopy(path, path.stat().st_size) for path in paths]


def _save(data: DataDirectory, database: Database, revision: str) -> Path:
    folder = data.database_copies
    folder.mkdir(mode=0o700, exist_ok=True)
    for leftover in folder.glob(f"*{_UNFINISHED}*"):
        leftover.unlink()
    _ensure_space(data)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-revision-{revision}.sqlite3"
    unfinished = path.with_name(path.name + _UNFINISHED)
    try:
        database.save_copy(unfinished)
        unfinished.chmod(0o600)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_path(folder)
    return path


def _ensure_space(data: DataDirectory) -> None:
    beside = data.database_file.with_name(data.database_file.name + "-wal")
    needed_bytes = _MARGIN_BYTES + sum(
        file.stat().st_size for file in (data.database_file, beside) if file.exists()
    )
    status = os.statvfs(data.database_file.parent)
    free_bytes = status.f_bavail * status.f_frsize
    if free_bytes < needed_bytes:
        raise StorageFull(
            "There is no space for the copy of the database that is made before its migration: "
            f"{format_bytes(needed_bytes)} are needed in {data.database_file.parent}, "
            f"{format_bytes(free_bytes)} are free. Nothing was changed.",
            hint="Free some space, for example with the older au2: au2-server gc",
        )
