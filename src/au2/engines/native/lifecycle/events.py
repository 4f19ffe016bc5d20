"""Events of containers by inotify: log, exit code and job files.

One inotify instance for all containers: there may be few instances per user, and closing one is
slow.
"""

import os
import select
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from inotify_simple import Event, INotify, flags  # type: ignore[import-untyped]

from au2.engines.rate_limiter import RateLimiter

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
        self.told_file_changes = 0
        """Changes of job files that an observer has been told of."""
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
    """Watches on containers, each made when first asked for and kept until it is forgotten."""

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
        """Return the watch on a container, made if there is none. What follows is not missed.

        Args:
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
        self,
        container_id: str,
        watch: ContainerChanges,
        paths: Iterable[tuple[Path, flags, bool]],
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
            # Equal events are one while nobody reads them: a flood is read seldom.
            pace.step()
            self._count(inotify.read(timeout=0))

    def _count(self, events: Iterable[Event]) -> None:
        with self._lock:
            told: dict[ContainerChanges, bool] = {}
            for event in events:
                if event.mask & flags.Q_OVERFLOW:
                    told.update(dict.fromkeys(self._watches.values(), True))
                elif found := self._kinds.get(event.wd):
                    watch, is_file = found
                    told[watch] = told.get(watch, False) or is_file
                    if event.mask & flags.IGNORED:
                        del self._kinds[event.wd]
        for watch, is_file in told.items():
            watch.count(is_file=is_file)
