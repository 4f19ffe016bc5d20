"""What other threads may tell the thread that works on a job."""

from dataclasses import dataclass, field
from threading import Event


@dataclass(frozen=True, slots=True)
class JobControl:
    """Signals to one job's thread. Once set, they stay set."""

    stop: Event = field(default_factory=Event)
    """Somebody asked for the job to be stopped."""
    detach: Event = field(default_factory=Event)
    """The dispatcher shuts down, or lost the claim: leave the job as it is."""

    def check(self) -> None:
        """Raise Stopped or Detached if the work on the job should end."""
        if self.stop.is_set():
            raise Stopped
        if self.detach.is_set():
            raise Detached


class Stopped(Exception):
    """Somebody asked for the job to be stopped."""


class Detached(Exception):
    """The job's thread was told to leave the job as it is."""
