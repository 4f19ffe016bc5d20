"""Control groups, version 1, version 2 and mixed: use, limits and removal."""

import errno
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_NANOSECONDS = 1_000_000_000
_MICROSECONDS = 1_000_000
_CPU_CONTROLLERS = ("cpu", "cpuacct")
_CHARGED_BYTES = 256 << 10
"""The kernel asks for so much memory at a time: what is refused may be this far from the limit."""


@dataclass(frozen=True, slots=True)
class ResourceUsage:
    """Counters of one control group."""

    cpu_seconds: float | None = None
    memory_peak_bytes: int | None = None
    out_of_memory_kills: int = 0
    """Processes killed for memory, by the group's limit or because the machine had none left."""
    reached_memory_limit: bool = False
    """Whether the group's own limit refused memory, as far as the kernel tells."""


@dataclass(frozen=True, slots=True)
class ControlGroups:
    """Mounted hierarchies of control groups."""

    controllers: Mapping[str, Path]
    """Version 1: folder by controller; ``name=systemd`` is one without resources."""
    unified: Path | None
    """Version 2, if mounted; in a mixture it has the controllers that version 1 has not."""

    def missing_controllers(self) -> list[str]:
        """Return the needed controllers that no hierarchy has."""
        found = set(self.controllers)
        if self.unified is not None:
            found.update(_read(self.unified / "cgroup.controllers").split())
        return [name for name in ("cpu", "memory", "pids") if name not in found]

    def read_usage(self, group: str) -> ResourceUsage:
        """Return the counters of ``group`` (absolute); None or 0 for unreadable ones."""
        return ResourceUsage(
            cpu_seconds=self._cpu_seconds(group),
            memory_peak_bytes=self._memory_peak(group),
            out_of_memory_kills=self._kills(group),
            reached_memory_limit=self._reached_limit(group),
        )

    def can_limit_swap(self) -> bool:
        """Whether swap is counted. Otherwise a limit of swap fails."""
        memory = self.controllers.get("memory")
        if memory is not None:
            return (memory / "memory.memsw.limit_in_bytes").exists()
        # Version 2 has the file in every group but the first, which the runtime passes over.
        return True

    def limit_socket_buffers(self, group: str, limit_bytes: int) -> None:
        """Limit the data in sockets on version 1, where sockets do not count as memory."""
        memory = self._legacy("memory", group)
        if memory is not None:
            # Without the file the kernel knows no IPv4 at all.
            with suppress(FileNotFoundError):
                (memory / "memory.kmem.tcp.limit_in_bytes").write_text(str(limit_bytes), "ascii")

    def join(self, group: str, pid: int) -> None:
        """Move a process into ``group`` of the hierarchies by which services are stopped.

        Otherwise the stop of the platform's service would end the process too.
        """
        for hierarchy in (self.unified, self.controllers.get("name=systemd")):
            if hierarchy is not None:
                folder = _below(hierarchy, group)
                # Where this is not allowed (a container in a container), it stays where it is.
                with suppress(OSError):
                    folder.mkdir(parents=True, exist_ok=True)
                    (folder / "cgroup.procs").write_text(str(pid))

    def share_cpu(self, group: str, pid: int) -> None:
        """Charge a process that serves the container of ``group`` to the container's CPU.

        In version 1 the process joins the container's groups for counting and limiting CPU only. In
        version 2 these groups limit memory too, which would kill the process; so the process gets a
        group of its own with the same limit of CPU.
        """
        with suppress(OSError):
            for controller in _CPU_CONTROLLERS:
                hierarchy = self.controllers.get(controller)
                if hierarchy is not None:
                    (_below(hierarchy, group) / "cgroup.procs").write_text(str(pid))
            if self.unified is not None and "cpu" not in self.controllers:
                limit = (_below(self.unified, group) / "cpu.max").read_text("ascii")
                own = _below(self.unified, _server_of(group))
                own.mkdir(exist_ok=True)
                (own / "cpu.max").write_text(limit)
                (own / "cgroup.procs").write_text(str(pid))

    def unshare_cpu(self, parent: str, pid: int) -> None:
        """Move the process back into the group ``parent``: only empty groups can be removed."""
        for controller in _CPU_CONTROLLERS:
            hierarchy = self.controllers.get(controller)
            if hierarchy is not None:
                with suppress(OSError):
                    (_below(hierarchy, parent) / "cgroup.procs").write_text(str(pid))

    def remove_container(self, group: str, *, patience_seconds: float) -> None:
        """Remove the groups of a container and its monitor, as :meth:`remove` does."""
        self.remove(group, patience_seconds=patience_seconds)
        self.remove(_server_of(group), patience_seconds=patience_seconds)

    def list_processes(self, group: str) -> set[int]:
        """Return the process ids in ``group`` and below, of any hierarchy."""
        found: set[int] = set()
        for hierarchy in self._list_hierarchies():
            for file in _below(hierarchy, group).glob("**/cgroup.procs"):
                found.update(map(int, _read(file).split()))
        return found

    def remove(self, group: str, *, patience_seconds: float = 0.0) -> None:
        """Remove ``group`` and the groups below everywhere; used groups stay.

        Args:
            group: absolute.
            patience_seconds: total time to wait for processes about to end.
        """
        deadline = time.monotonic() + patience_seconds
        for hierarchy in self._list_hierarchies():
            folder = _below(hierarchy, group)
            if folder.is_dir():
                inner = sorted(folder.rglob("*/"), key=lambda path: len(path.parts), reverse=True)
                for path in [*inner, folder]:
                    _remove_group(path, deadline)

    def _list_hierarchies(self) -> set[Path]:
        return {*self.controllers.values(), *([self.unified] if self.unified else [])}

    def _cpu_seconds(self, group: str) -> float | None:
        legacy = self._legacy("cpuacct", group)
        if legacy is not None:
            return _scaled(_read_number(legacy / "cpuacct.usage"), _NANOSECONDS)
        own = _find(self._unified(group, "cpu.stat"), "usage_usec")
        served = _find(self._unified(_server_of(group), "cpu.stat"), "usage_usec")
        return _scaled(None if own is None else own + (served or 0), _MICROSECONDS)

    def _memory_peak(self, group: str) -> int | None:
        legacy = self._legacy("memory", group)
        if legacy is not None:
            return _read_number(legacy / "memory.max_usage_in_bytes")
        text = self._unified(group, "memory.peak").strip()  # Since Linux 5.19.
        return int(text) if text.isdigit() else None

    def _kills(self, group: str) -> int:
        legacy = self._legacy("memory", group)
        if legacy is not None:
            return _find(_read(legacy / "memory.oom_control"), "oom_kill") or 0
        return _find(self._unified(group, "memory.events"), "oom_kill") or 0

    def _reached_limit(self, group: str) -> bool:
        legacy = self._legacy("memory", group)
        if legacy is None:
            return bool(_find(self._unified(group, "memory.events"), "oom"))
        # The peak tells: kernels from 6.18 on no longer count in memory.failcnt. Files in the page
        # cache may have taken it there too, but another group's limit never does.
        limit = _read_number(legacy / "memory.limit_in_bytes")
        peak = _read_number(legacy / "memory.max_usage_in_bytes")
        return limit is not None and peak is not None and peak >= limit - _CHARGED_BYTES

    def _legacy(self, controller: str, group: str) -> Path | None:
        hierarchy = self.controllers.get(controller)
        return None if hierarchy is None else _below(hierarchy, group)

    def _unified(self, group: str, name: str) -> str:
        return "" if self.unified is None else _read(_below(self.unified, group) / name)


def parse_hierarchies(mountinfo: str) -> ControlGroups:
    """Return the hierarchies listed by ``/proc/self/mountinfo`` (proc(5)). Pure."""
    controllers: dict[str, Path] = {}
    unified = None
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = [*after.split(), "", "", ""][:3]
        if kind not in ("cgroup", "cgroup2"):
            continue
        folder = Path(before.split()[4])
        if kind == "cgroup2":
            unified = unified or folder
        else:
            for name in options.split(","):
                controllers.setdefault(name, folder)
    return ControlGroups(controllers, unified)


def find_hierarchies() -> ControlGroups:
    """Return the control groups of this host."""
    return parse_hierarchies(Path("/proc/self/mountinfo").read_text("utf-8", "replace"))


def _remove_group(folder: Path, deadline: float) -> None:
    while True:
        try:
            folder.rmdir()
        except OSError as error:
            # A process counts until the kernel has taken it apart, some time after it was killed.
            if error.errno == errno.EBUSY and time.monotonic() < deadline:
                time.sleep(0.001)
                continue
        return


def _server_of(group: str) -> str:
    """Return the group of a container's monitor; no container id has an underscore."""
    return f"{group}_monitor"


def _below(hierarchy: Path, group: str) -> Path:
    return hierarchy / group.lstrip("/")


def _read(file: Path) -> str:
    try:
        return file.read_text("ascii", "replace")
    except OSError:
        return ""


def _read_number(file: Path) -> int | None:
    text = _read(file).strip()
    return int(text) if text.isdigit() else None


def _find(text: str, key: str) -> int | None:
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == key and value.strip().isdigit():
            return int(value)
    return None


def _scaled(value: int | None, unit: int) -> float | None:
    return None if value is None else value / unit
