"""When a run is told to end, and when it is made to: the same on the platform and locally."""

import math
from enum import Enum, auto

from au2.engines.outcome import Interruption

_KILL_MARGIN_SECONDS = 2.0
"""What the launcher gets over its own grace times before everything is killed."""
_REPEAT_SECONDS = 0.5
"""Longer than any shell takes to come to its first line."""


def packaged_grace_seconds(stop_seconds: float, after_seconds: float) -> float:
    """Return how long a packaged version has after the stop signal.

    Its launcher keeps the grace times itself, to run ``after.sh``.
    """
    return stop_seconds + after_seconds + _KILL_MARGIN_SECONDS


class Sign(Enum):
    """What is sent to a run."""

    STOP = auto()
    """The stop signal of its image."""
    KILL = auto()


class Interrupter:
    """Decides what to send to one run. Time is an argument, on any clock.

    Args:
        deadline: when its time is up.
        grace_seconds: between the stop signal and the kill.
        repeat: send the stop signal a second time. A container's first process loses one that
            comes before it can catch it; our launcher takes no harm from being told twice.
    """

    def __init__(self, *, deadline: float, grace_seconds: float, repeat: bool = False) -> None:
        self._deadline = deadline
        self._grace_seconds = grace_seconds
        self._repeat = repeat
        self._repeat_at = math.inf
        self._kill_at = math.inf
        self.interruption: Interruption | None = None
        """Why it was told to end, once it was."""

    def decide(self, now: float, *, stop: bool) -> Sign | None:
        """Return what to send now. ``stop``: somebody asked for its end."""
        if self.interruption is None:
            if not stop and now < self._deadline:
                return None
            self.interruption = Interruption.STOP if stop else Interruption.TIME_OUT
            self._kill_at = now + self._grace_seconds
            self._repeat_at = now + _REPEAT_SECONDS if self._repeat else math.inf
            return Sign.STOP
        if self._repeat_at <= now < self._kill_at:
            self._repeat_at = math.inf
            return Sign.STOP
        if now < self._kill_at:
            return None
        self._repeat_at = self._kill_at = math.inf
        return Sign.KILL
