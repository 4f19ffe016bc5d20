"""Who may do what in which repository of the registry."""

from au2.app.permissions import ensure_may, ensure_may_in
from au2.domain.context import Context
from au2.domain.errors import RepositoryUnknown
from au2.domain.identity import Action, Actor
from au2.domain.process import Process
from au2.domain.repository import Repository
from au2.stores.database.database import Transaction
from au2.stores.database.processes import find_process


def ensure_may_pull(transaction: Transaction, actor: Actor, repository: Repository) -> None:
    """Refuse unless the actor may see what is in the repository.

    Raises:
        RepositoryUnknown: it is foreign; exactly as if there were none.
    """
    if repository.process_id is not None:
        _find_visible(transaction, actor, repository)
    elif not actor.may(Action.PULL_IMAGE, Context(repository.organization_id)):
        raise _unknown(repository)


def ensure_may_push(transaction: Transaction, actor: Actor, repository: Repository) -> None:
    """Refuse unless the actor may add to the repository.

    Raises:
        RepositoryUnknown: it is foreign.
        NotPermitted: it may be seen only.
    """
    _ensure_may_change(transaction, actor, repository, Action.PUSH_IMAGE)


def ensure_may_delete(transaction: Transaction, actor: Actor, repository: Repository) -> None:
    """Refuse unless the actor may delete from the repository. Raises as pushing does."""
    _ensure_may_change(transaction, actor, repository, Action.DELETE_IMAGE)


def _ensure_may_change(
    transaction: Transaction, actor: Actor, repository: Repository, action: Action
) -> None:
    ensure_may_pull(transaction, actor, repository)
    if repository.process_id is None:
        # Made in the organization itself: a member of a project below makes nothing there.
        ensure_may_in(actor, action, Context(repository.organization_id))
    else:
        process = _find_visible(transaction, actor, repository)
        ensure_may(actor, Action.UPLOAD_VERSION, process.context)


def _find_visible(transaction: Transaction, actor: Actor, repository: Repository) -> Process:
    process = find_process(transaction, repository.process_id or "")
    is_here = process is not None and process.context.organization_id == repository.organization_id
    if process is None or not is_here or not actor.may(Action.VIEW_PROCESS, process.context):
        raise _unknown(repository)
    return process


def _unknown(repository: Repository) -> RepositoryUnknown:
    return RepositoryUnknown(f"There is no repository {repository} here.")
