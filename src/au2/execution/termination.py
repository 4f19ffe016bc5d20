"""When a run is told to end, and when it is made to: the same on the platform and locally."""

import math
from dataclasses import dataclass
from enum import Enum, auto

from au2.execution.outcome import Interruption

_KILL_MARGIN_SECONDS = 2.0
"""What the launcher gets over its own grace times before everything is killed."""
_REPEAT_SECONDS = 0.5
"""Longer than any shell takes to come to its first line."""


def packaged_grace_seconds(stop_seconds: float, after_seconds: float) -> float:
    """Return how long a packaged version has after the stop signal.

    Its launcher keeps the grace times itself, to run ``after.sh``.
    """
    return stop_seconds + after_seconds + _KILL_MARGIN_SECONDS


@dataclass(frozen=True, slots=True)
class DiskVerdict:
    """A run must end for what it has written to the disk."""

    text: str
    """Why, and what to do, in sentences."""
    at_once: bool
    """Whether it is killed without being told before: there is no room for more of it."""


class Signal(Enum):
    """What is sent to a run."""

    STOP = auto()
    """The stop signal of its image."""
    KILL = auto()


class TerminationPolicy:
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
        self.disk_text: str | None = None
        """The sentence where that was for what it wrote to the disk."""
        self._is_killed = False

    def decide(self, now: float, *, stop: bool, disk: DiskVerdict | None = None) -> Signal | None:
        """Return what to send now. ``stop``: somebody asked for its end."""
        if self.interruption is None:
            self.interruption = self._find_reason(now, stop=stop, disk=disk)
            if self.interruption is None:
                return None
            if disk is None or not disk.at_once:
                self._kill_at = now + self._grace_seconds
                self._repeat_at = now + _REPEAT_SECONDS if self._repeat else math.inf
                return Signal.STOP
        if disk is not None and disk.at_once and not self._is_killed:
            self._kill_at = now
        if self._repeat_at <= now < self._kill_at:
            self._repeat_at = math.inf
            return Signal.STOP
        if now < self._kill_at:
            return None
        self._repeat_at = self._kill_at = math.inf
        self._is_killed = True
        return Signal.KILL

    def _find_reason(
        self, now: float, *, stop: bool, disk: DiskVerdict | None
    ) -> Interruption | None:
        if stop:
            return Interruption.STOP
        if now >= self._deadline:
            return Interruption.TIME_OUT
        if disk is None:
            return None
        self.disk_text = disk.text
        return Interruption.DISK_FULL
