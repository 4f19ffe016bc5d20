"""Mounts of containers: overlayfs, a tmpfs for secrets, and the mount points in the root."""

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from au2.engines.native.host.system import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    closing,
    file_user,
    mount,
    open_folder,
    open_in_root,
    unmount,
)
from au2.engines.native.rootfs.directories import open_making
from au2.oci.tar.paths import MAX_PATH_BYTES

_PATH_ONLY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PREFIX = "overlay-check-"
_SIZE_BYTES = 64 << 20
"""Configurations are removed as soon as a container is created, so few are there at a time."""
_FOLDERS = ("proc", "sys", "dev", "etc")
_FILES = ("etc/hostname", "etc/hosts", "etc/resolv.conf")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_FOLDER_MODE = 0o755
_LINKED = frozenset({"dev", "etc"})
"""Mount points that may be links to folders; ``/proc`` and ``/sys`` are never mounted on a link."""


def mount_overlay(
    layers: Sequence[Path], upper: Path, work: Path, target: Path, *, owner: int
) -> None:
    """Mount ``layers`` (lowest first) below the writable layer ``upper`` on ``target``.

    Overlayfs writes with the rights of the mounting user, here ``owner``, the host's id of the
    container's root: the host's root would use the blocks reserved by ext4 for root.

    The folders are named by descriptors: the kernel takes at most one page of options, too little
    for the long names of many layers, and a colon or comma in a name would need escapes.
    """
    with ExitStack() as stack, file_user(owner):
        lower = ":".join(_name(stack, layer) for layer in reversed(layers))
        options = f"lowerdir={lower},upperdir={_name(stack, upper)},workdir={_name(stack, work)}"
        # The writable layer goes with the container and need not reach the disk: an unmounting
        # without "volatile" writes out all pending data of the whole file system.
        _mount("overlay", target, "overlay", MS_NODEV, options, newer_option="volatile")


def unmount_all(target: Path) -> None:
    """Unmount everything on ``target``."""
    while unmount(target):
        pass


def _name(stack: ExitStack, folder: Path) -> str:
    descriptor = os.open(folder, _PATH_ONLY)
    stack.callback(os.close, descriptor)
    return f"/proc/self/fd/{descriptor}"


def try_overlay(data_dir: Path, *, owner: int) -> None:
    """Mount an overlay below ``data_dir`` for a trial.

    Raises:
        OSError: the mount failed; nothing is left.
    """
    base = data_dir if data_dir.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    with open_folder(folder) as descriptor:
        try:
            # Held during the trial: protects the folder from remove_old_trials.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            lower, upper, work, target = (folder / n for n in ("lower", "upper", "work", "target"))
            for made in (lower, upper, work, target):
                made.mkdir()
            mount_overlay([lower], upper, work, target, owner=owner)
        finally:
            _remove(folder)


def remove_old_trials(data_dir: Path) -> None:
    """Unmount and remove the remains of trials whose process was killed."""
    for folder in data_dir.glob(f"{_PREFIX}*"):
        # A present trial, of `au2-server doctor`, holds its lock.
        with open_folder(folder) as descriptor, suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)


def _remove(folder: Path) -> None:
    unmount_all(folder / "target")
    shutil.rmtree(folder, ignore_errors=True)


def ensure_memory(folder: Path) -> None:
    """Mount a tmpfs on ``folder``, for root only, unless mounted. Safe for processes."""
    # The folder above stays the same, whatever is mounted on this one.
    with open_folder(folder.parent) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_mount():
            flags = MS_NODEV | MS_NOEXEC | MS_NOSUID
            options = f"size={_SIZE_BYTES},mode=0700"
            _mount("au2-bundles", folder, "tmpfs", flags, options, newer_option="noswap")


def _mount(
    source: str, target: Path, kind: str, flags: int, options: str, *, newer_option: str
) -> None:
    """Mount with ``newer_option``, or without where the kernel does not know the option."""
    try:
        mount(source, target, kind, flags, f"{options},{newer_option}")
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        mount(source, target, kind, flags, options)


def make_mount_points(root: int, owner: int) -> None:
    """Prepare a container's root, of which nothing runs, as Docker does (moby, ``initlayer``).

    A file or a link in the way is removed: programs find a mount at its own path, and not where the
    image's link would have led. But where ``/etc`` is itself a link to a folder, the link stays,
    because the image's users are in there. Nothing is removed from ``/run``: the OCI runtime makes
    the missing folders there, or fails with a message.

    Args:
        root: descriptor of the root folder.
        owner: host id of user 0 of the container.
    """
    for name in _FOLDERS:
        _make_folder(root, name, owner)
    for path in _FILES:
        _make_leaf(root, path, owner)
    _make_leaf(root, "etc/mtab", owner, target="/proc/mounts")


def make_volume(root: int, path: str, owner: int) -> None:
    """Make the folder of an image's volume where missing, as Docker does.

    A path too long for a system call is passed over: its folders could be made one by one, but
    would cost minutes at each start. Imports refuse such paths; older images may have them.
    """
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        return
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    # Where something is in the way, the image has no such folder.
    with suppress(OSError):
        folder = open_making(
            root, "/".join(parts), lambda parent, name: _add_folder(parent, name, owner)
        )
        os.close(folder)


def _make_folder(root: int, name: str, owner: int) -> None:
    mode = _find_mode(root, name)
    if mode is not None and stat.S_ISLNK(mode) and name in _LINKED and _leads_to_folder(root, name):
        return
    if mode is not None and not stat.S_ISDIR(mode):
        os.unlink(name, dir_fd=root)
    with suppress(FileExistsError):
        _add_folder(root, name, owner)


def _make_leaf(root: int, path: str, owner: int, *, target: str | None = None) -> None:
    """Make a link to ``target``, or an empty file to mount on; folders and such files stay."""
    folder, _, name = path.rpartition("/")
    with closing(open_in_root(root, folder, _FOLDER)) as parent:
        mode = _find_mode(parent, name)
        if mode is not None:
            if stat.S_ISDIR(mode) or (target is None and stat.S_ISREG(mode)):
                return
            os.unlink(name, dir_fd=parent)
        if target is None:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=parent))
        else:
            os.symlink(target, name, dir_fd=parent)
        os.chown(name, owner, owner, dir_fd=parent, follow_symlinks=False)


def _add_folder(parent: int, name: str, owner: int) -> None:
    os.mkdir(name, dir_fd=parent)
    os.chmod(name, _FOLDER_MODE, dir_fd=parent)  # Whatever the mask of the platform's process is.
    os.chown(name, owner, owner, dir_fd=parent, follow_symlinks=False)


def _find_mode(parent: int, name: str) -> int | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None


def _leads_to_folder(root: int, name: str) -> bool:
    try:
        os.close(open_in_root(root, name, _FOLDER))
    except OSError:
        return False
    return True
