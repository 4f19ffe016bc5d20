"""Mounts: overlayfs for containers' root file systems, and a tmpfs for secrets."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from au2.engines.native.host.system_calls import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    file_user,
    mount,
    unmount,
)

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PREFIX = "overlay-check-"
_SIZE_BYTES = 64 << 20
"""Configurations are removed as soon as a container is created, so few are there at a time."""


def mount_overlay(
    layers: Sequence[Path], upper: Path, work: Path, target: Path, *, owner: int
) -> None:
    """Mount ``layers`` (lowest first) below the writable layer ``upper`` on ``target``.

    Overlayfs writes with the rights of who mounted it. So that is done as ``owner``, the host's id
    of the container's root: as the host's root it would use the blocks that ext4 reserves for root.

    The folders are named by descriptors: the kernel takes at most one page of options, which
    long names of many layers don't fit in, and a colon or comma in a name would have to be
    hidden.
    """
    with ExitStack() as stack, file_user(owner):
        lower = ":".join(_name(stack, layer) for layer in reversed(layers))
        options = f"lowerdir={lower},upperdir={_name(stack, upper)},workdir={_name(stack, work)}"
        try:
            # The writable layer goes with the container, so nothing of it need reach the disk:
            # without this, unmounting writes out all that anybody has written to the whole file
            # system.
            mount("overlay", target, "overlay", MS_NODEV, f"{options},volatile")
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            mount("overlay", target, "overlay", MS_NODEV, options)


def unmount_all(target: Path) -> None:
    """Unmount everything on ``target``."""
    while unmount(target):
        pass


def _name(stack: ExitStack, folder: Path) -> str:
    descriptor = os.open(folder, _FOLDER)
    stack.callback(os.close, descriptor)
    return f"/proc/self/fd/{descriptor}"


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


def ensure_memory(folder: Path) -> None:
    """Mount it on ``folder``, for root only, unless that was done. Safe for processes."""
    # The folder above stays the same, whatever is mounted on this one.
    lock = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_mount():
            _mount(folder)
    finally:
        os.close(lock)


def _mount(folder: Path) -> None:
    flags = MS_NODEV | MS_NOEXEC | MS_NOSUID
    options = f"size={_SIZE_BYTES},mode=0700"
    try:
        mount("au2-bundles", folder, "tmpfs", flags, f"{options},noswap")
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        mount("au2-bundles", folder, "tmpfs", flags, options)
