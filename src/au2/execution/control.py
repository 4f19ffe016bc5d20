"""Requests from other threads to the thread that executes a job or a local run."""

from dataclasses import dataclass, field
from threading import Event


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
