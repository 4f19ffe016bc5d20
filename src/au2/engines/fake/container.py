"""One container of the fake engine: its program's position, log and job files."""

import signal
import threading
import time
from collections.abc import Sequence

from au2.domain.errors import EngineFailure
from au2.engines.fake.program import (
    Disappear,
    Exit,
    FailCreate,
    FailStart,
    KillForMemory,
    OnSignal,
    Print,
    Step,
    Wait,
    WriteFile,
)
from au2.engines.protocol import ContainerSpec, ContainerState, Observation
from au2.engines.validation import parse_signal
from au2.stores.logs.protocol import PREALLOCATED_BYTES
from au2.stores.logs.record import PLATFORM, Record, format_record, format_time_now

_KILLED = 128 + signal.SIGKILL


class FakeContainer:
    """State of one container. Safe for threads."""

    def __init__(self, spec: ContainerSpec, steps: Sequence[Step]) -> None:
        """Raises EngineFailure where the first step is :class:`FailCreate`."""
        self.spec = spec
        self.files = dict(spec.files)
        self.log = bytearray()
        self._changed = threading.Condition()
        self._steps = list(steps) or [Exit(0)]
        self._position = 0
        self._state = ContainerState.CREATED
        self._exit_code: int | None = None
        self._message: str | None = None
        self._handlers: dict[int, int] = {}
        self._kills = 0
        self._reached_limit = False
        self._log_limit_bytes: int | None = None
        self._is_log_cut = False
        self._file_changes = self._told_file_changes = 0
        if isinstance(first := self._steps[0], FailCreate):
            raise EngineFailure(f"the container could not be created: {first.message}")

    @property
    def has_ended(self) -> bool:
        """Whether the container has exited or is lost."""
        return self._state.has_ended

    def start(self) -> None:
        """Run the program up to its first pause. Harmless after the first start."""
        with self._changed:
            if self._state is not ContainerState.CREATED:
                return
            if isinstance(first := self._steps[0], FailStart):
                raise EngineFailure(first.message)
            self._state = ContainerState.RUNNING
            self._run()

    def resume(self) -> None:
        """Go on behind the program's present pause."""
        with self._changed:
            if self._state is ContainerState.RUNNING:
                self._run()

    def send_signal(self, name: str) -> None:
        """Kill the program, or run its handler."""
        number = parse_signal(name)
        with self._changed:
            if number == signal.SIGKILL:
                self._exit(_KILLED)
            elif number in self._handlers:
                self._exit(self._handlers[number])

    def lose(self, message: str) -> None:
        """Lose the container, and with its monitor the exit code."""
        with self._changed:
            self._end(ContainerState.LOST, message=message)

    def observe(self, seen_log_bytes: int, timeout_seconds: float) -> Observation:
        """Return the state after a change, or at the timeout."""
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            while not self._has_news(seen_log_bytes):
                left_seconds = deadline - time.monotonic()
                if left_seconds <= 0 or not self._changed.wait(left_seconds):
                    break
            self._told_file_changes = self._file_changes
            return Observation(
                state=self._state,
                exit_code=self._exit_code,
                out_of_memory_kills=self._kills,
                reached_memory_limit=self._reached_limit,
                log_bytes=len(self.log),
                log_truncated=len(self.log) >= self.spec.log_limit_bytes,
                log_restricted=self._log_limit_bytes is not None,
                message=self._message,
            )

    def restrict_log(self) -> None:
        """Let the log grow by the preallocated space of real logs only."""
        with self._changed:
            if self._log_limit_bytes is None:
                self._log_limit_bytes = len(self.log) + PREALLOCATED_BYTES
                self._is_log_cut = False

    def allow_log(self, remark: str) -> None:
        """Lift the restriction; where output was dropped, add ``remark`` to the log."""
        with self._changed:
            if self._log_limit_bytes is not None and self._is_log_cut:
                if not self.log.endswith(b"\n"):
                    self.log += b"\n"
                content = remark.encode()
                self.log += format_record(Record(format_time_now(), PLATFORM, False, content))
            self._log_limit_bytes = None
            self._changed.notify_all()

    def _has_news(self, seen_log_bytes: int) -> bool:
        return (
            self.has_ended
            or len(self.log) > seen_log_bytes
            or self._file_changes > self._told_file_changes
        )

    def _run(self) -> None:
        while self._state is ContainerState.RUNNING:
            if self._position == len(self._steps):
                self._exit(0)
                return
            step = self._steps[self._position]
            self._position += 1
            if isinstance(step, Wait):
                break
            self._take(step)
        self._changed.notify_all()

    def _take(self, step: Step) -> None:
        match step:
            case Print(data, stream):
                self._print(data, stream)
            case WriteFile(name, data):
                self.files[name] = data
                self._file_changes += 1
            case OnSignal(name, exit_code):
                self._handlers[parse_signal(name)] = exit_code
            case KillForMemory(is_first_process, reached_limit):
                self._kills += 1
                self._reached_limit |= reached_limit
                if is_first_process:
                    self._exit(_KILLED)
            case Disappear():
                self._end(ContainerState.LOST, message="the container is gone")
            case Exit(code):
                self._exit(code)
            case _:
                raise ValueError(f"{step} is not a first step")

    def _print(self, data: bytes, stream: str) -> None:
        *lines, rest = data.split(b"\n")
        parts = [(line, False) for line in lines] + ([(rest, True)] if rest else [])
        for content, partial in parts:
            self._append(format_record(Record(format_time_now(), stream, partial, content)))

    def _append(self, record: bytes) -> None:
        """Write as much as the limits let through, as a file-size limit does."""
        limits = [self.spec.log_limit_bytes]
        if self._log_limit_bytes is not None:
            limits.append(self._log_limit_bytes)
        left_bytes = max(0, min(limits) - len(self.log))
        self._is_log_cut |= left_bytes < len(record)
        self.log += record[:left_bytes]

    def _exit(self, code: int) -> None:
        self._end(ContainerState.EXITED, exit_code=code)

    def _end(
        self, state: ContainerState, *, exit_code: int | None = None, message: str | None = None
    ) -> None:
        if not self.has_ended:
            self._state, self._exit_code, self._message = state, exit_code, message
        self._changed.notify_all()
