"""Disk space shared by jobs and the platform's records, and its use by each run job."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock, Thread

from au2.domain.errors import Au2Error
from au2.domain.wording import format_bytes
from au2.engines.protocol import Engine, spare_bytes
from au2.execution.termination import DiskVerdict

_SMALL_LOG_BYTES = 1 << 20
_LOOK_SECONDS = 0.1
_FASTEST_BYTES = 1 << 30
"""Roughly the most that a job writes in a second; gives the time of the next measurement."""
_LEAST_SECONDS, _MOST_SECONDS = 1.0, 15.0
_SHARE = 20
"""Measurements take at most this part of the time, however many files there are."""
_COUNTERS = 2
"""How many containers are measured at once."""
_SETTLE_SECONDS = 1.0
"""After the disk has become full: all jobs have been measured by then."""


def bytes_to_leave(log_bytes: int, total_bytes: int) -> int:
    """Return the bytes a stored log of ``log_bytes`` must leave free, for non-root.

    Unlike a raw log, a stored log stays after the end of its job and never gives its space back, so
    the log leaves three times the space needed by :meth:`DiskSpace.may_start`. 0 for a small log.
    """
    return 0 if log_bytes < _SMALL_LOG_BYTES else spare_bytes(total_bytes) * 3 // 4


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """A look at a file system, in bytes."""

    total_bytes: int
    free_bytes: int
    """For jobs: without what the file system reserves for root."""
    root_bytes: int
    """For the platform, which runs as root."""


@dataclass(slots=True)
class DiskSpace:
    """Free space by purpose. Safe for threads.

    The space left free by images (:func:`~au2.engines.protocol.spare_bytes`) is shared out: large
    stored logs may take a quarter of it (:func:`bytes_to_leave`), large raw logs half. With less
    than a quarter no job starts; with less than an eighth the largest writer is ended. Small logs
    may take all but an eighth, and the blocks reserved for root.
    """

    look: Callable[[], FreeSpace]
    monotonic: Callable[[], float] = time.monotonic
    _lock: Lock = field(default_factory=Lock, init=False)
    _seen: FreeSpace | None = field(default=None, init=False)
    _seen_at: float = field(default=0.0, init=False)

    def free_bytes(self) -> int:
        """Free bytes for non-root users."""
        return self._now().free_bytes

    def may_start(self) -> bool:
        """Whether there is space for another job to begin."""
        return self._now().free_bytes >= self.spare_bytes() // 4

    def is_tight(self, log_bytes: int) -> bool:
        """Whether a log of this size must grow no more."""
        if log_bytes < _SMALL_LOG_BYTES:
            return self._now().root_bytes < self.spare_bytes() // 8
        return self._now().free_bytes < self.spare_bytes() // 2

    def is_ample(self, log_bytes: int) -> bool:
        """Whether a paused log may go on: with a little more space than just enough."""
        if log_bytes < _SMALL_LOG_BYTES:
            return self._now().root_bytes >= self.spare_bytes() // 4
        return self._now().free_bytes >= self.spare_bytes() * 3 // 4

    def is_exhausted(self) -> bool:
        """Whether a job must be ended to free space."""
        return self._now().free_bytes < self.spare_bytes() // 8

    def spare_bytes(self) -> int:
        """Bytes intended to stay free."""
        return spare_bytes(self._now().total_bytes)

    def _now(self) -> FreeSpace:
        with self._lock:
            now = self.monotonic()
            if self._seen is None or now >= self._seen_at + _LOOK_SECONDS:
                self._seen, self._seen_at = self.look(), now
            return self._seen


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
