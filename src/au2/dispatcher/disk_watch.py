"""Use of the disk by run jobs: each has a limit, and on a full disk the largest is ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock, Thread

from au2.dispatcher.disk_space import DiskSpace
from au2.domain.errors import Au2Error
from au2.domain.wording import format_bytes
from au2.engines.protocol import Engine
from au2.execution.termination import DiskVerdict

_FASTEST_BYTES = 1 << 30
"""Roughly the most that a job writes in a second; gives the time of the next measurement."""
_LEAST_SECONDS, _MOST_SECONDS = 1.0, 15.0
_SHARE = 20
"""Measurements take at most this part of the time, however many files there are."""
_COUNTERS = 2
"""How many containers are measured at once."""
_SETTLE_SECONDS = 1.0
"""After the disk has become full: all jobs have been measured by then."""


@dataclass(slots=True)
class DiskUsage:
    """Measured use of the disk, by container. Safe for threads."""

    engine: Engine
    disk_space: DiskSpace
    monotonic: Callable[[], float] = time.monotonic
    _bytes: dict[str, int] = field(default_factory=dict)
    _watched: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)
    _counters: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(_COUNTERS))

    def count(self, container_id: str, then: Callable[[float], None]) -> bool:
        """Measure a container in a thread of its own; False if too many are being measured.

        Args:
            container_id: the container.
            then: called with the seconds of the measurement.
        """
        if not self._counters.acquire(blocking=False):
            return False
        with self._lock:
            self._watched.add(container_id)
        Thread(target=self._count, args=(container_id, then), name="disk-use", daemon=True).start()
        return True

    def find(self, container_id: str) -> int | None:
        """Return the bytes used by a container; None: not measured yet."""
        with self._lock:
            return self._bytes.get(container_id)

    def is_largest(self, container_id: str) -> bool:
        """Whether no other container uses more."""
        with self._lock:
            return max(self._bytes, key=self._bytes.__getitem__, default=None) == container_id

    def forget(self, container_id: str) -> None:
        """Drop an ended container, and its unfinished measurement."""
        with self._lock:
            self._watched.discard(container_id)
            self._bytes.pop(container_id, None)

    def _count(self, container_id: str, then: Callable[[float], None]) -> None:
        begin = self.monotonic()
        try:
            size_bytes = self.engine.disk_bytes(container_id)
            with self._lock:
                if container_id in self._watched:
                    self._bytes[container_id] = size_bytes
        except (Au2Error, OSError):
            pass  # Measured again later.
        finally:
            self._counters.release()
            then(self.monotonic() - begin)


class DiskWatch:
    """The disk hook of one job, for the job's thread."""

    def __init__(self, use: DiskUsage, container_id: str, limit_bytes: int) -> None:
        self._use = use
        self._container_id = container_id
        self._limit_bytes = limit_bytes
        self._is_counting = False
        # Not at once: a container that is just starting needs the processor.
        self._next_at = use.monotonic() + _LEAST_SECONDS
        self._exhausted_at: float | None = None

    def check(self) -> DiskVerdict | None:
        """Return why the job must be ended; None: the job may go on. Never waits."""
        now = self._use.monotonic()
        exhausted = self._use.disk_space.is_exhausted()
        if not exhausted:
            self._exhausted_at = None
        elif self._exhausted_at is None:
            self._exhausted_at, self._next_at = now, min(self._next_at, now)
        if now >= self._next_at and not self._is_counting:
            self._is_counting = self._use.count(self._container_id, self._counted)
        size_bytes = self._use.find(self._container_id)
        if size_bytes is None:
            return None
        if size_bytes > self._limit_bytes:
            at_once = exhausted or size_bytes > self._limit_bytes * 1.1
            return DiskVerdict(self._over_limit(), at_once=at_once)
        if self._is_to_go(now, size_bytes):
            return DiskVerdict(_largest(size_bytes), at_once=True)
        return None

    def close(self) -> None:
        """Forget the job, which has ended."""
        self._use.forget(self._container_id)

    def _is_to_go(self, now: float, size_bytes: int) -> bool:
        return (
            self._exhausted_at is not None
            and now >= self._exhausted_at + _SETTLE_SECONDS
            and size_bytes >= self._use.disk_space.spare_bytes() // 4
            and self._use.is_largest(self._container_id)
        )

    def _counted(self, seconds: float) -> None:
        left_bytes = self._limit_bytes - (self._use.find(self._container_id) or 0)
        wait = min(max(left_bytes / _FASTEST_BYTES, _LEAST_SECONDS), _MOST_SECONDS)
        if self._use.disk_space.is_exhausted():
            wait = _LEAST_SECONDS
        self._next_at = self._use.monotonic() + max(wait, seconds * _SHARE)
        self._is_counting = False

    def _over_limit(self) -> str:
        return (
            f"It wrote more to the disk than the {format_bytes(self._limit_bytes)} that a job may: "
            "its files, scratch folder and log. Write less, or ask your operator for more."
        )


def _largest(size_bytes: int) -> str:
    return (
        "The server's disk was full, and of all jobs that ran this one had written the most "
        f"({format_bytes(size_bytes)}). Write less, or run it again when your operator has made "
        "space."
    )
