"""Blobs of an organization that an actor may mount: those of visible repositories."""

from collections.abc import Collection

from au2.app.registry.access import ensure_may_use
from au2.app.registry.images import ImageContents
from au2.domain.context import Context
from au2.domain.errors import RepositoryUnknown
from au2.domain.identity import Action, Actor
from au2.domain.repository import Repository
from au2.stores.database.content.layers import find_layer_blobs
from au2.stores.database.content.repositories import find_repository_blobs, list_holders
from au2.stores.database.database import Transaction
from au2.stores.database.processes import find_process
from au2.stores.database.runtimes import list_visible_images


class MountableBlobs:
    """Search for blobs that need not be sent again."""

    def __init__(self, contents: ImageContents) -> None:
        self._contents = contents

    def find(
        self,
        transaction: Transaction,
        actor: Actor,
        repository: Repository,
        digests: Collection[str],
    ) -> dict[str, int]:
        """Return the sizes in bytes of those blobs that need not be sent to ``repository``.

        They came to it, or to another repository of the organization that the actor may see; or
        they were made here, for images that people pull and build on: layers of runtimes that may
        be used there, and of dependencies of packages that are visible there. Whether they are
        still in the blob store is for the caller to ask.
        """
        found = find_repository_blobs(transaction, repository, digests)
        found |= _find_held(transaction, actor, repository, set(digests) - set(found))
        found |= self._find_made(transaction, actor, repository, set(digests) - set(found))
        return found

    def _find_made(
        self, transaction: Transaction, actor: Actor, repository: Repository, digests: set[str]
    ) -> dict[str, int]:
        if not digests:
            return {}
        context = _context_of(transaction, repository)
        if not actor.may(Action.VIEW_RUNTIME, context):
            return {}
        found = self._contents.find(list_visible_images(transaction, context), digests)
        rest = digests - set(found)
        return found | find_layer_blobs(transaction, context, rest)


def can_see(transaction: Transaction, actor: Actor, repository: Repository) -> bool:
    """Whether the actor may see what is in a repository."""
    try:
        ensure_may_use(transaction, actor, Action.PULL_IMAGE, repository)
    except RepositoryUnknown:
        return False
    return True


def _find_held(
    transaction: Transaction, actor: Actor, repository: Repository, digests: set[str]
) -> dict[str, int]:
    """Those that came to another repository that the actor may see."""
    found: dict[str, int] = {}
    seen: dict[Repository, bool] = {}
    for digest, repositories in list_holders(
        transaction, repository.organization_id, digests
    ).items():
        for holder in repositories:
            if holder not in seen:
                seen[holder] = can_see(transaction, actor, holder)
            if seen[holder]:
                found |= find_repository_blobs(transaction, holder, [digest])
                break
    return found


def _context_of(transaction: Transaction, repository: Repository) -> Context:
    """Where the images of the repository are used."""
    process = (
        None if repository.process_id is None else find_process(transaction, repository.process_id)
    )
    return Context(repository.organization_id) if process is None else process.context
