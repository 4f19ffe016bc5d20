"""A little room on the disk that is held back, so that a full one can be cleared.

Opening the database takes some kilobytes when no server has it open. A disk that is full to the
last one could not be cleared without. A running server gives it up for the end of a job, and takes
it again when there is room.
"""

import os
from contextlib import suppress

from au2.server.data_directory import DataDirectory

_RESERVE_BYTES = 1 << 20
_LEAST_BYTES = 64 << 10


def create_disk_reserve(data: DataDirectory) -> None:
    """Take the room, or as much of it as is there to be taken."""
    with suppress(OSError):
        descriptor = os.open(data.reserve_file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            _take(descriptor)
            is_empty = os.fstat(descriptor).st_size == 0
        finally:
            os.close(descriptor)
        if is_empty:
            # There will be room another time.
            data.reserve_file.unlink(missing_ok=True)


def _take(descriptor: int) -> None:
    size_bytes = _RESERVE_BYTES
    while size_bytes >= _LEAST_BYTES and os.fstat(descriptor).st_size < size_bytes:
        try:
            os.posix_fallocate(descriptor, 0, size_bytes)
        except OSError:
            size_bytes //= 2


def release_disk_reserve(data: DataDirectory) -> bool:
    """Give the room back to whoever needs it now; whether there was any."""
    if not data.reserve_file.exists():
        return False
    data.reserve_file.unlink(missing_ok=True)
    return True
