"""Slows loops that others decide the work of: a burst passes at once, a flood does not."""

import time
from collections.abc import Callable

_BURST_CPU_SECONDS = 0.25
_LONGEST_SLEEP_SECONDS = 0.5


class RateLimiter:
    """Lets ``burst`` steps pass in any window of time; the next waits for the window's end.

    A container's code decides how often its log and its files change, so it must not decide how
    often the dispatcher looks.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        *,
        burst: int = 20,
        window_seconds: float = 0.2,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._burst = burst
        self._window_seconds = window_seconds
        self._window_end = 0.0
        self._steps = 0

    def step(self) -> None:
        """Count a step; wait if there were too many."""
        now = self._monotonic()
        if now >= self._window_end:
            self._window_end = now + self._window_seconds
            self._steps = 0
        self._steps += 1
        if self._steps > self._burst:
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


class CpuShare:
    """Keeps the calling thread to a share of a processor core; a short burst passes at once.

    How much work a container's log is, its code decides: so that work has a bound of its own.
    """

    def __init__(
        self,
        share: float,
        monotonic: Callable[[], float] = time.monotonic,
        thread_time: Callable[[], float] = time.thread_time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``share``: 0.5 is half of a core."""
        self._share = share
        self._monotonic = monotonic
        self._thread_time = thread_time
        self._sleep = sleep
        self._credit = _BURST_CPU_SECONDS
        self._seen_at: float | None = None
        self._used = 0.0

    def step(self) -> None:
        """Count what the thread has used since the last step; wait if that was too much.

        It waits half a second at most, so that the caller may look after other things.
        """
        now, used = self._monotonic(), self._thread_time()
        if self._seen_at is not None:
            gained = (now - self._seen_at) * self._share
            self._credit = min(self._credit + gained, _BURST_CPU_SECONDS) - (used - self._used)
        self._seen_at, self._used = now, used
        if self._credit < 0:
            self._sleep(min(-self._credit / self._share, _LONGEST_SLEEP_SECONDS))
