"""Permissions of a package's files and folders: kept as with ``COPY . /package``.

Modes travel as three octal digits (``600``), empty for ordinary ones, so the list of a package
without any other mode equals the list of older clients. Set-user-id, set-group-id and sticky bits
never travel. User 1000, the owner of all files in an image, can read all of them.
"""

from typing import Final

from au2.package.tree.entries import PackageEntry

FILE: Final = 0o644
EXECUTABLE: Final = 0o755
FOLDER: Final = 0o755
_OWNER_READS: Final = 0o400
_OWNER_ENTERS: Final = 0o500
_GROUP_WRITES: Final = 0o020


def format_mode(mode: int, *, is_folder: bool) -> str:
    """Return the listed mode for a file or folder with this mode on disk."""
    mode = mode & 0o777 | (_OWNER_ENTERS if is_folder else _OWNER_READS)
    return (
        ""
        if mode == _ordinary(is_folder=is_folder, executable=bool(mode & 0o111))
        else f"{mode:03o}"
    )


def mode_of(entry: PackageEntry) -> int:
    """Return the mode in an image for a listed file or folder."""
    is_folder = entry.type == "folder"
    if not entry.mode:
        return _ordinary(is_folder=is_folder, executable=entry.executable)
    return int(entry.mode, 8) & 0o777 | (_OWNER_ENTERS if is_folder else _OWNER_READS)


def is_ordinary(entry: PackageEntry) -> bool:
    """Whether the mode says no more than ``executable``.

    A group's right to write says nothing: the bit depends on the umask of the file's author, and
    the group of a container's user has no other member.
    """
    ordinary = _ordinary(is_folder=entry.type == "folder", executable=entry.executable)
    return mode_of(entry) & ~_GROUP_WRITES == ordinary


def _ordinary(*, is_folder: bool, executable: bool) -> int:
    if is_folder:
        return FOLDER
    return EXECUTABLE if executable else FILE
