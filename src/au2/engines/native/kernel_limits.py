"""Limits of the host's kernel that all containers share: are they high enough?

What one container can take of them is held by other means (:mod:`.user_namespace`,
:mod:`.firewall`) or named in ``docs/concepts/isolation.md``; here is what an operator can change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from au2.engines.base import Check
from au2.engines.native.options import NativeOptions

SETTINGS = Path("/proc/sys")


@dataclass(frozen=True, slots=True)
class KernelLimit:
    """A kernel setting, and how much of it the containers and the host need."""

    name: str
    """As ``sysctl`` names it."""
    for_host: int
    for_container: int
    purpose: str
    is_needed: bool
    """Whether jobs fail where it is too low; else one job can only get in the way of others."""

    def check(self, containers: int, settings: Path) -> Check | None:
        """Judge the host's value; None: this kernel has no such setting, or a part not loaded."""
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
