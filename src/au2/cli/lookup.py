"""Look-up of objects by GUID or by a name that is unique in the context."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from au2.cli.session import Session
from au2.client.resources.resource import Named, list_named
from au2.domain.errors import Conflict, Detail, NotFound
from au2.domain.ids import is_guid, parse_guid


def find_process_id(session: Session, text: str) -> str:
    """Return the process's GUID. A GUID costs no request. Raises NotFound, Conflict."""
    return _find_id(session, text, "process", "/processes")


def find_runtime_id(session: Session, text: str) -> str:
    """Return the runtime's GUID. A GUID costs no request. Raises NotFound, Conflict."""
    return _find_id(session, text, "runtime", "/runtimes")


def only_one(found: Sequence[Named], text: str, noun: str) -> Named:
    """Return the one thing in ``found``. Raises NotFound, Conflict (which lists the candidates)."""
    if not found:
        raise NotFound(
            f"There is no {noun} '{text}' in this context.", hint=f"See: au2 {noun} list"
        )
    if len(found) > 1:
        raise Conflict(
            f"The name '{text}' is not unique here: {len(found)} have it.",
            hint="Name it by its GUID.",
            details=[Detail(str(item)) for item in found],
        )
    return found[0]


def _find_id(session: Session, text: str, noun: str, path: str) -> str:
    if is_guid(text.strip()):
        return parse_guid(text)
    return only_one(list_named(session.transport, session.context, path, text), text, noun).id


if TYPE_CHECKING:
    # Pydantic takes longer to import than most commands to run.
    from au2.client.resources.organizations import Organizations
    from au2.wire.organization import OrganizationView, ProjectView

_ScopeT = TypeVar("_ScopeT", "OrganizationView", "ProjectView")


def find_organization(calls: "Organizations", text: str) -> "OrganizationView":
    """Return the organization. Raises NotFound, Conflict (the name is not unique)."""
    if is_guid(text.strip()):
        return calls.get_organization(parse_guid(text))
    return _find_one(calls.list_organizations(), text, "organization")


def find_project(calls: "Organizations", organization_id: str, text: str) -> "ProjectView":
    """Return a project of the organization. Raises NotFound, Conflict (the name is not unique)."""
    return _find_one(calls.list_projects(organization_id), text, "project")


def _find_one(places: Sequence[_ScopeT], text: str, noun: str) -> _ScopeT:
    wanted = text.strip().lower() if is_guid(text.strip()) else None
    found = [place for place in places if place.id == wanted or place.name == text]
    if not found:
        raise NotFound(f"There is no {noun} '{text}' here.", hint=f"See: au2 {noun} list")
    if len(found) > 1:
        raise Conflict(
            f"{len(found)} {noun}s are named '{text}'.",
            hint="Name it by its GUID.",
            details=[Detail(place.id) for place in found],
        )
    return found[0]
