"""Cache of environments: a folder per key, built once at its final path, removed when unused.

Virtual environments can't be moved, so a folder counts only with its record, which is written last.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TextIO

from au2.oci.spec.digest import hexadecimal, sha256_of

_FORMAT = 1
_RECORD = "complete.json"
_KEY_CHARACTERS = 20
"""Of the digest: the first line of an installed script may have 127 bytes, the path included."""
_KEPT_SECONDS = 14 * 86_400.0
_PAUSE_SECONDS = 0.1


class CachedEnvironment(NamedTuple):
    """A complete environment."""

    folder: Path
    seconds: float | None
    """How long its installation took; None: it was there before."""


class EnvironmentCache:
    """Environments in a folder. Several processes may use one at the same time.

    Args:
        folder: made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def open(
        self,
        kind: str,
        document: Mapping[str, object],
        build: Callable[[Path], None],
        check: Callable[[], None],
    ) -> Iterator[CachedEnvironment]:
        """Open the environment of ``document``; it stays at least until the block's end.

        Args:
            kind: the first word of the folder's name.
            document: everything on which the content depends, as JSON.
            build: fills the new folder, at its final path.
            check: raises while another process builds, to end the wait.

        Raises:
            OSError: the cache is not writable.
        """
        record = json.dumps({"format": _FORMAT, **document}, sort_keys=True)
        name = f"{kind}-{hexadecimal(sha256_of(record.encode()))[:_KEY_CHARACTERS]}"
        folder = self._folder / name
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / f"{name}.lock").open("w") as lock:
            _acquire(lock, fcntl.LOCK_SH, check)
            seconds = None
            if not _is_complete(folder):
                seconds = self._build(lock, folder, record, build, check)
            with suppress(OSError):
                os.utime(folder / _RECORD)
            yield CachedEnvironment(folder, seconds)

    def _build(
        self,
        lock: TextIO,
        folder: Path,
        record: str,
        build: Callable[[Path], None],
        check: Callable[[], None],
    ) -> float | None:
        """Build the folder alone; return the seconds, None if another process was quicker."""
        fcntl.flock(lock, fcntl.LOCK_UN)
        _acquire(lock, fcntl.LOCK_EX, check)
        if _is_complete(folder):
            fcntl.flock(lock, fcntl.LOCK_SH)
            return None
        self._remove_unused()
        began_at = time.monotonic()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            build(folder)
            (folder / _RECORD).write_text(record, encoding="utf-8")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        fcntl.flock(lock, fcntl.LOCK_SH)
        return time.monotonic() - began_at

    def _remove_unused(self) -> None:
        before = time.time() - _KEPT_SECONDS
        for record in self._folder.glob(f"*/{_RECORD}"):
            with suppress(OSError):
                if record.stat().st_mtime < before:
                    _remove(record.parent)


def _remove(folder: Path) -> None:
    """Remove an environment unless a run uses it."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        # The record first: half of a folder must not count.
        (folder / _RECORD).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _acquire(lock: TextIO, mode: int, check: Callable[[], None]) -> None:
    while True:
        try:
            fcntl.flock(lock, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            check()
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _is_complete(folder: Path) -> bool:
    return (folder / _RECORD).is_file()
