"""Programs that install packages: their output line by line, and their end on request."""

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from au2.execution.termination import JobControl

_PAUSE_SECONDS = 0.1
_GRACE_SECONDS = 5
_CHUNK_BYTES = 1 << 16
_LONGEST_LINE = 1000


class InstallationFailed(Exception):
    """The packages are not there. The message is a part of a sentence: why."""


def run_installer(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Callable[[str], None],
    control: JobControl,
) -> int:
    """Run an installer and return its exit code.

    Args:
        command: program and arguments.
        folder: where it runs.
        environment: its variables.
        log: takes each line of its output.
        control: its stop ends the installer's process group.

    Raises:
        Stopped: the end was requested.
        InstallationFailed: the program can't be started.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches au2 alone, and all that it started can be ended.
            start_new_session=True,
        )
    except OSError as error:
        raise InstallationFailed(f"{command[0]} can't be started: {error.strerror}") from error
    with process:
        try:
            _pass_on(process, log, control)
            return _await_end(process, control)
        finally:
            _end(process)


def _pass_on(
    process: "subprocess.Popen[bytes]", log: Callable[[str], None], control: JobControl
) -> None:
    rest = b""
    if process.stdout is None:
        return
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            control.check()
            if not selector.select(_PAUSE_SECONDS):
                if process.poll() is not None:
                    break  # What it left running holds the pipe open.
                continue
            data = os.read(process.stdout.fileno(), _CHUNK_BYTES)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                _log_line(line, log)
    _log_line(rest, log)


def _await_end(process: "subprocess.Popen[bytes]", control: JobControl) -> int:
    while True:
        control.check()
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_PAUSE_SECONDS)


def _log_line(line: bytes, log: Callable[[str], None]) -> None:
    text = line.decode("utf-8", "replace").rstrip()[:_LONGEST_LINE]
    if text:
        log("".join(char if char.isprintable() or char == "\t" else "?" for char in text))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the process group; one that has ended may have left some behind."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
