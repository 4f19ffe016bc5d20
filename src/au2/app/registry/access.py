"""Permission on a repository of the registry: one question for pulling, pushing and deleting."""

from au2.app.permissions import ensure_may, ensure_may_in
from au2.domain.context import Context
from au2.domain.errors import RepositoryUnknown
from au2.domain.identity import Action, Actor
from au2.domain.process import Process
from au2.domain.repository import Repository
from au2.stores.database.database import Transaction
from au2.stores.database.processes import find_process


def ensure_may_use(
    transaction: Transaction, actor: Actor, action: Action, repository: Repository
) -> None:
    """Refuse unless the actor may do ``action`` to the images of ``repository``.

    Args:
        transaction: reads the repository's process.
        actor: who asks.
        action: PULL_IMAGE, PUSH_IMAGE or DELETE_IMAGE.
        repository: of a process or of an organization.

    Raises:
        RepositoryUnknown: the repository is foreign; exactly as if there were none.
        NotPermitted: the repository is visible, and the actor's role is too weak.
    """
    if repository.process_id is not None:
        process = _find_visible(transaction, actor, repository)
        if action is not Action.PULL_IMAGE:
            ensure_may(actor, Action.UPLOAD_VERSION, process.context)
        return
    owner = Context(repository.organization_id)
    if not actor.may(Action.PULL_IMAGE, owner):
        raise _unknown(repository)
    if action is not Action.PULL_IMAGE:
        # Made in the organization itself: a member of a project below makes nothing there.
        ensure_may_in(actor, action, owner)


def _find_visible(transaction: Transaction, actor: Actor, repository: Repository) -> Process:
    process = find_process(transaction, repository.process_id or "")
    is_here = process is not None and process.context.organization_id == repository.organization_id
    if process is None or not is_here or not actor.may(Action.VIEW_PROCESS, process.context):
        raise _unknown(repository)
    return process


def _unknown(repository: Repository) -> RepositoryUnknown:
    return RepositoryUnknown(f"There is no repository {repository} here.")
