"""Python of a runtime: version, platform, install scheme, distributions and ``.pth`` link."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from au2.dependencies.python.index_page import Distribution, ListedFile
from au2.dependencies.python.wheel import InstallScheme
from au2.domain.errors import InvalidImage, InvalidRequest, RuntimeBuildFailed
from au2.oci.tar.paths import clean_path
from au2.oci.tar.writer import LayerEntry, bytes_entry, directory_entry, with_parents

DIRECTORY = "/opt/au2/python"
_LINK_NAME = "au2-dependencies.pth"
# Python's `site` module reads it, so no variable of env.yml can remove it. Its place in the path is
# after the standard library and before the runtime's packages, so that overrides are found first.
_LINK = (
    "import site, sys; n = len(sys.path); "
    f"site.addsitedir({DIRECTORY!r}); a = sys.path[n:]; del sys.path[n:]; "
    "i = [d.endswith(('site-packages', 'dist-packages')) for d in [*sys.path, 'site-packages']]"
    ".index(True); sys.path[i:i] = a\n"
)
_URL_SCHEME = "runtime:"
_MOST_CHARACTERS = 4096
_MALFORMED = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    InvalidImage,
)
"""Errors of reading an untrusted description."""
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
        """Platform tags of accepted wheels, best first (PEP 600)."""
        newest = self.glibc[1]
        modern = [
            f"manylinux_2_{minor}_{self.machine}" for minor in range(newest, _OLDEST_GLIBC - 1, -1)
        ]
        aliases = [(17, "manylinux2014"), (12, "manylinux2010"), (5, "manylinux1")]
        old = [f"{name}_{self.machine}" for minor, name in aliases if newest >= minor]
        return (*modern, *old, f"linux_{self.machine}")

    def tags(self) -> Iterator[Tag]:
        """Yield the tags of accepted wheels, best first (PEP 425)."""
        interpreter = f"cp{self.version[0]}{self.version[1]}"
        yield from cpython_tags(self.version, [interpreter], self.platforms)
        yield from compatible_tags(self.version, interpreter, self.platforms)


def parse_target_python(data: bytes) -> TargetPython:
    """Return the untrusted description of a root by its own Python.

    Raises:
        RuntimeBuildFailed: malformed, or a Python for which no wheels can be installed.
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
    except _MALFORMED as error:
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


class Installed(NamedTuple):
    """A distribution of the runtime."""

    version: str
    metadata: bytes


@dataclass(frozen=True, slots=True)
class PythonRuntime:
    """A runtime's Python."""

    site_directory: str
    """Absolute path of the folder that it reads ``.pth`` files from."""
    executable: str
    installed: Mapping[str, Installed]
    """By normalised name."""

    def find_file(self, name: str) -> ListedFile | None:
        """Return a wheel as stand-in for an installed distribution, if any."""
        if name not in self.installed:
            return None
        version = self.installed[name].version
        filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        sha256 = hashlib.sha256(self.installed[name].metadata).hexdigest()
        distribution = Distribution(name, Version(version), True)
        return ListedFile(filename, distribution, f"{_URL_SCHEME}{name}", sha256)

    def find_metadata(self, file: ListedFile) -> bytes | None:
        """Return the metadata of a file of :meth:`find_file`; None: another file."""
        name = file.url.removeprefix(_URL_SCHEME)
        return self.installed[name].metadata if name != file.url else None


def parse_runtime(data: bytes) -> PythonRuntime:
    """Return the runtime from the driver's description. Raises InvalidRequest."""
    try:
        document = json.loads(data)
        site = str(document["site"])
        installed = dict(_parse_installed(document["installed"]))
        executable = str(document["executable"])
        is_clean = f"/{clean_path(site)}" == site
    except _MALFORMED as error:
        raise InvalidRequest(f"the runtime could not be read: {error}") from error
    if not is_clean:
        raise InvalidRequest("the runtime has no folder for packages")
    return PythonRuntime(site, executable, installed)


def _parse_installed(document: Mapping[str, Any]) -> Iterator[tuple[str, Installed]]:
    for name, entry in document.items():
        try:
            version = str(Version(entry["version"]))
        except InvalidVersion:
            continue  # The resolver has no use for it either.
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Provides-Extra: {_line(extra)}" for extra in entry["extras"]]
        lines += [f"Requires-Dist: {_line(requirement)}" for requirement in entry["requires"]]
        yield canonicalize_name(name), Installed(version, "\n".join([*lines, "", ""]).encode())


def _line(text: object) -> str:
    return " ".join(str(text).split())[:_MOST_CHARACTERS]


def make_entries(tree: Iterable[LayerEntry], site_directory: str) -> list[LayerEntry]:
    """Return the entries of the layer with dependencies.

    Args:
        tree: the installed files.
        site_directory: folder of the ``.pth`` files of the runtime's Python.
    """
    link = f"{site_directory}/{_LINK_NAME}".strip("/")
    entries = [
        *tree,
        directory_entry(DIRECTORY.strip("/")),
        bytes_entry(link, _LINK.encode()),
    ]
    return with_parents(entries)
