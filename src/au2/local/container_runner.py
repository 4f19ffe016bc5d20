"""Runs in containers: the very image that the platform would build, on the very engine."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from au2.dependencies.build_container import BuildRun
from au2.dependencies.cache.layer_cache import BuiltDependencies
from au2.domain.context import Context
from au2.domain.language import Language
from au2.engines.base import ContainerSpec
from au2.execution.hooks import Show
from au2.execution.job_inputs import make_environment, make_files
from au2.execution.supervise import Control, Limits
from au2.images.package_image import build_package
from au2.local.container import ContainerExecution
from au2.local.engine import LocalEngine
from au2.local.request import NOBODY, CheckedRun
from au2.local.runner import PreparedExecution, Tell
from au2.local.runtime_image import FindRuntime, RuntimeImage
from au2.oci.streams import CHUNK_BYTES
from au2.package import names
from au2.package.check import read_from
from au2.package.description import PackageDescription, describe_package
from au2.package.environment import plain_texts
from au2.package.load import PackageOnDisk
from au2.package.tree.entries import PackagedFile
from au2.stores.content.protocol import ContentStore

_SMALL_BYTES = 1 << 20
_DEPENDENCIES = frozenset({names.PYTHON_DEPENDENCIES, names.JAVASCRIPT_DEPENDENCIES})

InstallDependencies = Callable[
    [LocalEngine, PackageDescription, str, BuildRun], BuiltDependencies | None
]
"""Returns the layer of what a package asks for, on the runtime's image; None: nothing."""


@dataclass(slots=True)
class ContainerRunner:
    """A :class:`~au2.local.runner.Runner`.

    Args:
        local: the opened engine.
        search: finds runtimes.
        install: installs what packages ask for.
        tell: takes a line about the image, whenever that is another.
    """

    local: LocalEngine
    search: FindRuntime
    install: InstallDependencies
    tell: Tell
    mode: str = "container"
    _told: str = field(default="")

    @contextmanager
    def prepare(
        self,
        package: PackageOnDisk,
        run: CheckedRun,
        *,
        show: Show,
        limits: Limits,
        control: Control,
    ) -> Iterator[PreparedExecution]:
        """See :meth:`au2.local.runner.Runner.staged`. Raises NotFound, too: no such runtime."""
        runtime = self.find_runtime(package)
        digest = self._build(package, runtime, control)
        self._tell_once(f"In a container of runtime {runtime}; image {digest}.")
        engine = self.local.engine
        engine.prepare(digest)
        stage = ContainerExecution(engine, self._specify(run, limits, digest), show)
        try:
            yield PreparedExecution(stage, digest)
        finally:
            stage.remove()

    def find_runtime(self, package: PackageOnDisk) -> RuntimeImage:
        """Return the package's runtime, now in the local store. Raises NotFound, Conflict."""
        return self.search(package.description.manifest, self.local.blobs)

    def _build(self, package: PackageOnDisk, runtime: RuntimeImage, control: Control) -> str:
        description = _describe(package, runtime.language)
        dependencies = None
        if any(entry.path in _DEPENDENCIES for entry in package.files.entries):
            name, owner = _new_container_id("build"), Context(NOBODY)
            run = BuildRun(name, owner, self.tell, control.raise_if_stopped)
            dependencies = self.install(self.local, description, runtime.image_digest, run)
        store_contents(self.local.blobs, package.files.entries)
        return build_package(
            self.local.blobs,
            runtime.image_digest,
            package.files.entries,
            manifest=description.manifest,
            environment=plain_texts(description.environment),
            dependencies=dependencies,
            log=lambda _: None,
        )

    def _specify(self, run: CheckedRun, limits: Limits, digest: str) -> ContainerSpec:
        return ContainerSpec(
            container_id=_new_container_id("run"),
            image_digest=digest,
            environment=make_environment(
                run.job,
                run.attempt,
                run.version,
                secrets=run.secrets,
                stop_grace_seconds=limits.stop_grace_seconds,
                after_grace_seconds=limits.after_grace_seconds,
            ),
            files=make_files(run.job),
            resources=run.resources,
            hostname=f"job-{run.job.id}",
            log_limit_bytes=limits.log_bytes,
        )

    def _tell_once(self, line: str) -> None:
        if line != self._told:
            self._told = line
            self.tell(line)


def _new_container_id(kind: str) -> str:
    return f"{kind}-{secrets.token_hex(8)}"


def _describe(package: PackageOnDisk, language: Language) -> PackageDescription:
    """Return what the package says. Raises InvalidPackage unless it suits the runtime."""
    return describe_package(
        package.files.entries,
        read_from(package.directory),
        language=language,
    )


def store_contents(blobs: ContentStore, files: Sequence[PackagedFile]) -> None:
    """Put the contents of a package into ``blobs``.

    Raises:
        DigestMismatch: a file was changed since it was listed.
        StorageFull: no room.
    """
    lacking = {
        f"sha256:{file.sha256}": file
        for file in files
        if file.type == "file" and not blobs.contains(f"sha256:{file.sha256}")
    }
    with blobs.batch() as add:
        for digest, file in lacking.items():
            if isinstance(file.source, bytes):
                add(digest, file.source)
            elif file.size_bytes <= _SMALL_BYTES:
                add(digest, file.source.read_bytes())
            else:
                _store_large(blobs, digest, file.source)


def _store_large(blobs: ContentStore, digest: str, source: Path) -> None:
    with source.open("rb") as reader, blobs.writer(digest=digest) as writer:
        while data := reader.read(CHUNK_BYTES):
            writer.write(data)
        writer.commit()
