"""Durable writes: flushing files, folders and file systems; a full disk as StorageFull."""

import ctypes
import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from au2.domain.errors import StorageFull

SyncFileSystem = Callable[[int], None]
"""Flushes the whole file system of an open file descriptor. Raises OSError."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL_HINT = "Free space on the server's disk, then try again; nothing of the data was kept."
_WRITE = 2
"""``SYNC_FILE_RANGE_WRITE``: begin to write out, without waiting."""


@contextmanager
def translated_faults() -> Iterator[None]:
    """Turn the errors "no space left" and "quota exceeded" into StorageFull; others pass."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(hint=_FULL_HINT) from error
        raise


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


def start_writing(descriptor: int, offset_bytes: int, size_bytes: int) -> None:
    """Start writing a range of a file to disk, where the system can (``sync_file_range``)."""
    try:
        function = ctypes.CDLL(None).sync_file_range
    except (AttributeError, OSError, TypeError):
        return
    function.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    # Advice only: a failure shows in the time of the final flush.
    function(descriptor, offset_bytes, size_bytes, _WRITE)


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
