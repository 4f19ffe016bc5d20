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

from au2.domain.errors import EngineFailure
from au2.domain.jobs.container_contract import RESULT_FILES
from au2.engines.native.host.cgroup import ControlGroups
from au2.engines.native.host.system import closing, open_folder, tool_environment
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
from au2.engines.native.rootfs.root_mounts import unmount_all

_PATIENCE_SECONDS = 2.0
_FILE_BYTES = 4096
"""Least size that a file counts for: empty files take inodes, which a disk runs out of too."""
_COUNTING_SECONDS = 60.0
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Remover:
    """Remover of containers."""

    paths: EnginePaths
    runtime: OciRuntime
    groups: ControlGroups
    network: ContainerNetwork

    def remove(self, container_id: str) -> None:
        """Kill the container if still running, and remove every trace."""
        container = self.paths.container(container_id)
        paths = (container.storage, container.runtime, container.bundle)
        if not any(path.exists() for path in paths):
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
        self.groups.remove_container(container.control_group, patience_seconds=_PATIENCE_SECONDS)
        (self.paths.sockets / container_id).unlink(missing_ok=True)
        remove_tree(container.bundle)
        remove_tree(container.runtime)
        # Last: until then the id is in use and the container is listed.
        remove_tree(container.storage)

    def _end_creation(self, container: ContainerPaths) -> None:
        """Kill the processes that still create the container, and its first process.

        After the death of its monitor, the OCI runtime goes on alone: control groups and a first
        process would come into being after the removal of everything else.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = {
                *_find_creators(container),
                *self.groups.list_processes(container.control_group),
            }
            processes = [known for pid in found if (known := identify(pid)) and is_alive(known)]
            if not processes:
                return
            for process in processes:
                send_signal(process, signal.SIGKILL)
            time.sleep(0.001)

    def _end_monitor(self, container: ContainerPaths) -> None:
        """Wait for the monitor, which ends after its container; kill a late one."""
        monitor = _find_monitor(container)
        if monitor is None:
            return
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while is_alive(monitor) and time.monotonic() < deadline:
            time.sleep(0.001)
        send_signal(monitor, signal.SIGKILL)


def _find_creators(container: ContainerPaths) -> Iterator[int]:
    """Yield the processes started with the container's bundle: monitor and runtime."""
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
    """Return the container's bytes on disk: writable layer, job files, raw log.

    Raises:
        EngineFailure: there are so many files that counting takes longer than a minute.
    """
    counted = (container.upper, container.files, container.log)
    paths = [str(path) for path in counted if path.exists()]
    if not paths:
        return 0  # It is gone; without a folder, du would count the present one.
    size_bytes = _count(["--block-size=1"], paths)
    return max(size_bytes, _count(["--inodes"], paths) * _FILE_BYTES)


def release_disk(container: ContainerPaths, *, file_limit_bytes: int) -> None:
    """Free the disk space for the code alone: mounts, writable layer, scratch, most job files.

    The container has ended. Needs no space; may be repeated. The log stays, and so do the job files
    with results, each cut to ``file_limit_bytes`` and one byte more, to stay recognizable as too
    large.
    """
    unmount_all(container.root)
    with suppress(FileNotFoundError):
        with open_folder(container.storage) as storage:
            for folder in (container.upper.name, container.work.name):
                with suppress(FileNotFoundError):
                    remove_tree_in(storage, folder)
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
                with closing(os.open(name, _WRITE, dir_fd=folder)) as file:
                    os.ftruncate(file, file_limit_bytes + 1)


def _count(option: list[str], paths: list[str]) -> int:
    """Return the sum counted by ``du``, whose complaints about vanishing files don't matter."""
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
