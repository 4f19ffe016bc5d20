"""Build of a packaged version's image: read the package, install its dependencies, build."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from au2.dependencies.build_container import BuildRun
from au2.dependencies.layer_cache import InstalledDependencies
from au2.dependencies.package import PackageDependencies
from au2.dispatcher.job_records import BuildContext, JobRecords, make_container_id
from au2.domain.errors import BlobMissing, InvalidPackage
from au2.domain.jobs.job import Claim
from au2.domain.processes.runtime import DependencyLayer, Runtime
from au2.domain.processes.upload import PackageUpload
from au2.domain.processes.version import BuiltImage, Contract, RuntimeReference
from au2.images.package_image import build_package
from au2.package.description import PackageDescription, describe_package
from au2.package.environment import plain_texts
from au2.package.text import LOCK_BYTES
from au2.package.tree.entries import PackageEntry
from au2.stores.content.protocol import IngesterProvider
from au2.stores.database.content.layers import (
    find_dependency_layer,
    put_dependency_layer,
    touch_dependency_layer,
)
from au2.stores.database.database import Database
from au2.stores.database.runtimes import find_runtime
from au2.wire.upload import FileEntry


@dataclass(frozen=True, slots=True)
class PackageBuilder:
    """Builder of packages' images; one instance for all."""

    blobs: IngesterProvider
    records: JobRecords
    dependencies: PackageDependencies

    def make(self, work: BuildContext, upload: PackageUpload) -> BuiltImage:
        """Return the image of an upload's package.

        A build has no effect outside the content store, and equal bytes have equal names there, so
        an interrupted build is simply repeated.

        Raises:
            InvalidPackage: the package has errors.
            BlobMissing, DigestMismatch: uploaded content or the runtime is gone.
            Au2Error: any other failure of the build.
        """
        runtime, reference = self._find_runtime(work.claim)
        entries = [FileEntry(**document) for document in upload.files]
        description = describe_package(entries, self._read, language=runtime.language)
        if description.manifest.runtime != upload.runtime:
            raise InvalidPackage(
                f"aunsight.yml names the runtime '{description.manifest.runtime}', "
                f"but the upload was begun for '{upload.runtime}'."
            )
        work.log(f"Runtime {runtime.name}, version {reference.runtime_version}")
        installed = self._install(work, description, reference)
        digest = build_package(
            self.blobs,
            installed.base_digest,
            entries,
            manifest=description.manifest,
            environment=plain_texts(description.environment),
            dependencies=installed.language,
            log=work.log,
        )
        return _built_image(digest, description, installed.lock)

    def _install(
        self, work: BuildContext, description: PackageDescription, reference: RuntimeReference
    ) -> InstalledDependencies:
        """Install the package's dependencies: a phase of its own, for its length."""
        if not self.dependencies.has_dependencies(description):
            return InstalledDependencies(reference.image_digest, None, None)
        work.begin_phase("dependencies")
        job = work.claim.job
        installed = self.dependencies.ensure(
            description,
            reference.image_digest,
            BuildRun(
                make_container_id(job, work.claim.attempt),
                self.records.find_owner(job),
                work.log,
                work.check,
            ),
            previous=self.records.find_lock(job.process_id),
        )
        work.timeline.begin("image")
        return installed

    def _find_runtime(self, claim: Claim) -> tuple[Runtime, RuntimeReference]:
        version = self.records.find_version(claim.job)
        if version is None or version.runtime is None:
            raise BlobMissing
        with self.records.database.read() as transaction:
            runtime = find_runtime(transaction, version.runtime.runtime_id)
        if runtime is None:
            raise BlobMissing
        return runtime, version.runtime

    def _read(self, entry: PackageEntry) -> bytes:
        return self.blobs.read_bytes(f"sha256:{entry.sha256}", limit_bytes=LOCK_BYTES)


@dataclass(frozen=True, slots=True)
class DependencyLayers:
    """A :class:`~au2.dependencies.layer_cache.LayerIndex`."""

    database: Database
    clock: Callable[[], datetime]

    def find(self, key: str) -> DependencyLayer | None:
        """Return the layer of a key, and record the use."""
        with self.database.read() as transaction:
            found = find_dependency_layer(transaction, key)
        if found is not None:
            # Need not survive a power cut, so nothing waits for the disk.
            with self.database.write(durable=False) as transaction:
                touch_dependency_layer(transaction, key, at=self.clock())
        return found

    def add(self, layer: DependencyLayer) -> None:
        """Store a layer, replacing the key's earlier one."""
        with self.database.write() as transaction:
            put_dependency_layer(transaction, layer, at=self.clock())


def _built_image(
    digest: str, description: PackageDescription, lock: Mapping[str, Any] | None
) -> BuiltImage:
    return BuiltImage(
        image_digest=digest,
        contract=Contract(description.environment, description.args_schema, description.out_schema),
        resources=description.manifest.resources.stated(),
        dependencies=lock,
    )
