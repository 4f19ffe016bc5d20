"""Disk usage of the parts of a data directory that garbage collection does not sweep."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from au2.server.data_directory import DataDirectory

_BLOCK_BYTES = 512
"""Unit of ``st_blocks`` (stat(2))."""


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """Files of one part, and their bytes on the disk."""

    name: str
    why: str
    """Reason and bound of the files."""
    files: int
    size_bytes: int


def list_disk_usage(data: DataDirectory) -> list[DiskUsage]:
    """Return the parts that have files; files of the running server may come and go meanwhile."""
    parts = (
        ("logs", "of jobs, up to log_limit_bytes each", data.logs),
        ("downloads", "of packages, up to cache_max_bytes; may be removed", data.downloads),
        ("job files", "of jobs under way", data.root / "containers"),
        ("database copies", "from before the last migrations", data.database_copies),
        ("database", "in use", data.database_file.parent),
    )
    found = [_measure(name, why, folder, data) for name, why, folder in parts]
    return [usage for usage in found if usage.files]


def _measure(name: str, why: str, folder: Path, data: DataDirectory) -> DiskUsage:
    sizes = [
        status.st_blocks * _BLOCK_BYTES
        for path, status in _list_files(folder)
        if name != "database" or data.database_copies not in path.parents
    ]
    return DiskUsage(name, why, len(sizes), sum(sizes))


def _list_files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the regular files below a folder, without mounts and links."""
    with suppress(FileNotFoundError):
        device = folder.stat().st_dev
        for root, folders, files in os.walk(folder):
            with suppress(FileNotFoundError):
                if Path(root).stat().st_dev != device:
                    folders.clear()
                    continue
            for name in files:
                with suppress(FileNotFoundError):
                    path = Path(root, name)
                    status = path.lstat()
                    if stat.S_ISREG(status.st_mode):
                        yield path, status
