"""Directories of others: opened below a root without being led out, and removed at any depth."""

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from au2.engines.native.host.system import open_in_root, run_tool

_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_NO_FOLDER = frozenset({errno.ELOOP, errno.ENOTDIR})
"""Errors of opening a link or a file as a folder."""
_PATIENCE_SECONDS = 3600.0


def open_making(root: int, path: str, make: Callable[[int, str], None]) -> int:
    """Open the folder ``path`` as if the folder ``root`` were ``/``: links can't lead outside.

    Each folder is opened from its parent: resolving every prefix from the root would take the
    square of the time, and a path may have two thousand parts.

    Args:
        root: descriptor of a folder.
        path: relative, without empty parts and ``..``.
        make: makes a folder, by its parent's descriptor and its name, in place of nothing or of a
            character device (a whiteout of overlayfs).

    Raises:
        OSError: a part is neither a folder nor a link to one, or can't be made.
    """
    folder = os.open(".", _FOLDER | os.O_CLOEXEC, dir_fd=root)
    parts = path.split("/")
    try:
        for count, name in enumerate(parts, start=1):
            if _is_nothing(folder, name):
                make(folder, name)
            below = _open_below(folder, name)
            if below is None:
                below = open_in_root(root, "/".join(parts[:count]), _FOLDER)
            os.close(folder)
            folder = below
    except BaseException:
        os.close(folder)
        raise
    return folder


def _open_below(folder: int, name: str) -> int | None:
    """Open a folder in a folder; None for a link or another file."""
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        if error.errno not in _NO_FOLDER:
            raise
        return None


def _is_nothing(folder: int, name: str) -> bool:
    try:
        return stat.S_ISCHR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return True


def remove_tree(folder: Path) -> None:
    """Remove a folder and its content, within one file system.

    Python's own function calls itself for each level and gives up at some hundreds. A missing
    folder is no error. Raises EngineFailure.
    """
    if folder.exists():
        run_tool(
            ["rm", "-rf", "--one-file-system", "--", str(folder)], timeout_seconds=_PATIENCE_SECONDS
        )


def remove_tree_in(parent: int, name: str) -> None:
    """Remove the folder ``name`` in the folder with the descriptor ``parent``.

    Raises OSError, EngineFailure.
    """
    try:
        shutil.rmtree(name, dir_fd=parent)
    except (RecursionError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EMFILE:
            raise
        # What is left of it. Most layers have no such folder, and a process for each would be slow.
        remove_tree(Path(f"/proc/{os.getpid()}/fd/{parent}") / name)
