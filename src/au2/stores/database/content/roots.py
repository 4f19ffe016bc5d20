"""Roots of garbage collection and integrity checks: needed blobs of the content store, by owner.

All functions are called in one read transaction, for a consistent view, and yield row by row,
because an installation may have a hundred thousand versions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, String, Table, and_, cast, exists, or_, select

from au2.domain.jobs.job import JobState
from au2.domain.processes.repository import Repository
from au2.domain.processes.upload import UploadState
from au2.domain.processes.version import ImageStatus
from au2.stores.database.database import Transaction
from au2.stores.database.owners import owner_is_deleted
from au2.stores.database.tables import (
    attempts,
    blob_uploads,
    dependency_layers,
    jobs,
    processes,
    repository_blobs,
    repository_manifests,
    repository_tags,
    runtime_versions,
    runtimes,
    uploads,
    versions,
)

_PROCESS_REPOSITORIES = "process_"
_FILE_LISTS_AT_ONCE = 20
"""File lists per fetch; one may name a hundred thousand files."""
_UPLOADED_VERSION = and_(
    versions.c.process_id == uploads.c.process_id, versions.c.number == uploads.c.version_number
)
_UNFINISHED = jobs.c.state.in_([state.value for state in JobState if not state.is_final])


class RootKind(StrEnum):
    """Kinds of owners of needed blobs, as reports show them."""

    VERSION = "versions of processes"
    RUNTIME = "runtimes"
    REPOSITORY = "repositories of the registry"
    UNFINISHED = "uploads and jobs under way"
    DEPENDENCIES = "dependencies that later builds find"
    CONTENTS = "files of packages, so that they are not sent again"


@dataclass(frozen=True, slots=True)
class ImageRoot:
    """A needed manifest or index, with all blobs of its descriptors."""

    kind: RootKind
    digest: str
    owner: str
    """Owner, as reports show it."""
    must_be_whole: bool = True
    """False: kept while present, but an absence breaks nothing."""
    is_run: bool = True
    """Whether containers run the image."""


def list_version_images(transaction: Transaction) -> Iterator[ImageRoot]:
    """Yield the images of all versions except deleted ones."""
    rows = transaction.execute(
        select(versions.c.image_digest, versions.c.number, processes.c.id, processes.c.name)
        .join(processes, processes.c.id == versions.c.process_id)
        .where(versions.c.image_digest.is_not(None), _version_lives())
        .order_by(processes.c.name, processes.c.id, versions.c.number)
    )
    for row in rows:
        owner = f"version {row.number} of the process '{row.name}' ({row.id})"
        yield ImageRoot(RootKind.VERSION, row.image_digest, owner)


def list_runtime_images(transaction: Transaction) -> Iterator[ImageRoot]:
    """Yield the images of usable runtimes, and of runtimes in use by versions.

    A retired runtime keeps its newest image, for a reinstatement, and the images in use; one whose
    owner was deleted is not reinstated.
    """
    is_lost = owner_is_deleted(runtimes)
    newer = runtime_versions.alias()
    is_newest = ~exists().where(
        newer.c.runtime_id == runtime_versions.c.runtime_id,
        newer.c.version > runtime_versions.c.version,
    )
    is_used = exists().where(
        versions.c.runtime_id == runtime_versions.c.runtime_id,
        versions.c.runtime_version == runtime_versions.c.version,
        versions.c.process_id == processes.c.id,
        _version_lives(),
    )
    rows = transaction.execute(
        select(
            runtime_versions.c.image_digest,
            runtime_versions.c.version,
            runtimes.c.id,
            runtimes.c.name,
            or_(and_(is_newest, ~is_lost), is_used).label("must_be_whole"),
        )
        .join(runtimes, runtimes.c.id == runtime_versions.c.runtime_id)
        .where(or_(and_(or_(runtimes.c.retired_at.is_(None), is_newest), ~is_lost), is_used))
        .order_by(runtimes.c.name, runtimes.c.id, runtime_versions.c.version)
    )
    for row in rows:
        owner = f"version {row.version} of the runtime '{row.name}' ({row.id})"
        yield ImageRoot(RootKind.RUNTIME, row.image_digest, owner, bool(row.must_be_whole))


def list_repository_images(transaction: Transaction, *, since: datetime) -> Iterator[ImageRoot]:
    """Yield the manifests and tags of organizations' own repositories.

    Of processes' repositories: manifests newer than ``since``, indexes that a version was pushed
    with, and referrers of versions' images (which are in :func:`list_version_images`).
    """
    rows = transaction.execute(
        select(repository_manifests).where(
            or_(~_of_process(repository_manifests), repository_manifests.c.pushed_at >= since)
        )
    )
    for row in rows:
        yield _repository_root(row, f"@{row.digest}")
    for row in transaction.execute(select(repository_tags).where(~_of_process(repository_tags))):
        yield _repository_root(row, f":{row.name}")
    for row in transaction.execute(select(repository_tags).where(is_tag_of_a_version())):
        # The version runs without it.
        yield replace(_repository_root(row, f":{row.name}"), must_be_whole=False)
    for row in transaction.execute(select(repository_manifests).where(_is_about_a_version())):
        yield _repository_root(row, f"@{row.digest}")


def find_aliases(transaction: Transaction) -> dict[str, str]:
    """Return the digests by aliases, of blobs and manifests of all repositories."""
    return {
        row.sha512: row.digest
        for table in (repository_blobs, repository_manifests)
        for row in transaction.execute(
            select(table.c.sha512, table.c.digest).where(table.c.sha512.is_not(None)).distinct()
        )
    }


def find_absent_layers(transaction: Transaction) -> dict[str, frozenset[str]]:
    """Return the absent non-distributable layers of repositories' manifests, by their digests.

    A layer counts as absent if all repositories with the manifest lack it. The layers, by digests
    or aliases as stated, are no references: a manifest must not keep what others have sent.
    """
    found: dict[str, frozenset[str]] = {}
    manifests = repository_manifests.alias()
    lacking = select(manifests.c.digest).where(manifests.c.absent.is_not(None))
    rows = transaction.execute(
        select(repository_manifests.c.digest, repository_manifests.c.absent).where(
            repository_manifests.c.digest.in_(lacking)
        )
    )
    for row in rows:
        absent = frozenset(row.absent or ())
        found[row.digest] = found.get(row.digest, absent) & absent
    return found


def list_version_tags(transaction: Transaction, process_id: str) -> list[str]:
    """Return the digests of a process's version tags, unless equal to the version's image."""
    rows = transaction.execute(
        select(repository_tags.c.digest)
        .join(versions, repository_tags.c.name == cast(versions.c.number, String))
        .where(
            repository_tags.c.repository == _PROCESS_REPOSITORIES + process_id,
            versions.c.process_id == process_id,
            versions.c.deleted_at.is_(None),
            versions.c.image_digest != repository_tags.c.digest,
        )
        .order_by(versions.c.number.desc())
    )
    return [row.digest for row in rows]


def list_unfinished_images(transaction: Transaction) -> Iterator[ImageRoot]:
    """Yield the images run, built on or imported by unfinished jobs, also of deleted versions."""
    for column in (versions.c.image_digest, runtime_versions.c.image_digest):
        yield from _images_of_jobs(transaction, _unfinished_versions(column), column)
    digest = attempts.c.image_digest
    tried = select(digest, jobs.c.id).join(jobs, jobs.c.id == attempts.c.job_id).where(_UNFINISHED)
    yield from _images_of_jobs(transaction, tried, digest)
    digest = uploads.c.manifest_digest
    brought = select(digest, jobs.c.id).join(jobs, jobs.c.id == uploads.c.job_id)
    yield from _images_of_jobs(transaction, brought.where(_UNFINISHED), digest)


def list_unfinished_blobs(transaction: Transaction, *, since: datetime) -> Iterator[str]:
    """Yield the blobs of repositories with an unfinished push.

    A push is unfinished while an image upload is open, or after a blob upload newer than ``since``.
    Present blobs are needed as soon as the rest arrives.
    """
    rows = transaction.execute(
        select(repository_blobs.c.digest).where(_is_receiving(since=since)).distinct()
    )
    for row in rows:
        yield row.digest


def list_dependency_blobs(transaction: Transaction, *, used_since: datetime) -> Iterator[str]:
    """Yield the dependency layers used after ``used_since``, and the wheels in locks."""
    for row in transaction.execute(
        select(dependency_layers.c.layer_digest, dependency_layers.c.lock).where(
            dependency_layers.c.used_at >= used_since
        )
    ):
        yield row.layer_digest
        yield from _wheels(row.lock)
    locks = (
        select(versions.c.dependencies)
        .join(processes, processes.c.id == versions.c.process_id)
        .where(_version_lives(), versions.c.dependencies.is_not(None))
    )
    for row in transaction.execute(locks):
        yield from _wheels(row.dependencies)


def list_wanted_contents(transaction: Transaction) -> Iterator[str]:
    """Yield the digests of the files of living versions' packages and of unfinished uploads."""
    query = (
        select(uploads.c.files)
        .join(jobs, jobs.c.id == uploads.c.job_id)
        .join(versions, _UPLOADED_VERSION)
        .join(processes, processes.c.id == versions.c.process_id)
        .where(or_(_version_lives(), _UNFINISHED))
    )
    yield from _contents_of(transaction, query)


def list_contents_under_way(transaction: Transaction, *, since: datetime) -> Iterator[str]:
    """Yield the digests of the files of uploads unfinished or newer than ``since``."""
    query = (
        select(uploads.c.files)
        .join(jobs, jobs.c.id == uploads.c.job_id)
        .where(or_(_UNFINISHED, uploads.c.created_at >= since))
    )
    yield from _contents_of(transaction, query)


def _contents_of(transaction: Transaction, query: Select[Any]) -> Iterator[str]:
    rows = transaction.execute(query, execution_options={"yield_per": _FILE_LISTS_AT_ONCE})
    for row in rows:
        for file in row.files:
            if file["type"] == "file":
                yield f"sha256:{file['sha256']}"


def version_in(table: Table) -> tuple[ColumnElement[bool], ...]:
    """Conditions: a living version, whose process has the repository of the row of ``table``."""
    return (
        table.c.repository == _PROCESS_REPOSITORIES + versions.c.process_id,
        versions.c.process_id == processes.c.id,
        _version_lives(),
    )


def _version_lives() -> ColumnElement[bool]:
    return and_(versions.c.deleted_at.is_(None), processes.c.deleted_at.is_(None))


def _of_process(table: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = table.c.repository.startswith(
        _PROCESS_REPOSITORIES, autoescape=True
    )
    return found


def is_tag_of_a_version() -> ColumnElement[bool]:
    """Condition: the tag of a process's repository belongs to a living version."""
    return exists().where(
        repository_tags.c.name == cast(versions.c.number, String),
        *version_in(repository_tags),
    )


def _is_about_a_version() -> ColumnElement[bool]:
    """Condition: the manifest of a process's repository refers to a version's image."""
    return exists().where(
        versions.c.image_digest == repository_manifests.c.subject_digest,
        *version_in(repository_manifests),
    )


def _is_receiving(*, since: datetime) -> ColumnElement[bool]:
    """Condition: the blob's repository has an unfinished push."""
    upload_is_open = exists().where(
        uploads.c.state == UploadState.OPEN.value,
        uploads.c.organization_id == repository_blobs.c.organization_id,
        _PROCESS_REPOSITORIES + uploads.c.process_id == repository_blobs.c.repository,
    )
    blob_is_coming = exists().where(
        blob_uploads.c.organization_id == repository_blobs.c.organization_id,
        blob_uploads.c.repository == repository_blobs.c.repository,
        blob_uploads.c.created_at >= since,
    )
    return or_(upload_is_open, blob_is_coming)


def _unfinished_versions(column: ColumnElement[Any]) -> Select[Any]:
    return (
        select(column, jobs.c.id)
        .select_from(jobs)
        .join(
            versions,
            and_(
                versions.c.process_id == jobs.c.process_id,
                versions.c.number == jobs.c.version_number,
            ),
        )
        .join(
            runtime_versions,
            and_(
                runtime_versions.c.runtime_id == versions.c.runtime_id,
                runtime_versions.c.version == versions.c.runtime_version,
            ),
            isouter=True,
        )
        .where(_UNFINISHED)
    )


def _images_of_jobs(
    transaction: Transaction, query: Select[Any], digest: ColumnElement[Any]
) -> Iterator[ImageRoot]:
    for found, job_id in transaction.execute(query.where(digest.is_not(None))):
        yield ImageRoot(RootKind.UNFINISHED, found, f"job {job_id}", must_be_whole=False)


def _repository_root(row: Any, reference: str) -> ImageRoot:
    owner = f"{Repository(row.organization_id, row.repository)}{reference}"
    return ImageRoot(RootKind.REPOSITORY, row.digest, owner, is_run=False)


def _wheels(lock: Mapping[str, Any]) -> Iterator[str]:
    """Yield the digests of wheels built from source; all others can be fetched again."""
    for package in lock.get("packages", ()):
        if package.get("source_digest") is not None:
            yield package["digest"]


@dataclass(frozen=True, slots=True)
class NeededBlob:
    """A blob needed without a manifest."""

    kind: RootKind
    digest: str
    size_bytes: int
    owner: str
    """Owner, as reports show it."""


def list_package_files(transaction: Transaction) -> Iterator[NeededBlob]:
    """Yield the files of all built packages."""
    query = (
        select(uploads.c.files, versions.c.number, processes.c.id, processes.c.name)
        .join(versions, _UPLOADED_VERSION)
        .join(processes, processes.c.id == versions.c.process_id)
        .where(versions.c.image_status == ImageStatus.AVAILABLE.value, _version_lives())
    )
    rows = transaction.execute(query, execution_options={"yield_per": _FILE_LISTS_AT_ONCE})
    for row in rows:
        owner = f"files of version {row.number} of the process '{row.name}' ({row.id})"
        for file in row.files:
            if file["type"] == "file":
                digest = f"sha256:{file['sha256']}"
                yield NeededBlob(RootKind.CONTENTS, digest, file["size_bytes"], owner)


def list_dependency_layers(transaction: Transaction) -> Iterator[NeededBlob]:
    """Yield all dependency layers of the cache."""
    rows = transaction.execute(
        select(
            dependency_layers.c.key,
            dependency_layers.c.layer_digest,
            dependency_layers.c.size_bytes,
        )
    )
    for row in rows:
        owner = f"dependencies kept as {row.key}"
        yield NeededBlob(RootKind.DEPENDENCIES, row.layer_digest, row.size_bytes, owner)
