"""Manifests and tags of repositories."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, insert, select, update

from au2.domain.repository import Repository
from au2.storage.database import Transaction
from au2.storage.tables import repository_manifests, repository_tags


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest or index that was pushed."""

    digest: str
    media_type: str
    size_bytes: int
    artifact_type: str | None
    subject_digest: str | None
    annotations: Mapping[str, str]
    pushed_at: datetime
    pushed_by: str
    """Email address."""


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


def list_referrers(
    transaction: Transaction, repository: Repository, subject_digest: str
) -> list[StoredManifest]:
    """The manifests that are about another one, oldest first."""
    rows = transaction.execute(
        select(repository_manifests)
        .where(
            _in(repository_manifests, repository),
            repository_manifests.c.subject_digest == subject_digest,
        )
        .order_by(repository_manifests.c.pushed_at, repository_manifests.c.digest)
    )
    return [_manifest(row) for row in rows]


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
