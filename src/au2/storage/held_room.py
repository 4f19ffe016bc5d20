"""Room on the disk that the database keeps for itself, so that it can write when all else is full.

SQLite appends every change to its write-ahead log before anything else. So blocks are given to that
file beyond its end (``fallocate`` with ``FALLOC_FL_KEEP_SIZE``): its size and content stay as they
are, and what SQLite appends needs no new room. They go with the file, when the last one closes the
database. Only the log is opened here: SQLite locks the other files, and to close a locked file
anywhere in a process gives up the locks of all of it.
"""

import ctypes
import errno
import os
from pathlib import Path

HELD_BYTES = 4 << 20
"""About a hundred logins, or as many other small changes."""
_LEAST_BYTES = 64 << 10
_KEEP_SIZE = 1
"""``FALLOC_FL_KEEP_SIZE``."""


def hold_room(log: Path) -> int:
    """Give the log room beyond its end, as much as there is; return how much, in bytes.

    0 where the file system can't, or where there is no such file. Idempotent.
    """
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        end = os.fstat(descriptor).st_size
        wanted = HELD_BYTES
        while wanted >= _LEAST_BYTES:
            if _allocate(descriptor, end, wanted):
                return wanted
            wanted //= 2
        return 0
    finally:
        os.close(descriptor)


def _allocate(descriptor: int, offset_bytes: int, size_bytes: int) -> bool:
    """Whether it could be done; False where there is no room. Raises nothing where it can't be."""
    try:
        function = ctypes.CDLL(None, use_errno=True).fallocate
    except (AttributeError, OSError, TypeError):
        return False
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    function.restype = ctypes.c_int
    while function(descriptor, _KEEP_SIZE, offset_bytes, size_bytes) != 0:
        if ctypes.get_errno() != errno.EINTR:
            return False
    return True
