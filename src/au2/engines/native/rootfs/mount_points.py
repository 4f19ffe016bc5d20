"""Mount points in a container's root: made where they are missing, cleared where they are taken."""

import os
import stat
from contextlib import suppress

from au2.engines.native.host.system_calls import open_in_root
from au2.engines.native.rootfs.directories import open_making
from au2.oci.tar.paths import MAX_PATH_BYTES

_FOLDERS = ("proc", "sys", "dev", "etc")
_FILES = ("etc/hostname", "etc/hosts", "etc/resolv.conf")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_FOLDER_MODE = 0o755
_LINKED = frozenset({"dev", "etc"})
"""Mount points that may be links to folders; ``/proc`` and ``/sys`` are never mounted on a link."""


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
