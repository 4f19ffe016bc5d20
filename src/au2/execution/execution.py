"""The execution of one run, and its implementation with a container of an engine."""

from contextlib import suppress
from typing import Protocol

from au2.domain.errors import NotFound
from au2.engines.protocol import Engine, Observation


class Execution(Protocol):
    """One run: a container of an engine, or a process of this machine."""

    def start(self) -> None:
        """Start the run. Raises EngineFailure."""
        ...

    def observe(self, timeout_seconds: float) -> Observation:
        """Return the state of the run; wait for a change at most so long."""
        ...

    def stop(self) -> None:
        """Send the stop signal to the first process. Harmless after the end."""
        ...

    def kill(self) -> None:
        """Kill all processes. Harmless after the end."""
        ...

    def read_file(self, name: str, limit_bytes: int, /) -> bytes | None:
        """Return a job file's content; see :meth:`au2.engines.protocol.Engine.read_file`."""
        ...

    def remove(self) -> None:
        """Kill the run if still running, and remove its traces. Idempotent."""
        ...


class ContainerExecution:
    """A :class:`~Execution` of a created container."""

    def __init__(self, engine: Engine, container_id: str, image_digest: str) -> None:
        self._engine = engine
        self._id = container_id
        self._image_digest = image_digest
        self._seen_log_bytes = 0

    def start(self) -> None:
        """See :meth:`Execution.start`."""
        self._engine.start(self._id)

    def observe(self, timeout_seconds: float) -> Observation:
        """See :meth:`Execution.observe`."""
        seen = self._engine.observe(
            self._id, seen_log_bytes=self._seen_log_bytes, timeout_seconds=timeout_seconds
        )
        self._seen_log_bytes = max(self._seen_log_bytes, seen.log_bytes)
        return seen

    def stop(self) -> None:
        """See :meth:`Execution.stop`."""
        # The image is read for its stop signal, so only for a container that is to be stopped.
        self._signal(self._engine.stop_signal(self._image_digest))

    def kill(self) -> None:
        """See :meth:`Execution.kill`."""
        self._signal("SIGKILL")

    def read_file(self, name: str, limit_bytes: int, /) -> bytes | None:
        """See :meth:`Execution.read_file`."""
        return self._engine.read_file(self._id, name, limit_bytes=limit_bytes)

    def remove(self) -> None:
        """See :meth:`Execution.remove`."""
        self._engine.remove(self._id)

    def _signal(self, name: str) -> None:
        with suppress(NotFound):  # The container ended meanwhile; the next observation says how.
            self._engine.signal(self._id, name)
