"""Termination of a run: its limits, requests for its end, and the signals; the same everywhere."""

import math
from dataclasses import dataclass, field
from enum import Enum, auto
from threading import Event
from typing import Self

from au2.domain import defaults
from au2.execution.outcome import Interruption

_KILL_MARGIN_SECONDS = 2.0
"""Added to the launcher's own grace times before all processes are killed."""
_REPEAT_SECONDS = 0.5
"""Longer than any shell takes to reach its first line."""


@dataclass(frozen=True, slots=True)
class JobControl:
    """Requests to one executing thread. Once set, they stay set."""

    stop: Event = field(default_factory=Event)
    """End the run: stop signal, grace time, kill."""
    kill: Event = field(default_factory=Event)
    """End the run without a grace time."""
    detach: Event = field(default_factory=Event)
    """Leave the job as it is: the dispatcher shuts down, or lost the claim."""

    def check(self) -> None:
        """Raise Stopped or Detached if the work on the job should end."""
        if self.stop.is_set():
            raise Stopped
        if self.detach.is_set():
            raise Detached


class Stopped(Exception):
    """A user asked for the end of the job."""


class Detached(Exception):
    """The job is left running for the next dispatcher."""


@dataclass(frozen=True, slots=True)
class ExecutionLimits:
    """Limits set by the operator; the defaults hold for local runs, too."""

    stop_grace_seconds: float = defaults.STOP_GRACE_SECONDS
    """Between the stop signal and the kill."""
    after_grace_seconds: float = defaults.AFTER_GRACE_SECONDS
    """For ``after.sh`` of a job that was stopped or reached its time limit."""
    output_bytes: int = defaults.OUTPUT_BYTES
    log_bytes: int = defaults.LOG_BYTES
    disk_bytes: int = defaults.DISK_BYTES
    """Writable layer, scratch folder and log. Not enforced in local runs."""


@dataclass(frozen=True, slots=True)
class DiskVerdict:
    """The decision to end a run for its use of the disk."""

    text: str
    """The message: cause and advice."""
    at_once: bool
    """Whether the run is killed without a grace time: the disk is full."""


class Signal(Enum):
    """Signal to a run."""

    STOP = auto()
    """The stop signal of the image."""
    KILL = auto()
    """SIGKILL, to all processes."""


@dataclass(slots=True, kw_only=True)
class TerminationPolicy:
    """Times of the signals to one run. Pure: the time is an argument, on any clock.

    Args:
        deadline: end of the time limit.
        grace_seconds: between the stop signal and the kill.
        repeat: send the stop signal a second time. A container's first process loses a signal
            before its handler is set; the launcher ignores the second.
    """

    deadline: float
    grace_seconds: float
    repeat: bool = False
    interruption: Interruption | None = field(default=None, init=False)
    """Cause of the termination; None: there is none yet."""
    disk_text: str | None = field(default=None, init=False)
    """The message of a termination for use of the disk."""
    _repeat_at: float = field(default=math.inf, init=False)
    _kill_at: float = field(default=math.inf, init=False)
    _is_killed: bool = field(default=False, init=False)

    @classmethod
    def make(cls, limits: ExecutionLimits, *, deadline: float, is_packaged: bool) -> Self:
        """Return the policy of a version.

        The launcher of a packaged version keeps the grace times itself, to run ``after.sh``.
        """
        grace_seconds = limits.stop_grace_seconds
        if is_packaged:
            grace_seconds += limits.after_grace_seconds + _KILL_MARGIN_SECONDS
        return cls(deadline=deadline, grace_seconds=grace_seconds, repeat=is_packaged)

    def decide(
        self, now: float, *, stop: bool, kill: bool = False, disk: DiskVerdict | None = None
    ) -> Signal | None:
        """Return the due signal.

        Args:
            now: the time.
            stop: whether the end of the run was requested.
            kill: whether the end was requested without a grace time.
            disk: the present verdict on the use of the disk.
        """
        at_once = kill or (disk is not None and disk.at_once)
        if self.interruption is None:
            self.interruption = self._find_reason(now, stop=stop or kill, disk=disk)
            if self.interruption is None:
                return None
            if not at_once:
                self._kill_at = now + self.grace_seconds
                self._repeat_at = now + _REPEAT_SECONDS if self.repeat else math.inf
                return Signal.STOP
        if at_once and not self._is_killed:
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
        if now >= self.deadline:
            return Interruption.TIME_OUT
        if disk is None:
            return None
        self.disk_text = disk.text
        return Interruption.DISK_FULL
