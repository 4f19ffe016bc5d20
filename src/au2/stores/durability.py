"""Durable writes and preallocated disk space: system calls, and a full disk as StorageFull.

``fallocate`` with ``FALLOC_FL_KEEP_SIZE`` gives blocks beyond a file's end to the file, without a
change of its size and content, so that the file can grow on a full disk. The blocks are released
with the file, or when the file is truncated to its own size.
"""

import ctypes
import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from au2.domain.errors import StorageFull

SyncFileSystem = Callable[[int], None]
"""Flushes the whole file system of an open file descriptor. Raises OSError."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL_HINT = "Free space on the server's disk, then try again; nothing of the data was kept."
_WRITE = 2
"""``SYNC_FILE_RANGE_WRITE``: begin to write out, without waiting."""
_LEAST_BYTES = 4 << 10
_KEEP_SIZE, _PUNCH_HOLE = 1, 2
"""``FALLOC_FL_KEEP_SIZE`` and ``FALLOC_FL_PUNCH_HOLE`` of linux/falloc.h."""


@contextmanager
def translated_faults() -> Iterator[None]:
    """Turn the errors "no space left" and "quota exceeded" into StorageFull; others pass."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(hint=_FULL_HINT) from error
        raise


def _find_function(name: str, *types: Any) -> Callable[..., int] | None:
    """Return a function of the C library missing in Python; None where there is none."""
    try:
        function: Any = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (AttributeError, OSError, TypeError):
        return None
    function.argtypes = types
    function.restype = ctypes.c_int
    return function  # type: ignore[no-any-return]


def find_syncfs() -> SyncFileSystem | None:
    """Return ``syncfs`` of the C library; None where there is none."""
    function = _find_function("syncfs", ctypes.c_int)
    if function is None:
        return None

    def syncfs(descriptor: int) -> None:
        if function(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return syncfs


def start_writing(descriptor: int, offset_bytes: int, size_bytes: int) -> None:
    """Start writing a range of a file to disk, where the system can (``sync_file_range``)."""
    types = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    function = _find_function("sync_file_range", *types)
    if function is not None:
        # Advice only: a failure shows in the time of the final flush.
        function(descriptor, offset_bytes, size_bytes, _WRITE)


def write_whole(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of ``data``: on a full disk, the system writes a part before it fails."""
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(descriptor, view) :]


@contextmanager
def opened(path: Path, flags: int = os.O_RDONLY, mode: int = 0o600) -> Iterator[int]:
    """Open a file or folder as a descriptor, which is closed at the end of the block."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, mode)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def sync_path(path: Path) -> None:
    """Make a file's content, or a folder's list of names, durable."""
    with opened(path) as descriptor:
        os.fsync(descriptor)


def sync_files(paths: Iterable[Path], folder: Path, syncfs: SyncFileSystem | None) -> None:
    """Make files or folders durable: with one flush of ``folder``'s file system, else singly."""
    if syncfs is None:
        for path in paths:
            sync_path(path)
        return
    with opened(folder) as descriptor:
        syncfs(descriptor)


def preallocate(file: Path, wanted_bytes: int) -> int:
    """Preallocate up to ``wanted_bytes`` beyond a file's end; return the bytes obtained.

    0 for a missing file, or on a file system without preallocation. Idempotent.
    """
    try:
        with opened(file, os.O_WRONLY) as descriptor:
            end = os.fstat(descriptor).st_size
            while wanted_bytes >= _LEAST_BYTES:
                if _fallocate(descriptor, end, wanted_bytes, _KEEP_SIZE) == 0:
                    return wanted_bytes
                wanted_bytes //= 2
    except FileNotFoundError:
        pass
    return 0


def try_preallocate(descriptor: int, size_bytes: int) -> bool:
    """Preallocate ``size_bytes`` beyond the end; return False if the disk is too full.

    True on a file system without preallocation, where the answer is unknown.
    """
    end = os.fstat(descriptor).st_size
    return _fallocate(descriptor, end, size_bytes, _KEEP_SIZE) not in _FULL


def punch_beginning(file: Path, size_bytes: int) -> bool:
    """Release the blocks of a file's first bytes, which read as zeros from then on.

    Size and offsets stay. False on a file system without holes.
    """
    with opened(file, os.O_WRONLY) as descriptor:
        return _fallocate(descriptor, 0, size_bytes, _KEEP_SIZE | _PUNCH_HOLE) == 0


def _fallocate(descriptor: int, offset_bytes: int, size_bytes: int, mode: int) -> int:
    """Call fallocate(2); return 0, or the number of the error."""
    types = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    function = _find_function("fallocate", *types)
    if function is None:
        return errno.ENOSYS
    while function(descriptor, mode, offset_bytes, size_bytes) != 0:
        if (number := ctypes.get_errno()) != errno.EINTR:
            return number
    return 0
