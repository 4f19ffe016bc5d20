"""Manifests and tags of repositories."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, insert, select, update

from au2.domain.repository import Repository
from au2.stores.database.chunks import in_chunks
from au2.stores.database.database import Transaction
from au2.stores.database.tables import repository_manifests, repository_tags


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
