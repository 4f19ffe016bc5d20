"""Removing a container: every step may find its work done, or half done."""

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from au2.engines.native.cgroup import ControlGroups
from au2.engines.native.deep_trees import remove_tree
from au2.engines.native.mounts import unmount_all
from au2.engines.native.network import Network
from au2.engines.native.places import ContainerPlaces, Places
from au2.engines.native.processes import (
    ProcessIdentity,
    identify,
    is_alive,
    read_pid,
    send_signal,
)
from au2.engines.native.record import ContainerRecord
from au2.engines.native.runtime import OciRuntime

_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Remover:
    """Removes containers."""

    places: Places
    runtime: OciRuntime
    groups: ControlGroups
    network: Network

    def remove(self, container_id: str) -> None:
        """Kill the container if it runs and remove every trace of it."""
        container = self.places.container(container_id)
        places = (container.storage, container.runtime, container.bundle)
        if not any(place.exists() for place in places):
            return
        if not container.record.exists():
            self._end_creation(container)
        monitor = _find_monitor(container)
        if monitor is not None and is_alive(monitor):
            self.groups.unshare_cpu(self.places.control_group, monitor.pid)
        self.runtime.delete(container_id)
        self._end_monitor(container)
        unmount_all(container.root)
        self.network.detach(container_id)
        self.groups.remove_container(
            f"{self.places.control_group}/{container_id}", patience_seconds=_PATIENCE_SECONDS
        )
        (self.places.sockets / container_id).unlink(missing_ok=True)
        remove_tree(container.bundle)
        remove_tree(container.runtime)
        # Last: as long as it is there, the id is taken and the container is listed.
        remove_tree(container.storage)

    def _end_creation(self, container: ContainerPlaces) -> None:
        """Kill what still creates the container, and what it has begun of it.

        When its monitor was killed, the OCI runtime goes on alone: it would make control groups and
        a first process after all else was removed.
        """
        group = f"{self.places.control_group}/{container.container_id}"
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = {*_find_creators(container), *self.groups.list_processes(group)}
            processes = [known for pid in found if (known := identify(pid)) and is_alive(known)]
            if not processes:
                return
            for process in processes:
                send_signal(process, signal.SIGKILL)
            time.sleep(0.001)

    def _end_monitor(self, container: ContainerPlaces) -> None:
        """Wait for the monitor, which ends after its container; one that does not is killed."""
        monitor = _find_monitor(container)
        if monitor is None:
            return
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while is_alive(monitor) and time.monotonic() < deadline:
            time.sleep(0.001)
        send_signal(monitor, signal.SIGKILL)


def _find_creators(container: ContainerPlaces) -> Iterator[int]:
    """Yield the processes that were started with the container's bundle: monitor and runtime."""
    bundle = str(container.bundle)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and bundle in _command_line(int(folder.name)).split("\0"):
            yield int(folder.name)


def _find_monitor(container: ContainerPlaces) -> ProcessIdentity | None:
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
