"""What the OCI runtime says (runc 1.1.5), and whose fault it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from au2.domain.errors import InvalidImage
from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.job import Resources
from au2.engines.native.lifecycle.oci_runtime import (
    HostFacts,
    find_image_fault,
    make_environment,
    make_runtime_config,
)
from au2.engines.native.options import NativeOptions
from au2.engines.native.paths import ContainerPaths
from au2.engines.native.rootfs.users import ContainerUser
from au2.engines.native.user_namespace import DEFAULT_CAPABILITIES
from au2.engines.protocol import ContainerSpec
from au2.oci.spec.config import ImageConfig

STARTING = "runc create failed: unable to start container process: "
INSIDE = STARTING + "error during container init: "
IMAGE = ImageConfig(
    architecture="amd64",
    env=("PATH=/bin", "A=image"),
    entrypoint=("/entry",),
    cmd=("default",),
    working_dir="/package",
)
HOST = HostFacts(
    ContainerPaths(
        "job-1",
        storage=Path("/data"),
        runtime=Path("/run/x"),
        bundle=Path("/run/bundle"),
        control_group="/au2-1/job-1",
    ),
    user_namespace=Path("/proc/7/ns/user"),
    seccomp={"defaultAction": "SCMP_ACT_ERRNO"},
    can_limit_swap=True,
    has_ipv6=True,
)


def logged(message: str) -> str:
    """As runc writes it, and the monitor passes it on."""
    escaped = message.replace("\\", "\\\\").replace('"', '\\"')
    return f'time="2026-11-26T15:58:10Z" level=error msg="{escaped}"'


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            STARTING + 'exec: "nope": executable file not found in $PATH',
            "The image's command 'nope' can't be run: executable file not found in $PATH.",
        ),
        (
            STARTING + 'exec: "/nope": stat /nope: no such file or directory',
            "The image's command '/nope' can't be run: stat /nope: no such file or directory.",
        ),
        (
            STARTING + 'exec: "/etc": permission denied',
            "The image's command '/etc' can't be run: permission denied.",
        ),
        (
            INSIDE + "mkdir /f: not a directory",
            "The image's working folder can't be entered: not a directory.",
        ),
        (
            INSIDE + 'chdir to cwd ("/s") set in config.json failed: permission denied',
            "The image's working folder can't be entered: permission denied.",
        ),
        (
            INSIDE + 'error mounting "/data/hosts" to rootfs at "/etc/hosts": mount /data/hosts:'
            "/etc/hosts (via /proc/self/fd/7), flags: 0x5000: not a directory",
            "The image has something at /etc/hosts that is in the way of what belongs there: "
            "not a directory.",
        ),
        (
            INSIDE
            + 'error mounting "proc" to rootfs at "/proc": filesystem "proc" must be mounted '
            "on ordinary directory",
            "The image has something at /proc that is in the way of what belongs there: "
            "on ordinary directory.",
        ),
        (
            STARTING + "unable to setup user: unable to find user 1000: read /etc/passwd: is a "
            "directory",
            "The image's user can't be looked up: unable to find user 1000: read /etc/passwd: is a "
            "directory.",
        ),
    ],
)
def test_the_images(message: str, sentence: str) -> None:
    found = find_image_fault(logged(message))
    assert found is not None
    assert found.message == sentence
    assert "upload" in (found.hint or "")


@pytest.mark.parametrize(
    "message",
    [
        "",
        STARTING + "unable to apply cgroup configuration: no space left on device",
        INSIDE + 'error mounting "/data/hosts" to rootfs at "/etc/hosts": no space left on device',
        INSIDE + "error loading seccomp filter into kernel: invalid argument",
        "runc create failed: container with given ID already exists",
    ],
)
def test_the_platforms(message: str) -> None:
    assert find_image_fault(logged(message)) is None
    assert find_image_fault(message) is None


def test_nothing_is_endless() -> None:
    found = find_image_fault(logged(f'{STARTING}exec: "{"x" * 9000}": {"y" * 9000}'))
    assert found is not None
    assert len(found.message) < 1000


def make_spec(**changes: Any) -> ContainerSpec:
    values: dict[str, Any] = {
        "container_id": "job-1",
        "image_digest": "sha256:" + "0" * 64,
        "environment": {"A": "given"},
        "files": {},
        "resources": Resources(1.5, 256 << 20, 100, 60.0, Network.INTERNET),
        "hostname": "box",
        "labels": {"job": "1"},
    }
    return ContainerSpec(**{**values, **changes})


def make(spec: ContainerSpec, image: ImageConfig = IMAGE, host: HostFacts = HOST) -> dict[str, Any]:
    return make_runtime_config(
        spec, image, ContainerUser(1000, 100, (7,), "/home"), host, NativeOptions()
    )


def quiet(kind: str, destination: str, *more: str) -> dict[str, Any]:
    options = ["nosuid", "noexec", "nodev", *more]
    return {"destination": destination, "type": kind, "source": kind, "options": options}


def bind(source: str, destination: str) -> dict[str, Any]:
    options = ["bind", "rw", "nosuid", "nodev"]
    return {"destination": destination, "type": "bind", "source": source, "options": options}


def test_the_whole_configuration() -> None:
    ids = [{"containerID": 0, "hostID": 1 << 20, "size": 1 << 31}]
    capabilities = list(DEFAULT_CAPABILITIES)
    terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
    terminals.append("max=128")
    devices = ["nosuid", "strictatime", "mode=755", "size=65536k"]
    assert make(make_spec()) == {
        "ociVersion": "1.0.2",
        "hostname": "box",
        "root": {"path": "/run/x/root", "readonly": False},
        "process": {
            "terminal": False,
            "user": {"uid": 1000, "gid": 100, "umask": 0o022, "additionalGids": [7]},
            "args": ["/entry", "default"],
            "env": ["PATH=/bin", "HOSTNAME=box", "HOME=/home", "A=given"],
            "cwd": "/package",
            "capabilities": {
                "bounding": capabilities,
                "effective": capabilities,
                "permitted": capabilities,
            },
            "noNewPrivileges": True,
            "oomScoreAdj": 500,
        },
        "mounts": [
            quiet("proc", "/proc"),
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": devices},
            {
                "destination": "/dev/pts",
                "type": "devpts",
                "source": "devpts",
                "options": terminals,
            },
            quiet("tmpfs", "/dev/shm", "mode=1777", f"size={256 << 20}"),
            quiet("mqueue", "/dev/mqueue"),
            quiet("sysfs", "/sys", "ro"),
            quiet("cgroup", "/sys/fs/cgroup", "relatime", "ro"),
            bind("/data/network/hostname", "/etc/hostname"),
            bind("/data/network/hosts", "/etc/hosts"),
            bind("/data/network/resolv.conf", "/etc/resolv.conf"),
            bind("/data/files", "/run/au2"),
        ],
        "linux": {
            "namespaces": [
                {"type": "user", "path": "/proc/7/ns/user"},
                *({"type": name} for name in ("pid", "ipc", "uts", "mount", "cgroup", "network")),
            ],
            "uidMappings": ids,
            "gidMappings": ids,
            "cgroupsPath": "/au2-1/job-1",
            "resources": {
                "memory": {"limit": 256 << 20, "swap": 256 << 20},
                "cpu": {"quota": 150_000, "period": 100_000},
                "pids": {"limit": 100},
                "devices": [{"allow": False, "access": "rwm"}],
            },
            "sysctl": {
                "net.ipv4.ip_unprivileged_port_start": "0",
                "net.ipv4.ping_group_range": "0 2147483647",
                "net.ipv4.conf.all.accept_redirects": "0",
                "net.ipv4.conf.default.accept_redirects": "0",
                "net.ipv6.conf.lo.disable_ipv6": "0",
                "net.ipv6.conf.default.disable_ipv6": "1",
            },
            "seccomp": {"defaultAction": "SCMP_ACT_ERRNO"},
            "maskedPaths": [
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
            ],
            "readonlyPaths": [
                "/proc/bus",
                "/proc/fs",
                "/proc/irq",
                "/proc/sys",
                "/proc/sysrq-trigger",
            ],
        },
        "annotations": {"job": "1"},
    }


def test_a_command_replaces_cmd_but_not_the_entry_point() -> None:
    assert make(make_spec(command=("other", "x")))["process"]["args"] == ["/entry", "other", "x"]
    assert make(make_spec(command=()))["process"]["args"] == ["/entry"]


def test_something_must_be_run() -> None:
    with pytest.raises(InvalidImage):
        make(make_spec(), ImageConfig(architecture="amd64"))


def test_the_least_share_of_a_core() -> None:
    resources = Resources(0.0001, 1 << 20, 10, 1.0, Network.NONE)
    config = make(make_spec(resources=resources))
    assert config["linux"]["resources"]["cpu"]["quota"] == 1000


def test_where_swap_does_not_count() -> None:
    host = replace(HOST, can_limit_swap=False, has_ipv6=False)
    config = make(make_spec(), host=host)
    assert config["linux"]["resources"]["memory"] == {"limit": 256 << 20}
    assert not any("ipv6" in name for name in config["linux"]["sysctl"])


def test_privileges_as_asked_for() -> None:
    assert make(make_spec(no_new_privileges=False))["process"]["noNewPrivileges"] is False


def test_what_a_shell_expects_is_the_weakest() -> None:
    found = make_environment(["HOME=/image", "E=a=b"], {"PATH": "/given"}, home="/h", hostname="n")
    assert found == ["PATH=/given", "HOSTNAME=n", "HOME=/image", "E=a=b"]
