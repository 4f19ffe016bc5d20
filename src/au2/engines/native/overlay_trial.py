"""Trying overlayfs out in a folder, and removing what trials left that were killed."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from au2.engines.native.mounts import mount_overlay, unmount_all

_PREFIX = "overlay-check-"


def try_overlay(data_dir: Path, *, owner: int) -> None:
    """Mount an overlay below ``data_dir`` and take it away again.

    Raises:
        OSError: it could not be done; nothing is left.
    """
    base = data_dir if data_dir.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Held as long as the trial runs: it is nobody's to clear up.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        lower, upper, work, target = (folder / n for n in ("lower", "upper", "work", "target"))
        for made in (lower, upper, work, target):
            made.mkdir()
        mount_overlay([lower], upper, work, target, owner=owner)
    finally:
        _remove(folder)
        os.close(descriptor)


def remove_old_trials(data_dir: Path) -> None:
    """Unmount and remove what is left of trials whose process was killed."""
    for folder in data_dir.glob(f"{_PREFIX}*"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)
        except BlockingIOError:
            continue  # one that runs now, of `au2-server doctor`
        finally:
            os.close(descriptor)


def _remove(folder: Path) -> None:
    unmount_all(folder / "target")
    shutil.rmtree(folder, ignore_errors=True)
