"""From an answer that is an error to the class of the one tree that it is."""

import json
from typing import Any

from au2.domain.errors import (
    Au2Error,
    Conflict,
    Detail,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    ServerUnreachable,
    StorageFull,
    TooLarge,
    UnexpectedAnswer,
    all_errors,
)

_SHOWN_CHARACTERS = 200
_MESSAGE_CHARACTERS = 4000
_MOST_DETAILS = 1000
_AWAY = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
"""What proxies say while the server behind them can't be reached."""

_BY_STATUS: dict[int, type[Au2Error]] = {
    401: NotAuthenticated,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: InvalidRequest,
    507: StorageFull,
}


def read_failure(status: int, body: bytes) -> Au2Error:
    """Return the error of a response with ``status`` and ``body`` (``ErrorResponse``).

    A code that this client does not know, of a newer server, falls back to the class of its status.
    """
    error = _error_object(body)
    if error is None:
        return _bare_failure(status, body)
    known = all_errors().get(error["code"]) or _BY_STATUS.get(status, Au2Error)
    hint = _find_line(error, "hint")
    return known(_as_line(error["message"]), hint=hint, details=_details(error))


def _error_object(body: bytes) -> dict[str, Any] | None:
    try:
        error = json.loads(body)["error"]
        # Proxies have objects like ours, with their status for a code.
        is_ours = isinstance(error["message"], str) and isinstance(error["code"], str)
        return error if is_ours else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _details(error: dict[str, Any]) -> list[Detail]:
    details = error.get("details")
    if not isinstance(details, list):
        return []
    found = [item for item in details[:_MOST_DETAILS] if isinstance(item, dict)]
    return [
        Detail(
            _find_line(item, "message") or "",
            pointer=_find_line(item, "pointer"),
            file=_find_line(item, "file"),
            line=item["line"] if isinstance(item.get("line"), int) else None,
        )
        for item in found
    ]


def _find_line(document: dict[str, Any], name: str) -> str | None:
    value = document.get(name)
    return _as_line(value) if isinstance(value, str) else None


def _as_line(text: str) -> str:
    """Return what a server says as one line, not endless: it is not to look like more than that."""
    line = " ".join(text.split("\n"))
    return line if len(line) <= _MESSAGE_CHARACTERS else f"{line[:_MESSAGE_CHARACTERS]} …"


def _bare_failure(status: int, body: bytes) -> Au2Error:
    """An error that is not ours: a proxy's, or of a server that is no au2 server.

    A proxy whose server is away is to its clients what a refused connection is without one. As
    with a connection that was cut, the server may have done what was asked.
    """
    if status in _AWAY:
        return ServerUnreachable(
            "The server cannot be reached at the moment: a proxy in front of it answered with "
            f"status {status} ({_AWAY[status]}).",
            hint="Is the server running, and is the address right (--server, AU_SERVER)?",
        )
    text = " ".join(body.decode("utf-8", "replace").split())[:_SHOWN_CHARACTERS]
    message = f"The server answered with status {status}" + (f": {text}" if text else ".")
    if status in _BY_STATUS and status < 500:
        return _BY_STATUS[status](message)
    return UnexpectedAnswer(message, hint="Is this the address of an au2 server?")
