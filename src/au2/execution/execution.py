"""The execution of one run, and its implementation with a container of an engine."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from au2.domain.errors import NotFound
from au2.engines.protocol import Engine, Observation


class Execution(Protocol):
    """One run: a container of an engine, or a process of this machine."""

    def start(self) -> None:
        """Start the run. Raises EngineFailure."""

    def observe(self, timeout_seconds: float) -> Observation:
        """Return the state of the run; wait for a change at most so long."""

    def stop(self) -> None:
        """Send the stop signal to the first process. Harmless after the end."""

    def kill(self) -> None:
        """Kill all processes. Harmless after the end."""

    def read_file(self, name: str, limit_bytes: int, /) -> bytes | None:
        """Return a job file's content; see :meth:`au2.engines.protocol.Engine.read_file`."""

    def remove(self) -> None:
        """Kill the run if still running, and remove its traces. Idempotent."""


@dataclass(slots=True)
class ContainerExecution(Execution):
    """A :class:`~Execution` of a created container."""

    engine: Engine
    container_id: str
    image_digest: str
    _seen_log_bytes: int = field(default=0, init=False)

    def start(self) -> None:
        self.engine.start(self.container_id)

    def observe(self, timeout_seconds: float) -> Observation:
        seen = self.engine.observe(
            self.container_id, seen_log_bytes=self._seen_log_bytes, timeout_seconds=timeout_seconds
        )
        self._seen_log_bytes = max(self._seen_log_bytes, seen.log_bytes)
        return seen

    def stop(self) -> None:
        # The image is read for its stop signal, so only for a container that is to be stopped.
        self._signal(self.engine.stop_signal(self.image_digest))

    def kill(self) -> None:
        self._signal("SIGKILL")

    def read_file(self, name: str, limit_bytes: int, /) -> bytes | None:
        return self.engine.read_file(self.container_id, name, limit_bytes=limit_bytes)

    def remove(self) -> None:
        self.engine.remove(self.container_id)

    def _signal(self, name: str) -> None:
        with suppress(NotFound):  # The container ended meanwhile; the next observation says how.
            self.engine.signal(self.container_id, name)
