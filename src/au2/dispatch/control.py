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


class Detached(Exception):
    """The job's thread was told to leave the job as it is."""
