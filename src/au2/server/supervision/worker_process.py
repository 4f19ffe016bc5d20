"""One process of the server, seen by the supervisor."""

import contextlib
import logging
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from au2.server.supervision.worker import READY

_STATUS_BYTES = 4096

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerCommand:
    """A process that the supervisor keeps running."""

    name: str
    command: Sequence[str]
    descriptors: Mapping[str, int] = field(default_factory=dict)
    """Open files that it inherits, by name."""
    silent_seconds: float = math.inf
    """After so long without a sign of life, once it was ready, it is taken to hang."""


@dataclass(frozen=True, slots=True)
class RestartDelays:
    """How long a process that fell over waits for its next start."""

    first_seconds: float = 0.5
    """Doubles with each fall, up to:"""
    longest_seconds: float = 30.0
    calm_seconds: float = 60.0
    """Who has run so long begins with the first delay again."""


def module_command(module: str) -> Sequence[str]:
    """Return the command that runs a module of ours with this Python."""
    # -P: the current folder must not be able to bring modules of its own.
    return (sys.executable, "-P", "-m", module)


def spawn(
    command: WorkerCommand, brief: Callable[[Mapping[str, int]], bytes]
) -> "subprocess.Popen[bytes]":
    """Start a process with the pipes that :class:`.worker.Worker` expects."""
    process = subprocess.Popen(
        command.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        pass_fds=tuple(command.descriptors.values()),
        # Many threads with a heap of their own each would make the idle server large.
        env={"MALLOC_ARENA_MAX": "2", **os.environ},
    )
    assert process.stdin is not None  # noqa: S101 - asked for above
    # If it has ended already, its exit code tells.
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(brief(command.descriptors))
    return process


class WorkerProcess:
    """A process, how often it fell over, when it may start again. Times: monotonic seconds."""

    def __init__(
        self,
        command: WorkerCommand,
        brief: Callable[[Mapping[str, int]], bytes],
        delays: RestartDelays,
    ) -> None:
        self.name = command.name
        self.is_ready = False
        self.restart_at: float | None = None
        """When to start again; None while it runs."""
        self._command = command
        self._brief = brief
        self._delays = delays
        self._falls = 0
        self._started_at = 0.0
        self._heard_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and not yet found ended."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return None if self._process is None else self._process.pid

    @property
    def status_descriptor(self) -> int | None:
        """Descriptor on which it says that it is ready, and lives; None once it has ended."""
        if self._process is None or self._process.stdout is None or self._process.stdout.closed:
            return None
        return self._process.stdout.fileno()

    def start(self, now: float) -> None:
        """Start it."""
        self.restart_at = None
        self.is_ready = False
        self._started_at = now
        try:
            self._process = spawn(self._command, self._brief)
        except OSError:
            # The machine is out of processes or memory, which may pass.
            logger.exception("%s can't be started", self.name)
            self._plan_restart(now)

    def read_status(self, now: float) -> None:
        """Read what it says; to be called when the descriptor is readable."""
        if self._process is None or self._process.stdout is None:
            return
        said = os.read(self._process.stdout.fileno(), _STATUS_BYTES)
        self._heard_at = now
        self.is_ready = self.is_ready or said.startswith(READY)
        if not said:
            self._process.stdout.close()

    @property
    def silent_at(self) -> float | None:
        """When it is taken to hang, unless it gives a sign of life before; None if never."""
        if self._process is None or not self.is_ready or math.isinf(self._command.silent_seconds):
            return None
        return self._heard_at + self._command.silent_seconds

    def take_silence(self, now: float) -> bool:
        """Whether it hangs by now; then it counts as heard again, so that this is said once."""
        if self.silent_at is None or self.silent_at > now:
            return False
        self._heard_at = now
        return True

    def poll(self, now: float) -> int | None:
        """Return its exit code (negative: the signal) if it has just ended, else None."""
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
        """Send a signal if it runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def _plan_restart(self, now: float) -> None:
        if now - self._started_at >= self._delays.calm_seconds:
            self._falls = 0
        delay = self._delays.first_seconds * 2.0 ** min(self._falls, 32)
        self.restart_at = now + min(delay, self._delays.longest_seconds)
        self._falls += 1
