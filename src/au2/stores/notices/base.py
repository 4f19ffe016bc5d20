"""Protocol of notices: hints of changes between the processes of one installation.

A notice may be lost, doubled or late, so a receiver also polls from time to time. One suite in
``tests/ports`` runs on every implementation.
"""

from typing import Protocol

JOBS = "jobs"
"""Topic of new jobs."""
DISPATCHER = "dispatcher"
"""Name under which the dispatcher listens."""
EVERYTHING = "*"
"""Topic of lost notices: the receiver checks everything that it waits for."""


def job_topic(job_id: int) -> str:
    """Return the topic of changes of a job's record."""
    return f"job:{job_id}"


def log_topic(job_id: int) -> str:
    """Return the topic of growth of a job's log."""
    return f"log:{job_id}"


def stop_topic(job_id: int) -> str:
    """Return the topic of requests to stop a job."""
    return f"stop:{job_id}"


class Notices(Protocol):
    """Sender and receiver of notices. Any thread may send; one thread receives."""

    def send(self, topic: str) -> None:
        """Send a notice to all listeners, this one included. Never blocks, never raises."""
        ...

    def wait(self, timeout_seconds: float) -> set[str]:
        """Wait for notices and return their topics; an empty set after the timeout.

        A timeout of 0 does not wait. The set may contain :data:`EVERYTHING`.
        """
        ...

    def fileno(self) -> int:
        """Descriptor for event loops, readable when ``wait(0)`` would return topics."""
        ...

    def is_listening(self, name: str) -> bool:
        """Whether a listener of that name exists at the moment."""
        ...

    def close(self) -> None:
        """Stop listening. Sending stays harmless."""
        ...
