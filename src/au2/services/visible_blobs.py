"""Which blobs of an organization somebody may use: those of repositories that they may see."""

from collections.abc import Collection

from au2.domain.errors import RepositoryUnknown
from au2.domain.identity import Actor
from au2.domain.repository import Repository
from au2.services.repository_access import ensure_may_pull
from au2.storage.database import Transaction
from au2.storage.repository_blobs import find_repository_blobs, list_holders


def find_usable_blobs(
    transaction: Transaction, actor: Actor, repository: Repository, digests: Collection[str]
) -> dict[str, int]:
    """Return the sizes in bytes of those blobs that need not be sent to ``repository`` again.

    They came to it, or to another repository of the organization that the actor may see. Whether
    they are still in the blob store is for the caller to ask.
    """
    found = find_repository_blobs(transaction, repository, digests)
    holders = list_holders(transaction, repository.organization_id, set(digests) - set(found))
    seen: dict[Repository, bool] = {}
    for digest, repositories in holders.items():
        for holder in repositories:
            if holder not in seen:
                seen[holder] = can_see(transaction, actor, holder)
            if seen[holder]:
                found |= find_repository_blobs(transaction, holder, [digest])
                break
    return found


def can_see(transaction: Transaction, actor: Actor, repository: Repository) -> bool:
    """Whether the actor may see what is in a repository."""
    try:
        ensure_may_pull(transaction, actor, repository)
    except RepositoryUnknown:
        return False
    return True
