"""Slows a loop that is woken too often: a burst passes at once, a flood does not."""

import time
from collections.abc import Callable

_BURST = 20
_WINDOW_SECONDS = 0.2


class Pace:
    """Lets :data:`_BURST` steps pass in any window of time; the next waits for the window's end.

    A container's code decides how often its log and its files change, so it must not decide how
    often the dispatcher looks.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._window_end = 0.0
        self._steps = 0

    def step(self) -> None:
        """Count a step; wait if there were too many."""
        now = self._monotonic()
        if now >= self._window_end:
            self._window_end = now + _WINDOW_SECONDS
            self._steps = 0
        self._steps += 1
        if self._steps > _BURST:
            self._sleep(self._window_end - now)


class Interval:
    """Says when something is due that shall not be done more often than every so many seconds."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._due_at = 0.0

    def is_due(self) -> bool:
        """Whether it is due; then it is not again for that time."""
        now = self._monotonic()
        if now < self._due_at:
            return False
        self._due_at = now + self._seconds
        return True
