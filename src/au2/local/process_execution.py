"""A run as a process of this machine: no isolation and no limits, but the same launcher."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from au2.domain.errors import EngineFailure
from au2.engines.base import ContainerState, Observation
from au2.engines.native.lifecycle.job_files import read_job_file
from au2.execution.hooks import Show
from au2.local.working_copy import WorkingCopy

_CHUNK_BYTES = 1 << 16
_STRAGGLERS_SECONDS = 0.5
"""How long output is waited for of processes that the code left behind: in a container they would
have ended with it."""


class ProcessExecution:
    """A :class:`~au2.execution.hooks.Execution`.

    Args:
        copy: the folders of this run.
        environment: all variables, those of the launcher aside.
        show: takes what is printed.
    """

    def __init__(self, copy: WorkingCopy, environment: Mapping[str, str], show: Show) -> None:
        self._copy = copy
        self._environment = environment
        self._show = show
        self._selector = selectors.DefaultSelector()
        self._process: subprocess.Popen[bytes] | None = None
        self._closing_at: float | None = None

    def start(self) -> None:
        """See :meth:`au2.execution.hooks.Execution.start`."""
        folders = {
            "AU_LAUNCHER_PLATFORM": str(self._copy.platform),
            "AU_LAUNCHER_PACKAGE": str(self._copy.package),
            "AU_LAUNCHER_JOB": str(self._copy.job),
        }
        try:
            self._process = process = subprocess.Popen(
                ["sh", str(self._copy.launcher)],
                cwd=self._copy.package,
                env={**self._environment, **folders},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # A group of its own: Ctrl-C at the terminal is for us to pass on, and in the end
                # all of it can be killed.
                start_new_session=True,
            )
        except OSError as error:
            raise EngineFailure(f"The launcher could not be started: {error}") from error
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, selectors.EVENT_READ, name)

    def observe(self, timeout_seconds: float) -> Observation:
        """See :meth:`au2.execution.hooks.Execution.observe`."""
        process = self._process
        if process is None:
            return Observation(ContainerState.LOST, message="it was never started")
        self._pass_on(timeout_seconds)
        if self._selector.get_map():
            if process.poll() is None or not self._is_closing():
                return Observation(ContainerState.RUNNING)
        else:
            # It may have closed its output and run on.
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout_seconds)
        if process.returncode is None:
            return Observation(ContainerState.RUNNING)
        self._kill_group()
        return Observation(ContainerState.EXITED, exit_code=_exit_code(process.returncode))

    def signal(self, name: str) -> None:
        """See :meth:`au2.execution.hooks.Execution.signal`."""
        if self._process is None or self._process.poll() is not None:
            return
        if name == "SIGKILL":
            self._kill_group()
        else:
            self._process.send_signal(signal.Signals[name])

    def read_file(self, name: str, limit_bytes: int, /) -> bytes | None:
        """See :meth:`au2.execution.hooks.Execution.read_file`."""
        return read_job_file(self._copy.job, name, limit_bytes)

    def remove(self) -> None:
        """See :meth:`au2.execution.hooks.Execution.remove`."""
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                _kill_group_of(process)
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        self._selector.close()

    def _pass_on(self, timeout_seconds: float) -> None:
        """Show what was printed."""
        for key, _ in self._selector.select(timeout_seconds):
            pipe: IO[bytes] = key.fileobj  # type: ignore[assignment]
            data = os.read(pipe.fileno(), _CHUNK_BYTES)
            if data:
                self._show(key.data, data)
            else:
                self._selector.unregister(pipe)

    def _is_closing(self) -> bool:
        """After the launcher's end: whether nothing can be expected any more."""
        now = time.monotonic()
        if self._closing_at is None:
            self._kill_group()
            self._closing_at = now + _STRAGGLERS_SECONDS
        return now >= self._closing_at

    def _kill_group(self) -> None:
        if self._process is not None:
            _kill_group_of(self._process)


def _kill_group_of(process: "subprocess.Popen[bytes]") -> None:
    # Nobody else gets that id while one process of the group is there.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _exit_code(returncode: int) -> int:
    """As a container would have it: 128 + n after signal n."""
    return returncode if returncode >= 0 else 128 - returncode
