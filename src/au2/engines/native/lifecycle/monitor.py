"""The monitor (``conmon``): creates a container, outlives the platform, and writes the raw log.

The monitor holds the container's output, writes the log in the CRI format and, after the last
output, the exit code. Output that can't be written is dropped silently. So on a nearly full disk
the monitor's file-size limit is set to the end of the preallocated space: later output is dropped
too, but the position of the gap is known.
"""

import json
import os
import re
import resource
import select
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from au2.domain.errors import EngineFailure, Unsupported
from au2.engines.native.host.system import tool_environment
from au2.engines.native.lifecycle.record import ContainerRecord, is_alive
from au2.engines.native.paths import ContainerPaths, EnginePaths
from au2.stores.durability import preallocate
from au2.stores.logs.protocol import PREALLOCATED_BYTES
from au2.stores.logs.record import PLATFORM, Record, format_record, format_time_now

_SHOWN_BYTES = 4000
_REMARK_BYTES = 1024
_LEAST_LIMIT_BYTES = 4096
"""The monitor must be able to write the exit code."""
_TAIL_BYTES = 64 << 10
"""More than any record of the monitor has."""
_BEGINNING = re.compile(rb"\S{20,40} (?:stdout|stderr) [PF] ")


@dataclass(frozen=True, slots=True)
class Monitor:
    """Creator of containers through ``conmon``."""

    command: str
    runtime_path: str
    """Absolute, for the monitor does not search."""
    timeout_seconds: float

    def create(
        self, paths: EnginePaths, container: ContainerPaths, *, adopt: Callable[[int], None]
    ) -> int:
        """Create a container from its bundle; return the process id of its first process.

        Args:
            paths: of the installation.
            container: paths of the container.
            adopt: called with the monitor's process id while the monitor still waits.

        Raises:
            EngineFailure: the OCI runtime refused; the message holds its error.
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


def restrict_log(container: ContainerPaths, record: ContainerRecord) -> None:
    """Let the raw log grow within its preallocated space only. Idempotent."""
    if container.log_limit.exists():
        return
    held_bytes = max(0, preallocate(container.log, PREALLOCATED_BYTES) - _REMARK_BYTES)
    limit_bytes = max(container.log.stat().st_size + held_bytes, _LEAST_LIMIT_BYTES)
    limit_bytes = min(limit_bytes, record.log_limit_bytes)
    container.log_limit.write_text(str(limit_bytes), "ascii")
    limit_log(record, limit_bytes)


def allow_log(container: ContainerPaths, record: ContainerRecord, remark: str) -> None:
    """Let the raw log grow as before; where something was dropped, ``remark`` stands in the log.

    Raises OSError where there is no space for the remark; then nothing has changed.
    """
    if is_log_cut(container):
        # Nobody else may write while the end is put in order.
        limit_log(record, _LEAST_LIMIT_BYTES)
        _close_last_record(container.log)
        with container.log.open("ab", buffering=0) as log:
            log.write(format_record(Record(format_time_now(), PLATFORM, False, remark.encode())))
    limit_log(record, record.log_limit_bytes)
    container.log_limit.unlink(missing_ok=True)


def is_log_cut(container: ContainerPaths) -> bool:
    """Whether the raw log is restricted and has filled its preallocated space."""
    try:
        limit_bytes = int(container.log_limit.read_text("ascii"))
        return container.log.stat().st_size >= limit_bytes
    except FileNotFoundError:
        return False


def limit_log(record: ContainerRecord, limit_bytes: int) -> None:
    """Limit the size of the raw log; later output is read and dropped.

    The monitor's limit of file sizes holds to the byte, and the monitor ignores the signal of the
    kernel. Set before the creation of the container, the limit would hold for the OCI runtime too.
    """
    limits = (limit_bytes, resource.RLIM_INFINITY)
    with suppress(ProcessLookupError):
        if is_alive(record.monitor):
            resource.prlimit(record.monitor.pid, resource.RLIMIT_FSIZE, limits)


def _close_last_record(log: Path) -> None:
    """Complete the last record, which ends with the space; a mere beginning is dropped."""
    with log.open("rb+", buffering=0) as file:
        end = file.seek(0, 2)
        start = file.seek(max(0, end - _TAIL_BYTES))
        tail = file.read()
        if not tail or tail.endswith(b"\n"):
            return
        last = tail[tail.rfind(b"\n") + 1 :]
        if _BEGINNING.match(last):
            file.seek(end)
            file.write(b"\n")
        else:
            file.truncate(start + len(tail) - len(last))
