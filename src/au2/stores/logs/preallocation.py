"""Preallocation of disk space beyond a file's end, so that the file can grow on a full disk.

``fallocate`` with ``FALLOC_FL_KEEP_SIZE`` gives blocks to the file without a change of its size and
content. The blocks are released with the file, or when the file is truncated to its own size.
"""

import ctypes
import errno
import os
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_LEAST_BYTES = 4 << 10
_KEEP_SIZE, _PUNCH_HOLE = 1, 2
"""``FALLOC_FL_KEEP_SIZE`` and ``FALLOC_FL_PUNCH_HOLE`` of linux/falloc.h."""


def preallocate(file: Path, wanted_bytes: int) -> int:
    """Preallocate up to ``wanted_bytes`` beyond a file's end; return the bytes obtained.

    0 for a missing file, or on a file system without preallocation. Idempotent.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        end = os.fstat(descriptor).st_size
        while wanted_bytes >= _LEAST_BYTES:
            if _fallocate(descriptor, end, wanted_bytes, _KEEP_SIZE) == 0:
                return wanted_bytes
            wanted_bytes //= 2
        return 0
    finally:
        os.close(descriptor)


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
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        return _fallocate(descriptor, 0, size_bytes, _KEEP_SIZE | _PUNCH_HOLE) == 0
    finally:
        os.close(descriptor)


def _fallocate(descriptor: int, offset_bytes: int, size_bytes: int, mode: int) -> int:
    """Call fallocate(2); return 0, or the number of the error."""
    try:
        function = ctypes.CDLL(None, use_errno=True).fallocate
    except (AttributeError, OSError, TypeError):
        return errno.ENOSYS
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    function.restype = ctypes.c_int
    while function(descriptor, mode, offset_bytes, size_bytes) != 0:
        if (number := ctypes.get_errno()) != errno.EINTR:
            return number
    return 0
