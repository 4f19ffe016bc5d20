"""Installer of JavaScript dependencies: npm installs a lock file as ``node_modules``."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from au2.dependencies.build_container import BuildOptions, run_build
from au2.dependencies.gateway.server import ADDRESS
from au2.dependencies.installer import InstallResult, InstallTask
from au2.dependencies.javascript.failure import NpmFailure
from au2.dependencies.javascript.npm_registry import NpmRegistry, archive_name
from au2.dependencies.javascript.npm_tool import NPM, npm_entries
from au2.dependencies.javascript.routes import PREFIX, JavaScriptRoutes, archive_url
from au2.dependencies.lock import Lock, LockedPackage
from au2.dependencies.received_tree import ReceivedTree
from au2.dependencies.tool_image import (
    BUILD_DIRECTORY,
    ToolImages,
    driver_file,
    tool_files,
)
from au2.domain.container_contract import PACKAGE_DIRECTORY, USER_ID
from au2.domain.errors import DependenciesFailed
from au2.engines.protocol import Engine
from au2.oci.spec.digest import sha256_of
from au2.oci.tar.writer import LayerEntry, directory_entry
from au2.package.javascript import JavaScriptDependencies, LockedModule
from au2.stores.content.protocol import IngesterProvider

_MODULES = f"{PACKAGE_DIRECTORY}/node_modules"
_TOOL = f"npm {NPM.version}"
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


@dataclass(frozen=True, slots=True)
class JavaScriptRequest:
    """Contents of ``package.json`` and its lock file."""

    dependencies: JavaScriptDependencies

    def to_document(self) -> Mapping[str, object]:
        """Return everything that changes the layer, as JSON."""
        asked = self.dependencies
        legacy = {"legacy_peers": True} if asked.legacy_peers else {}
        return {"package": asked.package, "lock": asked.lock, **legacy}


class JavaScriptInstaller:
    """An :class:`~au2.dependencies.installer.Installer` that uses npm.

    Args:
        engine: runs the build containers.
        blobs: content store of the images.
        registry: where packages come from.
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
        driver = driver_file("javascript.cjs")
        self._tool = f"{_TOOL}, driver {sha256_of(driver.read_bytes())}"
        self._images = ToolImages(blobs, self._tool_entries, (PACKAGE_DIRECTORY,))

    @property
    def tool(self) -> str:
        """See :class:`~au2.dependencies.installer.Installer`."""
        return self._tool

    @property
    def programs(self) -> str:
        """See :class:`~au2.dependencies.installer.Installer`."""
        return f"{_MODULES}/.bin"

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
            raise routes.trouble or DependenciesFailed(failure.message, hint=failure.hint)
        lock = Lock(
            tool=_TOOL,
            key=task.key,
            context_only=asked.has_scripts,
            packages=tuple(sorted(_locked(routes))),
        )
        return InstallResult(_layer_entries(tree.entries), lock)

    def close(self) -> None:
        """Close connections."""
        self._registry.close()

    def _tool_entries(self) -> list[LayerEntry]:
        return [
            *tool_files({_DRIVER: driver_file("javascript.cjs")}),
            *npm_entries(self._registry, f"{BUILD_DIRECTORY}/npm", lambda _: None),
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
    """Return the SHA-256 of the archives that were installed before."""
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
