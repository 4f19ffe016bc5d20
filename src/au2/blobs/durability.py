"""Getting bytes onto the disk for good."""

import ctypes
import os
from collections.abc import Callable, Iterable
from pathlib import Path

SyncFileSystem = Callable[[int], None]
"""Flushes the whole file system of an open file descriptor. Raises OSError."""


def find_syncfs() -> SyncFileSystem | None:
    """Return ``syncfs`` of the C library, which Python does not offer; None where there is none."""
    try:
        function = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError, TypeError):
        return None
    function.argtypes = [ctypes.c_int]
    function.restype = ctypes.c_int

    def syncfs(descriptor: int) -> None:
        if function(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return syncfs


def sync_path(path: Path) -> None:
    """Make a file's content, or a folder's list of names, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_files(paths: Iterable[Path], folder: Path, syncfs: SyncFileSystem | None) -> None:
    """Make files or folders durable: with one flush of ``folder``'s file system, else singly."""
    if syncfs is None:
        for path in paths:
            sync_path(path)
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        syncfs(descriptor)
    finally:
        os.close(descriptor)
