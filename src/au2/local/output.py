"""Output of local runs on its way to the terminal: secrets masked, remarks at the end."""

from collections.abc import Callable
from dataclasses import dataclass, field

from au2.engines.protocol import ContainerSpec, Engine, Observation
from au2.execution.outcome import list_final_remarks
from au2.execution.supervise import LogHook
from au2.secrets.masking import LineMasker, Masker
from au2.stores.logs.record import PLATFORM, parse_records

_CHUNK_BYTES = 4 << 20

Show = Callable[[str, bytes], None]
"""``(stream, bytes)``: takes output of the code as soon as the output is read."""


@dataclass(slots=True)
class MaskedOutput:
    """Masks secrets in each stream's lines, as the platform does in a job's log."""

    write: Show
    masker: Masker
    _lines: dict[str, LineMasker] = field(default_factory=dict, init=False)

    def show(self, stream: str, data: bytes) -> None:
        """Pass on output, without the begin of a possible secret at its end."""
        if not self.masker:
            self.write(stream, data)
            return
        line = self._lines.setdefault(stream, LineMasker(self.masker))
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
            self.write(stream, data)


@dataclass(frozen=True, slots=True)
class ProcessLog(LogHook):
    """A :class:`~au2.execution.supervise.LogHook`; the execution itself shows the output."""

    output: MaskedOutput

    def advance(self, seen: Observation) -> None:
        """Pass on nothing."""

    def complete(self, seen: Observation) -> None:
        self.output.end()


@dataclass(slots=True)
class ContainerLog(LogHook):
    """A :class:`~au2.execution.supervise.LogHook` for a container's raw log on the terminal."""

    engine: Engine
    spec: ContainerSpec
    output: MaskedOutput
    _shown_bytes: int = field(default=0, init=False)

    def advance(self, seen: Observation) -> None:
        while self._shown_bytes < seen.log_bytes:
            chunk = self.engine.read_log(
                self.spec.container_id, offset=self._shown_bytes, limit_bytes=_CHUNK_BYTES
            )
            records, consumed_bytes = parse_records(chunk)
            if not consumed_bytes:
                return  # The last record is still incomplete.
            self._shown_bytes += consumed_bytes
            for record in records:
                end = b"" if record.partial else b"\n"
                self.output.show(record.stream, record.content + end)

    def complete(self, seen: Observation) -> None:
        self.advance(seen)
        for remark in list_final_remarks(
            seen,
            memory_bytes=self.spec.resources.memory_bytes,
            log_limit_bytes=self.spec.log_limit_bytes,
        ):
            self.output.show(PLATFORM, f"{remark}\n".encode())
        self.output.end()
