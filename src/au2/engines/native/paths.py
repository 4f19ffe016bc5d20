"""Paths of the native engine: on disk, and in a folder emptied by each reboot."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from au2.engines.validation import is_container_id


class ContainerPaths:
    """Files and folders of one container. Plain data."""

    def __init__(
        self, container_id: str, *, storage: Path, runtime: Path, bundle: Path, control_group: str
    ) -> None:
        self.container_id = container_id
        self.control_group = control_group
        self.storage = storage
        """Folder on disk for writable layer, job files and log; closed to all but root."""
        self.upper = storage / "upper"
        """The writable layer."""
        self.work = storage / "work"
        """Work folder of overlayfs beside the writable layer."""
        self.files = storage / "files"
        """Job files, mounted in the container as ``/run/au2``."""
        self.layers = storage / "layers"
        """Names of the unpacked layers below the container, one a line."""
        self.network_files = storage / "network"
        """``hostname``, ``hosts`` and ``resolv.conf``."""
        self.log = storage / "log"
        """Raw log, in the CRI log format."""
        self.runtime = runtime
        """Folder for running state, gone after a reboot."""
        self.log_limit = runtime / "log-limit"
        """Limit of the raw log in bytes; present only while the disk is nearly full."""
        self.root = runtime / "root"
        """The mounted root file system."""
        self.exit_folder = runtime / "exit"
        """Folder for the exit code, written by the monitor."""
        self.exit_file = self.exit_folder / container_id
        """The exit code, once the container has ended and its log is whole."""
        self.init_pid_file = runtime / "init.pid"
        """Process id of the container's first process, written by the monitor."""
        self.monitor_pid_file = runtime / "monitor.pid"
        """Process id of the monitor, written by the monitor."""
        self.monitor_errors = runtime / "monitor.err"
        """Standard error of the monitor."""
        self.record = runtime / "record.json"
        """Record for another process that takes over."""
        self.bundle = bundle
        """Bundle of the OCI runtime, in memory: the environment there may hold secrets."""
        self.configuration = bundle / "config.json"
        """Configuration of the bundle, removed as soon as the container is created."""


class EnginePaths:
    """Folders of one installation: data on disk, running state in memory. Plain data."""

    def __init__(self, data_dir: Path, run_dir: Path) -> None:
        self.data_dir = data_dir
        self.run_dir = run_dir
        self.instance = hashlib.sha256(bytes(data_dir.absolute())).hexdigest()[:12]
        """Twelve hexadecimal digits, different for each installation on the host."""
        self.control_group = f"/au2-{self.instance}"
        """The parent of the containers' control groups."""
        self.layers = data_dir / "layers"
        """Unpacked layers, shared by containers."""
        self.storages = data_dir / "containers"
        """One folder per container."""
        self.runtimes = run_dir / "containers"
        """One folder per container."""
        self.bundles = run_dir / "bundles"
        """One folder per container, on a file system in memory (:mod:`.rootfs.root_mounts`)."""
        self.runtime_root = run_dir / "runc"
        """The OCI runtime's own state."""
        self.sockets = run_dir / "sockets"
        """The monitor's sockets, and links named by container."""
        self.network = run_dir / "network"
        """Addresses in use, and the lock of the network set-up."""

    def container(self, container_id: str) -> ContainerPaths:
        """Return the paths of an existing or future container."""
        if not is_container_id(container_id):
            raise ValueError(f"not a container id: {container_id!r}")
        return ContainerPaths(
            container_id,
            storage=self.storages / container_id,
            runtime=self.runtimes / container_id,
            bundle=self.bundles / container_id,
            control_group=f"{self.control_group}/{container_id}",
        )

    def make(self, *, group: int) -> None:
        """Create the folders. A container's first process passes those above its root.

        Args:
            group: host id of the containers' group 0. Other users of the host can reach neither
                the containers' files nor set-user-id programs there.
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
        self.runtimes.chmod(modes[self.runtimes])  # Older versions gave all users access.

    def container_ids(self) -> Iterator[str]:
        """Yield the ids of all containers of which anything is left."""
        found: set[str] = set()
        for folder in (self.storages, self.runtimes, self.bundles):
            if folder.is_dir():
                found.update(entry.name for entry in folder.iterdir())
        yield from sorted(name for name in found if is_container_id(name))
