"""A little room on the disk that is held back, so that a full one can be cleared.

Opening the database takes some kilobytes when no server has it open. A disk that is full to the
last one could not be cleared without. A running server gives it up for the end of a job, and takes
it again when there is room.
"""

import os
from contextlib import suppress

from au2.server.data_directory import DataDirectory

_RESERVE_BYTES = 1 << 20


def keep_reserve(data: DataDirectory) -> None:
    """Take the room, if it is there to be taken."""
    if data.reserve_file.exists():
        return
    try:
        descriptor = os.open(data.reserve_file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _RESERVE_BYTES)
        finally:
            os.close(descriptor)
    except OSError:
        # There will be room another time.
        with suppress(OSError):
            data.reserve_file.unlink(missing_ok=True)


def give_up_reserve(data: DataDirectory) -> bool:
    """Give the room back to whoever needs it now; whether there was any."""
    if not data.reserve_file.exists():
        return False
    data.reserve_file.unlink(missing_ok=True)
    return True
