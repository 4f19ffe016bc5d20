"""Begin of a package upload: process, runtime, comparison and missing contents."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from au2.app.lookup import ensure_may_in, get_named_process, list_own_processes
from au2.app.processes import insert_process, make_process
from au2.app.runtimes import Runtimes
from au2.app.uploads.package_contents import check_file_list, find_missing
from au2.app.uploads.sessions import add_upload_job, ensure_disk_space
from au2.app.validation import parse_description, parse_name
from au2.app.versions.versions import note_version
from au2.domain import clock as clocks
from au2.domain import defaults
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor
from au2.domain.errors import Conflict, Detail, InvalidRequest
from au2.domain.event import EventAction
from au2.domain.ids import make_guid, parse_guid
from au2.domain.processes.upload import PackageUpload, UploadState
from au2.domain.processes.version import (
    ImageStatus,
    Process,
    RuntimeReference,
    Version,
    VersionType,
)
from au2.package.tree.entries import digest_files
from au2.package.tree.paths import PackageLimits
from au2.stores.content.protocol import IngesterProvider
from au2.stores.database import processes, versions
from au2.stores.database.content import uploads
from au2.stores.database.database import Database, Transaction
from au2.stores.database.runtimes import find_runtime
from au2.wire.documents import format_document
from au2.wire.upload import NO_PROCESS, UploadCreation


@dataclass(frozen=True, slots=True)
class PackageUploadOptions:
    """Limits of packages, and the duration of an upload's lease."""

    lease_seconds: float = defaults.LEASE_SECONDS_OF_UPLOAD
    limits: PackageLimits = field(default_factory=PackageLimits)


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload session and its missing contents."""

    upload: PackageUpload
    missing: list[str]
    runtime_version: int | None = None
    """Runtime version to build on, of an upload just begun."""
    newest_runtime_version: int | None = None


@dataclass(frozen=True, slots=True)
class PackageComparison:
    """Comparison of a package with the newest version of its process."""

    process_id: str | None
    """None: a new process."""
    equal_version: int | None
    """The newest available version, if it is this package on this version of the runtime."""
    runtime_version: int
    newest_runtime_version: int


@dataclass(frozen=True, slots=True)
class _Package:
    """The uploaded package of an acceptable request."""

    context: Context
    """Where it was asked for."""
    owner: Context
    """Where its process belongs, or will."""
    runtime: RuntimeReference
    digest: str
    """Of the list of files."""


@dataclass(frozen=True, slots=True)
class ChosenProcess:
    """The process of an upload."""

    process: Process
    is_new: bool
    """It is not stored yet."""


def choose_process(
    transaction: Transaction, actor: Actor, context: Context, creation: UploadCreation, at: datetime
) -> ChosenProcess:
    """Return the process named by ``creation``, or a new one.

    The choice is valid only in ``transaction``; its consequences belong into the same one.

    Raises:
        InvalidRequest: neither an id nor a name is given, or both.
        NotFound: there is no process of this id here.
        NotPermitted: the actor may not upload to the process, or may not create one.
        Conflict: several processes have the name, or not the expected one.
    """
    if (creation.process is None) == (creation.name is None):
        raise InvalidRequest("Give either the id of a process or a name, not both.")
    if creation.process is not None:
        if creation.new or creation.expected_process is not None:
            raise InvalidRequest("'new' and 'expected_process' go with 'name' only.")
        action, process_id = Action.UPLOAD_VERSION, parse_guid(creation.process)
        process = get_named_process(transaction, actor, action, context, process_id)
        return ChosenProcess(process, is_new=False)
    return _by_name(transaction, actor, context, creation, at)


def _by_name(
    transaction: Transaction, actor: Actor, context: Context, creation: UploadCreation, at: datetime
) -> ChosenProcess:
    name = parse_name(creation.name or "", "a process")
    named = (
        []
        if creation.new
        else list_own_processes(transaction, actor, Action.UPLOAD_VERSION, context, name)
    )
    if len(named) > 1:
        raise Conflict(
            f"{len(named)} processes are named '{name}' in this context.",
            hint="Choose one with --process ID, or make another with --new.",
            details=[Detail(process.id) for process in named],
        )
    found = named[0] if named else None
    _ensure_expected(creation.expected_process, name, found)
    if found is not None:
        return ChosenProcess(found, is_new=False)
    ensure_may_in(actor, Action.CREATE_PROCESS, context)
    made = make_process(actor, context, name, description=creation.description, at=at)
    return ChosenProcess(made, is_new=True)


def _ensure_expected(expected: str | None, name: str, found: Process | None) -> None:
    if expected is None or expected == (NO_PROCESS if found is None else found.id):
        return
    raise Conflict(
        f"Which process is named '{name}' has changed in the meantime: "
        + ("there is none now." if found is None else f"now it is {found.id}."),
        hint="Try again.",
    )


class UploadStarter:
    """Start of package uploads."""

    def __init__(
        self,
        database: Database,
        blobs: IngesterProvider,
        *,
        runtimes: Runtimes,
        options: PackageUploadOptions | None = None,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._runtimes = runtimes
        self._options = options or PackageUploadOptions()
        self._clock = clock

    @property
    def limits(self) -> PackageLimits:
        """Limits of packages."""
        return self._options.limits

    def compare(
        self, actor: Actor, context: Context, creation: UploadCreation
    ) -> PackageComparison:
        """Return the comparison of :meth:`begin`, and change nothing. Raises the same errors."""
        check_file_list(creation.files, self._options.limits)
        _, comparison = self._look(actor, context, creation)
        return comparison

    def begin(
        self, actor: Actor, context: Context, creation: UploadCreation
    ) -> OpenUpload | PackageComparison:
        """Begin an upload: inserts the version (and perhaps its process) and its job.

        A package equal to the newest available version makes none, unless forced.

        Raises:
            NotFound: there is no such process or runtime here.
            NotPermitted: the actor is no developer.
            Conflict: several processes have the name, or not the expected one.
            InvalidRequest, InvalidPackage, TooLarge: the file list is not valid.
            StorageFull: the missing contents don't fit on the disk; nothing was changed.
        """
        expected = check_file_list(creation.files, self._options.limits)
        package, comparison = self._look(actor, context, creation)
        if comparison.equal_version is not None and not creation.force:
            return comparison
        missing = find_missing(self._database, self._blobs, package.owner, expected)
        ensure_disk_space(self._blobs, "package", sum(expected[sha256] for sha256 in missing))
        with self._database.write() as transaction:
            # Chosen again: since then another upload may have made a process of this name.
            chosen = choose_process(transaction, actor, context, creation, self._clock())
            comparison = _compare(transaction, chosen, package)
            if comparison.equal_version is not None and not creation.force:
                return comparison
            if chosen.is_new:
                insert_process(transaction, chosen.process)
            upload = self._insert(transaction, actor, creation, chosen.process, package)
        return OpenUpload(
            upload,
            missing,
            runtime_version=comparison.runtime_version,
            newest_runtime_version=comparison.newest_runtime_version,
        )

    def _look(
        self, actor: Actor, context: Context, creation: UploadCreation
    ) -> tuple[_Package, PackageComparison]:
        """Return the package, and its comparison as of now."""
        ensure_may_in(actor, Action.UPLOAD_VERSION, context)
        with self._database.read() as transaction:
            chosen = choose_process(transaction, actor, context, creation, self._clock())
        runtime = self._runtimes.resolve(
            actor, chosen.process.context, creation.runtime, creation.runtime_version
        )
        package = _Package(context, chosen.process.context, runtime, digest_files(creation.files))
        with self._database.read() as transaction:
            return package, _compare(transaction, chosen, package)

    def _insert(
        self,
        transaction: Transaction,
        actor: Actor,
        creation: UploadCreation,
        process: Process,
        package: _Package,
    ) -> PackageUpload:
        now = self._clock()
        number = processes.take_version_number(transaction, process.id)
        job_id = add_upload_job(transaction, actor, process, number, package.context, at=now)
        version = Version(
            process_id=process.id,
            number=number,
            type=VersionType.PACKAGED,
            description=parse_description(creation.version_description),
            image_status=ImageStatus.UPLOADING,
            image_digest=None,
            created_at=now,
            created_by=actor.email,
            runtime=package.runtime,
            upload_job_id=job_id,
            package_digest=package.digest,
        )
        versions.add_version(transaction, version)
        upload = PackageUpload(
            id=make_guid(),
            organization_id=process.context.organization_id,
            process_id=process.id,
            version_number=number,
            job_id=job_id,
            user_id=actor.user_id,
            fencing_token=1,
            lease_until=now + timedelta(seconds=self._options.lease_seconds),
            state=UploadState.OPEN,
            files=[format_document(entry) for entry in creation.files],
            runtime=creation.runtime,
            created_at=now,
        )
        uploads.add_upload(transaction, upload)
        note_version(transaction, actor, EventAction.VERSION_CREATED, process, number, at=now)
        return upload


def _compare(
    transaction: Transaction, chosen: ChosenProcess, package: _Package
) -> PackageComparison:
    used = package.runtime
    runtime = find_runtime(transaction, used.runtime_id)
    newest: Version | None = None
    if not chosen.is_new:
        newest = versions.find_newest_available(transaction, chosen.process.id)
    is_equal = (
        newest is not None and newest.package_digest == package.digest and newest.runtime == used
    )
    return PackageComparison(
        process_id=None if chosen.is_new else chosen.process.id,
        equal_version=newest.number if newest is not None and is_equal else None,
        runtime_version=used.runtime_version,
        newest_runtime_version=used.runtime_version if runtime is None else runtime.version,
    )
