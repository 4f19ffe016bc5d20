"""A run in a container of the native engine."""

from au2.domain.errors import NotFound
from au2.domain.wording import format_bytes
from au2.engines.base import ContainerSpec, ContainerState, Engine, Observation
from au2.execution.hooks import Show
from au2.execution.memory_kills import describe_memory_kills
from au2.stores.logs.record import PLATFORM, parse_records

_CHUNK_BYTES = 4 << 20


class ContainerExecution:
    """A :class:`~au2.execution.hooks.Execution`."""

    def __init__(self, engine: Engine, spec: ContainerSpec, show: Show) -> None:
        self._engine = engine
        self._spec = spec
        self._id = spec.container_id
        self._show = show
        self._shown_bytes = 0
        self._seen_bytes = 0

    def start(self) -> None:
        """See :meth:`au2.execution.hooks.Execution.start`."""
        self._engine.create(self._spec)
        self._engine.start(self._id)

    def observe(self, timeout_seconds: float) -> Observation:
        """See :meth:`au2.execution.hooks.Execution.observe`."""
        seen = self._engine.observe(
            self._id, seen_log_bytes=self._seen_bytes, timeout_seconds=timeout_seconds
        )
        self._seen_bytes = max(self._seen_bytes, seen.log_bytes)
        self._pass_on(seen.log_bytes)
        if seen.state is ContainerState.EXITED:
            self._show_remarks(seen)
        return seen

    def signal(self, name: str) -> None:
        """See :meth:`au2.execution.hooks.Execution.signal`."""
        try:
            self._engine.signal(self._id, name)
        except NotFound:
            return  # it ended meanwhile; the next look says how

    def read_file(self, name: str, limit_bytes: int, /) -> bytes | None:
        """See :meth:`au2.execution.hooks.Execution.read_file`."""
        return self._engine.read_file(self._id, name, limit_bytes=limit_bytes)

    def remove(self) -> None:
        """See :meth:`au2.execution.hooks.Execution.remove`."""
        self._engine.remove(self._id)

    def _show_remarks(self, seen: Observation) -> None:
        if seen.log_truncated:
            limit = format_bytes(self._spec.log_limit_bytes)
            line = f"The log reached its limit of {limit}; the rest is not kept.\n"
            self._show(PLATFORM, line.encode())
        if kills := describe_memory_kills(seen, self._spec.resources.memory_bytes):
            self._show(PLATFORM, f"{kills}\n".encode())

    def _pass_on(self, log_bytes: int) -> None:
        while self._shown_bytes < log_bytes:
            chunk = self._engine.read_log(
                self._id, offset=self._shown_bytes, limit_bytes=_CHUNK_BYTES
            )
            records, consumed_bytes = parse_records(chunk)
            if not consumed_bytes:
                return  # A record is still being written.
            self._shown_bytes += consumed_bytes
            for record in records:
                self._show(record.stream, record.content + (b"" if record.partial else b"\n"))
