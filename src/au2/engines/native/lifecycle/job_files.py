"""Job files, in a folder under the control of a hostile container."""

import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path

from au2.domain.errors import InvalidRequest, TooLarge
from au2.domain.jobs.container_contract import SCRATCH_FOLDER
from au2.engines.native.host.system import closing
from au2.engines.validation import check_job_file_name

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NOT_REGULAR = frozenset({errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR})
_MOST_ENTRIES = 256


def make_job_files(folder: Path, files: Mapping[str, bytes], owner: int) -> None:
    """Make the folder with ``files`` and ``scratch/``; any user in the container may write."""
    for made in (folder, folder / SCRATCH_FOLDER):
        made.mkdir()
        os.chown(made, owner, owner)
        made.chmod(0o777)
    for name, content in files.items():
        path = folder / name
        path.write_bytes(content)
        os.chown(path, owner, owner)
        path.chmod(0o644)


def read_job_file(folder: Path, name: str, limit_bytes: int) -> bytes | None:
    """Return a file's content; None without the file or the folder.

    Raises:
        InvalidRequest: not a plain name, or not a regular file (a link, a pipe, …).
        TooLarge: longer than ``limit_bytes``.
    """
    check_job_file_name(name)
    try:
        with open_job_files(folder) as parent:
            descriptor = os.open(name, _READ, dir_fd=parent)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _NOT_REGULAR:
            raise InvalidRequest(f"{name} is not a regular file") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidRequest(f"{name} is not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        # The size that the file system says may change while it is read.
        data = file.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise TooLarge(f"{name} is larger than {limit_bytes} bytes")
    return data


def fingerprint(folder: Path) -> str:
    """Return a value that changes with any job file, among the first 256 entries."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in islice(entries, _MOST_ENTRIES):
                if entry.name != SCRATCH_FOLDER:
                    status = entry.stat(follow_symlinks=False)
                    found.append((entry.name, status.st_ino, status.st_size, status.st_mtime_ns))
    except FileNotFoundError:
        return ""
    return hashlib.sha256(repr(sorted(found)).encode("utf-8", "backslashreplace")).hexdigest()


def open_job_files(folder: Path) -> AbstractContextManager[int]:
    """Open the folder itself during a block, never a link put in its place by its user."""
    return closing(os.open(folder, _FOLDER))
