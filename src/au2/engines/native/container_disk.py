"""What a container takes of the disk: counting it, and giving it back after the end."""

import os
import stat
import subprocess
from contextlib import suppress

from au2.domain.container_contract import RESULT_FILES
from au2.domain.errors import EngineFailure
from au2.engines.native.commands import tool_environment
from au2.engines.native.deep_trees import remove_tree_in
from au2.engines.native.job_files import open_job_files
from au2.engines.native.mounts import unmount_all
from au2.engines.native.places import ContainerPlaces

_FILE_BYTES = 4096
"""What a file counts at least: empty ones take inodes, of which a disk has not that many more."""
_COUNTING_SECONDS = 60.0


def measure(container: ContainerPlaces) -> int:
    """Return how many bytes of disk a container takes: writable layer, job files, raw log.

    Raises:
        EngineFailure: there is so much that counting takes longer than a minute.
    """
    counted = (container.upper, container.files, container.log)
    places = [str(place) for place in counted if place.exists()]
    if not places:
        return 0  # It is gone; without a folder, du would count the present one.
    size_bytes = _count(["--block-size=1"], places)
    return max(size_bytes, _count(["--inodes"], places) * _FILE_BYTES)


def release(container: ContainerPlaces, *, file_limit_bytes: int) -> None:
    """Give back what only the code needed: mounts, writable layer, scratch, most job files.

    The container has ended. Needs no room; may be repeated. What else is told of the container
    stays: its log, and the job files that say how it ended, each cut to ``file_limit_bytes`` and
    one byte more, so that one that is too large stays so.
    """
    unmount_all(container.root)
    with suppress(FileNotFoundError):
        storage = os.open(container.storage, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for folder in (container.upper.name, container.work.name):
                with suppress(FileNotFoundError):
                    remove_tree_in(storage, folder)
        finally:
            os.close(storage)
        _strip_job_files(container, file_limit_bytes)


def _strip_job_files(container: ContainerPlaces, file_limit_bytes: int) -> None:
    with open_job_files(container.files) as folder:
        for name in os.listdir(folder):  # noqa: PTH208 - a folder that its path may not lead to
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                remove_tree_in(folder, name)
            elif name not in RESULT_FILES or not stat.S_ISREG(status.st_mode):
                os.unlink(name, dir_fd=folder)
            elif status.st_size > file_limit_bytes:
                _cut(folder, name, file_limit_bytes + 1)


def _cut(folder: int, name: str, size_bytes: int) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.ftruncate(descriptor, size_bytes)
    finally:
        os.close(descriptor)


def _count(option: list[str], places: list[str]) -> int:
    """Return the sum that ``du`` counts. It complains of files that vanish meanwhile: no matter."""
    command = ["du", "--summarize", "--total", "--one-file-system", *option, "--", *places]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=tool_environment(),
            timeout=_COUNTING_SECONDS,
            check=False,
        )
        return int(done.stdout.splitlines()[-1].split()[0])
    except (subprocess.TimeoutExpired, OSError, ValueError, IndexError) as error:
        raise EngineFailure("what a container has written to disk can't be counted") from error
