"""What a process takes, without the wire models: ``process run`` asks for it and is in a hurry."""

from typing import Any

from au2.client.transport import Transport
from au2.domain.errors import UnexpectedAnswer


def get_argument_schema(
    transport: Transport, process_id: str, version: int | None
) -> dict[str, Any] | None:
    """Return the schema of a version's arguments; None: it takes any object.

    ``version``: None is the one that a run takes. Raises NotFound, Conflict.
    """
    number = "default" if version is None else version
    document = transport.call("GET", f"/processes/{process_id}/versions/{number}")
    schema = document.get("args_schema") if isinstance(document, dict) else False
    if schema is not None and not isinstance(schema, dict):
        raise UnexpectedAnswer
    return schema
