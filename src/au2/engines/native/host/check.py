"""Check of the host: the needs of the engine, kernel limits, and advice where one is missing."""

import ipaddress
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from au2.domain.errors import EngineFailure, Unsupported
from au2.engines.native.host.cgroup import find_hierarchies
from au2.engines.native.host.host_ids import check_host_ids
from au2.engines.native.host.system import is_full, run_tool
from au2.engines.native.network.firewall import Firewall
from au2.engines.native.network.resolver import find_resolver
from au2.engines.native.options import NativeOptions
from au2.engines.native.paths import EnginePaths
from au2.engines.native.rootfs.root_mounts import try_overlay
from au2.engines.protocol import Check

_USER_NAMESPACES = Path("/proc/sys/user/max_user_namespaces")
SETTINGS = Path("/proc/sys")
_NO_LINUX = "containers need Linux; run the server there"


class _Missing(Exception):
    """An unmet need; the message is finding and advice."""


def check_host(paths: EnginePaths, options: NativeOptions) -> Sequence[Check]:
    """Return one finding per need. Never raises."""
    if not sys.platform.startswith("linux"):
        return [Check("system", ok=False, message=_NO_LINUX)]
    return [
        Check("system", ok=True, message="Linux"),
        *_check_quickly(options),
        _check("overlayfs", lambda: _check_overlay(paths, options)),
        _check("packet filter", lambda: _check_packet_filter(options)),
        _check("name servers", lambda: _check_name_servers(options)),
        check_host_ids(options),
        *check_kernel_limits(options),
    ]


def missing_needs(options: NativeOptions) -> Iterator[str]:
    """Yield a message for each missing need, of those with a quick check."""
    if not sys.platform.startswith("linux"):
        yield _NO_LINUX
        return
    yield from (finding.message for finding in _check_quickly(options) if not finding.ok)


def _check(name: str, find: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, message=find())
    except _Missing as missing:
        return Check(name, ok=False, message=str(missing))


def _check_quickly(options: NativeOptions) -> list[Check]:
    tools = (
        (options.runtime_command, "runc", "the OCI runtime"),
        (options.monitor_command, "conmon", "the container monitor"),
        ("ip", "iproute2", "network set-up"),
        ("nsenter", "util-linux", "network set-up"),
        ("setpriv", "util-linux", "user namespaces"),
        ("unshare", "util-linux", "user namespaces"),
        ("nft", "nftables", "the packet filter"),
    )
    return [
        _check("root", _check_root),
        *(_check(tool[0], partial(_check_tool, *tool)) for tool in tools),
        _check("control groups", _check_groups),
        _check("user namespaces", _check_user_namespaces),
    ]


def _check_root() -> str:
    if os.geteuid() != 0:
        raise _Missing("the server must run as root: start it with sudo")
    return "running as root"


def _check_tool(command: str, package: str, purpose: str) -> str:
    found = find_tool(command)
    if found is None:
        raise _Missing(f"{command} ({purpose}) is missing: apt-get install {package}")
    return found


def find_tool(command: str) -> str | None:
    """Return the absolute path of a tool, administrators' ones included."""
    return shutil.which(command) or shutil.which(command, path="/usr/local/sbin:/usr/sbin:/sbin")


def _check_groups() -> str:
    try:
        missing = find_hierarchies().missing_controllers()
    except OSError as error:
        raise _Missing(f"can't be read: {error}") from error
    if missing:
        names = ", ".join(missing)
        raise _Missing(
            f"the kernel's control groups have no {names}: mount them (cgroup version 2)"
        )
    return "cpu, memory, pids"


def _check_user_namespaces() -> str:
    try:
        count = int(_USER_NAMESPACES.read_text("ascii"))
    except (OSError, ValueError):
        count = 0
    if count <= 0:
        raise _Missing(
            "switched off: set the kernel setting user.max_user_namespaces to 10000 (sysctl -w)"
        )
    return f"up to {count}"


def _check_overlay(paths: EnginePaths, options: NativeOptions) -> str:
    """Mount an overlay: success depends on the file system of the data folder."""
    if os.geteuid() != 0:
        raise _Missing("can only be tried as root")
    try:
        try_overlay(paths.data_dir, owner=options.id_base)
    except OSError as error:
        if is_full(error):
            # No reason not to start: freeing space needs a server, and new jobs wait for space.
            return f"was not tried: the disk of {paths.data_dir} is full"
        text = f"can't be used in {paths.data_dir} ({error}): put it on ext4 or xfs"
        raise _Missing(text) from error
    return f"works in {paths.data_dir}"


def _check_packet_filter(options: NativeOptions) -> str:
    """Let the kernel look at the rules without putting them in force."""
    if os.geteuid() != 0:
        raise _Missing("can only be tried as root")
    firewall = Firewall(
        instance="check",
        bridge="au2check",
        network=ipaddress.IPv4Network("10.0.0.0/24"),
        name_servers=(),
        allowed_networks=options.allowed_networks,
        connections=options.connections,
    )
    try:
        run_tool(["nft", "--check", "-f", "-"], given=firewall.to_text())
    except (EngineFailure, Unsupported) as error:
        text = f"the kernel does not take the rules ({error.message})"
        if options.connections:
            text += "; without nft_connlimit, set connections = 0 under [network]"
        raise _Missing(text) from error
    return "the kernel takes the rules"


def _check_name_servers(options: NativeOptions) -> str:
    found = find_resolver(options)
    if not found.servers:
        raise _Missing(
            "the host has no name server that containers can reach: set dns under [network]"
        )
    text = ", ".join(found.servers)
    if found.search:
        text += f"; names are also looked for in {', '.join(found.search)}"
    return text


@dataclass(frozen=True, slots=True)
class KernelLimit:
    """Kernel setting, and its least value for the host and for each container."""

    name: str
    """As ``sysctl`` names it."""
    for_host: int
    for_container: int
    purpose: str
    is_needed: bool
    """Whether jobs fail where the limit is too low; else jobs only disturb each other."""

    def check(self, containers: int, settings: Path) -> Check | None:
        """Compare the host's value; None: this kernel does not have the setting."""
        try:
            value = int((settings / self.name.replace(".", "/")).read_text("ascii"))
        except (OSError, ValueError):
            return None
        needed = self.for_host + containers * self.for_container
        if value >= needed:
            return Check(self.name, ok=True, message=f"{value}")
        text = (
            f"{value} ({self.purpose}); {needed} are better for {containers} jobs at a time: "
            f"sysctl -w {self.name}={needed}"
        )
        return Check(self.name, ok=not self.is_needed, message=text)


def list_limits(options: NativeOptions) -> Iterator[KernelLimit]:
    """Yield the relevant kernel settings. Pure."""
    keys = "each container has a key ring of one user"
    connections = "connections of the whole host; or set fewer [network] connections for each job"
    needed = [
        ("kernel.keys.maxkeys", 50, 1, keys),
        ("kernel.pid_max", 4096, 1024, "processes and threads of the whole host"),
        ("fs.inotify.max_user_instances", 64, 0, "each container has as many"),
    ]
    if options.connections:
        name = "net.netfilter.nf_conntrack_max"
        needed.append((name, 16384, options.connections, connections))
    better = [
        ("fs.file-max", 1 << 20, 1 << 14, "open files of the whole host"),
        ("fs.aio-max-nr", 1 << 18, 1 << 16, "asynchronous requests of the whole host"),
        ("fs.pipe-user-pages-soft", 0, 1 << 13, "data in pipes of the jobs' users"),
    ]
    yield from (KernelLimit(*values, is_needed=True) for values in needed)
    yield from (KernelLimit(*values, is_needed=False) for values in better)


def check_kernel_limits(options: NativeOptions, settings: Path = SETTINGS) -> Iterator[Check]:
    """Yield one finding for each setting of this kernel."""
    for limit in list_limits(options):
        found = limit.check(options.containers, settings)
        if found is not None:
            yield found
