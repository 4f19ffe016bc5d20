"""Gateway routes for resolving: the index, as visible to Python's build containers."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import ClassVar
from urllib.parse import quote

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from au2.dependencies.gateway import Body, GatewayResponse, read_whole
from au2.dependencies.installer import BuiltWheel
from au2.dependencies.python.built_wheels import BuiltWheels
from au2.dependencies.python.index import PythonIndex
from au2.dependencies.python.index_page import (
    JSON_TYPE,
    ListedFile,
    PackageFile,
    format_listing,
    parse_filename,
)
from au2.dependencies.python.runtime_python import PythonRuntime, parse_runtime
from au2.domain.errors import InvalidRequest

_RUNTIME_BYTES = 16 << 20
_PINS_BYTES = 4 << 20
_MOST_PINS = 5_000
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==(\S{1,200})")
_BUILT = re.compile(r"/built/([^/]+\.whl)")


@dataclass
class PythonRoutes:
    """Routes of every Python build. ``log`` takes lines for people."""

    index: PythonIndex
    log: Callable[[str], None]
    runtime: PythonRuntime | None = None
    found: dict[str, list[ListedFile]] = field(default_factory=dict)
    """Files by project, as far as requested; shared by one build's containers."""
    pages: ClassVar[re.Pattern[str]] = re.compile(r"/simple/([a-z0-9]+(?:-[a-z0-9]+)*)/?")
    files: ClassVar[re.Pattern[str]] = re.compile(r"/files/([0-9a-f]{32})/([^/]+)")
    files_path: ClassVar[str] = "/files"
    served: dict[str, PackageFile] = field(default_factory=dict)
    """Files that were served, by name."""
    _listed: dict[str, ListedFile] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, path: str) -> GatewayResponse | None:
        """See :class:`~au2.dependencies.gateway.Routes`."""
        if project := self.pages.fullmatch(path):
            return self._list(project[1])
        if found := self.files.fullmatch(path):
            return self._get_file(found[1], found[2])
        return None

    def put(self, path: str, body: Body) -> bool:
        """See :class:`~au2.dependencies.gateway.Routes`."""
        if path != "/runtime":
            return False
        runtime = parse_runtime(read_whole(body, _RUNTIME_BYTES))
        with self._lock:
            # Sent before any code of packages runs; later descriptions are not trusted.
            self.runtime = self.runtime or runtime
        return True

    def list_files(self, name: str) -> list[ListedFile]:
        """Return the files of a project that are visible to the container, the same all the time.

        Here all files of the index.
        """
        if name not in self.found:
            self.found[name] = self.index.list_files(name)
        return self.found[name]

    def read_metadata(self, file: ListedFile) -> bytes:
        """Return a wheel's metadata."""
        return self.index.read_metadata(file, self.log)

    def _list(self, name: str) -> GatewayResponse | None:
        files = self.list_files(name)
        if not files:
            return None
        keys = {file.url: hashlib.sha256(file.url.encode()).hexdigest()[:32] for file in files}
        with self._lock:
            self._listed.update((keys[file.url], file) for file in files)

        def link(file: ListedFile) -> str:
            return f"{self.files_path}/{keys[file.url]}/{quote(file.filename)}"

        return GatewayResponse(format_listing(name, files, link), JSON_TYPE)

    def _get_file(self, key: str, filename: str) -> GatewayResponse | None:
        with self._lock:
            file = self._listed.get(key)
        if file is None:
            return None
        if filename == f"{file.filename}.metadata":
            return GatewayResponse(self.read_metadata(file))
        if filename != file.filename:
            return None
        if not file.distribution.is_wheel and file.filename not in self.served:
            self.log(f"Building {file.filename}")
        path, sha256 = self.index.fetch(file, self.log)
        with self._lock:
            self.served[file.filename] = PackageFile(file.filename, sha256, path)
        return GatewayResponse(path)


@dataclass(kw_only=True)
class ResolveRoutes(PythonRoutes):
    """Routes for resolving, and for building sdists."""

    built_before: BuiltWheels
    overrides: frozenset[str]
    """Projects that are installed although the runtime has them."""
    hashes: Mapping[str, frozenset[str]]
    """Allowed digests by project."""
    pins: dict[str, str] | None = None
    """Version by project, without those of the runtime."""
    from_runtime: dict[str, str] = field(default_factory=dict)
    builds: bool
    """Whether the package wants some sdists built although there are wheels."""
    begin_install: Callable[["ResolveRoutes"], PythonRoutes]
    """Returns the routes for installing the pins in the same container."""
    installing: PythonRoutes | None = None
    """These routes, once the installation runs."""
    _install: PythonRoutes | None = None
    _built: dict[tuple[str, Version], BuiltWheel] = field(default_factory=dict)

    def get(self, path: str) -> GatewayResponse | None:
        """See :class:`PythonRoutes`; also the pins, with ``/missing`` as start of installation."""
        if path in ("/unsettled", "/missing") and self.pins is not None:
            return self._get_pins(path, self.pins)
        # Once the installation runs, no sdist is served any more.
        return super().get(path) if self.installing is None else self.installing.get(path)

    def _get_pins(self, path: str, pins: Mapping[str, str]) -> GatewayResponse | None:
        if path == "/unsettled" and (self.has_run_code or self.builds):
            return GatewayResponse(format_pins(pins).encode())
        if self.has_run_code:
            return GatewayResponse(b"")  # Code of packages ran: this container installs nothing.
        self._install = self._install or self.begin_install(self)
        if path == "/missing":
            self.installing = self._install
        return self._install.get(path)

    def list_files(self, name: str) -> list[ListedFile]:
        """See :meth:`PythonRoutes.list_files`; of the runtime's projects, its version."""
        if self.runtime is not None and name not in self.overrides:
            file = self.runtime.find_file(name)
            if file is not None:
                return [file]
        found = super().list_files(name)
        files = allowed(found, self.hashes.get(name))
        if found and not files:
            self.log(f"None of the files of {name} has one of the digests that --hash asks for")
        return [*files, *self._list_built(files)]

    def read_metadata(self, file: ListedFile) -> bytes:
        """See :meth:`PythonRoutes.read_metadata`."""
        if self.runtime is not None and (found := self.runtime.find_metadata(file)) is not None:
            return found
        return super().read_metadata(file)

    def put(self, path: str, body: Body) -> bool:
        """Receive the pins, and wheels built in the container."""
        if self.installing is not None:
            return self.installing.put(path, body)
        if path == "/pins":
            self._take_pins(parse_pins(read_whole(body, _PINS_BYTES)))
            return True
        if found := _BUILT.fullmatch(path):
            self._take_built(found[1], body)
            return True
        return super().put(path, body)

    @property
    def built(self) -> dict[str, BuiltWheel]:
        """Pinned wheels built from sdists, by project."""
        pins = ((name, Version(pin)) for name, pin in (self.pins or {}).items())
        return {pin[0]: self._built[pin] for pin in pins if pin in self._built}

    @property
    def has_run_code(self) -> bool:
        """Whether code of packages ran: sdists or wheels built from them were served."""
        sources = any(not name.endswith(".whl") for name in self.served)
        return sources or bool(self._built)

    def _take_pins(self, pins: dict[str, str]) -> None:
        installed = {} if self.runtime is None else self.runtime.installed
        present = set(installed) - self.overrides
        self.from_runtime = {name: pins[name] for name in pins if name in present}
        self.pins = {name: pins[name] for name in pins if name not in present}

    def _list_built(self, files: list[ListedFile]) -> Iterator[ListedFile]:
        """Yield wheels of earlier builds of these sdists."""
        for file in files:
            if file.distribution.is_wheel or file.sha256 is None:
                continue
            wheel = self.built_before.find(file.sha256)
            distribution = None if wheel is None else parse_filename(wheel.file)
            if wheel is not None and distribution is not None:
                self._built[distribution.name, distribution.version] = wheel
                path, digest = self.built_before.open(wheel), wheel.digest.removeprefix("sha256:")
                yield ListedFile(wheel.file, distribution, path.as_uri(), digest)

    def _take_built(self, filename: str, body: Body) -> None:
        """Keep a wheel of a pinned version whose sdist was served."""
        wheel = parse_filename(filename)
        if wheel is None:
            raise InvalidRequest(f"{filename[:200]!r} is no wheel")
        source = wheel._replace(is_wheel=False)
        sources = [name for name in self.served if parse_filename(name) == source]
        pin = (self.pins or {}).get(wheel.name)
        if not sources or pin is None or Version(pin) != wheel.version:
            return  # Built for its metadata, or as a build requirement: nothing to keep.
        kept = self.built_before.keep(filename, body, sources[0], self.served[sources[0]].sha256)
        self._built[wheel.name, wheel.version] = kept


def allowed(files: list[ListedFile], hashes: frozenset[str] | None) -> list[ListedFile]:
    """Return the files with one of the digests; without digests, all files."""
    if not hashes:
        return files
    return [file for file in files if file.sha256 is not None and f"sha256:{file.sha256}" in hashes]


def parse_pins(data: bytes) -> dict[str, str]:
    """Return versions by normalised name. Raises InvalidRequest."""
    found: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        pin = _PIN.fullmatch(line.strip())
        if pin is None or len(found) >= _MOST_PINS:
            raise InvalidRequest(f"{line[:200]!r} is no pinned requirement")
        try:
            Version(pin[2])
        except InvalidVersion as error:
            raise InvalidRequest(str(error)) from error
        found[canonicalize_name(pin[1])] = pin[2]
    return found


def format_pins(pins: Mapping[str, str]) -> str:
    """Return lines ``name==version``, sorted."""
    return "".join(f"{name}=={pins[name]}\n" for name in sorted(pins))
