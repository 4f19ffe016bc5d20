"""Looking things up by name, without the wire models: ``process run`` is in a hurry."""

from typing import Final, NamedTuple

from au2.client.answers import find_text, take_text
from au2.client.http.transport import Transport
from au2.client.http.urls import context_query
from au2.domain.context import Context
from au2.domain.errors import UnexpectedAnswer

_MOST_NAME_CHARACTERS: Final = 200


class Named(NamedTuple):
    """A process or runtime, as far as it takes to tell namesakes apart."""

    id: str
    name: str
    context: Context | None
    """Whose it is; None: global."""

    def __str__(self) -> str:
        """Return the id and whose it is."""
        if self.context is None:
            return f"{self.id} (global)"
        project = self.context.project_id
        inner = f", project {project}" if project else ""
        return f"{self.id} (organization {self.context.organization_id}{inner})"


def list_named(
    transport: Transport, context: Context, path: str, name: str | None = None
) -> list[Named]:
    """Return what is visible at ``path`` in ``context``: named exactly ``name``, or (None) all."""
    if name is not None and len(name) > _MOST_NAME_CHARACTERS:
        return []
    query = context_query(context) | {"name": name}
    found = transport.call("GET", path, query=query)
    if not isinstance(found, list):
        raise UnexpectedAnswer
    named = [
        Named(
            take_text(item, "id"),
            take_text(item, "name"),
            owner(find_text(item, "organization"), find_text(item, "project")),
        )
        for item in found
    ]
    return [one for one in named if name is None or one.name == name]


def owner(organization: str | None, project: str | None) -> Context | None:
    """Return the context of an object's ``organization`` and ``project``; None: it is global."""
    return None if organization is None else Context(organization, project)
