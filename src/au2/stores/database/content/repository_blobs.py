"""Blobs of repositories, by digest and by alias.

The content store keeps equal blobs once for all. Only a blob sent to a repository is usable there
and reported as present: knowledge of a digest gives no access. The same holds for an alias, which
is a repository's own: where the blob came by its digest only, nobody finds it by the alias.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Table, insert, select, update

from au2.domain.processes.repository import Repository, StoredBlob
from au2.oci.spec.digest import is_alias
from au2.stores.database.database import Transaction
from au2.stores.database.owners import ensure_owner_exists
from au2.stores.database.queries import in_chunks
from au2.stores.database.tables import repository_blobs

_NO_ALIASES: Mapping[str, str] = {}


def in_repository(table: Table, repository: Repository) -> ColumnElement[bool]:
    """Condition: the row of ``table`` belongs to the repository."""
    return (table.c.organization_id == repository.organization_id) & (
        table.c.repository == repository.name
    )


def repository_columns(repository: Repository) -> dict[str, str]:
    """Return the column values of a repository."""
    return {"organization_id": repository.organization_id, "repository": repository.name}


def named(table: Table, names: Collection[str]) -> Iterator[tuple[str, ColumnElement[bool]]]:
    """Yield conditions for the rows of ``table`` with these digests or aliases.

    Each comes with the name of its column, which holds the digest or alias that was asked for.
    """
    for column in ("digest", "sha512"):
        wanted = [name for name in names if is_alias(name) == (column == "sha512")]
        for chunk in in_chunks(wanted):
            yield column, table.c[column].in_(chunk)


def resolve_blobs(
    transaction: Transaction, repository: Repository, names: Collection[str]
) -> dict[str, StoredBlob]:
    """Return the repository's blobs among ``names``, digests or aliases, by them."""
    found: dict[str, StoredBlob] = {}
    for column, is_named in named(repository_blobs, names):
        rows = transaction.execute(
            select(
                repository_blobs.c.digest,
                repository_blobs.c.size_bytes,
                repository_blobs.c.sha512,
            ).where(in_repository(repository_blobs, repository), is_named)
        )
        for row in rows:
            found[getattr(row, column)] = StoredBlob(row.digest, row.size_bytes, row.sha512)
    return found


def find_repository_blobs(
    transaction: Transaction, repository: Repository, digests: Collection[str]
) -> dict[str, int]:
    """Return the repository's blobs among ``digests``, with sizes in bytes."""
    found = resolve_blobs(transaction, repository, digests)
    return {digest: blob.size_bytes for digest, blob in found.items()}


def list_holders(
    transaction: Transaction, organization_id: str, names: Collection[str]
) -> dict[str, list[Repository]]:
    """Return, by digest or alias, the organization's repositories with the blob."""
    found: dict[str, list[Repository]] = {}
    for column, is_named in named(repository_blobs, names):
        rows = transaction.execute(
            select(repository_blobs.c[column].label("name"), repository_blobs.c.repository).where(
                repository_blobs.c.organization_id == organization_id, is_named
            )
        )
        for row in rows:
            found.setdefault(row.name, []).append(Repository(organization_id, row.repository))
    return found


def add_repository_blobs(
    transaction: Transaction,
    repository: Repository,
    sizes: Mapping[str, int],
    *,
    at: datetime,
    aliases: Mapping[str, str] = _NO_ALIASES,
) -> None:
    """Insert blobs of a repository, as of ``at``.

    The time of known blobs is renewed: garbage collection sees the repeated push. Their aliases
    stay.

    Args:
        transaction: writes the rows.
        repository: to add to.
        sizes: size in bytes by digest.
        at: time of the push.
        aliases: verified aliases by digest.

    Raises:
        NotFound: the organization was deleted.
    """
    ensure_owner_exists(transaction, repository.owner)
    known = find_repository_blobs(transaction, repository, sizes)
    for chunk in in_chunks(known):
        transaction.execute(
            update(repository_blobs)
            .where(
                in_repository(repository_blobs, repository), repository_blobs.c.digest.in_(chunk)
            )
            .values(created_at=at)
        )
    for digest in known.keys() & aliases.keys():
        transaction.execute(
            update(repository_blobs)
            .where(in_repository(repository_blobs, repository), repository_blobs.c.digest == digest)
            .values(sha512=aliases[digest])
        )
    rows = [
        {
            **repository_columns(repository),
            "digest": digest,
            "size_bytes": size_bytes,
            "created_at": at,
            "sha512": aliases.get(digest),
        }
        for digest, size_bytes in sizes.items()
        if digest not in known
    ]
    if rows:
        transaction.execute(insert(repository_blobs), rows)
