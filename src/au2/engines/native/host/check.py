"""Check of the host: the needs of the engine, kernel limits, and advice where one is missing."""

import ipaddress
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from au2.domain.errors import EngineFailure, Unsupported
from au2.engines.native.host.cgroup import find_hierarchies
from au2.engines.native.host.host_ids import check_host_ids
from au2.engines.native.host.system import is_full, run_tool
from au2.engines.native.network.firewall import Firewall
from au2.engines.native.network.resolver import find_resolver
from au2.engines.native.options import NativeOptions
from au2.engines.native.paths import EnginePaths
from au2.engines.native.rootfs.mounts import try_overlay
from au2.engines.protocol import Check

_FILE_SYSTEMS = Path("/proc/filesystems")
_USER_NAMESPACES = Path("/proc/sys/user/max_user_namespaces")
SETTINGS = Path("/proc/sys")


def check_host(paths: EnginePaths, options: NativeOptions) -> Sequence[Check]:
    """Return one finding per need. Never raises."""
    if not sys.platform.startswith("linux"):
        return [Check("system", ok=False, message="containers need Linux; run the server there")]
    findings = [Check("system", ok=True, message="Linux"), _check_root()]
    findings += _check_tools(options)
    findings += [
        _check_groups(),
        _check_user_namespaces(),
        _check_overlay(paths, options),
        _check_packet_filter(options),
        _check_name_servers(options),
        check_host_ids(options),
        *check_kernel_limits(options),
    ]
    return findings


def missing_needs(options: NativeOptions) -> Iterator[str]:
    """Yield a message for each missing need that is quick to check."""
    if not sys.platform.startswith("linux"):
        yield "containers need Linux; run the server there"
        return
    findings = [_check_root(), *_check_tools(options), _check_groups(), _check_user_namespaces()]
    yield from (finding.message for finding in findings if not finding.ok)


def _check_root() -> Check:
    if os.geteuid() == 0:
        return Check("root", ok=True, message="running as root")
    return Check("root", ok=False, message="the server must run as root: start it with sudo")


def _check_tools(options: NativeOptions) -> list[Check]:
    tools = (
        (options.runtime_command, "runc", "the OCI runtime"),
        (options.monitor_command, "conmon", "the container monitor"),
        ("ip", "iproute2", "network set-up"),
        ("nsenter", "util-linux", "network set-up"),
        ("setpriv", "util-linux", "user namespaces"),
        ("unshare", "util-linux", "user namespaces"),
        ("nft", "nftables", "the packet filter"),
    )
    return [_check_tool(*tool) for tool in tools]


def _check_tool(command: str, package: str, purpose: str) -> Check:
    found = find_tool(command)
    if found is not None:
        return Check(command, ok=True, message=found)
    text = f"{command} ({purpose}) is missing: apt-get install {package}"
    return Check(command, ok=False, message=text)


def find_tool(command: str) -> str | None:
    """Return the absolute path of a tool, administrators' ones included."""
    return shutil.which(command) or shutil.which(command, path="/usr/local/sbin:/usr/sbin:/sbin")


def _check_groups() -> Check:
    try:
        missing = find_hierarchies().missing_controllers()
    except OSError as error:
        return Check("control groups", ok=False, message=f"can't be read: {error}")
    if not missing:
        return Check("control groups", ok=True, message="cpu, memory, pids")
    text = f"the kernel's control groups lack {', '.join(missing)}: mount them (cgroup version 2)"
    return Check("control groups", ok=False, message=text)


def _check_user_namespaces() -> Check:
    try:
        count = int(_USER_NAMESPACES.read_text("ascii"))
    except (OSError, ValueError):
        count = 0
    if count > 0:
        return Check("user namespaces", ok=True, message=f"up to {count}")
    text = "switched off: set the kernel setting user.max_user_namespaces to 10000 (sysctl -w)"
    return Check("user namespaces", ok=False, message=text)


def _check_overlay(paths: EnginePaths, options: NativeOptions) -> Check:
    """Mount an overlay: success depends on the file system of the data folder."""
    if os.geteuid() != 0:
        return Check("overlayfs", ok=False, message="can only be tried as root")
    try:
        try_overlay(paths.data_dir, owner=options.id_base)
    except OSError as error:
        if is_full(error):
            # No reason not to start: freeing space needs a server, and new jobs wait for space.
            text = f"was not tried: the disk of {paths.data_dir} is full"
            return Check("overlayfs", ok=True, message=text)
        text = f"can't be used in {paths.data_dir} ({error}): put it on ext4 or xfs"
        return Check("overlayfs", ok=False, message=text)
    return Check("overlayfs", ok=True, message=f"works in {paths.data_dir}")


def _check_packet_filter(options: NativeOptions) -> Check:
    """Let the kernel look at the rules without putting them in force."""
    if os.geteuid() != 0:
        return Check("packet filter", ok=False, message="can only be tried as root")
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
            text += "; if it lacks nft_connlimit, set connections = 0 under [network]"
        return Check("packet filter", ok=False, message=text)
    return Check("packet filter", ok=True, message="the kernel takes the rules")


def _check_name_servers(options: NativeOptions) -> Check:
    found = find_resolver(options)
    if found.servers:
        text = ", ".join(found.servers)
        if found.search:
            text += f"; names are also looked for in {', '.join(found.search)}"
        return Check("name servers", ok=True, message=text)
    text = "the host has no name server that containers can reach: set dns under [network]"
    return Check("name servers", ok=False, message=text)


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
    """Yield the settings that matter. Pure."""
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
    """Yield one finding for each setting that there is."""
    for limit in list_limits(options):
        found = limit.check(options.containers, settings)
        if found is not None:
            yield found
