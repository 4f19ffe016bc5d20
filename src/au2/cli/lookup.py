"""Look-up of objects by id, or by a unique name."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from au2.cli.command import Session
from au2.client.resources.resource import list_named
from au2.domain.errors import Conflict, Detail, NotFound
from au2.domain.ids import is_guid, parse_guid

if TYPE_CHECKING:
    from au2.client.resources.organizations import Organizations
    from au2.wire.account import OrganizationView, ProjectView


class _Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


_MOST_CHARACTERS = 200
"""Of a name that others are compared with."""
_NamedT = TypeVar("_NamedT", bound=_Named)


def find_process_id(session: Session, text: str) -> str:
    """Return the process's GUID. A GUID costs no request. Raises NotFound, Conflict."""
    return _find_id(session, text, "process", "/processes")


def find_runtime_id(session: Session, text: str) -> str:
    """Return the runtime's GUID. A GUID costs no request. Raises NotFound, Conflict."""
    return _find_id(session, text, "runtime", "/runtimes")


def find_organization(calls: "Organizations", text: str) -> "OrganizationView":
    """Return the organization. Raises NotFound, Conflict (the name is not unique)."""
    if is_guid(text.strip()):
        return calls.get_organization(parse_guid(text))
    return find_one(calls.list_organizations(), text, "organization", where="")


def find_project(calls: "Organizations", organization_id: str, text: str) -> "ProjectView":
    """Return a project of the organization. Raises NotFound, Conflict (the name is not unique)."""
    # The organization need not be that of the context.
    return find_one(
        calls.list_projects(organization_id),
        text,
        "project",
        where=" in this organization",
        listing=f"project list --organization {organization_id}",
    )


def find_one(
    items: Iterable[_NamedT],
    text: str,
    noun: str,
    *,
    where: str = " in this context",
    listing: str | None = None,
) -> _NamedT:
    """Return the one item with the id ``text``, or else with this name.

    Args:
        items: all candidates.
        text: as the user gave it.
        noun: of the items, for messages.
        where: end of the sentence "There is no NOUN 'TEXT'".
        listing: command of ``au2`` that lists the items; None: ``NOUN list``.

    Raises:
        NotFound: no item has the id or name.
        Conflict: several items have the name; the details list them.
    """
    candidates = list(items)
    wanted = text.strip().lower()
    found = [item for item in candidates if item.id == wanted]
    found = found or [item for item in candidates if item.name == text]
    if not found:
        close = _suggest(text, [item.name for item in candidates])
        raise NotFound(
            f"There is no {noun} '{text}'{where}.{close}",
            hint=f"See: au2 {listing or f'{noun} list'}",
        )
    if len(found) > 1:
        raise Conflict(
            f"The name '{text}' is not unique: {len(found)} have it.",
            hint="Use the GUID instead.",
            details=[Detail(_describe(item)) for item in found],
        )
    return found[0]


def _find_id(session: Session, text: str, noun: str, path: str) -> str:
    if is_guid(text.strip()):
        return parse_guid(text)
    context = session.context
    found = list_named(session.transport, context, path, text)
    if not found:
        # For the error, which names similar ones.
        found = list_named(session.transport, context, path)
    return find_one(found, text, noun).id


def _suggest(text: str, names: Sequence[str]) -> str:
    """Return a question that names similar names, in any letter case; or the empty text."""
    from difflib import get_close_matches  # only needed for typing errors

    folded = {name.casefold(): name for name in reversed(names)}
    close = get_close_matches(text.casefold()[:_MOST_CHARACTERS], folded, n=3)
    quoted = [f"'{folded[name]}'" for name in close]
    return f" Did you mean {' or '.join(quoted)}?" if quoted else ""


def _describe(item: _Named) -> str:
    """Return the id and, of processes and runtimes, the owner."""
    if not hasattr(item, "project"):
        return item.id
    organization = getattr(item, "organization", None)
    if organization is None:
        return f"{item.id} (global)"
    inner = f", project {item.project}" if item.project else ""
    return f"{item.id} (organization {organization}{inner})"
