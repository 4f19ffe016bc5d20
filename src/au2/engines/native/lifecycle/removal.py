"""Removal of a container, and release of its disk: every step may be repeated."""

import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from au2.domain.container_contract import RESULT_FILES
from au2.domain.errors import EngineFailure
from au2.engines.native.host.cgroup import ControlGroups
from au2.engines.native.host.system import tool_environment
from au2.engines.native.lifecycle.job_files import open_job_files
from au2.engines.native.lifecycle.oci_runtime import OciRuntime
from au2.engines.native.lifecycle.record import (
    ContainerRecord,
    ProcessIdentity,
    identify,
    is_alive,
    read_pid,
    send_signal,
)
from au2.engines.native.network.bridge import ContainerNetwork
from au2.engines.native.paths import ContainerPaths, EnginePaths
from au2.engines.native.rootfs.directories import remove_tree, remove_tree_in
from au2.engines.native.rootfs.mounts import unmount_all

_PATIENCE_SECONDS = 2.0
_FILE_BYTES = 4096
"""Least size that a file counts for: empty files take inodes, which a disk runs out of too."""
_COUNTING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Remover:
    """Remover of containers."""

    paths: EnginePaths
    runtime: OciRuntime
    groups: ControlGroups
    network: ContainerNetwork

    def remove(self, container_id: str) -> None:
        """Kill the container if it runs and remove every trace of it."""
        container = self.paths.container(container_id)
        paths = (container.storage, container.runtime, container.bundle)
        if not any(place.exists() for place in paths):
            return
        if not container.record.exists():
            self._end_creation(container)
        monitor = _find_monitor(container)
        if monitor is not None and is_alive(monitor):
            self.groups.unshare_cpu(self.paths.control_group, monitor.pid)
        self.runtime.delete(container_id)
        self._end_monitor(container)
        unmount_all(container.root)
        self.network.detach(container_id)
        self.groups.remove_container(
            f"{self.paths.control_group}/{container_id}", patience_seconds=_PATIENCE_SECONDS
        )
        (self.paths.sockets / container_id).unlink(missing_ok=True)
        remove_tree(container.bundle)
        remove_tree(container.runtime)
        # Last: as long as it is there, the id is taken and the container is listed.
        remove_tree(container.storage)

    def _end_creation(self, container: ContainerPaths) -> None:
        """Kill what still creates the container, and what it has begun of it.

        When its monitor was killed, the OCI runtime goes on alone: it would make control groups and
        a first process after all else was removed.
        """
        group = f"{self.paths.control_group}/{container.container_id}"
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = {*_find_creators(container), *self.groups.list_processes(group)}
            processes = [known for pid in found if (known := identify(pid)) and is_alive(known)]
            if not processes:
                return
            for process in processes:
                send_signal(process, signal.SIGKILL)
            time.sleep(0.001)

    def _end_monitor(self, container: ContainerPaths) -> None:
        """Wait for the monitor, which ends after its container; one that does not is killed."""
        monitor = _find_monitor(container)
        if monitor is None:
            return
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while is_alive(monitor) and time.monotonic() < deadline:
            time.sleep(0.001)
        send_signal(monitor, signal.SIGKILL)


def _find_creators(container: ContainerPaths) -> Iterator[int]:
    """Yield the processes that were started with the container's bundle: monitor and runtime."""
    bundle = str(container.bundle)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and bundle in _command_line(int(folder.name)).split("\0"):
            yield int(folder.name)


def _find_monitor(container: ContainerPaths) -> ProcessIdentity | None:
    record = ContainerRecord.read(container.record)
    if record is not None:
        return record.monitor
    pid = read_pid(container.monitor_pid_file)
    if pid is None or container.container_id not in _command_line(pid):
        return None
    return identify(pid)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def measure_disk(container: ContainerPaths) -> int:
    """Return how many bytes of disk a container takes: writable layer, job files, raw log.

    Raises:
        EngineFailure: there is so much that counting takes longer than a minute.
    """
    counted = (container.upper, container.files, container.log)
    paths = [str(place) for place in counted if place.exists()]
    if not paths:
        return 0  # It is gone; without a folder, du would count the present one.
    size_bytes = _count(["--block-size=1"], paths)
    return max(size_bytes, _count(["--inodes"], paths) * _FILE_BYTES)


def release_disk(container: ContainerPaths, *, file_limit_bytes: int) -> None:
    """Free the disk that only the code needed: mounts, writable layer, scratch, most job files.

    The container has ended. Needs no space; may be repeated. What else is told of the container
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


def _strip_job_files(container: ContainerPaths, file_limit_bytes: int) -> None:
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


def _count(option: list[str], paths: list[str]) -> int:
    """Return the sum that ``du`` counts. It complains of files that vanish meanwhile: no matter."""
    command = ["du", "--summarize", "--total", "--one-file-system", *option, "--", *paths]
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
