"""Observation of a container, by any process of the platform, with events by inotify."""

import os
import select
import signal
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from inotify_simple import Event, INotify, flags  # type: ignore[import-untyped]

from au2.engines.native.host.cgroup import ControlGroups
from au2.engines.native.lifecycle.job_files import fingerprint
from au2.engines.native.lifecycle.oci_runtime import OciRuntime
from au2.engines.native.lifecycle.record import ContainerRecord, is_alive, send_signal
from au2.engines.native.paths import ContainerPaths, EnginePaths
from au2.engines.protocol import ContainerState, Observation
from au2.engines.rate_limiter import RateLimiter
from au2.engines.validation import is_container_id

_LOG = flags.MODIFY
_EXIT = flags.CREATE | flags.MOVED_TO | flags.CLOSE_WRITE
_FILES = flags.CLOSE_WRITE | flags.MOVED_TO | flags.MODIFY | flags.DELETE
_POLL_SECONDS = 0.05
_LIVENESS_SECONDS = 1.0


class ContainerChanges:
    """Counters of one container's events."""

    def __init__(self, file_changes: int) -> None:
        self._changed = threading.Condition()
        self.changes = 0
        """Number of all events."""
        self.file_changes = file_changes
        """Number of changes of job files."""
        self.observed_file_changes = 0
        """Number of changes of job files known to an observer."""
        self.longest_wait_seconds = _LIVENESS_SECONDS
        """A monitor that dies gives no sign: look again after this."""

    def count(self, *, is_file: bool) -> None:
        """Count an event."""
        with self._changed:
            self.changes += 1
            self.file_changes += is_file
            self._changed.notify_all()

    def wait(self, seen: int, deadline: float) -> None:
        """Return when there were more than ``seen`` changes, at the deadline, or a little later."""
        seconds = min(deadline - time.monotonic(), self.longest_wait_seconds)
        if seconds > 0:
            with self._changed:
                self._changed.wait_for(lambda: self.changes > seen, seconds)


class ContainerWatcher:
    """Watches on containers, each made on first use and kept until forgotten.

    One inotify instance for all: there may be few instances per user, and closing one is slow.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watches: dict[str, ContainerChanges] = {}
        self._kinds: dict[int, tuple[ContainerChanges, bool]] = {}
        self._descriptors: dict[str, list[int]] = {}
        self._inotify: INotify | None = None
        self._thread: threading.Thread | None = None
        self._stop_read, self._stop_write = -1, -1

    def find(self, container_id: str) -> ContainerChanges | None:
        """Return the watch on a container if there is one."""
        return self._watches.get(container_id)

    def watch(
        self, container_id: str, *, log: Path, exit_folder: Path, files: Path, files_changed: bool
    ) -> ContainerChanges:
        """Return the watch on a container, made if missing. No later event is missed.

        Args:
            container_id: of the container.
            log: the raw log.
            exit_folder: folder of the exit code.
            files: the job files.
            files_changed: whether a job file has changed before.
        """
        with self._lock:
            watch = self._watches.get(container_id)
            if watch is None:
                watch = ContainerChanges(int(files_changed))
                paths = ((log, _LOG, False), (exit_folder, _EXIT, False), (files, _FILES, True))
                self._add(container_id, watch, paths)
                self._watches[container_id] = watch
            return watch

    def forget(self, container_id: str) -> None:
        """Drop the watch on a container."""
        with self._lock:
            watch = self._watches.pop(container_id, None)
            for descriptor in self._descriptors.pop(container_id, ()):
                if self._kinds.pop(descriptor, None) and self._inotify is not None:
                    # It is gone already if what it watched is.
                    with suppress(OSError):
                        self._inotify.rm_watch(descriptor)
        if watch is not None:
            watch.count(is_file=False)

    def close(self) -> None:
        """Stop watching."""
        with self._lock:
            thread, self._thread = self._thread, None
            inotify, self._inotify = self._inotify, None
            self._kinds.clear()
            self._watches.clear()
            self._descriptors.clear()
        if thread is None or inotify is None:
            return
        os.close(self._stop_write)
        thread.join()
        os.close(self._stop_read)
        inotify.close()

    def _add(
        self, container_id: str, watch: ContainerChanges, paths: Iterable[tuple[Path, flags, bool]]
    ) -> None:
        added = self._descriptors.setdefault(container_id, [])
        try:
            inotify = self._start()
            for path, mask, is_file in paths:
                descriptor = inotify.add_watch(path, mask)
                self._kinds[descriptor] = (watch, is_file)
                added.append(descriptor)
        except OSError:
            # The host's limits are reached, or it is being removed: look often instead.
            watch.longest_wait_seconds = _POLL_SECONDS

    def _start(self) -> INotify:
        if self._inotify is None:
            self._inotify = INotify()
            self._stop_read, self._stop_write = os.pipe()
            self._thread = threading.Thread(
                target=self._read,
                args=(self._inotify, self._stop_read),
                name="au2-container-events",
                daemon=True,
            )
            self._thread.start()
        return self._inotify

    def _read(self, inotify: INotify, stop: int) -> None:
        pace = RateLimiter(burst=5, window_seconds=0.01)
        poller = select.poll()
        poller.register(inotify.fileno(), select.POLLIN)
        poller.register(stop, select.POLLIN | select.POLLHUP)
        while True:
            ready = poller.poll()
            if any(descriptor == stop for descriptor, _ in ready):
                return
            # The kernel joins equal unread events, so a flood is read rarely.
            pace.step()
            self._count(inotify.read(timeout=0))

    def _count(self, events: Iterable[Event]) -> None:
        with self._lock:
            changed: dict[ContainerChanges, bool] = {}
            for event in events:
                if event.mask & flags.Q_OVERFLOW:
                    changed.update(dict.fromkeys(self._watches.values(), True))
                elif found := self._kinds.get(event.wd):
                    watch, is_file = found
                    changed[watch] = changed.get(watch, False) or is_file
                    if event.mask & flags.IGNORED:
                        del self._kinds[event.wd]
        for watch, is_file in changed.items():
            watch.count(is_file=is_file)


@dataclass(frozen=True, slots=True)
class Observer:
    """Observer of containers (:meth:`au2.engines.protocol.Engine.observe`)."""

    paths: EnginePaths
    runtime: OciRuntime
    groups: ControlGroups
    watcher: ContainerWatcher

    def observe(
        self, container_id: str, *, seen_log_bytes: int, timeout_seconds: float
    ) -> Observation:
        """Return the container's state after a change, or at the deadline."""
        if not is_container_id(container_id):
            return _lost("there is no container of that id")
        container = self.paths.container(container_id)
        record = ContainerRecord.read(container.record)
        if record is None:
            return self._look_without_record(container)
        deadline = time.monotonic() + timeout_seconds
        watch = self._watch(container, record)
        while True:
            changes, file_changes = watch.changes, watch.file_changes
            seen = self.look(container, record)
            has_changed = (
                seen.state.has_ended
                or seen.log_bytes > seen_log_bytes
                or file_changes > watch.observed_file_changes
            )
            if has_changed or time.monotonic() >= deadline:
                watch.observed_file_changes = file_changes
                if seen.state.has_ended:
                    self.watcher.forget(container_id)
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
        waiting = self.runtime.is_waiting(container.container_id)
        state = ContainerState.CREATED if waiting else ContainerState.RUNNING
        return self._describe(container, record, state, None)

    def _watch(self, container: ContainerPaths, record: ContainerRecord) -> ContainerChanges:
        found = self.watcher.find(container.container_id)
        if found is not None:
            return found
        return self.watcher.watch(
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
        usage = self.groups.read_usage(container.control_group)
        log_bytes = _size(container.log)
        return Observation(
            state=state,
            exit_code=exit_code,
            log_bytes=log_bytes,
            log_truncated=log_bytes >= record.log_limit_bytes,
            log_restricted=container.log_limit.exists(),
            message=message,
            **asdict(usage),
        )

    def _lose(self, container: ContainerPaths, record: ContainerRecord) -> Observation:
        # Without a monitor, neither output nor exit code would be recorded.
        send_signal(record.init, signal.SIGKILL)
        message = "the container's monitor is gone, and with it the exit code"
        return self._describe(container, record, ContainerState.LOST, None, message)

    def _look_without_record(self, container: ContainerPaths) -> Observation:
        self.watcher.forget(container.container_id)
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
