"""Installer of Debian packages: the runtime's own apt, as root of a build container."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from au2.dependencies.build_container import (
    BUILD_DIRECTORY,
    DRIVERS,
    BuildOptions,
    BuildResult,
    ToolImages,
    run_build,
    tool_files,
)
from au2.dependencies.debian.archive import DebFile, DebianArchive
from au2.dependencies.debian.failure import explain_end, explain_missing_apt, explain_plan
from au2.dependencies.debian.routes import DebianRoutes
from au2.dependencies.debian.tree import SystemTree
from au2.dependencies.installer import InstallResult, InstallTask, Lock, LockedPackage
from au2.domain.errors import Au2Error
from au2.engines.protocol import Engine
from au2.oci.spec.digest import sha256_of
from au2.oci.tar.writer import LayerEntry
from au2.package.debian import DebianPackage
from au2.stores.content.protocol import IngesterProvider

_TOOL = "apt"
_DRIVER_FILE = DRIVERS / "debian.pl"
_DRIVER = f"{BUILD_DIRECTORY}/debian.pl"
_NO_PERL = 90
_START = f"[ -x /usr/bin/perl ] || exit {_NO_PERL}; exec /usr/bin/perl {_DRIVER}"
"""Every root of Debian packages has Perl."""
_ROOT = 0
_CHATTER = (
    "Get:",
    "Selecting previously unselected package ",
    "(Reading database ",
    "Preparing to unpack ",
    "Unpacking ",
    "Reading package lists...",
    "Reading state information...",
    "Building dependency tree...",
    "debconf: delaying package configuration",
)
"""Lines of apt that are not passed on: several for every package."""
_ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "0",
    # apt's own user writes there, too.
    "TMPDIR": "/tmp",  # noqa: S108 - of the container
}


@dataclass(frozen=True, slots=True)
class DebianRequest:
    """Contents of ``packages.txt``."""

    packages: tuple[DebianPackage, ...]

    def to_document(self) -> Mapping[str, object]:
        """Return everything on which the layer depends, as JSON."""
        return {"debian": [[package.name, package.version] for package in self.packages]}


class DebianInstaller:
    """:class:`~au2.dependencies.installer.Installer` with the runtime's apt.

    Args:
        engine: runs the build containers.
        blobs: content store of the images.
        archive: client of the Debian archives.
        options: limits of a build.
    """

    def __init__(
        self,
        engine: Engine,
        blobs: IngesterProvider,
        *,
        archive: DebianArchive,
        options: BuildOptions,
    ) -> None:
        self._engine = engine
        self._archive = archive
        self._options = options
        self.programs = ""
        self.tool = f"{_TOOL}, driver {sha256_of(_DRIVER_FILE.read_bytes())}"
        # Root in the container's user namespace, with no more rights than a job's root has.
        self._images = ToolImages(blobs, _tool_entries, (), user=_ROOT)

    def make(self, request: DebianRequest, task: InstallTask) -> InstallResult:
        """See :class:`~au2.dependencies.installer.Installer`."""
        tree = SystemTree(task.folder, self._options.layer_max_bytes)
        routes = DebianRoutes(
            self._archive, task.folder, tree, self._options.layer_max_bytes, task.run.log
        )
        task.run.log("Installing the Debian packages with the runtime's apt")
        result = self._run(request, task, routes)
        if result.exit_code != 0 or routes.plan is None or not routes.has_tree:
            raise _explain(request, routes, result)
        lock = Lock(tool=_TOOL, key=task.key, packages=tuple(sorted(_locked(routes.plan.values()))))
        return InstallResult(tree.make_layer(), lock)

    def _run(self, request: DebianRequest, task: InstallTask, routes: DebianRoutes) -> BuildResult:
        files = {"asked": _format((one.name, one.version) for one in request.packages)}
        if task.lock is not None:
            files["locked"] = _format((one.name, one.version) for one in task.lock.packages)

        def log(line: str) -> None:
            if not line.startswith(_CHATTER):
                task.run.log(line)

        return run_build(
            self._engine,
            self._images.ensure(task.runtime_digest),
            "debian",
            files=files,
            environment=_ENVIRONMENT,
            command=("sh", "-c", _START),
            routes=routes,
            options=self._options,
            run=replace(task.run, log=log),
        )


def _explain(request: DebianRequest, routes: DebianRoutes, result: BuildResult) -> Au2Error:
    if result.refusal is not None:
        return result.refusal
    if routes.has_no_apt or (result.exit_code == _NO_PERL and not routes.sources):
        return explain_missing_apt()
    if routes.failure.text:
        return explain_plan(request.packages, routes.failure)
    return explain_end(result.exit_code, result.tail)


def _format(packages: Iterable[tuple[str, str | None]]) -> bytes:
    """Return a request as ``apt-get satisfy`` takes it: exact names, no options and patterns."""
    parts = [name if version is None else f"{name} (= {version})" for name, version in packages]
    return ", ".join(parts).encode()


def _locked(debs: Iterable[DebFile]) -> Iterable[LockedPackage]:
    for deb in debs:
        yield LockedPackage(deb.name, deb.version, deb.file, f"sha256:{deb.sha256}")


def _tool_entries() -> list[LayerEntry]:
    return tool_files({_DRIVER: _DRIVER_FILE})
