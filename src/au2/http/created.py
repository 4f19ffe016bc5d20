"""Responses of status 201: the header ``Location``, set and described in one form."""

from urllib.parse import quote, urlencode

from fastapi import Response

from au2.domain.accounts.context import Context
from au2.http.errors import Responses

PREFIX = "/api/v1"


def set_location(response: Response, *segments: str | int, context: Context | None = None) -> None:
    """Set ``Location`` to the path of a new object.

    Args:
        response: of the request that created the object.
        segments: of the path below ``/api/v1``.
        context: where the path alone does not name the object: its organization and project.
    """
    path = "/".join((PREFIX, *(quote(str(segment), safe="@") for segment in segments)))
    response.headers["Location"] = path + ("" if context is None else f"?{_query(context)}")


def _query(context: Context) -> str:
    named = {"organization": context.organization_id, "project": context.project_id}
    return urlencode({name: value for name, value in named.items() if value is not None})


def created(description: str) -> Responses:
    """Return the OpenAPI response of status 201, with its ``Location``."""
    location = {
        "description": "Path of what was created, with the query that it needs.",
        "schema": {"type": "string", "format": "uri-reference"},
        "required": True,
    }
    return {201: {"description": description, "headers": {"Location": location}}}
