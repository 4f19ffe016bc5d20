"""Description of the Python in a root file system: version, platform and install scheme."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from packaging.tags import Tag, compatible_tags, cpython_tags

from au2.dependencies.python.wheel import InstallScheme
from au2.domain.errors import RuntimeBuildFailed
from au2.oci.tar.paths import clean_path

_OLDEST_GLIBC = 5
_NEWEST_UV_GLIBC = 40
_SCHEME = ("purelib", "platlib", "scripts", "data", "include")
_MACHINES = frozenset({"x86_64", "aarch64", "ppc64le", "s390x"})


@dataclass(frozen=True, slots=True)
class TargetPython:
    """A CPython for which wheels are chosen and laid out."""

    version: tuple[int, int]
    machine: str
    """``x86_64`` …"""
    glibc: tuple[int, int]
    scheme: InstallScheme

    @property
    def text(self) -> str:
        """``3.11``."""
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def executable(self) -> str:
        """Absolute path of the interpreter."""
        return self.scheme.python

    @property
    def uv_platform(self) -> str:
        """Name of its platform for ``uv --python-platform``."""
        return f"{self.machine}-manylinux_{self.glibc[0]}_{min(self.glibc[1], _NEWEST_UV_GLIBC)}"

    @property
    def platforms(self) -> tuple[str, ...]:
        """Platform tags of the wheels that it accepts, best first (PEP 600)."""
        newest = self.glibc[1]
        modern = [
            f"manylinux_2_{minor}_{self.machine}" for minor in range(newest, _OLDEST_GLIBC - 1, -1)
        ]
        aliases = [(17, "manylinux2014"), (12, "manylinux2010"), (5, "manylinux1")]
        old = [f"{name}_{self.machine}" for minor, name in aliases if newest >= minor]
        return (*modern, *old, f"linux_{self.machine}")

    def tags(self) -> Iterator[Tag]:
        """Yield the tags of the wheels that it accepts, best first (PEP 425)."""
        interpreter = f"cp{self.version[0]}{self.version[1]}"
        yield from cpython_tags(self.version, [interpreter], self.platforms)
        yield from compatible_tags(self.version, interpreter, self.platforms)


def parse_target_python(data: bytes) -> TargetPython:
    """Return the description that a root's own Python printed; nothing in it is trusted.

    Raises:
        RuntimeBuildFailed: not a description, or of a Python that wheels can't be installed for.
    """
    try:
        document: dict[str, Any] = json.loads(data)
        major, minor, _ = (int(number) for number in document["version"])
        library, _, libc = str(document["libc"]).partition(" ")
        glibc = [int(number) for number in libc.split(".")[:2]] if library == "glibc" else [0, 0]
        paths = {name: clean_path(str(document["paths"][name])) for name in _SCHEME}
        executable = "/" + clean_path(str(document["executable"]))
        machine = str(document["machine"])
        found = TargetPython(
            (major, minor), machine, (glibc[0], glibc[1]), InstallScheme(**paths, python=executable)
        )
        kind = str(document["implementation"])
    except Exception as error:
        raise RuntimeBuildFailed("The runtime's Python does not describe itself.") from error
    _check(found, kind)
    return found


def _check(found: TargetPython, kind: str) -> None:
    if kind != "cpython" or found.version < (3, 8) or found.version[0] != 3:
        raise RuntimeBuildFailed(f"The runtime's Python is {kind} {found.text}, not CPython 3.8+.")
    if found.glibc[0] != 2 or not 17 <= found.glibc[1] < 100:
        raise RuntimeBuildFailed("Python packages need a runtime with glibc 2.17 or newer.")
    if found.machine not in _MACHINES:
        raise RuntimeBuildFailed(f"The runtime is for a machine '{found.machine[:40]}'.")
    if "\n" in found.executable or not all(found.scheme):
        raise RuntimeBuildFailed("The folders of the runtime's Python are outside its prefix.")
