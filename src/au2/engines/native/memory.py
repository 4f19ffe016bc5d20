"""A small file system in memory, for what must not come to a disk.

The folder for running state is meant to be in memory too, but need not be, and what is there may be
swapped out. So this is a mount of our own; where the kernel can (6.4), it is never swapped out.
"""

import errno
import fcntl
import os
from pathlib import Path

from au2.engines.native.system_calls import MS_NODEV, MS_NOEXEC, MS_NOSUID, mount

_SIZE_BYTES = 64 << 20
"""Configurations are removed as soon as a container is created, so few are there at a time."""


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
