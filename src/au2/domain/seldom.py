"""Saying seldom what could be said often, for a log that nobody is to fill."""

import time
from collections.abc import Callable
from threading import Lock

_EVERY_SECONDS = 60.0


class Seldom:
    """Lets one through in so much time, and counts those that it kept back."""

    def __init__(
        self, every_seconds: float = _EVERY_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every_seconds = every_seconds
        self._clock = clock
        self._next = float("-inf")
        self._kept_back = 0
        self._lock = Lock()

    def take(self) -> int | None:
        """Return how many were kept back since the last; None: this one is kept back too."""
        with self._lock:
            if self._clock() < self._next:
                self._kept_back += 1
                return None
            self._next = self._clock() + self._every_seconds
            kept_back, self._kept_back = self._kept_back, 0
            return kept_back
