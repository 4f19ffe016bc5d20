"""What addresses are made of: the context of a call, and names as parts of paths."""

from typing import Final
from urllib.parse import quote

from au2.domain.context import Context
from au2.domain.errors import InvalidRequest, NotFound
from au2.domain.json_value import is_encodable

_MOST_NAME_CHARACTERS: Final = 1000
"""More than any name has; a longer path would be refused by the server or a proxy."""


def context_query(context: Context) -> dict[str, str | int | None]:
    """Return the query parameters that name ``context``."""
    return {"organization": context.organization_id, "project": context.project_id}


def quote_segment(text: str, noun: str = "thing") -> str:
    """Return ``text`` escaped as one segment of a path.

    Raises:
        NotFound: no ``noun`` is named so: nothing, or what no path could hold.
    """
    ensure_sendable(text)
    # Servers take paths apart only after they have decoded them.
    if not text or "/" in text or text in {".", ".."} or len(text) > _MOST_NAME_CHARACTERS:
        raise NotFound(f"There is no {noun} '{text[:_MOST_NAME_CHARACTERS]}' here.")
    return quote(text, safe="")


def ensure_sendable(text: str) -> str:
    """Return ``text``. Raises InvalidRequest if it can't be written in UTF-8."""
    if not is_encodable(text):
        raise InvalidRequest("This can't be sent: a text holds half of a character.")
    return text
