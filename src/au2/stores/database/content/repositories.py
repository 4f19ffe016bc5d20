"""Repositories: their blobs, manifests and tags, and uploads of single blobs.

The content store keeps equal blobs once for all. Only a blob sent to a repository is usable there
and reported as present: knowledge of a digest gives no access.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Table, delete, insert, select, update

from au2.domain.repository import Repository, StoredManifest
from au2.domain.upload import BlobUpload
from au2.stores.database.database import Transaction
from au2.stores.database.queries import entity_columns, in_chunks, read_entity
from au2.stores.database.tables import (
    blob_uploads,
    repository_blobs,
    repository_manifests,
    repository_tags,
)


def put_manifest(
    transaction: Transaction, repository: Repository, manifest: StoredManifest
) -> None:
    """Insert a pushed manifest; a repeated push renews its time and person."""
    delete_manifest(transaction, repository, manifest.digest)
    values = {**_columns(repository), **entity_columns(manifest)}
    values["annotations"] = dict(manifest.annotations)
    transaction.execute(insert(repository_manifests).values(values))


def find_manifest(
    transaction: Transaction, repository: Repository, digest: str
) -> StoredManifest | None:
    """Return the manifest of a digest."""
    row = transaction.execute(
        select(repository_manifests).where(
            _in(repository_manifests, repository), repository_manifests.c.digest == digest
        )
    ).one_or_none()
    return None if row is None else read_entity(StoredManifest, row)


def find_manifests(
    transaction: Transaction, repository: Repository, digests: Iterable[str]
) -> set[str]:
    """Return the digests of which the repository has a manifest."""
    found: set[str] = set()
    for chunk in in_chunks(digests):
        rows = transaction.execute(
            select(repository_manifests.c.digest).where(
                _in(repository_manifests, repository), repository_manifests.c.digest.in_(chunk)
            )
        )
        found |= {row.digest for row in rows}
    return found


@dataclass(frozen=True, slots=True)
class ReferrerPage:
    """One page of referrers, ordered by digest."""

    manifests: Sequence[StoredManifest]
    has_more: bool
    """Whether another page follows."""


def list_referrers(
    transaction: Transaction,
    repository: Repository,
    subject_digest: str,
    *,
    artifact_type: str | None = None,
    after: str = "",
    most_bytes: int,
) -> ReferrerPage:
    """Return the next page of the manifests that refer to a subject.

    Args:
        transaction: the transaction to read in.
        repository: repository of the subject.
        subject_digest: digest of the subject.
        artifact_type: the type to select; None: all.
        after: last digest of the previous page.
        most_bytes: largest size of a page of more than one manifest.
    """
    query = (
        select(repository_manifests)
        .where(
            _in(repository_manifests, repository),
            repository_manifests.c.subject_digest == subject_digest,
            repository_manifests.c.digest > after,
        )
        .order_by(repository_manifests.c.digest)
    )
    if artifact_type is not None:
        query = query.where(repository_manifests.c.artifact_type == artifact_type)
    page: list[StoredManifest] = []
    # Row by row: annotations may be as large as a manifest.
    for row in transaction.execute(query.execution_options(yield_per=1)):
        most_bytes -= row.size_bytes
        if page and most_bytes < 0:
            return ReferrerPage(page, has_more=True)
        page.append(read_entity(StoredManifest, row))
    return ReferrerPage(page, has_more=False)


def delete_manifest(transaction: Transaction, repository: Repository, digest: str) -> bool:
    """Delete a manifest, without its tags; return whether one existed."""
    gone = transaction.execute(
        delete(repository_manifests).where(
            _in(repository_manifests, repository), repository_manifests.c.digest == digest
        )
    )
    return bool(gone.rowcount)


def find_tag(transaction: Transaction, repository: Repository, name: str) -> str | None:
    """Return the digest of a tag."""
    row = transaction.execute(
        select(repository_tags.c.digest).where(
            _in(repository_tags, repository), repository_tags.c.name == name
        )
    ).one_or_none()
    return None if row is None else str(row.digest)


def put_tag(
    transaction: Transaction,
    repository: Repository,
    name: str,
    digest: str,
    *,
    at: datetime,
    by: str,
) -> None:
    """Insert a tag, or move an existing one."""
    values = {"digest": digest, "updated_at": at, "updated_by": by}
    moved = transaction.execute(
        update(repository_tags)
        .where(_in(repository_tags, repository), repository_tags.c.name == name)
        .values(values)
    ).rowcount
    if not moved:
        new = {**_columns(repository), "name": name, **values}
        transaction.execute(insert(repository_tags).values(new))


def list_tags(transaction: Transaction, repository: Repository) -> list[str]:
    """Return all tags, sorted."""
    rows = transaction.execute(
        select(repository_tags.c.name)
        .where(_in(repository_tags, repository))
        .order_by(repository_tags.c.name)
    )
    return [row.name for row in rows]


def delete_tag(transaction: Transaction, repository: Repository, name: str) -> bool:
    """Delete a tag; return whether one existed."""
    gone = transaction.execute(
        delete(repository_tags).where(
            _in(repository_tags, repository), repository_tags.c.name == name
        )
    )
    return bool(gone.rowcount)


def delete_tags_of(transaction: Transaction, repository: Repository, digest: str) -> None:
    """Delete all tags of a manifest."""
    transaction.execute(
        delete(repository_tags).where(
            _in(repository_tags, repository), repository_tags.c.digest == digest
        )
    )


def _in(table: Table, repository: Repository) -> ColumnElement[bool]:
    return (table.c.organization_id == repository.organization_id) & (
        table.c.repository == repository.name
    )


def _columns(repository: Repository) -> dict[str, str]:
    return {"organization_id": repository.organization_id, "repository": repository.name}


def find_repository_blobs(
    transaction: Transaction, repository: Repository, digests: Collection[str]
) -> dict[str, int]:
    """Return the repository's blobs among ``digests``, with sizes in bytes."""
    found: dict[str, int] = {}
    for chunk in in_chunks(digests):
        rows = transaction.execute(
            select(repository_blobs.c.digest, repository_blobs.c.size_bytes).where(
                _in(repository_blobs, repository), repository_blobs.c.digest.in_(chunk)
            )
        )
        found |= {row.digest: row.size_bytes for row in rows}
    return found


def list_holders(
    transaction: Transaction, organization_id: str, digests: Collection[str]
) -> dict[str, list[Repository]]:
    """Return, by digest, the organization's repositories with the blob."""
    found: dict[str, list[Repository]] = {}
    for chunk in in_chunks(digests):
        rows = transaction.execute(
            select(repository_blobs.c.digest, repository_blobs.c.repository).where(
                repository_blobs.c.organization_id == organization_id,
                repository_blobs.c.digest.in_(chunk),
            )
        )
        for row in rows:
            found.setdefault(row.digest, []).append(Repository(organization_id, row.repository))
    return found


def add_repository_blobs(
    transaction: Transaction, repository: Repository, sizes: Mapping[str, int], *, at: datetime
) -> None:
    """Insert blobs of a repository (size in bytes by digest), as of ``at``.

    The time of known blobs is renewed: garbage collection sees the repeated push.
    """
    known = find_repository_blobs(transaction, repository, sizes)
    for chunk in in_chunks(known):
        transaction.execute(
            update(repository_blobs)
            .where(_in(repository_blobs, repository), repository_blobs.c.digest.in_(chunk))
            .values(created_at=at)
        )
    rows = [
        {
            **_columns(repository),
            "digest": digest,
            "size_bytes": size_bytes,
            "created_at": at,
        }
        for digest, size_bytes in sizes.items()
        if digest not in known
    ]
    if rows:
        transaction.execute(insert(repository_blobs), rows)


def add_blob_upload(transaction: Transaction, upload: BlobUpload) -> None:
    """Insert the upload of a blob."""
    transaction.execute(
        insert(blob_uploads).values({**entity_columns(upload), **_columns(upload.repository)})
    )


def find_blob_upload(transaction: Transaction, upload_id: str) -> BlobUpload | None:
    """Return the blob upload of an id."""
    row = transaction.execute(
        select(blob_uploads).where(blob_uploads.c.id == upload_id)
    ).one_or_none()
    if row is None:
        return None
    return read_entity(BlobUpload, row, repository=Repository(row.organization_id, row.repository))


def list_blob_upload_ids(transaction: Transaction) -> list[str]:
    """Return the ids of all blob uploads."""
    return list(transaction.execute(select(blob_uploads.c.id)).scalars())


def delete_blob_upload(transaction: Transaction, upload_id: str) -> None:
    """Delete a blob upload."""
    transaction.execute(delete(blob_uploads).where(blob_uploads.c.id == upload_id))
