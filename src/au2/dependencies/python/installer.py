"""Installer of Python dependencies: uv resolves and installs them in build containers."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from packaging.utils import canonicalize_name

from au2.dependencies.build_container import (
    BUILD_DIRECTORY,
    DRIVERS,
    BuildOptions,
    ToolImages,
    run_build,
    tool_files,
)
from au2.dependencies.file_cache import FileCache
from au2.dependencies.gateway import ADDRESS
from au2.dependencies.installer import BuiltWheel, InstallResult, InstallTask, Lock, LockedPackage
from au2.dependencies.python.built_wheels import BuiltWheels
from au2.dependencies.python.index import PythonIndex
from au2.dependencies.python.index_page import ListedFile, PackageFile
from au2.dependencies.python.install_routes import FileClash, InstallRoutes
from au2.dependencies.python.installed_wheels import InstalledWheels
from au2.dependencies.python.resolve_routes import PythonRoutes, ResolveRoutes
from au2.dependencies.python.runtime_python import DIRECTORY, PythonRuntime, make_entries
from au2.dependencies.python.wheel_resolver import UV_ENVIRONMENT
from au2.dependencies.received_tree import ReceivedTree
from au2.domain.errors import DependenciesFailed
from au2.engines.protocol import Engine
from au2.oci.spec.digest import sha256_of
from au2.oci.tar.writer import LayerEntry
from au2.package.requirements import Requirement, Requirements
from au2.stores.content.protocol import IngesterProvider

_TOOL = f"uv {version('uv')}"
_UV = f"{BUILD_DIRECTORY}/uv"
_DRIVER = f"{BUILD_DIRECTORY}/python.py"
_DRIVER_FILES = ("python.py", "describe.py", "compile.py")
_ENVIRONMENT = {
    **UV_ENVIRONMENT,
    "PYC_INVALIDATION_MODE": "UNCHECKED_HASH",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    # Time of the files in wheels that are built: the first that ZIP knows.
    "SOURCE_DATE_EPOCH": "315532800",
    "UV_CACHE_DIR": f"{BUILD_DIRECTORY}/cache",
    "UV_DEFAULT_INDEX": f"{ADDRESS}/simple/",
}
_HINTS = (
    (
        r"was not found in the (package registry|provided package locations)",
        "Check how the name is written; if it is an internal package, ask your operator to add its "
        "index to the server's settings.",
    ),
    (
        r"Failed to (build|download and build)|Call to `.*` failed",
        "It comes as source only and could not be built on this runtime: choose a version that has "
        "a wheel, or a runtime with the tools it needs.",
    ),
    (
        r"No solution found|unsatisfiable|no version of",
        "Change the versions in requirements.txt so that they fit together.",
    ),
)
"""Pattern in uv's output, and hint."""


@dataclass(frozen=True, slots=True)
class PythonRequest:
    """Contents of ``requirements.txt``, and the overrides in ``aunsight.yml``."""

    requirements: Requirements
    override: tuple[str, ...] = ()
    """Projects to install although the runtime has them."""

    def to_document(self) -> Mapping[str, object]:
        """Return everything on which the layer depends, as JSON."""
        return {"requirements": self.requirements, "override": sorted(self.overrides)}

    @property
    def overrides(self) -> frozenset[str]:
        """Normalised names of the overrides."""
        return frozenset(canonicalize_name(name) for name in self.override)

    @property
    def hashes(self) -> Mapping[str, frozenset[str]]:
        """Allowed digests by project; a project without any may have any."""
        found: dict[str, frozenset[str]] = {}
        for asked in (*self.requirements.requirements, *self.requirements.constraints):
            if asked.hashes:
                found[asked.name] = found.get(asked.name, frozenset()) | set(asked.hashes)
        return found

    def to_plan(self) -> Mapping[str, object]:
        """Return the plan for the build container's driver."""
        asked = self.requirements
        formats = [
            *(f"--no-binary={name}" for name in asked.no_binary),
            *(f"--only-binary={name}" for name in asked.only_binary),
        ]
        return {
            "requirements": _format(asked.requirements),
            "constraints": _format(asked.constraints),
            "options": [*formats, *(["--prerelease=allow"] if asked.prereleases else [])],
            "formats": formats,
        }

    def check_hashes(self, pins: Mapping[str, str]) -> None:
        """Raise DependenciesFailed if hashes are required and one has none."""
        hashes = self.hashes
        missing = [name for name in sorted(pins) if name not in hashes]
        if missing and self.requirements.require_hashes:
            raise DependenciesFailed(
                f"--require-hashes is given, but these have no --hash: {', '.join(missing)}.",
                hint="Write every package and its hashes, like `uv pip compile --generate-hashes`.",
            )


def _format(asked: tuple[Requirement, ...]) -> str:
    return "".join(f"{requirement.text}\n" for requirement in asked)


@dataclass(frozen=True, slots=True)
class _Installed:
    """Result of an installation."""

    entries: list[LayerEntry]
    site_directory: str
    files: Mapping[str, tuple[str, PackageFile]]
    """Version and file by project."""


@dataclass(frozen=True, slots=True)
class _Resolution:
    """Compatible versions of all projects."""

    pins: Mapping[str, str]
    from_runtime: Mapping[str, str]
    built: Mapping[str, BuiltWheel]
    has_run_code: bool
    """Whether code of packages may have run, which could have made up the result."""
    found: dict[str, list[ListedFile]]
    """Files by project, as the index listed them."""
    installed: _Installed | None = None
    """The installation, if the same container made it."""


class PythonInstaller:
    """:class:`~au2.dependencies.installer.Installer` with uv.

    Args:
        engine: runs the build containers.
        blobs: images and built wheels.
        index: client of the packages' indexes.
        cache: cache of package files.
        options: limits of a build.
        uv: the program, for the runtimes' architecture.
    """

    def __init__(
        self,
        engine: Engine,
        blobs: IngesterProvider,
        *,
        index: PythonIndex,
        cache: FileCache,
        options: BuildOptions,
        uv: Path,
    ) -> None:
        self._engine = engine
        self._blobs = blobs
        self._index = index
        self._cache = cache
        self._options = options
        self._workers = max(1, math.ceil(options.cpu))
        drivers = {f"{BUILD_DIRECTORY}/{name}": DRIVERS / name for name in _DRIVER_FILES}
        contents = b"".join(file.read_bytes() for file in drivers.values())
        self.tool = f"{_TOOL}, driver {sha256_of(contents)}"
        self.programs = f"{DIRECTORY}/bin"
        files = {_UV: uv, **drivers}
        self._images = ToolImages(blobs, lambda: tool_files(files), (DIRECTORY,))

    def make(self, request: PythonRequest, task: InstallTask) -> InstallResult:
        """See :class:`~au2.dependencies.installer.Installer`."""
        if task.lock is None:
            task.run.log("Resolving which versions fit together")
            resolution = self._resolve(request, task)
        else:
            task.run.log("Installing what was locked before")
            resolution = _from_lock(task.lock)
        installed = resolution.installed
        if installed is None:
            routes = self._install_routes(request, task, resolution)
            installed = self._install(routes, task)
        if installed is None:
            task.run.log("Two packages have a file of the same path: all are installed, one by one")
            routes = self._install_routes(request, task, resolution, one_by_one=True)
            installed = self._install(routes, task)
        if installed is None:
            raise DependenciesFailed("the installed packages have contradicting files.")
        lock = Lock(
            tool=_TOOL,
            key=task.key,
            context_only=resolution.has_run_code,
            packages=tuple(_lock_packages(installed.files, resolution)),
            from_runtime=resolution.from_runtime,
        )
        return InstallResult(make_entries(installed.entries, installed.site_directory), lock)

    def _resolve(self, request: PythonRequest, task: InstallTask) -> _Resolution:
        """Return compatible versions; most often the same container installs them."""

        def begin_install(found: ResolveRoutes) -> InstallRoutes:
            resolution = _Resolution(found.pins or {}, {}, {}, False, found.found)
            return self._install_routes(request, task, resolution)

        routes = ResolveRoutes(
            self._index,
            task.run.log,
            built_before=self._built_wheels(task),
            overrides=request.overrides,
            hashes=request.hashes,
            builds=bool(request.requirements.no_binary),
            begin_install=begin_install,
        )
        runtime = self._run("resolve", request.to_plan(), routes, task)
        pins = routes.pins or {}
        request.check_hashes(pins)
        resolution = _Resolution(
            pins, routes.from_runtime, routes.built, routes.has_run_code, routes.found
        )
        if not isinstance(routes.installing, InstallRoutes):
            return resolution
        return replace(resolution, installed=self._finish(routes.installing, runtime, task))

    def _install(self, routes: InstallRoutes, task: InstallTask) -> _Installed | None:
        plan = {"one_by_one": routes.cache is None}
        return self._finish(routes, self._run("install", plan, routes, task), task)

    def _finish(
        self, routes: InstallRoutes, runtime: PythonRuntime, task: InstallTask
    ) -> _Installed | None:
        """Return the installation; None: two packages have different files of one path."""
        try:
            entries = routes.finish(runtime.executable)
        except FileClash:
            return None
        old = len(routes.pins) - len(routes.missing)
        if old:
            task.run.log(f"{old} of {len(routes.pins)} were installed before")
        files = {name: (pin, routes.find_installed(name)) for name, pin in routes.pins.items()}
        return _Installed(entries, runtime.site_directory, files)

    def _install_routes(
        self,
        request: PythonRequest,
        task: InstallTask,
        resolution: _Resolution,
        *,
        one_by_one: bool = False,
    ) -> InstallRoutes:
        shared = f"{task.runtime_digest} {self.tool}"
        # Wheels of one context are only for a result of that context.
        own = (f"{shared} {task.run.scope}",) if resolution.has_run_code else ()
        installed = InstalledWheels(self._cache, (shared, *own), DIRECTORY.strip("/"), task.folder)
        return InstallRoutes(
            self._index,
            task.run.log,
            found=resolution.found,
            pins=resolution.pins,
            hashes=request.hashes,
            known=self._known_files(resolution, task),
            tree=ReceivedTree(task.folder, DIRECTORY.strip("/"), self._options.layer_max_bytes),
            cache=None if one_by_one else installed,
        )

    def _run(
        self, step: str, plan: Mapping[str, object], routes: PythonRoutes, task: InstallTask
    ) -> PythonRuntime:
        result = run_build(
            self._engine,
            self._images.ensure(task.runtime_digest),
            step,
            files={"plan.json": json.dumps({**plan, "workers": self._workers}).encode()},
            environment=_ENVIRONMENT,
            command=("python3", "-I", _DRIVER, step),
            routes=routes,
            options=self._options,
            run=task.run,
        )
        if result.exit_code == 0 and routes.runtime is not None:
            return routes.runtime
        if result.refusal is not None:
            raise result.refusal
        installed = {} if routes.runtime is None else routes.runtime.installed
        raise DependenciesFailed(
            "The dependencies could not be installed: see the log.",
            hint=advise(result.tail, {name: found.version for name, found in installed.items()}),
        )

    def _built_wheels(self, task: InstallTask) -> BuiltWheels:
        scope = f"{task.run.scope} {task.runtime_digest} {self.tool}"
        return BuiltWheels(self._blobs, self._cache, scope)

    def _known_files(self, resolution: _Resolution, task: InstallTask) -> dict[str, PackageFile]:
        """Return the file of each project with a single choice."""
        known: dict[str, PackageFile] = {}
        for package in () if task.lock is None else task.lock.packages:
            sha256 = package.digest.removeprefix("sha256:")
            path = self._cache.find("files", sha256)
            known[package.name] = PackageFile(package.file, sha256, path)
        for name, wheel in resolution.built.items():
            path = self._built_wheels(task).open(wheel)
            known[name] = PackageFile(wheel.file, wheel.digest.removeprefix("sha256:"), path)
        return known


def _from_lock(lock: Lock) -> _Resolution:
    pins = {package.name: package.version for package in lock.packages}
    built = {package.name: package.built for package in lock.packages if package.built}
    return _Resolution(pins, lock.from_runtime, built, lock.context_only, {})


def _lock_packages(
    files: Mapping[str, tuple[str, PackageFile]], resolution: _Resolution
) -> Iterator[LockedPackage]:
    for name in sorted(files):
        pin, choice = files[name]
        built = resolution.built.get(name)
        source = (None, None) if built is None else (built.source_file, built.source_digest)
        yield LockedPackage(name, pin, choice.filename, f"sha256:{choice.sha256}", *source)


def advise(tail: Sequence[str], runtime: Mapping[str, str]) -> str:
    """Return a hint of one or two sentences.

    Args:
        tail: last lines of the output.
        runtime: version by name of the runtime's distributions.
    """
    # uv breaks messages into lines with a margin.
    text = " ".join(re.sub(r"[^\x20-\x7e`]+", " ", line) for line in tail)
    text = " ".join(text.split())
    clashing = [
        f"{name} {version}"
        for name, version in sorted(runtime.items())
        if re.search(rf"(?<![\w.-]){re.escape(name)}==?{re.escape(version)}(?![\w.])", text)
    ]
    if clashing and re.search(r"No solution found|unsatisfiable", text):
        names = ", ".join(name.split()[0] for name in clashing)
        return (
            f"The runtime has {', '.join(clashing)}. Choose versions that fit, or install another "
            f"version over it: write 'dependencies: {{override: [{names}]}}' into aunsight.yml."
        )
    for pattern, advice in _HINTS:
        if re.search(pattern, text):
            return advice
    return "Fix the error that the installer reports above, then upload again."
