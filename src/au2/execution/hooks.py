"""Where a local run takes place: a container, or a plain process."""

from collections.abc import Callable
from typing import Protocol

from au2.engines.base import Observation

Show = Callable[[str, bytes], None]
"""``(stream, bytes)``: takes what the code printed, as soon as it is known."""


class Execution(Protocol):
    """One run, from its start to its end. What it prints goes to a :data:`Show`."""

    def start(self) -> None:
        """Begin. Raises Unsupported, EngineFailure."""
        ...

    def observe(self, timeout_seconds: float) -> Observation:
        """Show what was printed, and return how the run stands. Waits at most so long for news.

        When it says EXITED, everything was shown.
        """
        ...

    def signal(self, name: str) -> None:
        """Send ``SIGTERM`` to the first process, or ``SIGKILL`` to all. Harmless after the end."""
        ...

    def read_file(self, name: str, limit_bytes: int, /) -> bytes | None:
        """Return a job file's content; see :meth:`au2.engines.base.Engine.read_file`."""
        ...

    def remove(self) -> None:
        """Kill it if it runs and remove what it left. Idempotent."""
        ...
