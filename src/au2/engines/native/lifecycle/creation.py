"""Creation of a container: sandbox and root are set up, and nothing of the image has run."""

import json
import os
import platform
import resource
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from au2.domain.errors import EngineFailure
from au2.domain.jobs.container_contract import Network
from au2.engines.native.host.cgroup import ControlGroups
from au2.engines.native.host.system import as_engine_failure, open_folder
from au2.engines.native.lifecycle.job_files import fingerprint, make_job_files
from au2.engines.native.lifecycle.monitor import Monitor, limit_log
from au2.engines.native.lifecycle.oci_runtime import (
    OOM_SCORE,
    HostFacts,
    find_image_fault,
    make_runtime_config,
)
from au2.engines.native.lifecycle.record import ContainerRecord, identify, read_pid
from au2.engines.native.network.bridge import ContainerNetwork
from au2.engines.native.network.resolver import ResolverConfig
from au2.engines.native.options import NativeOptions
from au2.engines.native.paths import ContainerPaths, EnginePaths
from au2.engines.native.rootfs.layers import LayerStore
from au2.engines.native.rootfs.program_check import ensure_arguments_fit, ensure_executable
from au2.engines.native.rootfs.root_mounts import make_mount_points, make_volume, mount_overlay
from au2.engines.native.rootfs.users import ContainerUser, find_user
from au2.engines.native.seccomp import load_profile, resolve_profile
from au2.engines.native.user_namespace import (
    DEFAULT_CAPABILITIES,
    choose_owner,
    new_user_namespace,
    set_limits,
)
from au2.engines.protocol import ContainerSpec
from au2.engines.validation import check_spec, container_exists
from au2.oci.spec.config import ImageConfig
from au2.oci.spec.image import Image
from au2.stores.durability import preallocate
from au2.stores.logs.protocol import PREALLOCATED_BYTES

_OPEN_FILES = 1024
"""Soft limit, as on a usual system; programs that need more may ask for it."""
_SOCKET_SHARE, _LEAST_SOCKET_BYTES = 4, 4 << 20
"""Data in sockets: a quarter of the memory, where it does not count as memory."""
_HOSTS = "127.0.0.1\tlocalhost\n"
_HOSTS_IPV6 = "::1\tlocalhost ip6-localhost ip6-loopback\n"
_IPV6 = Path("/proc/sys/net/ipv6")
"""There if the kernel has IPv6; then every container's loopback device has ``::1``."""


@dataclass(frozen=True, slots=True)
class Creator:
    """Creator of containers from images."""

    paths: EnginePaths
    options: NativeOptions
    layers: LayerStore
    groups: ControlGroups
    network: ContainerNetwork
    monitor: Monitor
    seccomp: Mapping[str, Any]

    def create(self, spec: ContainerSpec, image: Image, undo: Callable[[str], None]) -> None:
        """Create the container; after a failure ``undo`` removes its traces.

        Raises:
            ArgumentListTooLong, BlobMissing, Conflict, EngineFailure, InvalidImage,
            InvalidRequest, StorageFull
        """
        check_spec(spec)
        container = self.paths.container(spec.container_id)
        with as_engine_failure("create the container"):
            _claim(container)
            try:
                self._set_up(spec, image, container)
            except BaseException:
                # What went wrong first is what the caller must hear of; the rest stays to be
                # removed.
                with suppress(EngineFailure):
                    undo(spec.container_id)
                raise

    def _set_up(self, spec: ContainerSpec, image: Image, container: ContainerPaths) -> None:
        owner = choose_owner(self.options, spec.container_id)
        # Begun first: the kernel makes the namespace during the other steps.
        with new_user_namespace(owner) as namespace:
            self.layers.claim(image, container.layers)
            layers = self.layers.ensure_image(image)
            make_job_files(container.files, spec.files, self.options.id_base)
            self._mount_root(layers, container)
            address = None
            if spec.resources.network is Network.INTERNET:
                self.network.ensure()
                address = self.network.take_address(spec.container_id)
            self._write_network_files(spec, container, address)
            user = self._prepare_root(image.config, container)
            namespace.map_ids(self.options.id_base, self.options.id_count)
            self._write_bundle(spec, image.config, user, namespace.path, container)
            job_files = fingerprint(container.files)
            init_pid = self._create_process(spec, container)
            _own_streams(init_pid, self.options.id_base, user)
            set_limits(owner, init_pid, self._limits())
            # Written from outside, where the kernel lets it be a lower bound (CAP_SYS_RESOURCE).
            Path(f"/proc/{init_pid}/oom_score_adj").write_text(str(OOM_SCORE), "ascii")
            self.groups.limit_socket_buffers(
                container.control_group,
                max(spec.resources.memory_bytes // _SOCKET_SHARE, _LEAST_SOCKET_BYTES),
            )
            # It has been read, and the environment in it may hold secrets.
            container.configuration.unlink()
            if address is not None:
                self.network.attach(spec.container_id, init_pid, address)
            self._write_record(spec, container, init_pid, job_files)

    def _create_process(self, spec: ContainerSpec, container: ContainerPaths) -> int:
        """Let the first process be made, which waits for the start; return its process id."""
        try:
            return self.monitor.create(
                self.paths,
                container,
                adopt=lambda pid: self.groups.join(f"{self.paths.control_group}/monitors", pid),
            )
        except EngineFailure as error:
            # A command that the platform gives is not for the image to have.
            fault = find_image_fault(error.message) if spec.command is None else None
            if fault is None:
                raise
            raise fault from error

    def _mount_root(self, layers: tuple[Path, ...], container: ContainerPaths) -> None:
        for folder in (container.upper, container.work, container.root):
            folder.mkdir()
        # Of the root folder itself nothing of the image counts, as with Docker.
        container.upper.chmod(0o755)
        os.chown(container.upper, self.options.id_base, self.options.id_base)
        mount_overlay(
            layers, container.upper, container.work, container.root, owner=self.options.id_base
        )

    def _write_network_files(
        self, spec: ContainerSpec, container: ContainerPaths, address: str | None
    ) -> None:
        resolver = self.network.resolver() if address else ResolverConfig()
        localhost = f"{_HOSTS}{_HOSTS_IPV6}" if _IPV6.exists() else _HOSTS
        hosts = f"{localhost}{address or '127.0.1.1'}\t{spec.hostname}\n"
        contents = {
            "hostname": f"{spec.hostname}\n",
            "hosts": hosts,
            "resolv.conf": resolver.to_text(),
        }
        container.network_files.mkdir()
        for name, content in contents.items():
            path = container.network_files / name
            path.write_text(content, "utf-8")
            path.chmod(0o644)
            os.chown(path, self.options.id_base, self.options.id_base)

    def _prepare_root(self, image: ImageConfig, container: ContainerPaths) -> ContainerUser:
        """Make missing mount points and volumes; return the user to run as."""
        with open_folder(container.root) as root:
            make_mount_points(root, self.options.id_base)
            for path in image.volumes:
                make_volume(root, path, self.options.id_base)
            return find_user(root, image.user, id_count=self.options.id_count)

    def _write_bundle(
        self,
        spec: ContainerSpec,
        image: ImageConfig,
        user: ContainerUser,
        user_namespace: Path,
        container: ContainerPaths,
    ) -> None:
        facts = HostFacts(
            container,
            user_namespace=user_namespace,
            seccomp=self.seccomp,
            can_limit_swap=self.groups.can_limit_swap(),
            has_ipv6=_IPV6.exists(),
        )
        config = make_runtime_config(spec, image, user, facts, self.options)
        _check_program(config["process"], container.root)
        container.bundle.mkdir(mode=0o700)
        container.configuration.touch(mode=0o600)
        container.configuration.write_text(json.dumps(config), "utf-8")

    def _limits(self) -> dict[int, tuple[int, int]]:
        open_files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], self.options.open_files)
        return {
            # One byte switches core dumps off, also those to a program of the host (core(5)).
            resource.RLIMIT_CORE: (1, 1),
            resource.RLIMIT_NOFILE: (min(_OPEN_FILES, open_files), open_files),
        }

    def _write_record(
        self, spec: ContainerSpec, container: ContainerPaths, init_pid: int, job_files: str
    ) -> None:
        monitor_pid = read_pid(container.monitor_pid_file)
        monitor = None if monitor_pid is None else identify(monitor_pid)
        init = identify(init_pid)
        if monitor is None or init is None:
            raise EngineFailure("the container ended before it was started")
        record = ContainerRecord(spec.container_id, init, monitor, spec.log_limit_bytes, job_files)
        limit_log(record, spec.log_limit_bytes)
        # What the code prints costs the monitor time, which is the code's to spend.
        self.groups.share_cpu(container.control_group, monitor.pid)
        preallocate(container.log, PREALLOCATED_BYTES)
        record.write(container.record)


def host_seccomp() -> dict[str, Any]:
    """Return the system-call filter for this machine."""
    return resolve_profile(
        load_profile(),
        machine=platform.machine(),
        capabilities=frozenset(DEFAULT_CAPABILITIES),
        kernel=platform.release(),
    )


def _check_program(process: Mapping[str, Any], root_folder: Path) -> None:
    """Refuse a program that the kernel can't execute. Raises ArgumentListTooLong, InvalidImage."""
    arguments, environment = process["args"], process["env"]
    limit_bytes, _ = resource.getrlimit(resource.RLIMIT_STACK)
    ensure_arguments_fit(arguments, environment, stack_limit_bytes=limit_bytes)
    variables = dict(item.split("=", 1) for item in environment)
    with open_folder(root_folder) as root:
        ensure_executable(root, arguments, variables["PATH"], process["cwd"])


def _claim(container: ContainerPaths) -> None:
    """Make the container's folders, which reserves the id."""
    try:
        container.storage.mkdir(mode=0o700)
    except FileExistsError:
        raise container_exists(container.container_id) from None
    container.runtime.mkdir(mode=0o711, exist_ok=True)
    container.exit_folder.mkdir(mode=0o700, exist_ok=True)


def _own_streams(init_pid: int, id_base: int, user: ContainerUser) -> None:
    """Give the first process its output, which allows opening ``/dev/stdout`` again.

    The OCI runtime does the same, except for a pipe whose owner is outside the user namespace. The
    group is one of the container's, so root there may change the owner. Programs that change their
    user may write, too: nobody else can reach the pipe.

    Args:
        init_pid: the container's first process, still waiting for the start.
        id_base: host id of the containers' root.
        user: user of the program.
    """
    for number in (1, 2):
        stream = Path(f"/proc/{init_pid}/fd/{number}")
        if stream.is_fifo():
            os.chown(stream, id_base + user.uid, id_base + user.gid)
            stream.chmod(0o622)
