"""Versions of processes as runs need them: the default, the newest, and their argument schemas."""

from typing import Any, Final

from au2.client.http.transport import Transport
from au2.client.http.urls import quote_segment
from au2.wire.documents import parse_record
from au2.wire.process import VersionView

DEFAULT: Final = "default"
"""Instead of a number: the version of a run that names none."""
NEWEST: Final = "newest"
"""Instead of a number: the newest version with an upload."""


def get_version(
    transport: Transport, process_id: str, which: str, *, latest: bool = False
) -> VersionView:
    """Return a version, by number, ``DEFAULT`` or ``NEWEST``.

    ``latest``: with ``DEFAULT``, the version of a run that asks for the latest. Raises NotFound,
    Conflict.
    """
    query = {"latest": "true"} if latest else None
    path = f"/processes/{quote_segment(process_id)}/versions/{quote_segment(which)}"
    return parse_record(VersionView, transport.call("GET", path, query=query))


def get_argument_schema(
    transport: Transport, process_id: str, version: int | None, *, latest: bool = False
) -> dict[str, Any] | None:
    """Return the schema of a version's arguments; None: any object is valid.

    ``version``: None is the default of a run, with ``latest`` or without. Raises NotFound,
    Conflict.
    """
    if version is not None:
        return get_version(transport, process_id, str(version)).args_schema
    return get_version(transport, process_id, DEFAULT, latest=latest).args_schema
