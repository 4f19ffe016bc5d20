"""Runner with containers: the platform's image, on the platform's engine."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from au2.dependencies.build_container import BuildRun
from au2.dependencies.layer_cache import InstalledDependencies
from au2.domain.accounts.context import Context
from au2.domain.errors import NotFound
from au2.engines.protocol import ContainerSpec
from au2.execution.execution import ContainerExecution
from au2.execution.job_inputs import make_environment, make_files
from au2.images.package_image import build_package
from au2.local.engine import LocalEngine
from au2.local.output import ContainerLog
from au2.local.request import NOBODY
from au2.local.runner import LocalRun, PreparedExecution, Runner, Tell
from au2.local.runtime_search import FindRuntime, RuntimeImage
from au2.oci.streams import CHUNK_BYTES
from au2.package import names
from au2.package.check import PackageOnDisk, read_from
from au2.package.description import PackageDescription, describe_package
from au2.package.environment import plain_texts
from au2.package.tree.entries import PackagedFile
from au2.stores.content.protocol import IngesterProvider

_SMALL_BYTES = 1 << 20
_DEPENDENCIES = frozenset(
    {names.PYTHON_DEPENDENCIES, names.JAVASCRIPT_DEPENDENCIES, names.DEBIAN_PACKAGES}
)

InstallDependencies = Callable[
    [LocalEngine, PackageDescription, str, BuildRun], InstalledDependencies
]
"""Installs the dependencies of a package for the runtime's image."""


@dataclass(slots=True)
class ContainerRunner:
    """A :class:`~au2.local.runner.Runner` with containers of the native engine.

    Args:
        local: the opened engine.
        search: finds runtimes.
        install: installs dependencies of packages.
        tell: takes a line about the image, whenever the image changes.
    """

    local: LocalEngine
    search: FindRuntime
    install: InstallDependencies
    tell: Tell
    mode: str = "container"
    _told: str = field(default="")

    @contextmanager
    def prepare(self, run: LocalRun) -> Iterator[PreparedExecution]:
        """See :meth:`au2.local.runner.Runner.prepare`. Raises NotFound, too: no such runtime."""
        runtime = self.find_runtime(run.package)
        digest = self._build(run, runtime)
        self._tell_once(f"In a container of runtime {runtime}; image {digest}.")
        engine = self.local.engine
        engine.prepare(digest, run.control.check)
        spec = _make_spec(run, digest)
        execution = ContainerExecution(engine, spec.container_id, digest)
        try:
            engine.create(spec)
            yield PreparedExecution(execution, ContainerLog(engine, spec, run.output), digest)
        finally:
            execution.remove()

    def find_runtime(self, package: PackageOnDisk) -> RuntimeImage:
        """Return the package's runtime, now in the local store. Raises NotFound, Conflict."""
        return self.search(package.description.manifest, self.local.blobs)

    def _build(self, run: LocalRun, runtime: RuntimeImage) -> str:
        package = run.package
        description = describe_package(
            package.files.entries, read_from(package.directory), language=runtime.language
        )
        installed = InstalledDependencies(runtime.image_digest, None, None)
        if any(entry.path in _DEPENDENCIES for entry in package.files.entries):
            name, owner = _new_container_id("build"), Context(NOBODY)
            build = BuildRun(name, owner, self.tell, run.control.check)
            installed = self.install(self.local, description, runtime.image_digest, build)
        store_contents(self.local.blobs, package.files.entries)
        return build_package(
            self.local.blobs,
            installed.base_digest,
            package.files.entries,
            manifest=description.manifest,
            environment=plain_texts(description.environment),
            dependencies=installed.language,
            log=lambda _: None,
        )

    def _tell_once(self, line: str) -> None:
        if line != self._told:
            self._told = line
            self.tell(line)


@dataclass(slots=True)
class FallbackRunner:
    """A :class:`~au2.local.runner.Runner` with a choice for each run: the runtime may change.

    Args:
        containers: the first choice.
        processes: for packages with a runtime not on this machine.
        tell: takes the reason.
    """

    containers: ContainerRunner
    processes: Runner
    tell: Tell
    mode: str = "container"

    @contextmanager
    def prepare(self, run: LocalRun) -> Iterator[PreparedExecution]:
        """See :meth:`au2.local.runner.Runner.prepare`."""
        runner: Runner = self.containers
        try:
            self.containers.find_runtime(run.package)
        except NotFound as error:
            if self.mode == "container":
                self.tell(f"Not in a container: {error.explanation}")
            runner = self.processes
        self.mode = runner.mode
        with runner.prepare(run) as prepared:
            yield prepared


def _make_spec(run: LocalRun, digest: str) -> ContainerSpec:
    checked = run.checked
    return ContainerSpec(
        container_id=_new_container_id("run"),
        image_digest=digest,
        environment=make_environment(
            checked.job, checked.attempt, checked.version, run.limits, secrets=checked.secrets
        ),
        files=make_files(checked.job),
        resources=checked.resources,
        hostname=f"job-{checked.job.id}",
        log_limit_bytes=run.limits.log_bytes,
    )


def _new_container_id(kind: str) -> str:
    return f"{kind}-{secrets.token_hex(8)}"


def store_contents(blobs: IngesterProvider, files: Sequence[PackagedFile]) -> None:
    """Put the contents of a package into the content store.

    Raises:
        DigestMismatch: a file was changed after the scan.
        StorageFull: the disk is full.
    """
    missing = {
        f"sha256:{file.sha256}": file
        for file in files
        if file.type == "file" and not blobs.lease(f"sha256:{file.sha256}")
    }
    with blobs.batch() as add:
        for digest, file in missing.items():
            if isinstance(file.source, bytes):
                add(digest, file.source)
            elif file.size_bytes <= _SMALL_BYTES:
                add(digest, file.source.read_bytes())
            else:
                _store_large(blobs, digest, file.source)


def _store_large(blobs: IngesterProvider, digest: str, source: Path) -> None:
    with source.open("rb") as reader, blobs.writer(digest=digest) as writer:
        while data := reader.read(CHUNK_BYTES):
            writer.write(data)
        writer.commit()
