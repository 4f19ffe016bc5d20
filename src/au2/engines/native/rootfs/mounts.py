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
    file_user,
    mount,
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
    descriptor = os.open(folder, _PATH_ONLY)
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
        _make_file(root, path, owner)
    _make_link(root, "etc/mtab", "/proc/mounts", owner)


def make_volume(root: int, path: str, owner: int) -> None:
    """Make a folder that the image names as a volume, where it is missing: Docker does.

    A path that no system call takes is none, though its folders could be made one by one: that
    would take each start minutes. Imports refuse it; images may have come before they did.
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


def _make_file(root: int, path: str, owner: int) -> None:
    folder, _, name = path.rpartition("/")
    parent = open_in_root(root, folder, _FOLDER)
    try:
        mode = _find_mode(parent, name)
        if mode is not None and (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            return
        if mode is not None:
            os.unlink(name, dir_fd=parent)
        # What is mounted on it is what is seen.
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=parent))
        os.chown(name, owner, owner, dir_fd=parent, follow_symlinks=False)
    finally:
        os.close(parent)


def _make_link(root: int, path: str, target: str, owner: int) -> None:
    folder, _, name = path.rpartition("/")
    parent = open_in_root(root, folder, _FOLDER)
    try:
        mode = _find_mode(parent, name)
        if mode is not None and stat.S_ISDIR(mode):
            return
        if mode is not None:
            os.unlink(name, dir_fd=parent)
        os.symlink(target, name, dir_fd=parent)
        os.chown(name, owner, owner, dir_fd=parent, follow_symlinks=False)
    finally:
        os.close(parent)


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
