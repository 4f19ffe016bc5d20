"""Follows a running container to its end: ends it in time, copies its log, watches its disk."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from au2.dispatcher.disk_watch import DiskWatch
from au2.dispatcher.log_capture import LogCapture
from au2.dispatcher.log_room import LogRoom
from au2.domain.errors import DatabaseUnavailable, NotFound, StorageFull
from au2.engines.base import ContainerState, Engine, Observation
from au2.engines.rate_limiter import Interval, RateLimiter
from au2.execution.control import Detached, JobControl
from au2.execution.termination import Signal, TerminationPolicy

logger = logging.getLogger(__name__)

_OBSERVE_SECONDS = 0.25
"""How long a look may take: bounds how late a stop is noticed."""
_LOG_SECONDS = 0.25
"""How long copying of its log may hold up a look."""
_STATUS_SECONDS = 1.0
"""How often a job may change its status in its record; the last one always gets there."""
ENDED = frozenset({ContainerState.EXITED, ContainerState.LOST})


@dataclass(frozen=True, slots=True)
class Watching:
    """One container that runs."""

    engine: Engine
    container_id: str
    stop_signal: Callable[[], str]
    """Read from the image, so asked for only when the container is to be stopped."""
    control: JobControl
    termination: TerminationPolicy
    capture: LogCapture
    log_room: LogRoom
    disk: DiskWatch
    read_status: Callable[[], None]
    now: Callable[[], float]
    """Seconds since the epoch, as the interrupter's deadline."""

    def follow(self) -> Observation:
        """Return how the container ended; its log may not be copied to the end.

        Raises:
            Detached: it is to be left running.
            LeaseLost: somebody else works on the job by now.
        """
        seen_bytes = 0
        pace, status_interval = RateLimiter(), Interval(_STATUS_SECONDS)
        while True:
            pace.step()
            seen = self.engine.observe(
                self.container_id,
                seen_log_bytes=seen_bytes,
                timeout_seconds=0.0 if self.capture.has_more else _OBSERVE_SECONDS,
            )
            seen_bytes = max(seen_bytes, seen.log_bytes)
            if seen.state in ENDED:
                return seen
            # First of all: neither a long log nor a full disk may put off a stop or the time limit.
            self._interrupt()
            if self.control.detach.is_set():
                raise Detached
            self.log_room.look(seen)
            self.capture.advance(seen.log_bytes, within_seconds=_LOG_SECONDS)
            if status_interval.is_due():
                with suppress(StorageFull, DatabaseUnavailable):
                    self.read_status()

    def _interrupt(self) -> None:
        stop = self.control.stop.is_set()
        match self.termination.decide(self.now(), stop=stop, disk=self.disk.look()):
            case Signal.STOP:
                self._signal(self.stop_signal())
            case Signal.KILL:
                self._signal("SIGKILL")

    def _signal(self, name: str) -> None:
        with suppress(NotFound):  # it ended meanwhile; the next look says how
            self.engine.signal(self.container_id, name)
