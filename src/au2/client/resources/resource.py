"""Resource: base class of the calls of one noun; and the look-up of objects by name."""

from collections.abc import Iterator
from typing import Any, Final, TypeVar

from au2.client.http.transport import Query, Transport
from au2.client.http.urls import context_query
from au2.domain.accounts.context import Context
from au2.domain.errors import UnexpectedAnswer
from au2.wire.base import ResponseType, WireType
from au2.wire.documents import format_request, parse_page, parse_record

_MOST_NAME_CHARACTERS: Final = 200
_Record = TypeVar("_Record", bound=WireType)


class Resource:
    """Calls of one noun over one connection."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _call(
        self,
        method: str,
        path: str,
        context: Context | None = None,
        *,
        query: Query | None = None,
        body: WireType | None = None,
    ) -> Any:
        """Send a request with ``context`` in its query; return the JSON of the response."""
        named = {} if context is None else context_query(context)
        document = None if body is None else format_request(body)
        return self._transport.call(
            method, path, query={**named, **(query or {})}, document=document
        )

    def _record(
        self,
        kind: type[_Record],
        method: str,
        path: str,
        context: Context | None = None,
        *,
        query: Query | None = None,
        body: WireType | None = None,
    ) -> _Record:
        return parse_record(kind, self._call(method, path, context, query=query, body=body))

    def _list(
        self,
        kind: type[_Record],
        path: str,
        context: Context | None = None,
        query: Query | None = None,
    ) -> list[_Record]:
        named = {} if context is None else context_query(context)
        return list(read_pages(self._transport, kind, path, {**named, **(query or {})}))


def read_pages(
    transport: Transport, kind: type[_Record], path: str, query: Query
) -> Iterator[_Record]:
    """Yield the items of all pages of a list. Raises UnexpectedAnswer: the pages never end."""
    after: str | None = None
    while True:
        document = transport.call("GET", path, query={**query, "after": after})
        items, following = parse_page(kind, document)
        yield from items
        if following is None:
            return
        if not items or following == after:
            raise UnexpectedAnswer
        after = following


class Named(ResponseType):
    """Identity and owner of a process or runtime: the common part of their views."""

    id: str
    name: str
    organization: str | None
    project: str | None

    @property
    def context(self) -> Context | None:
        """The owner; None: global."""
        return None if self.organization is None else Context(self.organization, self.project)

    def __str__(self) -> str:
        """Return the id and the owner."""
        if self.organization is None:
            return f"{self.id} (global)"
        inner = f", project {self.project}" if self.project else ""
        return f"{self.id} (organization {self.organization}{inner})"


def list_named(
    transport: Transport, context: Context, path: str, name: str | None = None
) -> list[Named]:
    """Return the visible objects at ``path`` in ``context``: all, or those with a name."""
    if name is not None and len(name) > _MOST_NAME_CHARACTERS:
        return []
    query = context_query(context) | {"name": name}
    found = read_pages(transport, Named, path, query)
    return [one for one in found if name is None or one.name == name]
