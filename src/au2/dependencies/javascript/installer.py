"""Installer of JavaScript dependencies: npm installs a lock file as ``node_modules``."""

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from au2.dependencies.build_container import (
    BUILD_DIRECTORY,
    DRIVERS,
    BuildOptions,
    ToolImages,
    run_build,
    tool_files,
)
from au2.dependencies.gateway import ADDRESS, Body, GatewayResponse
from au2.dependencies.installer import InstallResult, InstallTask, Lock, LockedPackage
from au2.dependencies.javascript.failure import NpmFailure
from au2.dependencies.javascript.npm_registry import NPM, NpmRegistry, archive_name, npm_entries
from au2.dependencies.received_tree import ReceivedTree
from au2.domain.errors import DependenciesFailed
from au2.domain.jobs.container_contract import PACKAGE_DIRECTORY, USER_ID
from au2.engines.protocol import Engine
from au2.oci.spec.digest import sha256_of
from au2.oci.tar.writer import LayerEntry, directory_entry
from au2.package.javascript import JavaScriptDependencies, LockedModule
from au2.stores.content.protocol import IngesterProvider

PREFIX = "/npm"
_MODULES = f"{PACKAGE_DIRECTORY}/node_modules"
_TOOL = f"npm {NPM.version}"
_DRIVER_FILE = DRIVERS / "javascript.cjs"
_DRIVER = f"{BUILD_DIRECTORY}/javascript.cjs"
_ENVIRONMENT = {
    "NO_COLOR": "1",
    "npm_config_audit": "false",
    "npm_config_cache": f"{BUILD_DIRECTORY}/cache",
    "npm_config_fetch_retries": "0",
    "npm_config_fetch_timeout": "1200000",
    "npm_config_fund": "false",
    "npm_config_logs_max": "0",
    "npm_config_progress": "false",
    "npm_config_registry": f"{ADDRESS}{PREFIX}/",
    "npm_config_replace_registry_host": "never",
    "npm_config_update_notifier": "false",
    "npm_config_userconfig": "/dev/null",
}
_PATH = re.compile(r"/npm/((?:@[^/@]+/)?[^/@]+)(?:/-/([^/]+\.tgz))?")


@dataclass
class JavaScriptRoutes:
    """:class:`~au2.dependencies.gateway.Routes` for one lock file.

    ``log`` takes lines for people.
    """

    registry: NpmRegistry
    log: Callable[[str], None]
    modules: tuple[LockedModule, ...]
    tree: ReceivedTree
    installed_before: Mapping[LockedModule, str] = field(default_factory=dict)
    """SHA-256 (hexadecimal) of archives that were installed before, which must be the same."""
    served: dict[LockedModule, str] = field(default_factory=dict)
    """SHA-256 of every archive that was served."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, path: str) -> GatewayResponse | None:
        """See :class:`~au2.dependencies.gateway.Routes`."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        named = [module for module in self.modules if module.name == found[1]]
        if not named:
            return None
        if found[2] is None:
            return GatewayResponse(_describe(named), "application/json")
        module = next((module for module in named if archive_name(module) == found[2]), None)
        if module is None:
            return None
        before = self.installed_before.get(module)
        file, sha256 = self.registry.fetch(module, self.log, sha256=before)
        with self._lock:
            self.served[module] = sha256
        return GatewayResponse(file)

    def put(self, path: str, body: Body) -> bool:
        """See :class:`~au2.dependencies.gateway.Routes`."""
        if path != "/tree":
            return False
        self.tree.receive(body)
        return True


def archive_url(module: LockedModule) -> str:
    """Return the address of a package's archive at the gateway."""
    return f"{ADDRESS}{PREFIX}/{module.name}/-/{archive_name(module)}"


def _describe(modules: list[LockedModule]) -> bytes:
    """Return a registry's document about one package."""
    versions = {
        module.version: {
            "name": module.name,
            "version": module.version,
            "dist": {"tarball": archive_url(module)}
            | ({"integrity": module.integrity} if module.integrity else {}),
        }
        for module in modules
    }
    latest = modules[-1].version
    document = {"name": modules[0].name, "dist-tags": {"latest": latest}, "versions": versions}
    return json.dumps(document).encode()


@dataclass(frozen=True, slots=True)
class JavaScriptRequest:
    """Contents of ``package.json`` and its lock file."""

    dependencies: JavaScriptDependencies

    def to_document(self) -> Mapping[str, object]:
        """Return everything on which the layer depends, as JSON."""
        asked = self.dependencies
        legacy = {"legacy_peers": True} if asked.legacy_peers else {}
        return {"package": asked.package, "lock": asked.lock, **legacy}


class JavaScriptInstaller:
    """:class:`~au2.dependencies.installer.Installer` with npm.

    Args:
        engine: runs the build containers.
        blobs: content store of the images.
        registry: client of the packages' registry.
        options: limits of a build.
    """

    def __init__(
        self,
        engine: Engine,
        blobs: IngesterProvider,
        *,
        registry: NpmRegistry,
        options: BuildOptions,
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._options = options
        self.programs = f"{_MODULES}/.bin"
        self.tool = f"{_TOOL}, driver {sha256_of(_DRIVER_FILE.read_bytes())}"
        self._images = ToolImages(blobs, self._tool_entries, (PACKAGE_DIRECTORY,))

    def make(self, request: JavaScriptRequest, task: InstallTask) -> InstallResult:
        """See :class:`~au2.dependencies.installer.Installer`."""
        asked = request.dependencies
        tree = ReceivedTree(task.folder, _MODULES.strip("/"), self._options.layer_max_bytes)
        modules = tuple(dict.fromkeys(asked.modules.values()))
        before = _installed_before(modules, task.lock)
        routes = JavaScriptRoutes(self._registry, task.run.log, modules, tree, before)
        # A lock may not mention scripts that exist: then they do not run.
        options = [
            *([] if asked.has_scripts else ["--ignore-scripts"]),
            *(["--legacy-peer-deps"] if asked.legacy_peers else []),
        ]
        plan = {
            "package.json": asked.package,
            "package-lock.json": _lock_for_npm(asked),
            "options": options,
        }
        task.run.log(f"Installing the packages of the lock with {_TOOL}")
        failure = NpmFailure()

        def log(line: str) -> None:
            failure.take(line)
            task.run.log(line)

        result = run_build(
            self._engine,
            self._images.ensure(task.runtime_digest),
            "install",
            files={"plan.json": json.dumps(plan).encode()},
            environment=_ENVIRONMENT,
            command=("node", _DRIVER),
            routes=routes,
            options=self._options,
            run=replace(task.run, log=log),
        )
        if result.exit_code != 0:
            raise result.refusal or DependenciesFailed(failure.message, hint=failure.hint)
        lock = Lock(
            tool=_TOOL,
            key=task.key,
            context_only=asked.has_scripts,
            packages=tuple(sorted(_locked(routes))),
        )
        return InstallResult(_layer_entries(tree.entries), lock)

    def _tool_entries(self) -> list[LayerEntry]:
        return [
            *tool_files({_DRIVER: _DRIVER_FILE}),
            *npm_entries(self._registry, f"{BUILD_DIRECTORY}/npm"),
        ]


def _lock_for_npm(asked: JavaScriptDependencies) -> Mapping[str, object]:
    """Return the lock with the gateway's address of each package: registries' paths differ."""
    packages: Mapping[str, dict[str, object]] = asked.lock["packages"]
    return {
        "name": asked.lock.get("name"),
        "lockfileVersion": asked.lock["lockfileVersion"],
        "requires": True,
        "packages": {
            path: {**entry, "resolved": archive_url(asked.modules[path])}
            if path in asked.modules
            else entry
            for path, entry in packages.items()
        },
    }


def _installed_before(
    modules: Iterable[LockedModule], lock: Lock | None
) -> dict[LockedModule, str]:
    """Return the SHA-256 of archives in the lock."""
    known = {} if lock is None else {(p.name, p.version): p.digest for p in lock.packages}
    return {
        module: known[module.name, module.version].removeprefix("sha256:")
        for module in modules
        if (module.name, module.version) in known
    }


def _locked(routes: JavaScriptRoutes) -> Iterable[LockedPackage]:
    for module, sha256 in routes.served.items():
        yield LockedPackage(module.name, module.version, archive_name(module), f"sha256:{sha256}")


def _layer_entries(tree: Iterable[LayerEntry]) -> list[LayerEntry]:
    """Return the layer. The folder belongs to the job's user: tools keep caches in it."""
    top = _MODULES.strip("/")
    return [
        directory_entry(PACKAGE_DIRECTORY.strip("/"), owner=USER_ID),
        directory_entry(top, owner=USER_ID),
        *tree,
    ]
