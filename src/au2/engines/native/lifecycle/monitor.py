"""The monitor (``conmon``): creates a container and stays with it when the platform goes.

It holds the container's output, writes the log in the CRI format and, when all is drained, the
exit code.
"""

import json
import os
import select
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from au2.domain.errors import EngineFailure, Unsupported
from au2.engines.native.host.commands import tool_environment
from au2.engines.native.paths import ContainerPaths, EnginePaths

_SHOWN_BYTES = 4000


@dataclass(frozen=True, slots=True)
class Monitor:
    """Creator of containers through ``conmon``."""

    command: str
    runtime_path: str
    """Absolute, for the monitor does not search."""
    timeout_seconds: float

    def create(
        self,
        paths: EnginePaths,
        container: ContainerPaths,
        *,
        adopt: Callable[[int], None],
    ) -> int:
        """Create a container from its bundle; return the process id of its first process.

        Args:
            adopt: is called with the monitor's process id before it does anything.

        Raises:
            EngineFailure: the OCI runtime refused; the message holds what it said.
            Unsupported: the monitor is not installed.
        """
        sync_read, sync_write = os.pipe()
        start_read, start_write = os.pipe()
        try:
            with container.monitor_errors.open("wb") as errors:
                process = self._spawn(paths, container, sync_write, start_read, errors)
            os.close(sync_write)
            sync_write = -1
            adopt(process.pid)
            # It waits for this byte before it does anything, to let us do the above.
            os.write(start_write, b"\0")
            answer = self._read_answer(process, sync_read)
        finally:
            for descriptor in (sync_read, sync_write, start_read, start_write):
                if descriptor >= 0:
                    os.close(descriptor)
        return _parse_answer(answer, container)

    def _spawn(
        self,
        paths: EnginePaths,
        container: ContainerPaths,
        sync_write: int,
        start_read: int,
        errors: IO[bytes],
    ) -> "subprocess.Popen[bytes]":
        environment = tool_environment()
        environment["_OCI_SYNCPIPE"] = str(sync_write)
        environment["_OCI_STARTPIPE"] = str(start_read)
        try:
            return subprocess.Popen(
                self._arguments(paths, container),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=environment,
                cwd=container.log.parent,
                pass_fds=(sync_write, start_read),
                start_new_session=True,
                # Python ignores SIGXFSZ, and so it stays ignored in the monitor.
                restore_signals=False,
            )
        except FileNotFoundError as error:
            raise Unsupported(f"{self.command} is not installed") from error

    def _arguments(self, paths: EnginePaths, container: ContainerPaths) -> list[str]:
        identifier = container.container_id
        return [
            self.command,
            *("--cid", identifier, "--cuuid", identifier, "--name", identifier),
            *("--runtime", self.runtime_path),
            *("--runtime-arg", f"--root={paths.runtime_root}"),
            *("--bundle", str(container.bundle)),
            *("--container-pidfile", str(container.init_pid_file)),
            *("--conmon-pidfile", str(container.monitor_pid_file)),
            # Relative to its working folder: the monitor cuts this value at each colon.
            *("--log-path", f"k8s-file:{container.log.name}"),
            *("--exit-dir", str(container.exit_folder)),
            *("--socket-dir-path", str(paths.sockets)),
            # The log need not be flushed to disk when the container ends.
            "--no-sync-log",
        ]

    def _read_answer(self, process: "subprocess.Popen[bytes]", sync_read: int) -> bytes:
        """Wait for the started process, which forks the monitor and ends, and for the answer."""
        deadline = time.monotonic() + self.timeout_seconds
        try:
            process.wait(self.timeout_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return b""
        answer = b""
        poller = select.poll()
        poller.register(sync_read, select.POLLIN)
        while b"\n" not in answer and (left := deadline - time.monotonic()) > 0:
            if not poller.poll(left * 1000) or not (data := os.read(sync_read, 1 << 16)):
                break
            answer += data
        return answer


def _parse_answer(answer: bytes, container: ContainerPaths) -> int:
    try:
        document = json.loads(answer)
        pid = int(document["pid"])
    except (ValueError, KeyError, TypeError):
        raise EngineFailure(f"the container monitor gave no answer{_errors(container)}") from None
    if pid > 0:
        return pid
    said = str(document.get("message") or "").strip() or "it did not say why"
    raise EngineFailure(f"the container could not be created: {said[:_SHOWN_BYTES]}")


def _errors(container: ContainerPaths) -> str:
    try:
        said = container.monitor_errors.read_bytes()[-_SHOWN_BYTES:].decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return f": {said.strip()}" if said.strip() else ""
