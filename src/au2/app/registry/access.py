"""Access to repositories of the registry: permission, tags, digests and version numbers."""

from au2.app.permissions import ensure_may, ensure_may_in
from au2.domain.context import Context
from au2.domain.errors import InvalidRequest, NotFound, RepositoryUnknown
from au2.domain.identity import Action, Actor
from au2.domain.repository import Repository
from au2.domain.version import ImageStatus, Process, Version
from au2.oci.spec.digest import parse_digest
from au2.oci.spec.reference import TAG
from au2.stores.database.content import repositories
from au2.stores.database.database import Transaction
from au2.stores.database.processes import find_process
from au2.stores.database.versions import find_version

_VERSIONS_ONLY = "The tags of a process are the numbers of its versions."
_LARGEST_NUMBER = 2**31 - 1


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


def is_digest_reference(reference: str) -> bool:
    """Whether it is a digest, not a tag. Raises InvalidRequest if it is neither."""
    if ":" in reference:
        parse_digest(reference)
        return True
    if not TAG.fullmatch(reference):
        raise InvalidRequest(f"{reference[:100]!r} is neither a tag nor a digest.")
    return False


def reads_as_digest(repository: Repository, reference: str) -> bool:
    """Whether it is a digest, not a tag. Raises NotFound if it is neither."""
    try:
        return is_digest_reference(reference)
    except InvalidRequest as error:
        raise NotFound(f"{repository} has no image {reference[:100]!r}.") from error


def parse_version_tag(tag: str) -> int:
    """Return the version that a tag of a process stands for. Raises InvalidRequest."""
    is_number = tag.isascii() and tag.isdecimal() and not tag.startswith("0") and len(tag) <= 10
    if not is_number or int(tag) > _LARGEST_NUMBER:
        raise InvalidRequest(f"'{tag}' is no version. {_VERSIONS_ONLY}")
    return int(tag)


def resolve_tag(transaction: Transaction, repository: Repository, tag: str) -> str | None:
    """Return the digest that a tag gives; None: there is no such tag."""
    if repository.process_id is None:
        return repositories.find_tag(transaction, repository, tag)
    version = find_tagged_version(transaction, repository, tag)
    if version is None:
        return None
    # What was pushed under that name may be an index around the version's image.
    return repositories.find_tag(transaction, repository, tag) or version.image_digest


def find_tagged_version(
    transaction: Transaction, repository: Repository, tag: str
) -> Version | None:
    """The version with an image that a tag of a process stands for."""
    try:
        number = parse_version_tag(tag)
    except InvalidRequest:
        return None
    version = find_version(transaction, repository.process_id or "", number)
    is_there = version is not None and version.image_status is ImageStatus.AVAILABLE
    return version if is_there else None
