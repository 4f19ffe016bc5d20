"""Putting a container's root file system together by overlayfs."""

import errno
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from au2.engines.native.system_calls import MS_NODEV, file_user, mount, unmount

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


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
