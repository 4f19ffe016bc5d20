"""Stored logs leave space for other jobs to start; measurements of a job's files never wait."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import cast

import pytest

from au2.dispatcher.disk_space import DiskSpace, DiskUsage, DiskWatch, FreeSpace, bytes_to_leave
from au2.engines.native.lifecycle.removal import measure_disk
from au2.engines.native.paths import EnginePaths
from au2.engines.protocol import Engine
from tests.support.waiting import wait_until

MIB = 1 << 20
RESERVE_BYTES = 1 * MIB
"""Size of the server's disk reserve, made again after a full disk."""
AMPLE = FreeSpace(total_bytes=1 << 40, free_bytes=1 << 40, root_bytes=1 << 40)
FULL = FreeSpace(total_bytes=1 << 40, free_bytes=0, root_bytes=0)


@pytest.mark.parametrize("total_bytes", [86 * MIB, 1 << 30, 1 << 40])
def test_jobs_start_beside_a_log_that_took_all_it_may(total_bytes: int) -> None:
    for log_bytes in (1 * MIB, 70 * MIB):
        left = bytes_to_leave(log_bytes, total_bytes) - RESERVE_BYTES
        assert DiskSpace(lambda free=left: FreeSpace(total_bytes, free, free)).may_start()


def test_a_small_log_need_not_leave_anything() -> None:
    assert bytes_to_leave(MIB - 1, 86 * MIB) == 0


class SlowEngine:
    """Counts when it may."""

    def __init__(self) -> None:
        self.may_go_on = Event()
        self.counted: list[str] = []

    def disk_bytes(self, container_id: str) -> int:
        self.counted.append(container_id)
        self.may_go_on.wait()
        return 100 * MIB


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def make_use(engine: SlowEngine, clock: Callable[[], float], seen: FreeSpace = AMPLE) -> DiskUsage:
    return DiskUsage(cast(Engine, engine), DiskSpace(lambda: seen, clock), clock)


def test_a_count_that_ends_after_the_job_is_forgotten() -> None:
    engine, done = SlowEngine(), Event()
    use = make_use(engine, Clock())
    use.count("gone", lambda _: done.set())
    use.forget("gone")
    engine.may_go_on.set()
    done.wait()
    assert use.find("gone") is None
    assert not use.is_largest("gone")


def test_nothing_is_counted_while_a_job_starts() -> None:
    engine, clock = SlowEngine(), Clock()
    engine.may_go_on.set()
    watch = DiskWatch(make_use(engine, clock), "job", 10 * MIB)
    clock.now += 0.9
    assert watch.check() is None
    assert engine.counted == []


def test_on_a_full_disk_it_is_counted_at_once() -> None:
    engine = SlowEngine()
    engine.may_go_on.set()
    watch = DiskWatch(make_use(engine, Clock(), FULL), "job", 10 * MIB)
    wait_until(lambda: watch.check() is not None)
    verdict = watch.check()
    assert verdict is not None
    assert verdict.at_once


def test_a_container_that_is_gone_takes_nothing(tmp_path: Path) -> None:
    assert measure_disk(EnginePaths(tmp_path / "data", tmp_path / "run").container("gone")) == 0
