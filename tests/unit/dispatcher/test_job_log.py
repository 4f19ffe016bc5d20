"""Counting where a stored log says that output is missing."""

from pathlib import Path

import pytest

from au2.dispatcher.job_log import count_gaps
from au2.dispatcher.log_capture import DISK_WAS_FULL
from au2.execution.outcome import LIMIT_REACHED
from au2.stores.logs.files import FileLogStore

TIME = "2026-11-30T12:00:00.000000000Z"


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ([], 0),
        (["stdout F hello"], 0),
        ([f"platform F {DISK_WAS_FULL}: what was printed here is missing."], 1),
        ([f"platform F {DISK_WAS_FULL}: x", "stdout F y", f"platform F {LIMIT_REACHED} of"], 2),
        (["platform F The kernel killed a process."], 0),
        # What the code prints is no remark, whatever it says.
        ([f"stdout F {TIME} platform F {DISK_WAS_FULL}"], 0),
        ([f"stdout F platform F {DISK_WAS_FULL}"], 0),
        (["stdout F " + "x" * 5_000_000, f"platform F {DISK_WAS_FULL}: x"] * 2, 2),
    ],
)
def test_gaps_are_counted(tmp_path: Path, lines: list[str], count: int) -> None:
    logs = FileLogStore(tmp_path)
    with_log = logs.writer(7, 1, 1)
    with_log.append("".join(f"{TIME} {line}\n" for line in lines).encode(), at=0)
    with_log.close()
    assert count_gaps(logs, 7, 1) == count
