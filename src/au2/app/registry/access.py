"""Access to repositories of the registry: permission, tags, digests and version numbers."""

from au2.app.lookup import ensure_may, ensure_may_in
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor
from au2.domain.errors import InvalidRequest, NotFound, RepositoryUnknown
from au2.domain.processes.repository import Repository
from au2.domain.processes.version import ImageStatus, Version
from au2.oci.spec.digest import parse_any_digest
from au2.oci.spec.reference import TAG
from au2.stores.database.content import repositories
from au2.stores.database.database import Transaction
from au2.stores.database.processes import find_process
from au2.stores.database.versions import find_version

_LARGEST_NUMBER = 2**31 - 1


def ensure_may_use(
    transaction: Transaction, actor: Actor, action: Action, repository: Repository
) -> None:
    """Refuse unless the actor may do ``action`` to the images of ``repository``.

    Args:
        transaction: reads the repository's process.
        actor: of the request.
        action: PULL_IMAGE, PUSH_IMAGE or DELETE_IMAGE.
        repository: of a process or of an organization.

    Raises:
        RepositoryUnknown: the repository is foreign; exactly as if there were none.
        NotPermitted: the repository is visible, and the actor's role is too weak.
    """
    organization = repository.owner
    if repository.process_id is None:
        if not actor.may(Action.PULL_IMAGE, organization):
            raise _unknown(repository)
        if action is not Action.PULL_IMAGE:
            # Pushed to the organization itself: a member of a project below pushes nothing there.
            ensure_may_in(actor, action, organization)
        return
    process = find_process(transaction, repository.process_id)
    is_here = process is not None and process.context.organization_id == repository.organization_id
    if process is None or not is_here or not actor.may(Action.VIEW_PROCESS, process.context):
        raise _unknown(repository)
    if action is not Action.PULL_IMAGE:
        ensure_may(actor, Action.UPLOAD_VERSION, process.context)


def can_pull(transaction: Transaction, actor: Actor, repository: Repository) -> bool:
    """Whether the actor may see the content of a repository."""
    try:
        ensure_may_use(transaction, actor, Action.PULL_IMAGE, repository)
    except RepositoryUnknown:
        return False
    return True


def context_of(transaction: Transaction, repository: Repository) -> Context:
    """Context in which images of the repository are used: its process's, else the organization."""
    process = find_process(transaction, repository.process_id) if repository.process_id else None
    return repository.owner if process is None else process.context


def is_digest_reference(reference: str) -> bool:
    """Whether a reference is a digest, not a tag. Raises InvalidRequest: neither of both."""
    if ":" in reference:
        parse_any_digest(reference)
        return True
    if not TAG.fullmatch(reference):
        raise InvalidRequest(f"{reference[:100]!r} is neither a tag nor a digest.")
    return False


def reads_as_digest(repository: Repository, reference: str) -> bool:
    """Whether a reference is a digest, not a tag. Raises NotFound: neither of both."""
    try:
        return is_digest_reference(reference)
    except InvalidRequest as error:
        raise NotFound(f"{repository} has no image {reference[:100]!r}.") from error


def parse_version_tag(tag: str) -> int:
    """Return the version number of a process repository's tag. Raises InvalidRequest."""
    is_number = tag.isascii() and tag.isdecimal() and not tag.startswith("0") and len(tag) <= 10
    if not is_number or int(tag) > _LARGEST_NUMBER:
        raise InvalidRequest(
            f"'{tag}' is no version. The tags of a process are the numbers of its versions."
        )
    return int(tag)


def resolve_tag(transaction: Transaction, repository: Repository, tag: str) -> str | None:
    """Return the digest of a tag; None: there is no such tag."""
    if repository.process_id is None:
        return repositories.find_tag(transaction, repository, tag)
    version = find_tagged_version(transaction, repository, tag)
    if version is None:
        return None
    # The push under this tag may have been an index around the version's image.
    return repositories.find_tag(transaction, repository, tag) or version.image_digest


def find_tagged_version(
    transaction: Transaction, repository: Repository, tag: str
) -> Version | None:
    """Return the version of a process repository's tag; None: none, or without an image."""
    try:
        number = parse_version_tag(tag)
    except InvalidRequest:
        return None
    version = find_version(transaction, repository.process_id or "", number)
    is_there = version is not None and version.image_status is ImageStatus.AVAILABLE
    return version if is_there else None


def _unknown(repository: Repository) -> RepositoryUnknown:
    return RepositoryUnknown(f"There is no repository {repository} here.")
