"""Running a package again on each save."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from au2.execution.termination import JobControl
from au2.package.tree.changes import PackagePoller, Snapshot, find_changed

_PAUSE_SECONDS = 0.25
_SETTLE_SECONDS = 0.1
"""Editors and version control save in several steps: a run begins when there is silence."""
_SHARE = 10
"""Looking takes one part in so many of the time at most, however large the package is."""


class WatchSession:
    """One session of running again on each save."""

    def __init__(self, directory: Path) -> None:
        self._looker = PackagePoller(directory)
        self._ended = threading.Event()
        self._control = JobControl()

    def run(self, once: Callable[[JobControl], None], tell: Callable[[list[str]], None]) -> None:
        """Call ``once`` now and after each save, until :meth:`end`.

        Args:
            once: runs the package; its control is stopped by a save.
            tell: takes the saved paths, before the next run.
        """
        look = self._looker.look()
        while not self._ended.is_set():
            self._control = control = JobControl()
            with self._stopping_on_change(look, control):
                once(control)
            changed, look = self._wait_for_change(look)
            if changed:
                tell(changed)

    def end(self) -> None:
        """End the session and its present run; the second call kills the run."""
        if self._ended.is_set():
            self._control.kill.set()
        self._ended.set()
        self._control.stop.set()

    @contextmanager
    def _stopping_on_change(self, look: Snapshot, control: JobControl) -> Iterator[None]:
        over = threading.Event()

        def wait() -> None:
            while not over.wait(self._pause_seconds):
                if find_changed(look, self._looker.look()):
                    control.stop.set()
                    return

        thread = threading.Thread(target=wait, name="au2-watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _wait_for_change(self, before: Snapshot) -> tuple[list[str], Snapshot]:
        """Return the paths saved since ``before``, after the last save of a burst."""
        present = self._looker.look()
        while not self._ended.is_set() and not find_changed(before, present):
            self._ended.wait(self._pause_seconds)
            present = self._looker.look()
        while not self._ended.wait(_SETTLE_SECONDS):
            settled = self._looker.look()
            if not find_changed(present, settled):
                break
            present = settled
        return find_changed(before, present), present

    @property
    def _pause_seconds(self) -> float:
        return max(_PAUSE_SECONDS, _SHARE * self._looker.seconds)
