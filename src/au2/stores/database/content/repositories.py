"""Repositories: their blobs, manifests and tags, and uploads of single blobs.

The content store keeps equal blobs once for all. Only a blob that was sent to a repository is
usable there and reported as present: knowledge of a digest gives no access.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, insert, select, update

from au2.domain.repository import Repository, StoredManifest
from au2.domain.upload import BlobUpload
from au2.stores.database.database import Transaction
from au2.stores.database.queries import in_chunks
from au2.stores.database.tables import (
    blob_uploads,
    repository_blobs,
    repository_manifests,
    repository_tags,
)


def put_manifest(
    transaction: Transaction, repository: Repository, manifest: StoredManifest
) -> None:
    """Note that a manifest was pushed; once more renews when and by whom."""
    delete_manifest(transaction, repository, manifest.digest)
    transaction.execute(
        insert(repository_manifests).values(
            organization_id=repository.organization_id,
            repository=repository.name,
            digest=manifest.digest,
            media_type=manifest.media_type,
            size_bytes=manifest.size_bytes,
            artifact_type=manifest.artifact_type,
            subject_digest=manifest.subject_digest,
            annotations=dict(manifest.annotations),
            pushed_at=manifest.pushed_at,
            pushed_by=manifest.pushed_by,
        )
    )


def find_manifest(
    transaction: Transaction, repository: Repository, digest: str
) -> StoredManifest | None:
    """The manifest of that digest."""
    row = transaction.execute(
        select(repository_manifests).where(
            _in(repository_manifests, repository), repository_manifests.c.digest == digest
        )
    ).one_or_none()
    return None if row is None else _manifest(row)


def find_manifests(
    transaction: Transaction, repository: Repository, digests: Iterable[str]
) -> set[str]:
    """Those of the digests of which the repository has a manifest."""
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
    """Some of the manifests that are about another one, by digest."""

    manifests: Sequence[StoredManifest]
    has_more: bool
    """Whether others come after the last of them."""


def list_referrers(
    transaction: Transaction,
    repository: Repository,
    subject_digest: str,
    *,
    artifact_type: str | None = None,
    after: str = "",
    most_bytes: int,
) -> ReferrerPage:
    """Return the next manifests that are about another one.

    Args:
        transaction: to read in.
        repository: that has them.
        subject_digest: what they are about.
        artifact_type: only those of this type; None: all.
        after: the digest that the page before ended with.
        most_bytes: how large they are together at most, unless the first is larger alone.
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
    # Row by row: their annotations may be as large as they are.
    for row in transaction.execute(query.execution_options(yield_per=1)):
        most_bytes -= row.size_bytes
        if page and most_bytes < 0:
            return ReferrerPage(page, has_more=True)
        page.append(_manifest(row))
    return ReferrerPage(page, has_more=False)


def delete_manifest(transaction: Transaction, repository: Repository, digest: str) -> bool:
    """Forget a manifest; whether there was one. Its tags are for the caller."""
    gone = transaction.execute(
        delete(repository_manifests).where(
            _in(repository_manifests, repository), repository_manifests.c.digest == digest
        )
    )
    return bool(gone.rowcount)


def find_tag(transaction: Transaction, repository: Repository, name: str) -> str | None:
    """The digest that a tag stands for."""
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
    """Let a tag stand for a manifest, whatever it stood for before."""
    values = {"digest": digest, "updated_at": at, "updated_by": by}
    moved = transaction.execute(
        update(repository_tags)
        .where(_in(repository_tags, repository), repository_tags.c.name == name)
        .values(values)
    ).rowcount
    if not moved:
        transaction.execute(
            insert(repository_tags).values(
                organization_id=repository.organization_id,
                repository=repository.name,
                name=name,
                **values,
            )
        )


def list_tags(transaction: Transaction, repository: Repository) -> list[str]:
    """All tags, sorted."""
    rows = transaction.execute(
        select(repository_tags.c.name)
        .where(_in(repository_tags, repository))
        .order_by(repository_tags.c.name)
    )
    return [row.name for row in rows]


def delete_tag(transaction: Transaction, repository: Repository, name: str) -> bool:
    """Forget a tag; whether there was one."""
    gone = transaction.execute(
        delete(repository_tags).where(
            _in(repository_tags, repository), repository_tags.c.name == name
        )
    )
    return bool(gone.rowcount)


def delete_tags_of(transaction: Transaction, repository: Repository, digest: str) -> None:
    """Forget all tags that stand for a manifest."""
    transaction.execute(
        delete(repository_tags).where(
            _in(repository_tags, repository), repository_tags.c.digest == digest
        )
    )


def _in(table: Table, repository: Repository) -> ColumnElement[bool]:
    return (table.c.organization_id == repository.organization_id) & (
        table.c.repository == repository.name
    )


def _manifest(row: Any) -> StoredManifest:
    return StoredManifest(
        digest=row.digest,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        artifact_type=row.artifact_type,
        subject_digest=row.subject_digest,
        annotations=row.annotations,
        pushed_at=row.pushed_at,
        pushed_by=row.pushed_by,
    )


def find_repository_blobs(
    transaction: Transaction, repository: Repository, digests: Collection[str]
) -> dict[str, int]:
    """Return the sizes in bytes of those of the blobs that came to the repository."""
    found: dict[str, int] = {}
    for chunk in in_chunks(digests):
        rows = transaction.execute(
            select(repository_blobs.c.digest, repository_blobs.c.size_bytes).where(
                repository_blobs.c.organization_id == repository.organization_id,
                repository_blobs.c.repository == repository.name,
                repository_blobs.c.digest.in_(chunk),
            )
        )
        found |= {row.digest: row.size_bytes for row in rows}
    return found


def list_holders(
    transaction: Transaction, organization_id: str, digests: Collection[str]
) -> dict[str, list[Repository]]:
    """Return the repositories of the organization that have them, for each of the blobs."""
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
    """Note that these blobs (size in bytes by digest) are in the repository, since ``at``.

    Of those that were noted before the time is renewed: who clears up sees that they came again.
    """
    known = find_repository_blobs(transaction, repository, sizes)
    for chunk in in_chunks(known):
        transaction.execute(
            update(repository_blobs)
            .where(
                repository_blobs.c.organization_id == repository.organization_id,
                repository_blobs.c.repository == repository.name,
                repository_blobs.c.digest.in_(chunk),
            )
            .values(created_at=at)
        )
    rows = [
        {
            "organization_id": repository.organization_id,
            "repository": repository.name,
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
    """Insert an upload."""
    transaction.execute(
        insert(blob_uploads).values(
            id=upload.id,
            organization_id=upload.repository.organization_id,
            repository=upload.repository.name,
            user_id=upload.user_id,
            created_at=upload.created_at,
        )
    )


def find_blob_upload(transaction: Transaction, upload_id: str) -> BlobUpload | None:
    """The upload of that id."""
    row = transaction.execute(
        select(blob_uploads).where(blob_uploads.c.id == upload_id)
    ).one_or_none()
    if row is None:
        return None
    repository = Repository(row.organization_id, row.repository)
    return BlobUpload(row.id, repository, row.user_id, row.created_at)


def list_blob_upload_ids(transaction: Transaction) -> list[str]:
    """Ids of all blobs on their way."""
    return list(transaction.execute(select(blob_uploads.c.id)).scalars())


def delete_blob_upload(transaction: Transaction, upload_id: str) -> None:
    """Forget an upload."""
    transaction.execute(delete(blob_uploads).where(blob_uploads.c.id == upload_id))
