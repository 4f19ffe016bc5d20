"""Supervisor: keeps the server's processes running, and ends them together.

Few imports keep its memory small: the work is done in its children, each with its own interpreter.
Each child ends by itself when the supervisor is killed (:mod:`.worker`).
"""

import contextlib
import logging
import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from au2.server.supervision.worker import READY

_STATUS_BYTES = 4096
logger = logging.getLogger(__name__)
_END_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_TERMINAL = "/dev/tty"


@dataclass(frozen=True, slots=True)
class WorkerCommand:
    """Command of a supervised process."""

    name: str
    command: Sequence[str]
    configuration: bytes
    """First line of the standard input."""
    descriptors: Sequence[int] = ()
    """Inherited open files."""
    silent_seconds: float = math.inf
    """A ready process without a sign of life for so long is taken to hang."""


@dataclass(frozen=True, slots=True)
class RestartDelays:
    """Delays before the restart of a crashed process."""

    first_seconds: float = 0.5
    """Doubles with each crash, up to:"""
    longest_seconds: float = 30.0
    calm_seconds: float = 60.0
    """A process that has run so long begins with the first delay again."""


def module_command(module: str) -> Sequence[str]:
    """Return the command that runs a module with this Python."""
    # -P: the current folder must not be able to bring modules of its own.
    return (sys.executable, "-P", "-m", module)


def spawn(command: WorkerCommand) -> "subprocess.Popen[bytes]":
    """Start a process with the pipes for :class:`.worker.Worker`."""
    process = subprocess.Popen(
        command.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        pass_fds=tuple(command.descriptors),
        # Many threads with a heap of their own each would make the idle server large.
        env={"MALLOC_ARENA_MAX": "2", **os.environ},
    )
    assert process.stdin is not None  # noqa: S101 - asked for above
    # If it has ended already, its exit code tells.
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(command.configuration)
    return process


class WorkerProcess:
    """State of one supervised process. Times: monotonic seconds."""

    def __init__(self, command: WorkerCommand, delays: RestartDelays) -> None:
        self.name = command.name
        self.is_ready = False
        self.restart_at: float | None = None
        """Time of the next start; None while the process runs."""
        self._command = command
        self._delays = delays
        self._falls = 0
        self._started_at = 0.0
        self._heard_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process was started and not yet found ended."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Process id while the process runs."""
        return None if self._process is None else self._process.pid

    @property
    def status_descriptor(self) -> int | None:
        """Descriptor of readiness and signs of life; None once the process has ended."""
        if self._process is None or self._process.stdout is None or self._process.stdout.closed:
            return None
        return self._process.stdout.fileno()

    def start(self, now: float) -> None:
        """Start the process."""
        self.restart_at = None
        self.is_ready = False
        self._started_at = now
        try:
            self._process = spawn(self._command)
        except OSError:
            # The machine is out of processes or memory, which may pass.
            logger.exception("%s can't be started", self.name)
            self._plan_restart(now)

    def read_status(self, now: float) -> None:
        """Read the status; to be called when the descriptor is readable."""
        if self._process is None or self._process.stdout is None:
            return
        said = os.read(self._process.stdout.fileno(), _STATUS_BYTES)
        self._heard_at = now
        self.is_ready = self.is_ready or said.startswith(READY)
        if not said:
            self._process.stdout.close()

    @property
    def silent_at(self) -> float | None:
        """Time at which the process is taken to hang without a sign of life; None: never."""
        if self._process is None or not self.is_ready or math.isinf(self._command.silent_seconds):
            return None
        return self._heard_at + self._command.silent_seconds

    def take_silence(self, now: float) -> bool:
        """Return whether the process hangs by now, once: then the silence begins anew."""
        if self.silent_at is None or self.silent_at > now:
            return False
        self._heard_at = now
        return True

    def poll(self, now: float) -> int | None:
        """Return the exit code (negative: the signal) if the process has just ended, else None."""
        if self._process is None or (code := self._process.poll()) is None:
            return None
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None
        self.is_ready = False
        self._plan_restart(now)
        return code

    def signal(self, number: int) -> None:
        """Send a signal to a running process."""
        if self._process is not None:
            self._process.send_signal(number)

    def _plan_restart(self, now: float) -> None:
        if now - self._started_at >= self._delays.calm_seconds:
            self._falls = 0
        delay = self._delays.first_seconds * 2.0 ** min(self._falls, 32)
        self.restart_at = now + min(delay, self._delays.longest_seconds)
        self._falls += 1


class Supervisor:
    """Supervisor of processes until SIGTERM or SIGINT. For the main thread.

    SIGHUP is passed on to the processes, which read their files again. After the terminal of this
    process was closed, SIGHUP ends the server.
    """

    def __init__(
        self,
        commands: Sequence[WorkerCommand],
        *,
        on_ready: Callable[[], None],
        on_stopping: Callable[[], None],
        delays: RestartDelays,
        stop_seconds: float,
    ) -> None:
        """``on_ready`` is called when all processes are ready for the first time."""
        self._children = [WorkerProcess(command, delays) for command in commands]
        self._on_ready = on_ready
        self._on_stopping = on_stopping
        self._stop_seconds = stop_seconds
        self._was_ready = False
        self._had_terminal = _has_terminal()

    def run(self) -> int:
        """Run until a signal; return the exit code.

        The code is 1 when a process ends before all were ready for the first time.
        """
        with _signal_pipe() as signals:
            for child in self._children:
                child.start(time.monotonic())
            while True:
                received = self._wait(signals, self._next_due())
                if signal.SIGHUP in received:
                    received |= self._take_hang_up()
                if received & set(_END_SIGNALS):
                    logger.info("asked to stop")
                    self._stop(signals)
                    return 0
                if not self._look_after():
                    self._stop(signals)
                    return 1

    def _take_hang_up(self) -> set[int]:
        """Pass SIGHUP on; return the signal to stop if the terminal is gone."""
        if self._had_terminal and not _has_terminal():
            return {signal.SIGTERM}
        for child in self._children:
            # Before it is ready it has no handler yet, and reads everything anyway.
            if child.is_ready:
                child.signal(signal.SIGHUP)
        return set()

    def _next_due(self) -> float | None:
        due = [child.restart_at for child in self._children]
        if self._was_ready:
            due += [child.silent_at for child in self._children]
        return min((moment for moment in due if moment is not None), default=None)

    def _wait(self, signals: int, until: float | None) -> set[int]:
        """Wait for a signal, a child's status or the time; return the signals."""
        poll = select.poll()
        poll.register(signals, select.POLLIN)
        talking = {}
        for child in self._children:
            if (descriptor := child.status_descriptor) is not None:
                talking[descriptor] = child
                poll.register(descriptor, select.POLLIN)
        timeout = None if until is None else max(0.0, until - time.monotonic()) * 1000 + 1
        received: set[int] = set()
        for descriptor, _ in poll.poll(timeout):
            if descriptor == signals:
                received |= set(os.read(signals, 4096))
            else:
                talking[descriptor].read_status(time.monotonic())
        return received

    def _look_after(self) -> bool:
        """Note readiness, restart due processes; return False if the server can't start."""
        now = time.monotonic()
        for child in self._children:
            code = child.poll(now)
            if code is not None and not self._was_ready:
                logger.error("%s ended while starting (%s)", child.name, _describe(code))
                return False
            if code is not None and child.restart_at is not None:
                delay = child.restart_at - now
                logger.error(
                    "%s ended (%s), starts again in %.1f s", child.name, _describe(code), delay
                )
            if self._was_ready and child.take_silence(now):
                logger.error("%s gives no sign of life any more, so it is killed", child.name)
                child.signal(signal.SIGKILL)
            if child.restart_at is not None and child.restart_at <= now:
                child.start(now)
                logger.info("%s starts again, as process %s", child.name, child.pid)
        if not self._was_ready and all(child.is_ready for child in self._children):
            self._was_ready = True
            self._on_ready()
        return True

    def _stop(self, signals: int) -> None:
        """End all processes: politely first; by force later, or at a second signal."""
        self._on_stopping()
        self._signal_all(signal.SIGTERM)
        deadline = time.monotonic() + self._stop_seconds
        while self._any_runs():
            received = self._wait(signals, deadline)
            if received & set(_END_SIGNALS) or time.monotonic() >= deadline:
                self._signal_all(signal.SIGKILL)
                deadline = time.monotonic() + self._stop_seconds

    def _any_runs(self) -> bool:
        now = time.monotonic()
        for child in self._children:
            code = child.poll(now)
            if code is not None:
                logger.info("%s ended (%s)", child.name, _describe(code))
        return any(child.is_running for child in self._children)

    def _signal_all(self, number: int) -> None:
        for child in self._children:
            if number == signal.SIGKILL and child.is_running:
                logger.warning("%s does not end, so it is killed", child.name)
            child.signal(number)


@contextlib.contextmanager
def _signal_pipe() -> Iterator[int]:
    """Yield a descriptor on which signals arrive, one byte each."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    old_wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    asked = [n for n in (*_END_SIGNALS, signal.SIGHUP) if signal.getsignal(n) != signal.SIG_IGN]
    wanted = [signal.SIGCHLD, *asked]
    # A handler that does nothing: the number comes through the pipe.
    old_handlers = {number: signal.signal(number, lambda *_: None) for number in wanted}
    try:
        yield reading
    finally:
        for number, handler in old_handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(old_wakeup)
        os.close(reading)
        os.close(writing)


def _has_terminal() -> bool:
    """Return whether this process has a controlling terminal, which is open."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _describe(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
