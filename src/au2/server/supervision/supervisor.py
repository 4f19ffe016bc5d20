"""Keeps the server's processes running, and ends them together.

It imports little, so that it costs little memory: the work is done in its children, each with
its own interpreter. Each child ends by itself when the supervisor is killed (:mod:`.worker`).
"""

import contextlib
import logging
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from au2.server.supervision.worker_process import RestartDelays, WorkerCommand, WorkerProcess

logger = logging.getLogger(__name__)

_END_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Supervisor:
    """Runs processes until it gets SIGTERM, SIGINT or SIGHUP. For the main thread."""

    def __init__(
        self,
        commands: Sequence[WorkerCommand],
        *,
        brief: Callable[[Mapping[str, int]], bytes],
        on_ready: Callable[[], None],
        on_stopping: Callable[[], None],
        delays: RestartDelays,
        stop_seconds: float,
    ) -> None:
        """``brief`` makes a process's first input; ``on_ready`` is called when all are ready."""
        self._children = [WorkerProcess(command, brief, delays) for command in commands]
        self._on_ready = on_ready
        self._on_stopping = on_stopping
        self._stop_seconds = stop_seconds
        self._was_ready = False

    def run(self) -> int:
        """Run until told to end; return the exit code.

        It also ends, with 1, when a process falls over before all were ready for the first time.
        """
        with _signal_pipe() as signals:
            for child in self._children:
                child.start(time.monotonic())
            while True:
                received = self._wait(signals, self._next_due())
                if received & set(_END_SIGNALS):
                    logger.info("asked to stop")
                    self._stop(signals)
                    return 0
                if not self._look_after():
                    self._stop(signals)
                    return 1

    def _next_due(self) -> float | None:
        due = [child.restart_at for child in self._children]
        if self._was_ready:
            due += [child.silent_at for child in self._children]
        return min((moment for moment in due if moment is not None), default=None)

    def _wait(self, signals: int, until: float | None) -> set[int]:
        """Wait for a signal, a word from a child or the time; return the signals."""
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
        """Note who is ready, start who is due; return False if the server can't start."""
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
        """End all processes: politely, then, or when asked a second time, for certain."""
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
    """Yield a descriptor on which the signals that concern us arrive, one byte each."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    old_wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    wanted = [signal.SIGCHLD, *(n for n in _END_SIGNALS if signal.getsignal(n) != signal.SIG_IGN)]
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


def _describe(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
