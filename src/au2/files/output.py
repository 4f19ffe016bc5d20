"""Writing a file named by the user.

* A regular file is written as a whole or not at all: the data goes to a new file in the same
  folder, which takes the name at the end.
* A link is followed, as by ``>`` in a shell: its target is replaced, and the link stays.
* A device or a pipe (FIFO) is opened and written to, never replaced.
* ``/dev/stdout``, ``/dev/fd/N`` and the like are descriptors of this process and written at their
  present position: a file after ``>>`` keeps its beginning.
* A file without write permission is refused, although its folder would allow a replacement.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from au2.domain.errors import Au2Error, InvalidRequest, StorageFull

PRIVATE: Final = 0o600
"""Permissions of a file that its owner alone can read."""
_NEW: Final = 0o666
"""Permissions of a new file, less what the user's mask takes away."""
_MOST_LINKS: Final = 40
"""As many links as Linux follows in one path."""
_OWN_DESCRIPTORS: Final = re.compile(r"/proc/(\d+)(?:/task/\d+)?/fd")


class OutputFile:
    """An open file."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path

    def write(self, data: bytes) -> None:
        """Write all of ``data``. Raises Au2Error, never OSError."""
        with convert_file_errors(self._path):
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]


@contextmanager
def open_output(path: Path, *, permissions: int | None = None) -> Iterator[OutputFile]:
    """Open ``path`` for writing by the rules of this module.

    After an exception in the block, a regular file is unchanged.

    Args:
        path: of the file.
        permissions: of a regular file; None: unchanged, or by the user's mask.

    Raises:
        InvalidRequest: ``path`` is a folder.
        StorageFull: the disk is full.
        Au2Error: any other error of writing.
    """
    with convert_file_errors(path):
        found = _find(path)
        special = _open_special(path, found)
    if special is not None:
        try:
            yield OutputFile(special, path)
        finally:
            os.close(special)
        return
    if permissions is None and found is not None:
        permissions = stat.S_IMODE(found.st_mode)
    with _replacing(path, permissions) as file:
        yield file


def write_output(path: Path, data: bytes, *, permissions: int | None = None) -> None:
    """Write ``data`` to ``path``; raises like :func:`open_output`."""
    with open_output(path, permissions=permissions) as file:
        file.write(data)


def ensure_output(path: Path) -> None:
    """Raise like :func:`open_output` for errors known before writing.

    A full disk is not among them.
    """
    with convert_file_errors(path):
        found = _find(path)
        special = _open_special(path, found)
        if special is not None:
            os.close(special)
        elif not os.access(path.resolve().parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _find(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _open_special(path: Path, found: os.stat_result | None) -> int | None:
    """Return a descriptor of a device, pipe or own descriptor; None for a regular or new file."""
    own = _find_own_descriptor(path)
    if own is not None:
        return os.dup(own)
    if found is None:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise InvalidRequest(f"'{path}' is a folder.", hint="Name a file.")
    if stat.S_ISREG(found.st_mode):
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return None
    return os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))


def _find_own_descriptor(path: Path) -> int | None:
    """Return N where ``path`` leads to ``/proc/self/fd/N``, the links of which are no names."""
    place = path.absolute()
    for _ in range(_MOST_LINKS):
        place = place.parent.resolve() / place.name
        match = _OWN_DESCRIPTORS.fullmatch(str(place.parent))
        if match is not None and int(match[1]) == os.getpid() and place.name.isdecimal():
            return int(place.name)
        if not place.is_symlink():
            return None
        place = place.parent / place.readlink()
    return None


@contextmanager
def _replacing(path: Path, permissions: int | None) -> Iterator[OutputFile]:
    with convert_file_errors(path):
        target = path.resolve()
        incoming = target.with_name(f".au2-{os.urandom(8).hex()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(incoming, flags, _NEW if permissions is None else PRIVATE)
    try:
        try:
            yield OutputFile(descriptor, path)
            with convert_file_errors(path):
                if permissions is not None:
                    incoming.chmod(permissions)
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with convert_file_errors(path):
            incoming.replace(target)
            _sync_folder(target.parent)
    finally:
        incoming.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where folders can be opened and flushed."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def convert_file_errors(path: Path) -> Iterator[None]:
    """Convert an OSError into an error with the name of ``path``.

    While a response is read, an OSError would pass for an error of the connection.

    Raises:
        StorageFull: the disk is full, or the user's quota.
        Au2Error: any other OSError.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        kind = StorageFull if error.errno in _FULL else Au2Error
        raise kind(f"'{path}' can't be written: {why}.") from error
