"""Moves one upload job: read the package → build its image → make the version available."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from au2.blobs.base import BlobStore
from au2.builder.dependencies.build_container import BuildRun
from au2.builder.dependencies.built import BuiltDependencies
from au2.builder.dependencies.package import PackageDependencies
from au2.builder.package_image import build_package
from au2.contract.upload import FileEntry
from au2.dispatch.container_ids import make_container_id
from au2.dispatch.control import Detached, JobControl
from au2.dispatch.records import Records
from au2.dispatch.timeline import Timeline
from au2.domain.errors import (
    Au2Error,
    BlobMissing,
    DigestMismatch,
    EngineFailure,
    InvalidPackage,
    StorageFull,
)
from au2.domain.job import Ending, JobState, Phase, Reason
from au2.domain.runtime import Runtime
from au2.domain.version import Contract, RuntimeReference
from au2.engines.base import Engine
from au2.logs.base import LogStore
from au2.notices.base import job_topic, log_topic
from au2.package.description import PackageDescription, describe_package
from au2.package.entries import PackageEntry
from au2.package.environment import plain_texts
from au2.package.limits import LOCK_BYTES
from au2.storage.claims import Claim
from au2.storage.database import Transaction
from au2.storage.job_changes import change_state, update_attempt
from au2.storage.runtimes import find_runtime
from au2.storage.uploads import Upload, find_upload_of_job
from au2.storage.versions import BuiltImage

logger = logging.getLogger(__name__)

_GONE = "What was uploaded is not there any more. Upload the package again."
_STOPPED = Ending(JobState.STOPPED, Reason.STOPPED, "Stopped on request.")
_NO_ROOM = "The server's disk is full. Ask your operator to free space, then upload again."


@dataclass(frozen=True, slots=True)
class UploadJob:
    """How upload jobs are moved; one instance for all."""

    engine: Engine
    blobs: BlobStore
    logs: LogStore
    records: Records
    dependencies: PackageDependencies

    def begin(self, transaction: Transaction, claim: Claim, at: datetime) -> Claim:
        """Make a job RUNNING in the transaction that claims it; return the claim as it is then.

        Building may be repeated at will, so nothing has to be prepared before that is written.
        """
        if claim.job.state is not JobState.PENDING:
            return claim
        phases = (Phase("build", at),)
        change_state(
            transaction,
            claim.job,
            Ending(JobState.RUNNING),
            expected=JobState.PENDING,
            token=claim.token,
            at=at,
        )
        update_attempt(
            transaction, claim.job.id, claim.attempt.number, phases=phases, started_at=at
        )
        return replace(
            claim,
            job=replace(claim.job, state=JobState.RUNNING),
            attempt=replace(claim.attempt, phases=phases, started_at=at),
        )

    def run(self, claim: Claim, control: JobControl) -> None:
        """Move a claimed job to its end. Raises LeaseLost, or a fault of ours.

        Building has no effect outside the blob store, where the same bytes have the same name, so
        an attempt that was cut off is simply done again.
        """
        timeline = Timeline(self.records.clock, claim.attempt.phases)
        self.records.notices.send(job_topic(claim.job.id))
        log = self._make_log(claim)
        built: BuiltImage | None = None
        try:
            built = self._build(_Work(claim, control, timeline, log))
            ending = Ending(JobState.SUCCEEDED)
        except _Stopped:
            ending = _STOPPED
        except InvalidPackage as error:
            for detail in error.details:
                log(str(detail))
            ending = _failed("The package has mistakes: see the log, mend them, upload it again.")
        except (BlobMissing, DigestMismatch):
            ending = _failed(_GONE)
        except StorageFull:
            ending = _failed(_NO_ROOM)
        except EngineFailure as error:
            # Ours, and never told as the package's fault.
            ending = replace(_failed(_sentence(error)), reason=Reason.ENGINE_LOST)
        except Au2Error as error:
            ending = _failed(_sentence(error))
        if control.stop.is_set():
            built, ending = None, _STOPPED
        if ending.reason_text:
            log(ending.reason_text)
        self.records.finish(claim, ending, timeline, was=JobState.RUNNING, built=built)
        if built is not None:
            self._unpack(built.image_digest)

    def _unpack(self, image_digest: str) -> None:
        """Make the image local already, so that its first run starts as quickly as the others."""
        try:
            self.engine.prepare(image_digest)
        except Au2Error as error:
            logger.warning("can't unpack %s yet: %s", image_digest, error.message)

    def _make_log(self, claim: Claim) -> Callable[[str], None]:
        job_id, number = claim.job.id, claim.attempt.number

        def log(text: str) -> None:
            self.logs.write_line(job_id, number, "stdout", text)
            self.records.notices.send(log_topic(job_id))

        return log

    def _build(self, work: "_Work") -> BuiltImage:
        upload, runtime, reference = self._load(work.claim)
        entries = [FileEntry.model_construct(**document) for document in upload.files]
        description = describe_package(entries, self._read, language=runtime.language)
        if description.manifest.runtime != upload.runtime:
            raise InvalidPackage(
                f"aunsight.yml names the runtime '{description.manifest.runtime}', "
                f"but the upload was begun for '{upload.runtime}'."
            )
        work.log(f"Runtime {runtime.name}, version {reference.runtime_version}")
        dependencies = self._install(work, description, reference)
        digest = build_package(
            self.blobs,
            reference.image_digest,
            entries,
            manifest=description.manifest,
            environment=plain_texts(description.environment),
            dependencies=dependencies,
            log=work.log,
        )
        return _built_image(digest, description, dependencies)

    def _install(
        self, work: "_Work", description: PackageDescription, reference: RuntimeReference
    ) -> BuiltDependencies | None:
        """Install what the package asks for: a phase of its own, as it may take long."""
        if not self.dependencies.is_asked(description):
            return None
        work.timeline.begin("dependencies")
        self.records.phases(work.claim, work.timeline)
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

    def _load(self, claim: Claim) -> tuple[Upload, Runtime, RuntimeReference]:
        version = self.records.find_version(claim.job)
        with self.records.database.read() as transaction:
            upload = find_upload_of_job(transaction, claim.job.id)
            if upload is None or version is None or version.runtime is None:
                raise BlobMissing
            runtime = find_runtime(transaction, version.runtime.runtime_id)
        if runtime is None:
            raise BlobMissing
        return upload, runtime, version.runtime

    def _read(self, entry: PackageEntry) -> bytes:
        return self.blobs.read_bytes(f"sha256:{entry.sha256}", limit_bytes=LOCK_BYTES)


class _Stopped(Exception):
    """Somebody asked for the job to be stopped."""


@dataclass(frozen=True, slots=True)
class _Work:
    """One attempt."""

    claim: Claim
    control: JobControl
    timeline: Timeline
    log: Callable[[str], None]

    def check(self) -> None:
        """Raise if the build should end."""
        if self.control.stop.is_set():
            raise _Stopped
        if self.control.detach.is_set():
            raise Detached


def _sentence(error: Au2Error) -> str:
    return f"{error.message} {error.hint or ''}".strip()


def _failed(text: str) -> Ending:
    return Ending(JobState.FAILED, Reason.BUILD_FAILED, text)


def _built_image(
    digest: str, description: PackageDescription, dependencies: BuiltDependencies | None
) -> BuiltImage:
    resources = {
        name: value
        for name, value in description.manifest.resources._asdict().items()
        if value is not None
    }
    return BuiltImage(
        image_digest=digest,
        contract=Contract(description.environment, description.args_schema, description.out_schema),
        resources=resources,
        dependencies=None if dependencies is None else dependencies.lock,
    )
