"""What a process takes, without the wire models: ``process run`` asks for it and is in a hurry."""

from typing import Any

from au2.client.http.transport import Transport
from au2.client.resources.versions import DEFAULT, get_version
from au2.domain.errors import UnexpectedAnswer


def get_argument_schema(
    transport: Transport, process_id: str, version: int | None, *, latest: bool = False
) -> dict[str, Any] | None:
    """Return the schema of a version's arguments; None: it takes any object.

    ``version``: None is the one that a run takes, with ``latest`` or without. Raises NotFound,
    Conflict.
    """
    if version is not None:
        document = get_version(transport, process_id, str(version))
    else:
        document = get_version(transport, process_id, DEFAULT, latest=latest)
    schema = document.get("args_schema")
    if schema is not None and not isinstance(schema, dict):
        raise UnexpectedAnswer
    return schema
