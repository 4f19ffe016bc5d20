"""Watching what jobs write to the disk: each has a limit, and when room runs out one must go."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock, Thread

from au2.dispatcher.disk_space import DiskSpace
from au2.domain.errors import Au2Error
from au2.domain.wording import format_bytes
from au2.engines.base import Engine
from au2.execution.termination import DiskVerdict

_FASTEST_BYTES = 1 << 30
"""What a job may write in a second at most, roughly: says when to count again."""
_LEAST_SECONDS, _MOST_SECONDS = 1.0, 15.0
_SHARE = 20
"""Counting takes this part of the time at most, however many files there are."""
_COUNTERS = 2
"""How many are counted at once."""
_PATIENCE_SECONDS = 1.0
"""After the disk has become full: then all jobs have been counted."""


@dataclass(slots=True)
class DiskUsage:
    """What all jobs of a dispatcher have written, as last counted. Safe for threads."""

    engine: Engine
    disk_space: DiskSpace
    monotonic: Callable[[], float] = time.monotonic
    _bytes: dict[str, int] = field(default_factory=dict)
    _watched: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)
    _counters: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(_COUNTERS))

    def count(self, container_id: str, then: Callable[[float], None]) -> bool:
        """Count in a thread of its own and call ``then`` with the seconds that it took.

        False if too many are counted at the moment.
        """
        if not self._counters.acquire(blocking=False):
            return False
        with self._lock:
            self._watched.add(container_id)
        Thread(target=self._count, args=(container_id, then), name="disk-use", daemon=True).start()
        return True

    def find(self, container_id: str) -> int | None:
        """What a container takes of the disk; None if it was not counted yet."""
        with self._lock:
            return self._bytes.get(container_id)

    def is_largest(self, container_id: str) -> bool:
        """Whether no other container takes more."""
        with self._lock:
            return max(self._bytes, key=self._bytes.__getitem__, default=None) == container_id

    def forget(self, container_id: str) -> None:
        """The container is gone; a count of it that is under way does not matter any more."""
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
            pass  # it is counted again
        finally:
            self._counters.release()
            then(self.monotonic() - begin)


class DiskWatch:
    """Watches one job. For the job's thread."""

    def __init__(self, use: DiskUsage, container_id: str, limit_bytes: int) -> None:
        self._use = use
        self._container_id = container_id
        self._limit_bytes = limit_bytes
        self._is_counting = False
        # Not at once: it would take the processor from a container that is just starting.
        self._next_at = use.monotonic() + _LEAST_SECONDS
        self._exhausted_at: float | None = None

    def look(self) -> DiskVerdict | None:
        """Return why the job must be ended, if it must; nothing is waited for."""
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
        """The job has ended."""
        self._use.forget(self._container_id)

    def _is_to_go(self, now: float, size_bytes: int) -> bool:
        return (
            self._exhausted_at is not None
            and now >= self._exhausted_at + _PATIENCE_SECONDS
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
