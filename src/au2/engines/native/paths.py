"""Paths of the native engine: on disk, and in a folder that is empty after a reboot."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from au2.engines.validation import is_container_id


@dataclass(frozen=True, slots=True)
class ContainerPaths:
    """Files and folders of one container."""

    container_id: str
    storage: Path
    """Folder on disk for writable layer, job files and log; closed to all but root."""
    runtime: Path
    """Folder for running state, gone after a reboot."""
    bundle: Path
    """Bundle of the OCI runtime, in memory: the environment in it may hold secrets."""

    @property
    def upper(self) -> Path:
        """The writable layer."""
        return self.storage / "upper"

    @property
    def work(self) -> Path:
        """Work folder of overlayfs beside the writable layer."""
        return self.storage / "work"

    @property
    def files(self) -> Path:
        """Job files, mounted in the container as ``/run/au2``."""
        return self.storage / "files"

    @property
    def layers(self) -> Path:
        """Names of the unpacked layers below the container, one a line."""
        return self.storage / "layers"

    @property
    def network_files(self) -> Path:
        """``hostname``, ``hosts`` and ``resolv.conf``."""
        return self.storage / "network"

    @property
    def log(self) -> Path:
        """Raw log, in the CRI log format."""
        return self.storage / "log"

    @property
    def log_limit(self) -> Path:
        """Limit of the raw log in bytes; there only while the disk is nearly full."""
        return self.runtime / "log-limit"

    @property
    def configuration(self) -> Path:
        """``config.json`` of the bundle, removed as soon as the container is created."""
        return self.bundle / "config.json"

    @property
    def root(self) -> Path:
        """The mounted root file system."""
        return self.runtime / "root"

    @property
    def exit_folder(self) -> Path:
        """Folder for the exit code, written by the monitor."""
        return self.runtime / "exit"

    @property
    def exit_file(self) -> Path:
        """The exit code, once the container has ended and its log is whole."""
        return self.exit_folder / self.container_id

    @property
    def init_pid_file(self) -> Path:
        """Process id of the container's first process, written by the monitor."""
        return self.runtime / "init.pid"

    @property
    def monitor_pid_file(self) -> Path:
        """Process id of the monitor, written by itself."""
        return self.runtime / "monitor.pid"

    @property
    def monitor_errors(self) -> Path:
        """Standard error of the monitor."""
        return self.runtime / "monitor.err"

    @property
    def record(self) -> Path:
        """Record from which another process takes over."""
        return self.runtime / "record.json"


@dataclass(frozen=True, slots=True)
class EnginePaths:
    """Folders of one installation: data on disk, running state in memory."""

    data_dir: Path
    run_dir: Path

    @property
    def instance(self) -> str:
        """Twelve hexadecimal digits that tell this installation from others on the host."""
        return hashlib.sha256(bytes(self.data_dir.absolute())).hexdigest()[:12]

    @property
    def layers(self) -> Path:
        """Unpacked layers, shared by containers."""
        return self.data_dir / "layers"

    @property
    def storages(self) -> Path:
        """One folder per container."""
        return self.data_dir / "containers"

    @property
    def runtimes(self) -> Path:
        """One folder per container."""
        return self.run_dir / "containers"

    @property
    def bundles(self) -> Path:
        """One folder per container, on an own file system in memory (:mod:`.rootfs.mounts`)."""
        return self.run_dir / "bundles"

    @property
    def runtime_root(self) -> Path:
        """The OCI runtime's own state."""
        return self.run_dir / "runc"

    @property
    def sockets(self) -> Path:
        """The monitor's sockets. A folder of its own: links named by container are made in it."""
        return self.run_dir / "sockets"

    @property
    def network(self) -> Path:
        """Addresses in use, and the lock of the network set-up."""
        return self.run_dir / "network"

    @property
    def control_group(self) -> str:
        """The control group that holds those of the containers."""
        return f"/au2-{self.instance}"

    def container(self, container_id: str) -> ContainerPaths:
        """Return the paths of a container, whether it exists or not."""
        if not is_container_id(container_id):
            raise ValueError(f"not a container id: {container_id!r}")
        return ContainerPaths(
            container_id,
            storage=self.storages / container_id,
            runtime=self.runtimes / container_id,
            bundle=self.bundles / container_id,
        )

    def make(self, *, group: int) -> None:
        """Create the folders. Those above a container's root are passed by its first process.

        Args:
            group: host id of the containers' group 0. Other users of the host don't get through
                to the containers' files, nor to the programs there that set the user id.
        """
        modes = {
            self.data_dir: 0o711,
            self.layers: 0o700,
            self.storages: 0o711,
            self.run_dir: 0o711,
            self.runtimes: 0o710,
            self.bundles: 0o700,
            self.runtime_root: 0o711,
            self.sockets: 0o700,
            self.network: 0o700,
        }
        for folder, mode in modes.items():
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(mode)
        os.chown(self.runtimes, -1, group)
        self.runtimes.chmod(modes[self.runtimes])  # An older version let anybody through.

    def container_ids(self) -> Iterator[str]:
        """Yield the ids of all containers of which anything is left."""
        found: set[str] = set()
        for folder in (self.storages, self.runtimes, self.bundles):
            if folder.is_dir():
                found.update(entry.name for entry in folder.iterdir())
        yield from sorted(name for name in found if is_container_id(name))
