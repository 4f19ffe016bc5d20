"""What addresses are made of: the context of a call, and names as parts of paths."""

from urllib.parse import quote

from au2.domain.context import Context


def context_query(context: Context) -> dict[str, str | int | None]:
    """Return the query parameters that name ``context``."""
    return {"organization": context.organization_id, "project": context.project_id}


def segment(text: str) -> str:
    """Return ``text`` escaped as one segment of a path."""
    return quote(text, safe="")
