"""OCI runtime (``runc``) of the host: configuration of containers, calls, and errors of images."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from au2.domain.errors import InvalidImage
from au2.domain.jobs.container_contract import JOB_DIRECTORY, Network
from au2.engines.native.host.system import run_tool
from au2.engines.native.options import NativeOptions
from au2.engines.native.paths import ContainerPaths
from au2.engines.native.rootfs.users import ContainerUser
from au2.engines.native.user_namespace import DEFAULT_CAPABILITIES
from au2.engines.protocol import ContainerSpec
from au2.engines.validation import choose_arguments
from au2.oci.spec.config import ImageConfig

_MESSAGE = re.compile(r'msg="((?:[^"\\]|\\.)*)"')
_STARTING = r"unable to start container process: "
_INSIDE = _STARTING + r"error during container init: "
_IMAGE_FAULTS = (
    (
        re.compile(_STARTING + r'exec: "(.*)": (.*)', re.DOTALL),
        "The image's command {0!r} can't be run: {cause}.",
        "The image's Entrypoint and Cmd say what is run: the program must be in the image, "
        "executable, and named by its whole path or found by the PATH of the image's Env. Fix the "
        "image and upload it to a new version.",
    ),
    (
        re.compile(
            _INSIDE + r'error mounting ".*" to rootfs at "(/[^"]*)": .*(not a directory|'
            r"is a directory|file exists|on ordinary directory|levels of symbolic links)",
            re.DOTALL,
        ),
        "The image has something at {0} that is in the way of what belongs there: {cause}.",
        "Take it out of the image and upload that to a new version.",
    ),
    (
        re.compile(_INSIDE + r"(?:chdir to cwd \(.*\) .*failed|mkdir /.*): (.*)", re.DOTALL),
        "The image's working folder can't be entered: {cause}.",
        "WorkingDir of the image must be a folder that its User may enter. Fix the image and "
        "upload it to a new version.",
    ),
    (
        re.compile(_STARTING + r"unable to setup user: (.*)", re.DOTALL),
        "The image's user can't be looked up: {cause}.",
        "Fix /etc/passwd and /etc/group of the image and upload it to a new version.",
    ),
)
"""Errors of the runtime caused by images: pattern, message and hint."""
_SHOWN = 300
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CPU_PERIOD_MICROSECONDS = 100_000
_LEAST_CPU_QUOTA_MICROSECONDS = 1_000
OOM_SCORE = 500
"""When the whole host runs out of memory, jobs go before what the host is for."""

_NAMESPACES = ("pid", "ipc", "uts", "mount", "cgroup", "network")
_MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
_READ_ONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the container's own
_TERMINALS = 128
_QUIET = ("nosuid", "noexec", "nodev")


class OciRuntime:
    """Client of the OCI runtime; containers are created through the monitor (:mod:`.monitor`)."""

    def __init__(self, command: str, root: Path) -> None:
        self._command = [command, f"--root={root}"]
        self._root = root

    def start(self, container_id: str) -> None:
        """Let a created container run. Raises EngineFailure."""
        run_tool([*self._command, "start", container_id])

    def delete(self, container_id: str) -> None:
        """Kill the container if still running; remove the runtime's state and control groups."""
        if (self._root / container_id).is_dir():
            run_tool([*self._command, "delete", "--force", container_id])

    def is_waiting(self, container_id: str) -> bool:
        """Whether the container is created but not started: its first process waits on a FIFO."""
        return (self._root / container_id / "exec.fifo").exists()


def find_image_fault(said: str) -> InvalidImage | None:
    """Return the image's fault behind an error of the runtime; None if there is none.

    Args:
        said: error output of the OCI runtime (runc) about the creation of a container.
    """
    message = _unescaped(said)
    for pattern, text, hint in _IMAGE_FAULTS:
        if found := pattern.search(message):
            *names, cause = found.groups()
            shown_cause = cause.strip().rstrip(".")[:_SHOWN]
            shown_names = (name[:_SHOWN] for name in names)
            return InvalidImage(text.format(*shown_names, cause=shown_cause), hint=hint)
    return None


def _unescaped(said: str) -> str:
    """Return the message of the last log line in ``said``."""
    lines = _MESSAGE.findall(said)
    return re.sub(r"\\(.)", r"\1", lines[-1]) if lines else said


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Facts of the host and of the container's set-up for its configuration."""

    container: ContainerPaths
    user_namespace: Path
    """File of the container's user namespace (:mod:`au2.engines.native.user_namespace`)."""
    seccomp: Mapping[str, Any]
    can_limit_swap: bool
    has_ipv6: bool


def make_runtime_config(
    spec: ContainerSpec,
    image: ImageConfig,
    user: ContainerUser,
    host: HostFacts,
    options: NativeOptions,
) -> dict[str, Any]:
    """Return the configuration (OCI runtime specification, "Configuration").

    Raises:
        InvalidImage: neither the image nor ``spec`` has a command.
    """
    return {
        "ociVersion": "1.0.2",
        "hostname": spec.hostname,
        "root": {"path": str(host.container.root), "readonly": False},
        "process": _process(spec, image, user),
        "mounts": _mounts(spec, host),
        "linux": _linux(spec, host, options),
        "annotations": dict(spec.labels),
    }


def make_environment(
    image: Sequence[str], added: Mapping[str, str], *, home: str, hostname: str
) -> list[str]:
    """Return ``NAME=value`` items: a shell's usual ones, the image's, then ``added``."""
    values = {"PATH": _PATH, "HOSTNAME": hostname, "HOME": home}
    for item in image:
        name, _, value = item.partition("=")
        values[name] = value
    values.update(added)
    return [f"{name}={value}" for name, value in values.items()]


def _process(spec: ContainerSpec, image: ImageConfig, user: ContainerUser) -> dict[str, Any]:
    return {
        "terminal": False,
        "user": {
            "uid": user.uid,
            "gid": user.gid,
            "umask": 0o022,
            "additionalGids": list(user.groups),
        },
        "args": choose_arguments(image, spec.command),
        "env": make_environment(
            image.env, spec.environment, home=user.home, hostname=spec.hostname
        ),
        "cwd": posixpath.join("/", image.working_dir),
        # Not inheritable and not ambient: a user other than root has none.
        "capabilities": {
            name: list(DEFAULT_CAPABILITIES) for name in ("bounding", "effective", "permitted")
        },
        "noNewPrivileges": spec.no_new_privileges,
        "oomScoreAdj": OOM_SCORE,
    }


def _mounts(spec: ContainerSpec, host: HostFacts) -> list[dict[str, Any]]:
    asked = spec.resources
    shared_memory = f"size={asked.shared_memory_bytes or asked.memory_bytes}"
    # The kernel has some 3000 terminals for all containers.
    terminals = ("newinstance", "ptmxmode=0666", "mode=0620", "gid=5", f"max={_TERMINALS}")
    return [
        _mount("proc", "/proc", *_QUIET),
        _mount("tmpfs", "/dev", "nosuid", "strictatime", "mode=755", "size=65536k"),
        _mount("devpts", "/dev/pts", "nosuid", "noexec", *terminals),
        _mount("tmpfs", _SHARED_MEMORY, *_QUIET, "mode=1777", shared_memory),
        _mount("mqueue", "/dev/mqueue", *_QUIET),
        _mount("sysfs", "/sys", *_QUIET, "ro"),
        _mount("cgroup", "/sys/fs/cgroup", *_QUIET, "relatime", "ro"),
        *(
            _bind(host.container.network_files / name, f"/etc/{name}")
            for name in ("hostname", "hosts", "resolv.conf")
        ),
        _bind(host.container.files, JOB_DIRECTORY),
    ]


def _linux(spec: ContainerSpec, host: HostFacts, options: NativeOptions) -> dict[str, Any]:
    ids = [{"containerID": 0, "hostID": options.id_base, "size": options.id_count}]
    return {
        "namespaces": [
            {"type": "user", "path": str(host.user_namespace)},
            *({"type": name} for name in _NAMESPACES),
        ],
        "uidMappings": ids,
        "gidMappings": ids,
        "cgroupsPath": host.container.control_group,
        "resources": _resources(spec, host),
        "sysctl": _settings(spec, host, options),
        "seccomp": dict(host.seccomp),
        "maskedPaths": list(_MASKED_PATHS),
        "readonlyPaths": list(_READ_ONLY_PATHS),
    }


def _resources(spec: ContainerSpec, host: HostFacts) -> dict[str, Any]:
    asked = spec.resources
    memory = {"limit": asked.memory_bytes}
    if host.can_limit_swap:
        # Memory and swap together: so there is no swap.
        memory["swap"] = asked.memory_bytes
    quota = max(int(asked.cpu * _CPU_PERIOD_MICROSECONDS), _LEAST_CPU_QUOTA_MICROSECONDS)
    return {
        "memory": memory,
        "cpu": {"quota": quota, "period": _CPU_PERIOD_MICROSECONDS},
        "pids": {"limit": asked.processes},
        "devices": [{"allow": False, "access": "rwm"}],
    }


def _settings(spec: ContainerSpec, host: HostFacts, options: NativeOptions) -> dict[str, str]:
    """Return settings of the container's network: low ports and ping need no privileges."""
    settings = {
        "net.ipv4.ip_unprivileged_port_start": "0",
        "net.ipv4.ping_group_range": f"0 {options.id_count - 1}",
        # The way out is the only one: no router may name another.
        "net.ipv4.conf.all.accept_redirects": "0",
        "net.ipv4.conf.default.accept_redirects": "0",
    }
    if host.has_ipv6:
        # "localhost" is ::1 too, whatever the host has switched off for itself.
        settings["net.ipv6.conf.lo.disable_ipv6"] = "0"
        if spec.resources.network is Network.INTERNET:
            # For the card that comes later. Not "all": that would be the loopback device too.
            settings["net.ipv6.conf.default.disable_ipv6"] = "1"
    return settings


def _mount(kind: str, destination: str, *options: str) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": kind, "options": list(options)}


def _bind(source: Path, destination: str) -> dict[str, Any]:
    return {
        "destination": destination,
        "type": "bind",
        "source": str(source),
        "options": ["bind", "rw", "nosuid", "nodev"],
    }
