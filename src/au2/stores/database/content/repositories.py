"""Repositories: their manifests and tags, and uploads of single blobs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from au2.domain.processes.repository import Repository, StoredManifest
from au2.domain.processes.upload import BlobUpload
from au2.stores.database.content.repository_blobs import (
    in_repository,
    named,
    repository_columns,
)
from au2.stores.database.database import Transaction
from au2.stores.database.owners import ensure_owner_exists
from au2.stores.database.queries import entity_columns, read_entity
from au2.stores.database.tables import blob_uploads, repository_manifests, repository_tags


def put_manifest(
    transaction: Transaction, repository: Repository, manifest: StoredManifest
) -> None:
    """Insert a pushed manifest; a repeated push renews its time and person, and keeps its alias.

    Raises:
        NotFound: the organization was deleted.
    """
    ensure_owner_exists(transaction, repository.owner)
    known = find_manifest(transaction, repository, manifest.digest)
    delete_manifest(transaction, repository, manifest.digest)
    values = {**repository_columns(repository), **entity_columns(manifest)}
    values["annotations"] = dict(manifest.annotations)
    values["absent"] = list(manifest.absent) or None
    values["sha512"] = manifest.sha512 or (None if known is None else known.sha512)
    transaction.execute(insert(repository_manifests).values(values))


def find_manifest(
    transaction: Transaction, repository: Repository, name: str
) -> StoredManifest | None:
    """Return the manifest of a digest or alias."""
    for _, is_named in named(repository_manifests, [name]):
        row = transaction.execute(
            select(repository_manifests).where(
                in_repository(repository_manifests, repository), is_named
            )
        ).one_or_none()
        return None if row is None else _read_manifest(row)
    return None


def _read_manifest(row: Any) -> StoredManifest:
    return read_entity(StoredManifest, row, absent=tuple(row.absent or ()))


def find_manifests(
    transaction: Transaction, repository: Repository, names: Collection[str]
) -> dict[str, str]:
    """Return the digests of the repository's manifests among ``names``, digests or aliases."""
    found: dict[str, str] = {}
    for column, is_named in named(repository_manifests, names):
        rows = transaction.execute(
            select(repository_manifests.c.digest, repository_manifests.c.sha512).where(
                in_repository(repository_manifests, repository), is_named
            )
        )
        found |= {getattr(row, column): row.digest for row in rows}
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
    subject: str,
    *,
    artifact_type: str | None = None,
    after: str = "",
    most_bytes: int,
) -> ReferrerPage:
    """Return the next page of the manifests that refer to a subject.

    Args:
        transaction: the transaction to read in.
        repository: repository of the subject.
        subject: digest or alias of the subject. If the repository has the subject, referrers that
            state its other name are found too.
        artifact_type: the type to select; None: all.
        after: last digest of the previous page.
        most_bytes: largest size of a page of more than one manifest.
    """
    known = find_manifest(transaction, repository, subject)
    others = () if known is None else (known.digest, known.sha512)
    query = (
        select(repository_manifests)
        .where(
            in_repository(repository_manifests, repository),
            repository_manifests.c.subject_digest.in_({subject, *filter(None, others)}),
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
        page.append(_read_manifest(row))
    return ReferrerPage(page, has_more=False)


def delete_manifest(transaction: Transaction, repository: Repository, digest: str) -> bool:
    """Delete a manifest, without its tags; return whether one existed."""
    gone = transaction.execute(
        delete(repository_manifests).where(
            in_repository(repository_manifests, repository), repository_manifests.c.digest == digest
        )
    )
    return bool(gone.rowcount)


def find_tag(transaction: Transaction, repository: Repository, name: str) -> str | None:
    """Return the digest of a tag."""
    row = transaction.execute(
        select(repository_tags.c.digest).where(
            in_repository(repository_tags, repository), repository_tags.c.name == name
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
    """Insert a tag, or move an existing one. Raises NotFound: the organization was deleted."""
    ensure_owner_exists(transaction, repository.owner)
    values = {"digest": digest, "updated_at": at, "updated_by": by}
    moved = transaction.execute(
        update(repository_tags)
        .where(in_repository(repository_tags, repository), repository_tags.c.name == name)
        .values(values)
    ).rowcount
    if not moved:
        new = {**repository_columns(repository), "name": name, **values}
        transaction.execute(insert(repository_tags).values(new))


def list_tags(transaction: Transaction, repository: Repository) -> list[str]:
    """Return all tags, sorted."""
    rows = transaction.execute(
        select(repository_tags.c.name)
        .where(in_repository(repository_tags, repository))
        .order_by(repository_tags.c.name)
    )
    return [row.name for row in rows]


def delete_tag(transaction: Transaction, repository: Repository, name: str) -> bool:
    """Delete a tag; return whether one existed."""
    gone = transaction.execute(
        delete(repository_tags).where(
            in_repository(repository_tags, repository), repository_tags.c.name == name
        )
    )
    return bool(gone.rowcount)


def delete_tags_of(transaction: Transaction, repository: Repository, digest: str) -> None:
    """Delete all tags of a manifest."""
    transaction.execute(
        delete(repository_tags).where(
            in_repository(repository_tags, repository), repository_tags.c.digest == digest
        )
    )


def add_blob_upload(transaction: Transaction, upload: BlobUpload) -> None:
    """Insert the upload of a blob. Raises NotFound: the organization was deleted."""
    ensure_owner_exists(transaction, upload.repository.owner)
    values = {**entity_columns(upload), **repository_columns(upload.repository)}
    transaction.execute(insert(blob_uploads).values(values))


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
