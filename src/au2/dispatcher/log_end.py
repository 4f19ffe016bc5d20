"""The end of a job's log: copied whole, or with a line that says what is missing."""

import time
from dataclasses import dataclass

from au2.dispatcher.log_capture import LogCapture
from au2.dispatcher.log_room import LogRoom
from au2.dispatcher.write_retry import WriteRetry
from au2.domain.errors import NotFound, StorageFull
from au2.engines.base import Engine, Observation
from au2.execution.control import Detached, JobControl

_PATIENCE_SECONDS = 20.0
"""How long the end of a job waits for room for its log."""
_STEP_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The log of one container that has ended and holds no other room any more."""

    engine: Engine
    container_id: str
    capture: LogCapture
    log_room: LogRoom
    write_retry: WriteRetry

    def complete(self, seen: Observation, control: JobControl) -> None:
        """Copy the log to its end; after some time without room, as far as there is room.

        Raises:
            Detached: the job is to be left as it is.
            LeaseLost: somebody else works on it by now.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._try(seen):
            self.write_retry.give_up_reserve()
            if control.detach.wait(_STEP_SECONDS):
                raise Detached
            if time.monotonic() >= deadline:
                what = f"the log of container {self.container_id}"
                self.write_retry.insist(
                    lambda: self.capture.give_up(seen.log_bytes), control, what=what
                )
                return

    def _try(self, seen: Observation) -> bool:
        raw_bytes = seen.log_bytes
        if seen.log_restricted:
            try:
                self.log_room.close()
            except StorageFull:
                return False
            except NotFound:
                pass  # nothing is known of it, so nothing can be said
            raw_bytes = self.engine.observe(self.container_id).log_bytes
        return self.capture.advance(raw_bytes) and self.capture.end()
