"""The protocol of notices: "something changed", told between the processes of one installation.

A notice is a hint and nothing more: it may be lost, doubled or late, so whoever waits for one also
looks for itself from time to time. One suite in ``tests/ports`` runs on every implementation.
"""

from typing import Protocol

JOBS = "jobs"
"""There is new work."""
DISPATCHER = "dispatcher"
"""The name that the dispatcher listens as."""
EVERYTHING = "*"
"""Notices may have been lost: look at everything that you wait for."""


def job_topic(job_id: int) -> str:
    """Return the topic that says: the job's record changed."""
    return f"job:{job_id}"


def log_topic(job_id: int) -> str:
    """Return the topic that says: the job's log grew."""
    return f"log:{job_id}"


def stop_topic(job_id: int) -> str:
    """Return the topic that says: somebody asked for the job to be stopped."""
    return f"stop:{job_id}"


class Notices(Protocol):
    """Send and receive hints. ``send`` may be called from any thread; one thread receives."""

    def send(self, topic: str) -> None:
        """Tell everybody who listens, ourselves included. Never blocks, never raises."""
        ...

    def wait(self, timeout_seconds: float) -> set[str]:
        """Wait for notices and return the topics of all that are there; empty after the timeout.

        With 0 it only looks. May contain :data:`EVERYTHING`.
        """
        ...

    def fileno(self) -> int:
        """Descriptor that is readable when ``wait(0)`` would return something, for event loops."""
        ...

    def is_listening(self, name: str) -> bool:
        """Whether somebody listens as ``name``. It may have stopped a moment later."""
        ...

    def close(self) -> None:
        """Stop listening. Sending goes on to be harmless."""
        ...
