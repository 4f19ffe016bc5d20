"""Rate limiters for loops driven by users' code: a burst passes at once, a flood does not."""

import time
from collections.abc import Callable
from dataclasses import dataclass

_BURST_CPU_SECONDS = 0.25
_LONGEST_SLEEP_SECONDS = 0.5


@dataclass(slots=True)
class RateLimiter:
    """Limiter of ``burst`` steps per window of time; the next one waits for the window's end.

    A container's code decides how often its log and files change, and must not decide how often the
    dispatcher looks.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    burst: int = 20
    window_seconds: float = 0.2
    _window_end: float = 0.0
    _steps: int = 0

    def step(self) -> None:
        """Count a step; wait if there were too many."""
        now = self.monotonic()
        if now >= self._window_end:
            self._window_end = now + self.window_seconds
            self._steps = 0
        self._steps += 1
        if self._steps > self.burst:
            self.sleep(self._window_end - now)


@dataclass(slots=True)
class Interval:
    """Shortest time between two repetitions, in seconds."""

    seconds: float
    monotonic: Callable[[], float] = time.monotonic
    _due_at: float = 0.0

    def is_due(self) -> bool:
        """Whether the time is over; True begins the next interval."""
        now = self.monotonic()
        if now < self._due_at:
            return False
        self._due_at = now + self.seconds
        return True


@dataclass(slots=True)
class CpuShare:
    """Limiter of the calling thread to a share of a processor core; a short burst passes at once.

    A container's code decides about the amount of work for its log, so this work has a bound.
    """

    share: float
    """0.5 is half of a core."""
    monotonic: Callable[[], float] = time.monotonic
    thread_time: Callable[[], float] = time.thread_time
    sleep: Callable[[float], None] = time.sleep
    _credit: float = _BURST_CPU_SECONDS
    _seen_at: float | None = None
    _used: float = 0.0

    def step(self) -> None:
        """Count the thread's CPU time since the last step; wait after too much.

        A wait lasts at most half a second, and leaves the caller time for other tasks.
        """
        now, used = self.monotonic(), self.thread_time()
        if self._seen_at is not None:
            gained = (now - self._seen_at) * self.share
            self._credit = min(self._credit + gained, _BURST_CPU_SECONDS) - (used - self._used)
        self._seen_at, self._used = now, used
        if self._credit < 0:
            self.sleep(min(-self._credit / self.share, _LONGEST_SLEEP_SECONDS))
