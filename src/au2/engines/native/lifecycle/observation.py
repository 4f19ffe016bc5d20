"""Observation of a container, by any process of the platform."""

import signal
import time
from pathlib import Path

from au2.engines.native.host.cgroup import ControlGroups
from au2.engines.native.lifecycle.events import ContainerChanges, ContainerWatcher
from au2.engines.native.lifecycle.job_files import fingerprint
from au2.engines.native.lifecycle.oci_runtime import OciRuntime
from au2.engines.native.lifecycle.record import ContainerRecord, is_alive, send_signal
from au2.engines.native.paths import ContainerPaths, EnginePaths
from au2.engines.protocol import ContainerState, Observation
from au2.engines.validation import is_container_id

_ENDED = frozenset({ContainerState.EXITED, ContainerState.LOST})


class Observer:
    """Observer of containers (:meth:`au2.engines.protocol.Engine.observe`)."""

    def __init__(
        self,
        paths: EnginePaths,
        runtime: OciRuntime,
        groups: ControlGroups,
        watcher: ContainerWatcher,
    ) -> None:
        self._paths = paths
        self._runtime = runtime
        self._groups = groups
        self._watcher = watcher

    def observe(
        self, container_id: str, *, seen_log_bytes: int, timeout_seconds: float
    ) -> Observation:
        """Return the container's state once it changes, or at the deadline."""
        if not is_container_id(container_id):
            return _lost("there is no container of that id")
        container = self._paths.container(container_id)
        record = ContainerRecord.read(container.record)
        if record is None:
            return self._look_without_record(container)
        deadline = time.monotonic() + timeout_seconds
        watch = self._watch(container, record)
        while True:
            changes, file_changes = watch.changes, watch.file_changes
            seen = self.look(container, record)
            has_changed = (
                seen.state in _ENDED
                or seen.log_bytes > seen_log_bytes
                or file_changes > watch.told_file_changes
            )
            if has_changed or time.monotonic() >= deadline:
                watch.told_file_changes = file_changes
                if seen.state in _ENDED:
                    self._watcher.forget(container_id)
                return seen
            watch.wait(changes, deadline)

    def look(self, container: ContainerPaths, record: ContainerRecord) -> Observation:
        """Return the container's present state."""
        exit_code = _read_exit_code(container.exit_file)
        if exit_code is None and not is_alive(record.monitor):
            # It may have written the code just before it went.
            exit_code = _read_exit_code(container.exit_file)
            if exit_code is None:
                return self._lose(container, record)
        if exit_code is not None:
            return self._describe(container, record, ContainerState.EXITED, exit_code)
        waiting = self._runtime.is_waiting(container.container_id)
        state = ContainerState.CREATED if waiting else ContainerState.RUNNING
        return self._describe(container, record, state, None)

    def _watch(self, container: ContainerPaths, record: ContainerRecord) -> ContainerChanges:
        found = self._watcher.find(container.container_id)
        if found is not None:
            return found
        return self._watcher.watch(
            container.container_id,
            log=container.log,
            exit_folder=container.exit_folder,
            files=container.files,
            files_changed=fingerprint(container.files) != record.job_files,
        )

    def _describe(
        self,
        container: ContainerPaths,
        record: ContainerRecord,
        state: ContainerState,
        exit_code: int | None,
        message: str | None = None,
    ) -> Observation:
        usage = self._groups.read_usage(f"{self._paths.control_group}/{container.container_id}")
        log_bytes = _size(container.log)
        return Observation(
            state=state,
            exit_code=exit_code,
            out_of_memory_kills=usage.out_of_memory_kills,
            reached_memory_limit=usage.reached_memory_limit,
            log_bytes=log_bytes,
            log_truncated=log_bytes >= record.log_limit_bytes,
            log_restricted=container.log_limit.exists(),
            cpu_seconds=usage.cpu_seconds,
            memory_peak_bytes=usage.memory_peak_bytes,
            message=message,
        )

    def _lose(self, container: ContainerPaths, record: ContainerRecord) -> Observation:
        # What it goes on doing nobody would hear of, and its exit code neither.
        send_signal(record.init, signal.SIGKILL)
        message = "the container's monitor is gone, and with it the exit code"
        return self._describe(container, record, ContainerState.LOST, None, message)

    def _look_without_record(self, container: ContainerPaths) -> Observation:
        self._watcher.forget(container.container_id)
        if not container.storage.exists():
            return _lost("there is no container of that id")
        if not container.runtime.exists():
            return _lost("the host was restarted", _size(container.log))
        return _lost("the container was not created to the end", _size(container.log))


def _lost(message: str, log_bytes: int = 0) -> Observation:
    return Observation(ContainerState.LOST, message=message, log_bytes=log_bytes)


def _read_exit_code(file: Path) -> int | None:
    try:
        text = file.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    return int(text) if text.isdigit() else None


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
