"""The native engine. All state is on disk, so any process may make any call."""

import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from au2.domain.errors import EngineFailure, Unsupported
from au2.engines.native.host.cgroup import ControlGroups, find_hierarchies
from au2.engines.native.host.check import check_host, find_tool, missing_needs
from au2.engines.native.host.system import as_engine_failure
from au2.engines.native.lifecycle.creation import Creator, host_seccomp
from au2.engines.native.lifecycle.job_files import read_job_file
from au2.engines.native.lifecycle.monitor import Monitor, allow_log, restrict_log
from au2.engines.native.lifecycle.observation import ContainerWatcher, Observer
from au2.engines.native.lifecycle.oci_runtime import OciRuntime
from au2.engines.native.lifecycle.record import ContainerRecord, send_signal
from au2.engines.native.lifecycle.removal import Remover, measure_disk, release_disk
from au2.engines.native.network.bridge import ContainerNetwork, listen_inside
from au2.engines.native.options import NativeOptions
from au2.engines.native.paths import ContainerPaths, EnginePaths
from au2.engines.native.rootfs.layers import LayerStore, UnusedLayers
from au2.engines.native.rootfs.root_mounts import ensure_memory, remove_old_trials, unmount_all
from au2.engines.protocol import (
    Capability,
    Check,
    ContainerSpec,
    Engine,
    Observation,
    UnpackedLayers,
)
from au2.engines.validation import choose_stop_signal, is_container_id, no_container, parse_signal
from au2.stores.content.images import load_image
from au2.stores.content.protocol import Provider
from au2.stores.durability import punch_beginning


class NativeEngine(Engine, UnpackedLayers):
    """An :class:`~au2.engines.protocol.Engine` on this host.

    Args:
        blobs: the content store with the images.
        data_dir: the installation's folder, on a file system that overlayfs takes as its upper one.
        run_dir: folder in memory for state of the host's present uptime. Any user must be able to
            pass every folder above.
        options: the operator's settings.
    """

    capabilities = frozenset(Capability)

    def __init__(
        self, blobs: Provider, data_dir: Path, run_dir: Path, options: NativeOptions
    ) -> None:
        self._blobs = blobs
        self._options = options
        self._paths = EnginePaths(data_dir.absolute(), run_dir.absolute())
        self._layers = LayerStore(blobs, self._paths.layers, options)
        self._network = ContainerNetwork(self._paths.network, self._paths.instance, options)
        self._unused = UnusedLayers(self._paths, options)
        self._runtime = OciRuntime(options.runtime_command, self._paths.runtime_root)
        self._watcher = ContainerWatcher()

    def check(self) -> Sequence[Check]:
        return check_host(self._paths, self._options)

    def open(self) -> None:
        missing = list(missing_needs(self._options))
        if missing:
            raise Unsupported("this machine can't run containers: " + "; ".join(missing))
        with as_engine_failure("set up the container engine"):
            self._paths.make(group=self._options.id_base)
            self._unused.remove_other_ids()
            ensure_memory(self._paths.bundles)
            self._network.ensure()

    def close(self) -> None:
        self._watcher.close()

    def prepare(self, image_digest: str, check: Callable[[], None] = lambda: None) -> None:
        self._layers.ensure_image(load_image(self._blobs, image_digest), check)

    def create(self, spec: ContainerSpec) -> None:
        self._creator.create(spec, load_image(self._blobs, spec.image_digest), self.remove)

    def start(self, container_id: str) -> None:
        self._get_record(container_id)
        if not self._runtime.is_waiting(container_id):
            return
        try:
            self._runtime.start(container_id)
        except EngineFailure:
            # Another process may have started the container at the same moment, and the container
            # may have ended since: an observation will show.
            exited = self._paths.container(container_id).exit_file.exists()
            if self._runtime.is_waiting(container_id) and not exited:
                raise

    def observe(
        self, container_id: str, *, seen_log_bytes: int = 0, timeout_seconds: float = 0.0
    ) -> Observation:
        return self._observer.observe(
            container_id, seen_log_bytes=seen_log_bytes, timeout_seconds=timeout_seconds
        )

    def read_log(self, container_id: str, *, offset: int, limit_bytes: int) -> bytes:
        container = self._find_paths(container_id)
        try:
            with container.log.open("rb") as file:
                file.seek(offset)
                return file.read(limit_bytes)
        except FileNotFoundError:
            if container.storage.is_dir():
                return b""
            raise no_container(container_id) from None

    def read_file(self, container_id: str, name: str, *, limit_bytes: int) -> bytes | None:
        with as_engine_failure("read a job file"):
            return read_job_file(self._find_paths(container_id).files, name, limit_bytes)

    def listen(self, container_id: str, port: int) -> socket.socket:
        record = self._get_record(container_id)
        with as_engine_failure("listen inside the container"):
            return listen_inside(record.init, port)

    def signal(self, container_id: str, name: str) -> None:
        number = parse_signal(name)
        record = self._get_record(container_id)
        # The first process takes all others of its namespace along when it is killed.
        send_signal(record.init, number)

    def stop_signal(self, image_digest: str) -> str:
        return choose_stop_signal(load_image(self._blobs, image_digest).config)

    def disk_bytes(self, container_id: str) -> int:
        return measure_disk(self._find_paths(container_id))

    def restrict_log(self, container_id: str) -> None:
        with as_engine_failure("restrict a log"):
            restrict_log(self._find_paths(container_id), self._get_record(container_id))

    def allow_log(self, container_id: str, remark: str) -> None:
        with as_engine_failure("let a log grow again"):
            allow_log(self._find_paths(container_id), self._get_record(container_id), remark)

    def drop_log(self, container_id: str, size_bytes: int) -> bool:
        with as_engine_failure("give back a log's beginning"):
            return punch_beginning(self._find_paths(container_id).log, size_bytes)

    def release(self, container_id: str, *, file_limit_bytes: int) -> None:
        with as_engine_failure("give back the disk of a container"):
            release_disk(self._find_paths(container_id), file_limit_bytes=file_limit_bytes)

    def reclaim(self, *, file_limit_bytes: int) -> None:
        with as_engine_failure("clear up after containers that have ended"):
            remove_old_trials(self._paths.data_dir)
        for container_id in self.list_containers():
            if self.observe(container_id).state.has_ended:
                self.release(container_id, file_limit_bytes=file_limit_bytes)

    def remove(self, container_id: str) -> None:
        if is_container_id(container_id):
            self._watcher.forget(container_id)
            with as_engine_failure("remove the container"):
                self._remover.remove(container_id)

    def list_containers(self) -> Iterator[str]:
        yield from self._paths.container_ids()

    def list_layers(self) -> Iterator[str]:
        return self._unused.list_layers()

    def layer_bytes(self, name: str) -> int | None:
        with as_engine_failure("measure an unpacked layer"):
            return self._unused.measure(name)

    def unused_layer_bytes(self, name: str, *, older_than_seconds: float) -> int | None:
        with as_engine_failure("look at an unpacked layer"):
            return self._unused.find(name, older_than_seconds)

    def remove_unused_layer(self, name: str, *, older_than_seconds: float) -> int | None:
        with as_engine_failure("remove an unpacked layer"):
            return self._unused.remove(name, older_than_seconds)

    def uninstall(self) -> None:
        for container_id in list(self.list_containers()):
            self.remove(container_id)
        self.close()
        with as_engine_failure("remove what the container engine set up"):
            self._network.remove()
            self._groups.remove(self._paths.control_group)
            unmount_all(self._paths.bundles)
            shutil.rmtree(self._paths.run_dir, ignore_errors=True)

    def _find_paths(self, container_id: str) -> ContainerPaths:
        if not is_container_id(container_id):
            raise no_container(container_id)
        return self._paths.container(container_id)

    def _get_record(self, container_id: str) -> ContainerRecord:
        record = ContainerRecord.read(self._find_paths(container_id).record)
        if record is None:
            raise no_container(container_id)
        return record

    # Looked up at the first use: an engine may be made, and asked what is missing, on any machine.

    @cached_property
    def _groups(self) -> ControlGroups:
        return find_hierarchies()

    @cached_property
    def _creator(self) -> Creator:
        options = self._options
        runtime_path = find_tool(options.runtime_command) or options.runtime_command
        monitor = Monitor(options.monitor_command, runtime_path, options.create_timeout_seconds)
        return Creator(
            self._paths, options, self._layers, self._groups, self._network, monitor, host_seccomp()
        )

    @cached_property
    def _observer(self) -> Observer:
        return Observer(self._paths, self._runtime, self._groups, self._watcher)

    @cached_property
    def _remover(self) -> Remover:
        return Remover(self._paths, self._runtime, self._groups, self._network)
