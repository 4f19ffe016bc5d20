"""Room on the disk that jobs share with the platform's records, and what it still allows."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from au2.engines.base import spare_bytes

_SMALL_LOG_BYTES = 1 << 20
_LOOK_SECONDS = 0.1


def bytes_to_leave(log_bytes: int, total_bytes: int) -> int:
    """Return how much a stored log that grows to ``log_bytes`` must leave free, for non-root.

    Unlike a raw log, a stored one stays when its job has ended: what it takes is not given back, so
    it leaves three times what :meth:`DiskSpace.may_start` asks for. 0 for a small log.
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
    """What there is still room for. Safe for threads.

    The room that images leave free (:func:`~au2.engines.base.spare_bytes`) is shared out: large
    stored logs may take a quarter of it (:func:`bytes_to_leave`), large raw logs half; with less
    than a quarter no job starts; with less than an eighth the job that has written most is ended.
    Small logs may take it all but an eighth, and what is reserved for root.
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
        """What is free for anybody."""
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
        """Whether a log that had to stop growing may go on: a little more than just enough."""
        if log_bytes < _SMALL_LOG_BYTES:
            return self._now().root_bytes >= self.spare_bytes() // 4
        return self._now().free_bytes >= self.spare_bytes() * 3 // 4

    def is_exhausted(self) -> bool:
        """Whether a job must be ended to give room back."""
        return self._now().free_bytes < self.spare_bytes() // 8

    def spare_bytes(self) -> int:
        """What is meant to stay free."""
        return spare_bytes(self._now().total_bytes)

    def _now(self) -> FreeSpace:
        with self._lock:
            now = self._monotonic()
            if self._seen is None or now >= self._seen_at + _LOOK_SECONDS:
                self._seen, self._seen_at = self._look(), now
            return self._seen
