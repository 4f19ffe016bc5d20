"""Disk reserve: a file that is given up to free space on a full disk.

Opening the database takes some kilobytes when no server has it open, so a completely full disk
could not be cleared without a reserve. A running server gives up the reserve for the end of a job,
and takes a new one when there is space again.
"""

import os
from contextlib import suppress

from au2.server.data_directory import DataDirectory

_RESERVE_BYTES = 1 << 20
_LEAST_BYTES = 64 << 10


def create_disk_reserve(data: DataDirectory) -> None:
    """Allocate the reserve, or as much of the file as the disk allows."""
    with suppress(OSError):
        descriptor = os.open(data.reserve_file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            size_bytes = _RESERVE_BYTES
            while size_bytes >= _LEAST_BYTES and os.fstat(descriptor).st_size < size_bytes:
                try:
                    os.posix_fallocate(descriptor, 0, size_bytes)
                except OSError:
                    size_bytes //= 2
            is_empty = os.fstat(descriptor).st_size == 0
        finally:
            os.close(descriptor)
        if is_empty:
            # The next call may find free space.
            data.reserve_file.unlink(missing_ok=True)


def release_disk_reserve(data: DataDirectory) -> bool:
    """Remove the reserve; return whether there was one."""
    if not data.reserve_file.exists():
        return False
    data.reserve_file.unlink(missing_ok=True)
    return True
