"""What the room on a disk still allows: stored logs leave enough for other jobs to start."""

import pytest

from au2.dispatcher.disk_space import DiskSpace, FreeSpace, bytes_to_leave

MIB = 1 << 20
RESERVE_BYTES = 1 * MIB
"""What the server takes back for itself after a full disk."""


@pytest.mark.parametrize("total_bytes", [86 * MIB, 1 << 30, 1 << 40])
def test_jobs_start_beside_a_log_that_took_all_it_may(total_bytes: int) -> None:
    for log_bytes in (1 * MIB, 70 * MIB):
        left = bytes_to_leave(log_bytes, total_bytes) - RESERVE_BYTES
        assert DiskSpace(lambda free=left: FreeSpace(total_bytes, free, free)).may_start()


def test_a_small_log_need_not_leave_anything() -> None:
    assert bytes_to_leave(MIB - 1, 86 * MIB) == 0
