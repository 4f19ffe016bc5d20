"""The execution in a container of an engine."""

from contextlib import suppress

from au2.domain.errors import NotFound
from au2.engines.base import Engine, Observation


class ContainerExecution:
    """A :class:`~au2.execution.hooks.Execution` of a created container."""

    def __init__(self, engine: Engine, container_id: str, image_digest: str) -> None:
        self._engine = engine
        self._id = container_id
        self._image_digest = image_digest
        self._seen_log_bytes = 0

    def start(self) -> None:
        """See :meth:`au2.execution.hooks.Execution.start`."""
        self._engine.start(self._id)

    def observe(self, timeout_seconds: float) -> Observation:
        """See :meth:`au2.execution.hooks.Execution.observe`."""
        seen = self._engine.observe(
            self._id, seen_log_bytes=self._seen_log_bytes, timeout_seconds=timeout_seconds
        )
        self._seen_log_bytes = max(self._seen_log_bytes, seen.log_bytes)
        return seen

    def stop(self) -> None:
        """See :meth:`au2.execution.hooks.Execution.stop`."""
        # The image is read for its stop signal, so only for a container that is to be stopped.
        self._signal(self._engine.stop_signal(self._image_digest))

    def kill(self) -> None:
        """See :meth:`au2.execution.hooks.Execution.kill`."""
        self._signal("SIGKILL")

    def read_file(self, name: str, limit_bytes: int, /) -> bytes | None:
        """See :meth:`au2.execution.hooks.Execution.read_file`."""
        return self._engine.read_file(self._id, name, limit_bytes=limit_bytes)

    def remove(self) -> None:
        """See :meth:`au2.execution.hooks.Execution.remove`."""
        self._engine.remove(self._id)

    def _signal(self, name: str) -> None:
        with suppress(NotFound):  # The container ended meanwhile; the next observation says how.
            self._engine.signal(self._id, name)
