"""Stale rows about blobs, deleted after garbage collection has removed the blobs.

Every reader of such a row asks the content store too, so a row may outlive its blob: after a crash,
or on a full disk. A row must not go while its blob is sent again. Each deletion therefore checks in
its own transaction for a sign of that: an open upload, or a changed time in the row.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, exists, func, or_, select, tuple_

from au2.domain.jobs.job import JobState
from au2.stores.database.content.roots import (
    is_tag_of_a_version,
    list_contents_under_way,
    version_in,
)
from au2.stores.database.database import Transaction
from au2.stores.database.queries import in_chunks
from au2.stores.database.tables import (
    blob_uploads,
    contents,
    dependency_layers,
    jobs,
    processes,
    repository_blobs,
    repository_manifests,
    repository_tags,
    uploads,
    versions,
)

PAGE = 500
"""Rows per statement: databases limit the number of values."""
_PROCESS_REPOSITORIES = "process_"


@dataclass(frozen=True, slots=True)
class BlobRow:
    """A row of use only with its blob."""

    key: tuple[str, ...]
    """Primary key of the row."""
    digest: str
    at: datetime | None = None
    """Time of the blob's last push or use; None: not recorded."""


def list_content_rows(transaction: Transaction, after: tuple[str, ...] | None) -> list[BlobRow]:
    """Return the next page of contents of contexts."""
    key = (contents.c.context_id, contents.c.sha256)
    query = select(*key).order_by(*key).limit(PAGE)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    return [BlobRow(tuple(row), f"sha256:{row.sha256}") for row in transaction.execute(query)]


def delete_content_rows(
    transaction: Transaction, rows: Sequence[BlobRow], *, since: datetime
) -> int:
    """Delete contents, except those of unfinished uploads or ones begun after ``since``.

    Returns the number of deleted rows.
    """
    wanted = set(list_contents_under_way(transaction, since=since))
    keys = [row.key for row in rows if row.digest not in wanted]
    key = tuple_(contents.c.context_id, contents.c.sha256)
    return sum(
        _count(transaction, delete(contents).where(key.in_(page))) for page in in_chunks(keys)
    )


def list_repository_rows(transaction: Transaction, after: tuple[str, ...] | None) -> list[BlobRow]:
    """Return the next page of blobs of repositories."""
    key = tuple(repository_blobs.primary_key.columns)
    query = select(*key, repository_blobs.c.created_at).order_by(*key).limit(PAGE)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    return [
        BlobRow((row.organization_id, row.repository, row.digest), row.digest, row.created_at)
        for row in transaction.execute(query)
    ]


def delete_repository_rows(transaction: Transaction, rows: Sequence[BlobRow]) -> int:
    """Delete blobs of repositories, unless sent again; return the number of deleted rows."""
    key = (*repository_blobs.primary_key.columns, repository_blobs.c.created_at)
    return _delete_unchanged(transaction, repository_blobs, key, rows)


def list_dependency_rows(transaction: Transaction) -> list[BlobRow]:
    """Return all dependency layers of the cache."""
    found = select(
        dependency_layers.c.key, dependency_layers.c.layer_digest, dependency_layers.c.used_at
    )
    return [
        BlobRow((row.key,), row.layer_digest, row.used_at) for row in transaction.execute(found)
    ]


def delete_dependency_rows(transaction: Transaction, rows: Sequence[BlobRow]) -> int:
    """Delete dependency layers, unless used since; return the number of deleted rows."""
    key = (dependency_layers.c.key, dependency_layers.c.used_at)
    return _delete_unchanged(transaction, dependency_layers, key, rows)


def list_old_blob_uploads(transaction: Transaction, *, since: datetime) -> list[str]:
    """Return the ids of blob uploads begun before ``since``."""
    query = select(blob_uploads.c.id).where(blob_uploads.c.created_at < since)
    return list(transaction.execute(query).scalars())


def delete_blob_uploads(transaction: Transaction, upload_ids: Collection[str]) -> int:
    """Delete blob uploads; return the number of deleted rows."""
    return sum(
        _count(transaction, delete(blob_uploads).where(blob_uploads.c.id.in_(page)))
        for page in in_chunks(upload_ids)
    )


def count_left_rows(transaction: Transaction, *, since: datetime) -> int:
    """Return how many rows :func:`delete_left_rows` would delete."""
    return sum(
        transaction.execute(select(func.count()).select_from(table).where(where)).scalar_one()
        for table, where in _left(since)
    )


def delete_left_rows(transaction: Transaction, *, since: datetime) -> int:
    """Delete rows of processes' repositories that are older than ``since`` and serve no version.

    These are manifests that are neither a version's image, nor a referrer of one, nor the index
    that one was pushed with; tags of deleted versions; and blobs of deleted processes. Returns the
    number of deleted rows.
    """
    return sum(_count(transaction, delete(table).where(where)) for table, where in _left(since))


def _left(since: datetime) -> Iterator[tuple[Any, ColumnElement[bool]]]:
    manifests, blobs = repository_manifests, repository_blobs
    yield (
        manifests,
        and_(
            manifests.c.repository.startswith(_PROCESS_REPOSITORIES, autoescape=True),
            manifests.c.pushed_at < since,
            ~_has_version(manifests.c.digest),
            ~_has_version(manifests.c.subject_digest),
            ~exists().where(
                repository_tags.c.organization_id == manifests.c.organization_id,
                repository_tags.c.repository == manifests.c.repository,
                repository_tags.c.digest == manifests.c.digest,
                is_tag_of_a_version(),
            ),
            ~exists().where(
                uploads.c.manifest_digest == manifests.c.digest,
                uploads.c.job_id == jobs.c.id,
                jobs.c.state.in_([state.value for state in JobState if not state.is_final]),
            ),
        ),
    )
    yield (
        repository_tags,
        and_(
            repository_tags.c.repository.startswith(_PROCESS_REPOSITORIES, autoescape=True),
            ~is_tag_of_a_version(),
        ),
    )
    yield (
        blobs,
        and_(
            blobs.c.created_at < since,
            exists().where(
                blobs.c.repository == _PROCESS_REPOSITORIES + processes.c.id,
                processes.c.deleted_at.is_not(None),
            ),
        ),
    )


def _has_version(digest: ColumnElement[Any]) -> ColumnElement[bool]:
    return exists().where(versions.c.image_digest == digest, *version_in(repository_manifests))


def _delete_unchanged(
    transaction: Transaction,
    table: Table,
    columns: Sequence[ColumnElement[Any]],
    rows: Sequence[BlobRow],
) -> int:
    """Delete the rows whose key and time (``columns``) are unchanged."""
    deleted = 0
    for page in in_chunks(rows):
        is_one = or_(
            *(
                and_(*(column == value for column, value in zip(columns, values, strict=True)))
                for values in ((*row.key, row.at) for row in page)
            )
        )
        deleted += _count(transaction, delete(table).where(is_one))
    return deleted


def _count(transaction: Transaction, statement: Any) -> int:
    return int(transaction.execute(statement).rowcount)
