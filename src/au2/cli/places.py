"""Organizations and projects as people name them: by GUID or by a unique name."""

from collections.abc import Sequence
from typing import TypeVar

from au2.client.resources.organizations import Organizations
from au2.domain.errors import Conflict, Detail, NotFound
from au2.domain.ids import is_guid, parse_guid
from au2.wire.organization import OrganizationView, ProjectView

PlaceT = TypeVar("PlaceT", OrganizationView, ProjectView)


def find_organization(calls: Organizations, text: str) -> OrganizationView:
    """Return the organization. Raises NotFound, Conflict (the name is not unique)."""
    if is_guid(text.strip()):
        return calls.get_organization(parse_guid(text))
    return _only(calls.list_organizations(), text, "organization")


def find_project(calls: Organizations, organization_id: str, text: str) -> ProjectView:
    """Return a project of the organization. Raises NotFound, Conflict (the name is not unique)."""
    return _only(calls.list_projects(organization_id), text, "project")


def _only(places: Sequence[PlaceT], text: str, noun: str) -> PlaceT:
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
