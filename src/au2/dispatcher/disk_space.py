"""Disk space shared by jobs and the platform's records, and the actions still allowed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from au2.engines.protocol import spare_bytes

_SMALL_LOG_BYTES = 1 << 20
_LOOK_SECONDS = 0.1


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


class DiskSpace:
    """Free space by purpose. Safe for threads.

    The space left free by images (:func:`~au2.engines.protocol.spare_bytes`) is shared out: large
    stored logs may take a quarter of it (:func:`bytes_to_leave`), large raw logs half. With less
    than a quarter no job starts; with less than an eighth the largest writer is ended. Small logs
    may take all but an eighth, and the blocks reserved for root.
    """

    def __init__(
        self, look: Callable[[], FreeSpace], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._look = look
        self._monotonic = monotonic
        self._lock = Lock()
        self._seen: FreeSpace | None = None
        self._seen_at = 0.0

    def free_bytes(self) -> int:
        """Free bytes for non-root users."""
        return self._now().free_bytes

    def may_start(self) -> bool:
        """Whether there is room for another job to begin."""
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
        """Whether a job must be ended to give room back."""
        return self._now().free_bytes < self.spare_bytes() // 8

    def spare_bytes(self) -> int:
        """Bytes intended to stay free."""
        return spare_bytes(self._now().total_bytes)

    def _now(self) -> FreeSpace:
        with self._lock:
            now = self._monotonic()
            if self._seen is None or now >= self._seen_at + _LOOK_SECONDS:
                self._seen, self._seen_at = self._look(), now
            return self._seen
