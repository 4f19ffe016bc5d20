"""What addresses are made of: the context of a call, and names as parts of paths."""

from urllib.parse import quote

from au2.domain.context import Context
from au2.domain.errors import InvalidRequest
from au2.domain.json_value import is_encodable


def context_query(context: Context) -> dict[str, str | int | None]:
    """Return the query parameters that name ``context``."""
    return {"organization": context.organization_id, "project": context.project_id}


def segment(text: str) -> str:
    """Return ``text`` escaped as one segment of a path."""
    return quote(ensure_sendable(text), safe="")


def ensure_sendable(text: str) -> str:
    """Return ``text``. Raises InvalidRequest if it can't be written in UTF-8."""
    if not is_encodable(text):
        raise InvalidRequest("This can't be sent: a text holds half of a character.")
    return text
