"""Output of local runs on its way to the terminal: secrets masked, remarks at the end."""

from collections.abc import Callable
from dataclasses import dataclass

from au2.engines.protocol import ContainerSpec, Engine, Observation
from au2.execution.outcome import list_final_remarks
from au2.secrets.masking import LineMasker, Masker
from au2.stores.logs.record import PLATFORM, parse_records

_CHUNK_BYTES = 4 << 20

Show = Callable[[str, bytes], None]
"""``(stream, bytes)``: takes output of the code as soon as the output is read."""


class MaskedOutput:
    """Masks secrets in each stream's lines, as the platform does in a job's log."""

    def __init__(self, show: Show, masker: Masker) -> None:
        self._show = show
        self._masker = masker
        self._lines: dict[str, LineMasker] = {}

    def show(self, stream: str, data: bytes) -> None:
        """Pass on output, without the begin of a possible secret at its end."""
        if not self._masker:
            self._show(stream, data)
            return
        line = self._lines.setdefault(stream, LineMasker(self._masker))
        *whole, rest = data.split(b"\n")
        shown = [line.feed(piece, is_end=True) + b"\n" for piece in whole]
        if rest:
            shown.append(line.feed(rest, is_end=False))
        self._pass_on(stream, b"".join(shown))

    def end(self) -> None:
        """Pass on the held back bytes."""
        for stream, line in self._lines.items():
            self._pass_on(stream, line.feed(b"", is_end=True))

    def _pass_on(self, stream: str, data: bytes) -> None:
        if data:
            self._show(stream, data)


@dataclass(frozen=True, slots=True)
class ProcessLog:
    """A :class:`~au2.execution.supervise.LogHook`; the execution itself shows the output."""

    output: MaskedOutput

    @property
    def has_more(self) -> bool:
        """See :attr:`au2.execution.supervise.LogHook.has_more`."""
        return False

    def advance(self, seen: Observation) -> None:
        """See :meth:`au2.execution.supervise.LogHook.advance`."""

    def complete(self, seen: Observation) -> None:
        """See :meth:`au2.execution.supervise.LogHook.complete`."""
        self.output.end()


class ContainerLog:
    """A :class:`~au2.execution.supervise.LogHook` for a container's raw log on the terminal."""

    def __init__(self, engine: Engine, spec: ContainerSpec, output: MaskedOutput) -> None:
        self._engine = engine
        self._spec = spec
        self._output = output
        self._shown_bytes = 0

    @property
    def has_more(self) -> bool:
        """See :attr:`au2.execution.supervise.LogHook.has_more`."""
        return False

    def advance(self, seen: Observation) -> None:
        """See :meth:`au2.execution.supervise.LogHook.advance`."""
        while self._shown_bytes < seen.log_bytes:
            chunk = self._engine.read_log(
                self._spec.container_id, offset=self._shown_bytes, limit_bytes=_CHUNK_BYTES
            )
            records, consumed_bytes = parse_records(chunk)
            if not consumed_bytes:
                return  # The last record is still incomplete.
            self._shown_bytes += consumed_bytes
            for record in records:
                end = b"" if record.partial else b"\n"
                self._output.show(record.stream, record.content + end)

    def complete(self, seen: Observation) -> None:
        """See :meth:`au2.execution.supervise.LogHook.complete`."""
        self.advance(seen)
        for remark in list_final_remarks(
            seen,
            memory_bytes=self._spec.resources.memory_bytes,
            log_limit_bytes=self._spec.log_limit_bytes,
        ):
            self._output.show(PLATFORM, f"{remark}\n".encode())
        self._output.end()
