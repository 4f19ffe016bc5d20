"""Context of a command: options before variables before the configuration.

An organization from a stronger source drops the project of a weaker one, which belongs to another
organization.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from au2.domain.accounts.context import Context
from au2.domain.errors import InvalidRequest
from au2.domain.ids import is_guid, parse_guid

if TYPE_CHECKING:
    from au2.cli.command import Session

_NO_ID = "00000000-0000-0000-0000-000000000000"
"""In the variables of a plain local run."""
CONFIGURATION = "configuration"
"""Source of a context chosen by `au2 context set`."""
TOKEN_VARIABLE = "AU_TOKEN"  # noqa: S105 - the name of the variable
_SET_HINT = "Set one with: au2 context set ORGANIZATION [PROJECT]"


class ContextChoice(NamedTuple):
    """Organization and project as they were given, each a GUID or a name."""

    organization: str
    project: str | None
    source: str
    """Of the organization: ``--organization``, ``AU_ORGANIZATION`` or CONFIGURATION."""


class _Level(NamedTuple):
    organization: str | None
    project: str | None
    source: str


def find_choice(session: "Session") -> ContextChoice | None:
    """Return the choice, without a request; None without one. Raises InvalidRequest."""
    project = None
    for level in _list_levels(session):
        project = project or level.project
        if level.organization is not None:
            return ContextChoice(level.organization, project, level.source)
    return None


def resolve_context(session: "Session") -> Context:
    """Return the context; a name costs a request each, GUIDs none.

    Raises:
        InvalidRequest: no context was chosen.
        NotFound: there is no organization or project of that name.
        Conflict: the name is not unique.
    """
    choice = find_choice(session)
    if choice is None:
        raise InvalidRequest("No context is set.", hint=_SET_HINT)
    organization, project = choice.organization.strip(), (choice.project or "").strip()
    if is_guid(organization) and (not project or is_guid(project)):
        return Context(parse_guid(organization), parse_guid(project) if project else None)
    from au2.cli.lookup import find_organization, find_project
    from au2.client.resources.organizations import Organizations

    calls = Organizations(session.transport)
    id_ = find_organization(calls, choice.organization).id
    return Context(id_, find_project(calls, id_, project).id if project else None)


def _list_levels(session: "Session") -> Iterator[_Level]:
    """Yield the sources from the strongest on; the configuration is read only at the end."""
    yield _Level(session.stated_organization, session.stated_project, "--organization")
    environment = session.environment
    organization = environment.get("AU_ORGANIZATION") or None
    if organization == _NO_ID:
        raise InvalidRequest(
            "AU_ORGANIZATION names no organization: this is a local run.",
            hint="Name one with --organization, or unset AU_ORGANIZATION and AU_PROJECT.",
        )
    yield _Level(organization, environment.get("AU_PROJECT") or None, "AU_ORGANIZATION")
    entry = session.entry
    yield _Level(entry.organization, entry.project, CONFIGURATION)
