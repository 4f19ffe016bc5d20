"""Distributions of a runtime's Python: the resolver sees no other versions of them."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from au2.dependencies.python.index_page import Distribution, ListedFile
from au2.domain.errors import InvalidRequest
from au2.oci.tar.paths import clean_path

_SCHEME = "runtime:"
_MOST_CHARACTERS = 4096


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

    @property
    def versions(self) -> Mapping[str, str]:
        """Version of each distribution by name."""
        return {name: found.version for name, found in self.installed.items()}

    def find_file(self, name: str) -> ListedFile | None:
        """Return a wheel that stands for an installed distribution, if there is one."""
        if name not in self.installed:
            return None
        version = self.installed[name].version
        filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        sha256 = hashlib.sha256(self.installed[name].metadata).hexdigest()
        distribution = Distribution(name, Version(version), True)
        return ListedFile(filename, distribution, f"{_SCHEME}{name}", sha256)

    def find_metadata(self, file: ListedFile) -> bytes | None:
        """Return the metadata of a file that came from :meth:`find_file`."""
        name = file.url.removeprefix(_SCHEME)
        return self.installed[name].metadata if name != file.url else None


def parse_runtime(data: bytes) -> PythonRuntime:
    """Return the description that the driver sent. Raises InvalidRequest."""
    try:
        document = json.loads(data)
        site = str(document["site"])
        installed = dict(_parse_installed(document["installed"]))
        executable = str(document["executable"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidRequest(f"the runtime could not be read: {error}") from error
    if not site.startswith("/") or f"/{clean_path(site)}" != site:
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
