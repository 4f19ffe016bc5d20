"""A runtime's own Python: what it is, and modules compiled by it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from au2.domain.errors import RuntimeBuildFailed
from au2.oci.tar.layer import LayerMember, MemberType, read_layer
from au2.oci.tar.paths import clean_path
from au2.runtimes.sandbox import Sandbox

_INSIDE = Path(__file__).parent / "inside"
_SCRIPTS = "/dev/au2-scripts"
_SITE = "/dev/au2-site"
_MOST_BYTES = 1 << 20
_OLDEST_GLIBC = 5


@dataclass(frozen=True, slots=True)
class TargetPython:
    """A Python in a root file system. Paths are clean and relative, as in a layer."""

    version: tuple[int, int]
    executable: str
    """Absolute."""
    machine: str
    """``x86_64`` …"""
    glibc: tuple[int, int]
    purelib: str
    platlib: str
    scripts: str
    data: str
    include: str

    @property
    def text(self) -> str:
        """``3.11``."""
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def tag(self) -> str:
        """``cp311``."""
        return f"cp{self.version[0]}{self.version[1]}"

    @property
    def platforms(self) -> tuple[str, ...]:
        """Platform tags of wheels that it takes, best first (PEP 600)."""
        newest = self.glibc[1]
        modern = [
            f"manylinux_2_{minor}_{self.machine}" for minor in range(newest, _OLDEST_GLIBC - 1, -1)
        ]
        aliases = [(17, "manylinux2014"), (12, "manylinux2010"), (5, "manylinux1")]
        old = [f"{name}_{self.machine}" for minor, name in aliases if newest >= minor]
        return (*modern, *old, f"linux_{self.machine}")


def describe_python(sandbox: Sandbox, interpreter: str) -> TargetPython:
    """Ask the interpreter. Raises RuntimeBuildFailed: there is none, or none that will do."""
    command = [interpreter, "-I", f"{_SCRIPTS}/describe.py"]
    with sandbox.output(command, {_SCRIPTS: _INSIDE}) as output:
        data = output.read(_MOST_BYTES)
    return parse_description(data)


def parse_description(data: bytes) -> TargetPython:
    """Return what ``describe.py`` printed, which is believed nothing. Raises RuntimeBuildFailed."""
    try:
        told: dict[str, Any] = json.loads(data)
        major, minor, _ = (int(number) for number in told["version"])
        name, _, libc = str(told["libc"]).partition(" ")
        glibc = [int(number) for number in libc.split(".")[:2]] if name == "glibc" else [0, 0]
        paths = {key: clean_path(str(path)) for key, path in told["paths"].items()}
        found = TargetPython(
            version=(major, minor),
            executable="/" + clean_path(str(told["executable"])),
            machine=str(told["machine"]),
            glibc=(glibc[0], glibc[1]),
            **{key: paths[key] for key in ("purelib", "platlib", "scripts", "data", "include")},
        )
        kind = str(told["implementation"])
    except Exception as error:
        raise RuntimeBuildFailed("The runtime's Python does not say what it is.") from error
    if kind != "cpython" or found.version < (3, 8) or found.version[0] != 3:
        raise RuntimeBuildFailed(f"The runtime's Python is {kind} {found.text}, not CPython 3.8+.")
    if found.glibc[0] != 2 or not 17 <= found.glibc[1] < 100:
        raise RuntimeBuildFailed("Python packages need a runtime with glibc 2.17 or newer.")
    if found.machine not in {"x86_64", "aarch64", "ppc64le", "s390x"}:
        raise RuntimeBuildFailed(f"The runtime is for a machine '{found.machine[:40]}'.")
    if "\n" in found.executable or not all(paths.values()):
        raise RuntimeBuildFailed("The runtime's Python keeps its packages in a strange place.")
    return found


def compile_modules(
    sandbox: Sandbox, python: TargetPython, folder: Path, site: str
) -> Iterator[LayerMember]:
    """Compile the modules in ``folder``; yield the results, with paths below ``site``.

    The same modules give the same bytes. What can't be compiled is left out.

    Raises:
        RuntimeBuildFailed: the interpreter failed.
        InvalidImage: what it wrote is no archive.
    """
    # Not -I, which would also ignore the seed that every sandbox sets.
    command = [python.executable, "-s", "-S", f"{_SCRIPTS}/compile.py", _SITE, f"/{site}"]
    binds = {_SCRIPTS: _INSIDE, _SITE: folder}
    with sandbox.output(command, binds) as output:
        for member in read_layer(output):
            ours = member.type is MemberType.FILE and member.path.endswith(".pyc")
            if ours and "__pycache__" in member.path.split("/"):
                yield member
