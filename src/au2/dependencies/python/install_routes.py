"""Gateway routes for the installation of pinned versions; installed wheels come from the cache."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import ClassVar

from packaging.version import Version

from au2.dependencies.gateway import Body, GatewayResponse
from au2.dependencies.python.index_page import ListedFile, PackageFile, parse_filename
from au2.dependencies.python.installed_wheels import (
    InstalledWheel,
    InstalledWheels,
    clashes,
    merge,
    read_wheel,
    split,
)
from au2.dependencies.python.resolve_routes import PythonRoutes, allowed, format_pins
from au2.dependencies.received_tree import ReceivedTree
from au2.domain.errors import DependenciesFailed
from au2.oci.tar.writer import LayerEntry


class FileClash(Exception):
    """Two wheels have different files of one path: the order of installation decides."""


@dataclass(kw_only=True)
class InstallRoutes(PythonRoutes):
    """Routes for installing, which serve wheels only."""

    pages: ClassVar[re.Pattern[str]] = re.compile(r"/pinned/([a-z0-9]+(?:-[a-z0-9]+)*)/?")
    files: ClassVar[re.Pattern[str]] = re.compile(r"/wheels/([0-9a-f]{32})/([^/]+)")
    files_path: ClassVar[str] = "/wheels"

    pins: Mapping[str, str]
    hashes: Mapping[str, frozenset[str]]
    known: Mapping[str, PackageFile]
    """The only file of a project, if it was built here or is in the lock."""
    tree: ReceivedTree
    cache: InstalledWheels | None
    """Cache of installed wheels; None: all wheels are installed, one by one in order of name."""
    _choices: dict[str, PackageFile] = field(default_factory=dict)
    _ready: dict[str, InstalledWheel] | None = None
    _planning: Lock = field(default_factory=Lock)

    @property
    def unsettled(self) -> dict[str, str]:
        """Pins for which no wheel is known yet."""
        self._plan()
        return {name: pin for name, pin in self.pins.items() if name not in self._choices}

    @property
    def missing(self) -> dict[str, str]:
        """Pins without an installed wheel in the cache."""
        ready = self._plan()
        return {name: pin for name, pin in self.pins.items() if name not in ready}

    def get(self, path: str) -> GatewayResponse | None:
        """See :class:`~au2.dependencies.gateway.Routes`."""
        if path == "/missing":
            return GatewayResponse(format_pins(self.missing).encode())
        if path == "/unsettled":
            return GatewayResponse(format_pins(self.unsettled).encode())
        return super().get(path)

    def put(self, path: str, body: Body) -> bool:
        """Receive the installed files."""
        if path == "/tree":
            self.tree.receive(body)
            return True
        return super().put(path, body)

    def list_files(self, name: str) -> list[ListedFile]:
        """See :meth:`PythonRoutes.list_files`."""
        if name not in self.pins:
            return []
        known = self.known.get(name)
        if known is not None and known.path is not None:
            wheel = parse_filename(known.filename)
            url = known.path.as_uri()
            return [] if wheel is None else [ListedFile(known.filename, wheel, url, known.sha256)]
        wanted = (name, Version(self.pins[name]), True)
        files = [file for file in super().list_files(name) if file.distribution == wanted]
        if known is not None:
            same = (file for file in files if file.filename == known.filename)
            return [file._replace(sha256=known.sha256) for file in same]
        return allowed(files, self.hashes.get(name))

    def find_installed(self, name: str) -> PackageFile:
        """Return the installed wheel of a project. Raises DependenciesFailed."""
        if name in self._plan():
            return self._choices[name]
        for file in self.served.values():
            found = parse_filename(file.filename)
            if found is not None and found.name == name:
                return file
        raise DependenciesFailed(f"{name} was not installed.")

    def finish(self, python: str) -> list[LayerEntry]:
        """Return the entries of the whole installation, and cache its new wheels.

        Args:
            python: path of the interpreter in the runtime.

        Raises:
            FileClash
            StorageFull
        """
        tree = InstalledWheel(self.tree.entries, self.tree.digests)
        if self.cache is None:
            return tree.entries
        entries = merge([*self._plan().values(), tree])
        if entries is None:
            raise FileClash
        self._keep(self.cache, tree, python)
        return entries

    def _keep(self, cache: InstalledWheels, tree: InstalledWheel, python: str) -> None:
        installed = {name: self.find_installed(name) for name in self.missing}
        contents = {
            name: read_wheel(file.path, python)
            for name, file in installed.items()
            if file.path is not None
        }
        wheels = {name: found for name, found in contents.items() if found is not None}
        if clashes(wheels.values()):
            raise FileClash
        for name, wheel in split(tree.entries, tree.digests, wheels, cache.prefix).items():
            cache.keep(installed[name], self.list_files(name), wheel)

    def _plan(self) -> dict[str, InstalledWheel]:
        """Return the wheels in the cache, looked up once: pruning meanwhile does not matter."""
        with self._planning:
            if self._ready is None:
                self._ready = {} if self.cache is None else self._find_cached(self.cache)
        return self._ready

    def _find_cached(self, cache: InstalledWheels) -> dict[str, InstalledWheel]:
        found: dict[str, InstalledWheel] = {}
        for name in sorted(self.pins):
            choice = cache.find_chosen(self.list_files(name))
            wheel = None if choice is None else cache.find(choice.sha256)
            if choice is not None and wheel is not None:
                self._choices[name], found[name] = choice, wheel
        if merge(found.values()) is None:
            return {}  # The installation meets the same clash, and reports it.
        return found
