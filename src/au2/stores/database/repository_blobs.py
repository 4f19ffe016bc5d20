"""Which blobs came to which repository.

The blob store keeps equal blobs once, whoever sent them. What somebody may use, and is told to be
there already, is only what came to a repository that they may see: a digest alone is no key.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import insert, select, update

from au2.domain.repository import Repository
from au2.stores.database.chunks import in_chunks
from au2.stores.database.database import Transaction
from au2.stores.database.tables import repository_blobs


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
