"""The execution as a process of this machine: no isolation and no limits, the same launcher."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from au2.domain.errors import EngineFailure
from au2.engines.native.lifecycle.job_files import read_job_file
from au2.engines.protocol import ContainerState, Observation
from au2.execution.execution import Execution
from au2.local.output import Show
from au2.local.working_copy import WorkingCopy

_CHUNK_BYTES = 1 << 16
_MOST_CHUNKS = 64
"""Chunks of output that one observation shows: the run loop looks at the clock between two."""
_STRAGGLERS_SECONDS = 0.5
"""How long the output of processes that the code left behind is awaited. A container's end would
have ended them."""


class ProcessExecution(Execution):
    """An :class:`~au2.execution.execution.Execution` of a plain process.

    Observations show the output so far; after an EXITED observation all output was shown.

    Args:
        copy: the folders of this run.
        environment: all variables but the launcher's own.
        show: takes the output.
    """

    def __init__(self, copy: WorkingCopy, environment: Mapping[str, str], show: Show) -> None:
        self._copy = copy
        self._environment = environment
        self._show = show
        self._selector = selectors.DefaultSelector()
        self._process: subprocess.Popen[bytes] | None = None
        self._closing_at: float | None = None

    def start(self) -> None:
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
                # A process group of its own: Ctrl-C at the terminal reaches au2 alone, and all
                # processes can be killed in the end.
                start_new_session=True,
            )
        except OSError as error:
            raise EngineFailure(f"The launcher could not be started: {error}") from error
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, selectors.EVENT_READ, name)

    def observe(self, timeout_seconds: float) -> Observation:
        process = self._process
        if process is None:
            return Observation(ContainerState.LOST, message="it was never started")
        self._pass_on(timeout_seconds)
        if self._selector.get_map():
            if process.poll() is None or not self._is_closing(process):
                return Observation(ContainerState.RUNNING)
        else:
            # The code may have closed its output and go on.
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout_seconds)
        if process.returncode is None:
            return Observation(ContainerState.RUNNING)
        _kill_group(process)
        return Observation(ContainerState.EXITED, exit_code=_exit_code(process.returncode))

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            _kill_group(self._process)

    def read_file(self, name: str, limit_bytes: int, /) -> bytes | None:
        return read_job_file(self._copy.job, name, limit_bytes)

    def remove(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                _kill_group(process)
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        self._selector.close()

    def _pass_on(self, timeout_seconds: float) -> None:
        for _ in range(_MOST_CHUNKS):
            ready = self._selector.select(timeout_seconds)
            if not ready:
                return
            for key, _events in ready:
                pipe: IO[bytes] = key.fileobj  # type: ignore[assignment]
                data = os.read(pipe.fileno(), _CHUNK_BYTES)
                if data:
                    self._show(key.data, data)
                else:
                    self._selector.unregister(pipe)
            timeout_seconds = 0

    def _is_closing(self, process: "subprocess.Popen[bytes]") -> bool:
        """Whether no more output is awaited, after the launcher's end."""
        now = time.monotonic()
        if self._closing_at is None:
            _kill_group(process)
            self._closing_at = now + _STRAGGLERS_SECONDS
        return now >= self._closing_at


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    # The id is not used again while one process of the group is there.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _exit_code(returncode: int) -> int:
    """Return the exit code as of a container: 128 + n after signal n."""
    return returncode if returncode >= 0 else 128 - returncode
